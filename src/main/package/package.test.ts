import { createHash, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { SigningPlan } from '../../shared/package/signing'
import { analyse } from '../pe/analyse'
import { signerOf } from './certificates/authorities'
import { readRevocationList } from './certificates/revocation'
import { checkInf } from './inf/check'
import { FORGED, packageOf, source } from './testing/sources'
import { defaultInf, packageFiles, readPackage } from '.'

describe('a package', () => {
  test('comes out the same to the byte, and another signer gives other bytes', () => {
    const digests = (subject: string) =>
      packageFiles(packageOf({ subject, revoked: true })).map(({ name, bytes }) => [
        name,
        createHash('sha256').update(bytes).digest('hex'),
      ])
    expect(digests('First')).toEqual(digests('First'))
    expect(digests('First').map(([name]) => name)).toEqual([
      'hello.sys',
      'hello.inf',
      'hello.cat',
      'hello.crl',
    ])
    expect(digests('First')[0]).not.toEqual(digests('Second')[0])
  })

  test('is read by the analysis: imports, names, version, both signatures', () => {
    const made = packageOf({ version: '2.4.1.9' })
    const { parts, problems } = readPackage(made)
    const facts = analyse(made.image, {
      catalogues: [{ name: 'hello.cat', bytes: made.catalogue! }],
    })
    expect(facts.anomalies).toEqual([])
    expect(problems).toEqual([])
    expect(facts.image?.checksum.matches).toBe(true)
    expect(facts.image?.imports.map(({ dll, functions }) => [dll, functions.length])).toEqual([
      ['ntoskrnl.exe', 2],
    ])
    expect(facts.image?.version).toMatchObject({
      fileVersion: '2.4.1.9',
      strings: { OriginalFilename: 'hello.sys', InternalName: 'Hello' },
    })
    expect(facts.driver?.driverEntry).toBe(0x1000)
    expect(facts.strings.map(({ text }) => text)).toEqual(
      expect.arrayContaining(['\\Device\\Hello', '\\??\\Hello']),
    )
    expect(
      facts.signatures.map(({ source: from, verifies, digestMatches }) => [
        from,
        verifies,
        digestMatches,
      ]),
    ).toEqual([
      ['embedded', true, true],
      ['catalogue', true, true],
    ])
    expect(parts.map(({ kind, isListed }) => [kind, isListed])).toEqual([
      ['image', true],
      ['inf', true],
      ['catalogue', null],
    ])
  })

  test.each([
    ['pkcs9', 'sha1'],
    ['rfc3161', 'sha256'],
  ] as const)(
    'has a %s stamp with %s that verifies and claims the time it was given',
    (kind, digest) => {
      const made = packageOf({ digest, stamp: { kind, time: '2024-02-03T04:05:06Z' } })
      for (const { timeStamp } of readPackage(made).signatures)
        expect(timeStamp).toMatchObject({ kind, verifies: true, time: '2024-02-03T04:05:06Z' })
    },
  )

  test('whose file was changed is not what the catalogue lists', () => {
    const made = packageOf({})
    made.image[0x410]! ^= 0xff
    made.inf[20]! ^= 0x20
    const { signatures, parts } = readPackage(made)
    expect(parts.map(({ isListed }) => isListed)).toEqual([false, false, null])
    expect(signatures.map(({ digestMatches }) => digestMatches)).toEqual([false])
  })

  test('never leads to a root of anybody else, and says on every certificate what it is', () => {
    for (const by of ['whcp', 'attestation', 'cross-signed', 'test', 'self'] as const) {
      const { signatures } = readPackage(packageOf({ by, stamp: { time: '2024-01-01' } }))
      for (const { kind, chain, timeStamp } of signatures) {
        expect(['test', 'self-signed']).toContain(kind)
        for (const { subject } of [...chain, ...(timeStamp?.chain ?? [])])
          expect(subject).toContain('O=Ring0 Lab Simulated')
      }
    }
    const { raw } = new X509Certificate(signerOf(SigningPlan.parse({}))!.bytes)
    expect(raw.toString('latin1')).toContain('Trust it nowhere')
  })

  test('holds no working code: the entry point refuses to start', () => {
    const { image } = packageOf({})
    const stub = [...image.subarray(0x400, 0x406)]
    expect(stub).toEqual([0xb8, 0x02, 0x00, 0x00, 0xc0, 0xc3])
  })

  test('with a forged time shows the evidence that the catalogue knows', () => {
    const { evidence } = readPackage(packageOf({ ...FORGED, where: 'embedded' }))
    expect(evidence.map(({ id }) => id)).toEqual([
      'compiled-after-signer-expired',
      'compiled-after-claimed-signing-time',
      'pre-2015-07-29-exemption-claimed',
      'untrusted-timestamp-root',
      'sha1-digest',
    ])
  })

  test('of a signer who was revoked brings the list that says so', () => {
    const plan = SigningPlan.parse({ revoked: true })
    const list = readRevocationList(packageOf({ revoked: true }).revocationList!)
    const serial = new X509Certificate(signerOf(plan)!.bytes).serialNumber.toLowerCase()
    expect([...list!.serials]).toEqual([serial])
    expect(readRevocationList(Uint8Array.of(0x30, 0x84, 1))).toBeNull()
  })
})

describe('the INF', () => {
  const names = { image: 'hello.sys', catalogue: 'hello.cat' }
  const plan = SigningPlan.parse({})
  const device = { id: 'TOY\\Lamp', description: 'Toy "lamp"' }
  const check = (text: string) => checkInf(Buffer.from(text), names).problems

  test.each([
    ['without devices', source],
    ['with a device', { ...source, devices: [device] }],
  ])('that a driver %s gets has no problem and installs its service', (_, from) => {
    const { facts, problems } = checkInf(Buffer.from(defaultInf(from, plan)), names)
    expect(problems).toEqual([])
    expect(facts.services.map(({ name, type }) => [name, type])).toEqual([
      ['hello', 'SERVICE_KERNEL_DRIVER'],
    ])
    expect(facts.models.map(({ description, ids }) => [description, ids])).toEqual(
      from.devices.map(({ id, description }) => [description, [id]]),
    )
  })

  test.each([
    [/CatalogFile = .*/, 'CatalogFile = other.cat', /names other\.cat/, /hello\.cat/],
    [/Signature .*/, 'Signature = "$Mac$"', /Signature/, /Windows NT/],
    [/DriverVer .*/, 'DriverVer = 2024-05-01,1', /not a date/, /05\/01\/2024/],
    [/PnpLockdown.*/, '', /PnpLockdown/, /PnpLockdown = 1/],
    [/ServiceType .*/, 'ServiceType = 16', /SERVICE_WIN32_OWN_PROCESS/, /ServiceType = 1/],
    [/StartType .*/, 'StartType = 7', /StartType/, /0 \(boot\)/],
    [/hello\.sys = 1/, '', /SourceDisksFiles/, /hello\.sys = 1/],
    [/CopyFiles = .*/, 'CopyFiles = nowhere', /no section \[nowhere\]/, /Add the section/],
    [/AddService = .*/, '', /no service/, /AddService/],
    [/Provider {4}= %Provider%/, 'Provider = %Nobody%', /%Nobody%/, /\[Strings\]/],
  ])('%s changed to "%s" is told with its line and a remedy', (old, text, message, hint) => {
    const good = defaultInf(source, plan)
    expect(good).toMatch(old)
    const problems = check(good.replace(old, text))
    const told = problems.find((problem) => message.test(problem.message))
    expect(told?.hint).toMatch(hint)
    expect(told?.line).toBeGreaterThan(0)
  })

  test('may name its catalogue for one kind of machine only', () => {
    const text = defaultInf(source, plan)
    expect(check(text.replace('CatalogFile ', 'CatalogFile.NTamd64 '))).toEqual([])
    expect(check(text.replace(/CatalogFile .*/, ''))).toMatchObject([
      { message: '[Version] has no CatalogFile.' },
    ])
  })

  test('that is no INF at all is told, and breaks nothing', () => {
    expect(check('').length).toBeGreaterThan(0)
    expect(check('\0\xff[[[\n"').length).toBeGreaterThan(0)
  })
})
