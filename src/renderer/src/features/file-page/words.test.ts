import { describe, expect, test } from 'vitest'
import { SIGNATURE_KINDS } from '../../../../shared/driver-file/facts'
import { hashFacts, headerFacts, identityFacts } from './facts'
import { reportText } from './report'
import { ferryDetail, knownOnlyDetail, lanternDetail } from './testing/details'
import { baseRate, bytes, duration, evidenceGroups, hex, kindMark, percent, utc } from './words'

const days = (count: number): number => count * 86_400_000

describe('words', () => {
  test.each([
    [0.4918, '49 %'],
    [0.0062, '0.6 %'],
    [0.03, '3 %'],
    [0.0004, 'under 0.1 %'],
    [0, '0 %'],
  ])('a share of %d is %s', (share, words) => expect(percent(share)).toBe(words))

  test('a base rate names both kinds of sample', () =>
    expect(baseRate({ vulnerable: 0.4938, malicious: 0.0062 })).toBe(
      '49 % of vulnerable, 0.6 % of malicious samples',
    ))

  test.each([
    [days(0), '0 days'],
    [days(1), '1 day'],
    [days(364), '364 days'],
    [days(3310), '9 years, 23 days'],
    [days(3288), '9 years, 1 day'],
    [days(3500), '9 years, 7 months'],
  ])('%d ms are %s', (length, words) => expect(duration(0, length)).toBe(words))

  test('numbers and times as they are written here', () => {
    expect(hex(0x1a00)).toBe('0x1A00')
    expect(hex(12, 8)).toBe('0x0000000C')
    expect([bytes(1), bytes(12_184), bytes(5_000_000)]).toEqual(['1 byte', '11.9 KB', '4.8 MB'])
    expect(utc('2023-05-02T09:10:11Z')).toBe('2023-05-02 09:10:11')
    expect(utc('PKCS#9')).toBe('PKCS#9')
  })

  test('every kind of signature has a word and a shape', () => {
    for (const kind of [...SIGNATURE_KINDS, 'none'] as const) {
      expect(kindMark(kind).word).not.toBe('')
      expect(kindMark(kind).icon).toBeDefined()
    }
  })

  test('evidence is counted under what it speaks against, never as a verdict', () => {
    const groups = evidenceGroups(ferryDetail().facts!.evidence)
    expect(groups.map(({ title, items }) => `${title} (${items.length})`)).toEqual([
      'Evidence against the signing time (4)',
      'Evidence against the signature (1)',
    ])
    expect(evidenceGroups([])).toEqual([])
  })
})

describe('facts', () => {
  test('what a file is, each value with the field it is searched by', () => {
    const facts = identityFacts(ferryDetail())
    expect(facts.map(({ name }) => name)).toEqual([
      ...['Driver', 'Machine', 'Size', 'Compiled', 'Description', 'Company', 'Product', 'Version'],
      'Original name',
    ])
    expect(facts[0]!.parts).toEqual([
      { value: 'WFP', field: 'type' },
      { value: 'WDM', field: 'type' },
    ])
  })

  test('a reproducible build tells no time, and says why', () => {
    const detail = lanternDetail()
    detail.facts!.image!.compiled = null
    detail.facts!.image!.timeIsHash = true
    const line = identityFacts(detail).find(({ name }) => name === 'Compiled')
    expect(line!.parts[0]!.value).toBe('not told: a reproducible build has a hash there')
  })

  test('of a file known by its hash alone there are hashes', () => {
    const detail = knownOnlyDetail()
    expect(identityFacts(detail)).toEqual([])
    expect(hashFacts(detail).map(({ name }) => name)).toEqual(['SHA-256', 'MD5'])
  })

  test('a wrong checksum stands beside the computed one', () => {
    const { image } = lanternDetail().facts!
    image!.checksum = { reported: 0, computed: 0xa117, matches: false }
    const line = headerFacts(image!).find(({ name }) => name === 'Checksum')!
    expect(line.parts[0]!.value).toBe('0x00000000 in the header, 0x0000A117 computed')
    expect(line.tone).toBe('warn')
  })
})

describe('the report for the clipboard', () => {
  test('names evidence with what it rests on and what else explains it', () => {
    const text = reportText(ferryDetail())
    expect(text).toContain('Evidence against the signing time (4)')
    expect(text).toContain('rests on: compiled 2023-05-02 09:10:11; signer Old Harbour')
    expect(text).toContain('but: The compile time is a field of the file')
    expect(text).toContain('LOLDrivers: ferry.sys, reddriver.sys (malicious), by authentihash')
    expect(text).toContain('0x0012C803, 0x0012C807')
  })

  test('says what is not known', () => {
    const text = reportText(lanternDetail())
    expect(text).toContain('in no entry of the known data')
    expect(text).toContain('on no block list that was imported')
    expect(text).not.toContain('Evidence against')
  })
})
