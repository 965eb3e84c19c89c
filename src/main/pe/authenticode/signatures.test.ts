import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Evidence, Signature } from '../../../shared/driver-file/facts'
import { expected, fixture, imageOf, signaturesOf } from './testing/fixtures'
import { readSignatures } from '.'

const drivers = Object.entries(expected.drivers)

const given = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../data/fixtures/pe/expected.json'), 'utf8'),
) as Record<string, { expected: { flags?: string[]; tst?: string } }>

describe('the drivers signed here', () => {
  test.each(drivers)('%s: kinds and evidence are the intended ones', (name, { kinds, flags }) => {
    const { signatures, evidence } = signaturesOf(fixture(`signed/${name}`))
    expect(signatures.map(({ kind }) => kind)).toEqual(kinds)
    expect(evidence.map(({ id }) => id).sort()).toEqual(flags)
  })

  test.each(drivers.filter(([, { signatures }]) => signatures.length > 0))(
    '%s: signer, digest, program and stamp are what osslsigncode reads',
    (name, { signatures: theirs }) => {
      const { signatures } = signaturesOf(fixture(`signed/${name}`))
      const ours = signatures.map((signature) => ({
        digestAlgorithm: signature.digestAlgorithm,
        digest: signature.digest,
        digestMatches: signature.digestMatches,
        signer: signature.chain[0].subjectName,
        issuer: signature.chain[0].issuerName,
        serial: signature.chain[0].serial,
        from: signature.chain[0].from,
        to: signature.chain[0].to,
        programName: signature.programName,
        programUrl: signature.programUrl,
        stampTime: signature.timeStamp?.time ?? null,
        stampIssuer: signature.timeStamp?.chain[0].issuerName ?? null,
      }))
      expect(ours).toEqual(theirs)
    },
  )

  test.each(drivers)('%s: what is read has the shape of the contract', (name) => {
    const { signatures, evidence } = signaturesOf(fixture(`signed/${name}`))
    expect(Signature.array().safeParse(signatures).error).toBeUndefined()
    expect(Evidence.array().safeParse(evidence).error).toBeUndefined()
  })
})

describe('the drivers given with the task', () => {
  test.each(Object.entries(given))('%s: the evidence is exactly the expected', (name, facts) => {
    const { signatures, evidence } = signaturesOf(fixture(`pe/${name}`))
    expect(evidence.map(({ id }) => id).sort()).toEqual([...(facts.expected.flags ?? [])].sort())
    if (facts.expected.tst) expect(signatures[0].timeStamp?.time).toBe(facts.expected.tst)
  })

  test('the signer of ferry-forged.sys has the digest of the signed part that the policy denies', () => {
    const [{ chain }] = signaturesOf(fixture('pe/ferry-forged.sys')).signatures
    const denied = 'D1E4C8F563CCB1D605BC2D7587C97AF18AAE3D7AC811372E90F9143ACD94BAB1'
    expect(chain.map(({ tbs }) => tbs.algorithm.toUpperCase())).toContain(denied)
    expect(chain.map(({ subjectName }) => subjectName)).toEqual([
      'Old Harbour Software Visible',
      'Lab Visible Legacy Code Signing CA',
      'Lab Visible Root CA',
    ])
  })
})

describe('a signature', () => {
  const signature = (name: string) => signaturesOf(fixture(`signed/${name}`)).signatures[0]

  test('verifies with RSA, with an EC key, with SHA-1 and with SHA-384', () => {
    for (const name of ['test-ca.sys', 'curve.sys', 'sha1.sys', 'sha384.sys', 'self-signed.sys']) {
      expect([name, signature(name).verifies]).toEqual([name, true])
    }
    expect(signature('curve.sys').chain[0].key).toBe('EC P-256')
    expect(signature('test-ca.sys').chain.map(({ key }) => key)).toEqual(Array(3).fill('RSA 2048'))
  })

  test('still verifies when the file was changed, and not when the signature was', () => {
    expect(signature('tampered.sys')).toMatchObject({ digestMatches: false, verifies: true })
    expect(signature('tampered-signature.sys')).toMatchObject({
      digestMatches: true,
      verifies: false,
    })
  })

  test('has a chain from the leaf to the root, complete only when the root is there', () => {
    expect(signature('test-ca.sys')).toMatchObject({ chainIsComplete: true, others: [] })
    expect(signature('test-ca.sys').chain.map(({ isCa }) => isCa)).toEqual([false, true, true])
    expect(signature('chain-incomplete.sys').chain).toHaveLength(1)
    expect(signature('chain-incomplete.sys').chainIsComplete).toBe(false)
  })

  test('nested in another comes after it', () => {
    const { signatures } = signaturesOf(fixture('signed/dual.sys'))
    expect(signatures.map(({ source, digestAlgorithm }) => [source, digestAlgorithm])).toEqual([
      ['embedded', 'sha1'],
      ['nested', 'sha256'],
    ])
    expect(signatures.every(({ verifies, digestMatches }) => verifies && digestMatches)).toBe(true)
  })

  test('is not of Microsoft for having the key usages of Microsoft', () => {
    for (const name of ['whcp-shaped.sys', 'attestation-shaped.sys']) {
      const { kind, reason } = signature(name)
      expect(kind).toBe('test')
      expect(reason).toMatch(/"Signed Fixtures Root".*key usage "Windows Hardware Driver/)
    }
  })

  test('is told to be cross-signed by name only, and not when the root is there and another', () => {
    expect(signature('cross-shaped.sys').reason).toMatch(/by name only/)
    expect(signature('cross-impostor.sys')).toMatchObject({ kind: 'test', chainIsComplete: true })
  })

  test('tells of its page hashes', () => {
    const { anomalies } = signaturesOf(fixture('signed/page-hashes.sys'))
    expect(anomalies.map(({ id, text }) => [id, text])).toEqual([
      ['page-hashes', 'The signature carries hashes of the pages (sha256).'],
    ])
  })
})

describe('a time stamp', () => {
  const stamp = (name: string) => signaturesOf(fixture(name)).signatures[0].timeStamp

  test.each([
    ['signed/rfc3161.sys', 'rfc3161', 'Signed Fixtures Stamp Root'],
    ['signed/pkcs9.sys', 'pkcs9', 'Signed Fixtures Stamp Root'],
    ['signed/forged.sys', 'pkcs9', 'Homemade Stamp Root'],
    ['pe/lantern-signed.sys', 'rfc3161', 'Lab Visible Root CA'],
    ['pe/ferry-forged.sys', 'pkcs9', 'Lab Visible Homemade TSA Root'],
  ])('of %s is %s, verifies and ends at %s', (name, kind, rootName) => {
    const facts = { kind, rootName, verifies: true, rootIsKnown: false, rootBasis: null }
    expect(stamp(name)).toMatchObject(facts)
  })

  test('claims genTime, not the day on which the token was made', () => {
    expect(stamp('pe/lantern-signed.sys')?.time).toBe('2024-02-10T12:00:00Z')
  })

  test('that covers another signature does not verify', () => {
    // The stamp stays, the signature it covers is another: one bit of it was changed.
    const bytes = fixture('signed/rfc3161.sys')
    const image = imageOf(bytes)
    const [{ timeStamp }] = signaturesOf(bytes).signatures
    expect(timeStamp?.verifies).toBe(true)
    const at = signatureValueOffset(bytes, image?.certificateTable?.offset ?? 0)
    bytes[at] ^= 1
    const changed = signaturesOf(bytes)
    expect(changed.signatures[0]).toMatchObject({ verifies: false, timeStamp: { verifies: false } })
    expect(changed.evidence.map(({ id, data }) => [id, data.part ?? ''])).toEqual([
      ['untrusted-timestamp-root', ''],
      ['signature-does-not-verify', 'signer'],
      ['signature-does-not-verify', 'time stamp'],
    ])
  })
})

/** Offset of a byte in the signer's signature: the 256 bytes before the unsigned attributes. */
function signatureValueOffset(bytes: Uint8Array, table: number): number {
  const attribute = Buffer.from('060a2b060104018237030301', 'hex')
  return Buffer.from(bytes).indexOf(attribute, table) - 100
}

describe('evidence', () => {
  test('of the rule of 2015-07-29 says what the rule wants of the chain, and does not say it is met', () => {
    const { signatures, evidence } = signaturesOf(fixture('pe/ferry-forged.sys'))
    const claimed = evidence.find(({ id }) => id === 'pre-2015-07-29-exemption-claimed')
    expect(signatures[0].reason).toContain('in test mode only')
    expect(claimed?.text).toBe(
      "The signer's certificate was issued 2013-04-09, before 2015-07-29: the rule of that date would exempt the driver from a signature of Microsoft, if its chain ended at a cross-certified authority; the image was compiled later, 2023-05-02.",
    )
  })

  test('of the rule of 2015-07-29 says that a cross-signed driver meets it', () => {
    const bytes = fixture('signed/cross-shaped.sys')
    const { evidence } = readSignatures(bytes, {
      ...imageOf(bytes)!,
      compiled: '2023-05-02T09:10:11Z',
      timeIsHash: false,
    })
    const claimed = evidence.find(({ id }) => id === 'pre-2015-07-29-exemption-claimed')
    expect(claimed?.text).toContain('exempts a driver so signed from a signature of Microsoft')
  })

  const forged = fixture('signed/forged.sys')

  test('comes with data, a text and a caveat', () => {
    const { evidence } = signaturesOf(forged)
    const compiled = evidence.find(({ id }) => id === 'compiled-after-signer-expired')
    expect(compiled?.data).toEqual({
      compiled: '2024-02-03T04:05:06Z',
      signer: 'Old Signer',
      signerFrom: '2012-03-01T00:00:00Z',
      signerTo: '2013-03-01T00:00:00Z',
    })
    expect(evidence.filter(({ text, caveat }) => text === '' || caveat === '')).toEqual([])
  })

  test('of the compile time is left out when the stamp of the build is a hash or missing', () => {
    const image = imageOf(forged)
    if (!image) throw new Error('no image')
    for (const part of [{ timeIsHash: true }, { compiled: null }]) {
      const { evidence } = readSignatures(forged, { ...image, ...part })
      expect(evidence.map(({ id }) => id)).toEqual(['untrusted-timestamp-root'])
    }
  })

  test.each([
    ['2013-03-01T23:00:00Z', false],
    ['2013-03-02T00:00:00Z', false],
    ['2013-03-02T00:00:01Z', true],
  ])('a compile time of %s after an expiry at midnight is late: %s', (compiled, isLate) => {
    const image = imageOf(forged)
    if (!image) throw new Error('no image')
    const { evidence } = readSignatures(forged, { ...image, compiled })
    const late = evidence.some(({ id }) => id === 'compiled-after-signer-expired')
    expect(late).toBe(isLate)
  })

  test('names the indicator that a stamp meets, and that a name can be borrowed', () => {
    const indicators = [
      {
        id: 'lab',
        name: 'homemade stamp root',
        ...{ match: 'equals' as const, use: 'time-stamp' as const },
        ...{ what: 'Made for a test.', references: ['https://fixtures.invalid/report'] },
      },
    ]
    const { evidence } = signaturesOf(forged, { indicators })
    const listed = evidence.find(({ id }) => id === 'timestamp-root-on-indicator-list')
    expect(listed?.data).toMatchObject({ indicator: 'lab', by: 'name' })
    expect(listed?.caveat).toMatch(/name/)
  })

  test('of a reported signer rests on the signed part or the serial number before the name', () => {
    const image = imageOf(forged)
    const [leaf] = signaturesOf(forged).signatures[0].chain
    const indicator = {
      ...{ id: 'lab', name: 'Old Signer', match: 'equals' as const, use: 'signer' as const },
      ...{ what: 'Made for a test.', references: ['https://fixtures.invalid/report'] },
    }
    const told = (part: object) =>
      image &&
      readSignatures(forged, image, { indicators: [{ ...indicator, ...part }] })
        .anomalies.filter(({ id }) => id === 'signer-on-indicator-list')
        .map(({ text }) => /by (.*?):/.exec(text)?.[1])
    expect(told({})).toEqual(['name only'])
    expect(told({ serial: leaf.serial })).toEqual(['name and serial number'])
    expect(told({ tbs: leaf.tbs.sha256 })).toEqual(['the digest of its signed part'])
    expect(told({ serial: '00' })).toEqual([])
    expect(told({ tbs: leaf.tbs.sha384 })).toEqual([])
  })

  test('a private root that stamps what it signs is no evidence', () => {
    const { signatures, evidence } = signaturesOf(fixture('pe/lantern-signed.sys'))
    expect(signatures[0].timeStamp?.rootIsKnown).toBe(false)
    expect(evidence).toEqual([])
  })
})

describe('a broken certificate table', () => {
  test('is told with the offset, and leaves no signature', () => {
    const { signatures, anomalies } = signaturesOf(fixture('signed/tampered-table.sys'))
    expect(signatures).toEqual([])
    expect(anomalies).toMatchObject([{ id: 'signature-broken', offset: 0xe00 + 8 }])
  })

  test('whose entry claims too much is read as far as it is there', () => {
    const { signatures, anomalies } = signaturesOf(fixture('signed/table-size.sys'))
    expect(signatures).toHaveLength(1)
    expect(anomalies).toMatchObject([{ id: 'certificate-entry-size', offset: 0xe00 }])
  })

  test('with data hidden behind the message is told', () => {
    const bytes = fixture('signed/test-ca.sys')
    const hidden = new Uint8Array([...bytes, ...new Uint8Array(64).fill(0x41)])
    const image = imageOf(bytes)
    if (!image?.certificateTable) throw new Error('no table')
    const { offset, size } = image.certificateTable
    new DataView(hidden.buffer).setUint32(offset, size + 64, true)
    const certificateTable = { offset, size: size + 64 }
    const { signatures, anomalies } = readSignatures(hidden, { ...image, certificateTable })
    expect(signatures[0].digestMatches).toBe(true)
    expect(anomalies.map(({ id }) => id)).toEqual(['data-behind-signature'])
  })
})
