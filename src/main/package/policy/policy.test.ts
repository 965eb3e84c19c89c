import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { LoadPolicy } from '../../../shared/package/policy'
import { WINDOWS_VERSIONS } from '../../../shared/package/policy'
import type { SigningChoice } from '../../../shared/package/signing'
import {
  homemadeRoot,
  platformRoot,
  stampRoot,
  testRoot,
  verificationRoot,
} from '../certificates/authorities'
import { readRevocationList } from '../certificates/revocation'
import { readPackage, type DriverPackage } from '..'
import { FORGED, packageOf } from '../testing/sources'
import { labBlockList } from './block-list'
import { judge } from './judge'
import { SIMULATED_ROOTS } from './roots'

type Choice = Omit<LoadPolicy, 'windows'>

const read = new Map<string, ReturnType<typeof readAll>>()
function readAll(made: DriverPackage) {
  const facts = readPackage(made)
  const list = made.revocationList && readRevocationList(made.revocationList)
  return { facts, revocations: list ? [list] : [] }
}
/** Packages are built and read once: only the machine differs. */
function known(choice: SigningChoice, name = 'Hello') {
  const key = JSON.stringify([choice, name])
  const there = read.get(key) ?? readAll(packageOf(choice, { name }))
  read.set(key, there)
  return there
}
function verdict(
  windows: LoadPolicy['windows'],
  signed: SigningChoice,
  machine: Choice = {},
  name?: string,
) {
  const { facts, revocations } = known(signed, name)
  const knowledge = { revocations, blockList: labBlockList() }
  return judge({ windows, ...machine }, facts, knowledge)
}
/** `ok`, or the rule that refused. */
const row = (signed: SigningChoice, machine: Choice = {}) =>
  WINDOWS_VERSIONS.map((windows) => verdict(windows, signed, machine).rule ?? 'ok')

const OLD: SigningChoice = { validity: { from: '2014-01-01', to: '2030-01-01' } }
const NEW: SigningChoice = { validity: { from: '2023-01-01', to: '2026-01-01' } }

describe('who loads what, on 7, 8.1, 10 1507, 10 1607 and 11 22H2', () => {
  test.each<[string, SigningChoice, Choice, string[]]>([
    ['unsigned', { by: 'none' }, {}, Array<string>(5).fill('signed')],
    [
      'unsigned in test mode',
      { by: 'none' },
      { testSigning: true, secureBoot: false },
      Array<string>(5).fill('signed'),
    ],
    ['tested by the programme', { by: 'whcp' }, {}, ['ok', 'ok', 'ok', 'ok', 'ok']],
    ['attested', { by: 'attestation' }, {}, ['purpose', 'purpose', 'ok', 'ok', 'ok']],
    ['cross-signed, certificate of before 2015-07-29', OLD, {}, ['ok', 'ok', 'ok', 'ok', 'ok']],
    ['cross-signed, certificate of after it', NEW, {}, ['ok', 'ok', 'ok', 'portal', 'portal']],
    ['the same without Secure Boot', NEW, { secureBoot: false }, ['ok', 'ok', 'ok', 'ok', 'ok']],
    ['the same on an upgraded machine', NEW, { upgraded: true }, ['ok', 'ok', 'ok', 'ok', 'ok']],
    ['test-signed', { by: 'test' }, {}, ['root', 'root', 'root', 'root', 'root']],
    [
      'self-signed in test mode',
      { by: 'self' },
      { testSigning: true, secureBoot: false },
      ['ok', 'ok', 'ok', 'ok', 'ok'],
    ],
    [
      'test-signed, test signing with Secure Boot',
      { by: 'test' },
      { testSigning: true, secureBoot: true },
      ['ok', 'root', 'root', 'root', 'root'],
    ],
    ['by catalogue alone', { by: 'whcp', where: 'catalogue' }, {}, ['ok', 'ok', 'ok', 'ok', 'ok']],
    ['revoked', { ...OLD, revoked: true }, {}, Array<string>(5).fill('revocation')],
    [
      'writable code',
      { by: 'whcp', writableCode: true },
      {},
      ['ok', 'ok', 'ok', 'ok', 'memory-integrity'],
    ],
    ['forged time', FORGED, {}, ['ok', 'ok', 'ok', 'ok', 'block-list']],
    ['forged time, no block list', FORGED, { blockList: false }, ['ok', 'ok', 'ok', 'ok', 'ok']],
    [
      'forged time, known stamps only',
      FORGED,
      { knownStampsOnly: true },
      Array<string>(5).fill('stamp-root'),
    ],
    ['expired, no stamp', { ...FORGED, stamp: null }, {}, Array<string>(5).fill('validity')],
    [
      'stamped after it expired',
      { ...FORGED, stamp: { time: '2015-01-01' } },
      {},
      Array<string>(5).fill('validity'),
    ],
  ])('%s', (_, signed, machine, expected) => {
    expect(row(signed, machine)).toEqual(expected)
  })
})

describe('a verdict', () => {
  test('has the status of the rule that refused', () => {
    const told = (...args: Parameters<typeof verdict>) => {
      const { accepted, status, statusName } = verdict(...args)
      return [accepted, status, statusName]
    }
    expect(told('7', { by: 'whcp' })).toEqual([true, '0x00000000', 'STATUS_SUCCESS'])
    expect(told('7', { by: 'test' })).toEqual([false, '0xC0000428', 'STATUS_INVALID_IMAGE_HASH'])
    expect(told('7', { ...FORGED, stamp: null })).toEqual([
      false,
      '0xC0000605',
      'STATUS_IMAGE_CERT_EXPIRED',
    ])
    expect(told('11-22H2', FORGED)).toEqual([false, '0xC0000603', 'STATUS_IMAGE_CERT_REVOKED'])
  })

  test('says which rules were asked, with what they rest on, up to the one that refused', () => {
    const { rules, because, machine } = verdict('10-1607', NEW)
    expect(rules.map(({ rule, passes }) => [rule, passes])).toEqual([
      ['signed', true],
      ['digest', true],
      ['root', true],
      ['purpose', true],
      ['validity', true],
      ['revocation', true],
      ['portal', false],
    ])
    expect(rules.at(-1)?.data).toEqual({
      secureBoot: 'on',
      upgraded: 'no',
      issued: '2023-01-01T00:00:00Z',
    })
    expect(because).toBe(
      'The certificate was issued 2023-01-01, and since 2015-07-29 only the portal signs new drivers.',
    )
    expect(machine).toBe('Windows 10 1607, Secure Boot on, memory integrity off, block list off')
  })

  test('of an image that was changed is the digest, whoever signed', () => {
    const made = packageOf({ by: 'whcp', where: 'embedded' })
    made.image[0x410]! ^= 1
    const { facts } = readAll(made)
    const { rule } = judge({ windows: '7' }, facts, { revocations: [], blockList: null })
    expect(rule).toBe('digest')
  })

  test('goes by the block list: name with version, and signer', () => {
    const name = 'Vulnerable'
    const of = (version: string) =>
      verdict('11-22H2', { by: 'whcp', version }, {}, name).rules.at(-1)
    expect(of('1.9.0.0')).toMatchObject({ rule: 'block-list', passes: false })
    expect(of('2.0.0.0')).toMatchObject({ rule: 'memory-integrity', passes: true })
    const { because } = verdict('11-22H2', FORGED)
    expect(because).toContain('"Old Harbour Software, stolen key"')
  })

  test('on Windows 7 without its update knows SHA-1 only', () => {
    const machine = { sha2Update: false }
    expect(verdict('7', NEW, machine).rule).toBe('sha2')
    expect(verdict('7', { ...NEW, digest: 'sha1' }, machine).rule).toBeNull()
  })

  test('goes by the clock of the machine', () => {
    expect(verdict('7', NEW, { today: '2025-12-31' }).rule).toBeNull()
    expect(verdict('7', NEW, { today: '2026-01-02' }).rule).toBe('validity')
  })
})

test('the roots that a machine knows are those that are made', () => {
  const made = [platformRoot, verificationRoot, testRoot, stampRoot, homemadeRoot].map((root) =>
    createHash('sha256').update(root().bytes).digest('hex'),
  )
  expect([...SIMULATED_ROOTS.keys()]).toEqual(made)
})

test('the Lab has a block list without a note of something that was not understood', () => {
  const { notes, signers, files } = labBlockList()
  expect([notes, signers.length, files.length]).toEqual([[], 1, 4])
})
