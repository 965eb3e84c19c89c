import { describe, expect, test } from 'vitest'
import { ferryDetail, lanternDetail } from './testing/details'
import { placeOf, rowsOf, RULE_DAY, ticks, timeAt, timesOf, type Times } from './times'

const ferry = ferryDetail().facts!
const lantern = lanternDetail().facts!
const laid = (facts: typeof ferry): Times => timesOf(facts.image, facts.signatures[0] ?? null)!
const time = (text: string): number => Date.parse(text)

describe('the times of a file on one axis', () => {
  test('a forged signing time shows as two gaps: after the certificate, after the claimed time', () => {
    const { gaps } = laid(ferry)
    expect(gaps.map(({ row, text }) => `${row}: ${text}`)).toEqual([
      'signer: compiled 9 years, 23 days after the signer’s certificate expired',
      'claimed: compiled 9 years, 7 months after the claimed signing',
    ])
    expect(gaps[0]).toMatchObject({
      from: time('2014-04-09T00:00:00Z'),
      to: time('2023-05-02T09:10:11Z'),
    })
  })

  test('an honest signature has no gap, and every point lies inside its certificate', () => {
    const { gaps, crossings } = laid(lantern)
    expect(gaps).toEqual([])
    expect(crossings.map(({ isInside }) => isInside)).toEqual([true, true, true])
  })

  test('only the compile time of ferry lies outside of the certificate it should lie in', () => {
    const outside = laid(ferry).crossings.filter(({ isInside }) => !isInside)
    expect(outside.map(({ of, point }) => `${of} ${point}`)).toEqual(['signer compiled'])
  })

  test('clocks may differ by a day without a gap', () => {
    const signature = structuredClone(ferry.signatures[0]!)
    signature.chain[0]!.to = '2023-05-01T20:00:00Z'
    signature.timeStamp!.time = '2023-05-01T20:00:00Z'
    expect(timesOf(ferry.image, signature)!.gaps).toEqual([])
  })

  test('a stamp outside of the validity of its own certificate is a gap', () => {
    const signature = structuredClone(lantern.signatures[0]!)
    signature.timeStamp!.chain[0]!.to = '2020-01-01T00:00:00Z'
    expect(timesOf(lantern.image, signature)!.gaps.map(({ row }) => row)).toEqual(['stamp'])
  })

  test('the axis holds the points, the signer’s own certificate and the day of the rule', () => {
    for (const facts of [ferry, lantern]) {
      const { domain, points, bars } = laid(facts)
      const leaf = bars.find(({ of, depth }) => of === 'signer' && depth === 0)!
      for (const at of [...points.map((point) => point.at), leaf.from, leaf.to, RULE_DAY]) {
        expect(placeOf(domain, at)).toBeGreaterThan(0)
        expect(placeOf(domain, at)).toBeLessThan(1)
      }
    }
  })

  test('issuers that live for decades do not stretch the axis', () => {
    const { domain, bars } = laid(ferry)
    const root = bars.find(({ label }) => label === 'Lab Visible Root CA')!
    expect(placeOf(domain, root.to)).toBeGreaterThan(1)
    expect(new Date(domain.to).getUTCFullYear()).toBeLessThan(2025)
  })

  test('an unsigned file shows when it was compiled, a file without times shows nothing', () => {
    expect(timesOf(lantern.image, null)!.points.map(({ id }) => id)).toEqual(['compiled', 'rule'])
    expect(timesOf({ ...lantern.image!, compiled: null }, null)).toBeNull()
  })

  test('lines go from compiling to stamping, issuers below their leaf or left out', () => {
    const labels = (facts: typeof ferry, leavesOnly?: boolean): string[] =>
      rowsOf(laid(facts), leavesOnly).map(({ label }) => label)
    expect(labels(ferry)).toEqual([
      'Compiled',
      'Signer',
      'Lab Visible Legacy Code Signing CA',
      'Lab Visible Root CA',
      'Claimed signing',
      'Time stamp',
      'Lab Visible Homemade TSA Root',
    ])
    expect(labels(ferry, true)).toEqual(['Compiled', 'Signer', 'Claimed signing', 'Time stamp'])
  })

  test('moments are told in the order of time', () => {
    const { moments } = laid(ferry)
    expect(moments.map(({ at }) => at)).toEqual(
      moments.map(({ at }) => at).toSorted((a, b) => a - b),
    )
    expect(moments.map(({ time: when, text }) => `${when} ${text}`)).toContain(
      '2013-10-01 00:00:00 claimed time of signing, PKCS#9',
    )
  })
})

describe('the scale', () => {
  const domain = { from: time('2013-01-01T00:00:00Z'), to: time('2023-01-01T00:00:00Z') }

  test('places and times are each other’s reverse', () => {
    expect(placeOf(domain, domain.from)).toBe(0)
    expect(placeOf(domain, domain.to)).toBe(1)
    expect(timeAt(domain, placeOf(domain, RULE_DAY))).toBeCloseTo(RULE_DAY, 0)
  })

  test.each([
    [20, ['2013', '2014', '2015']],
    [6, ['2014', '2016', '2018']],
    [2, ['2015', '2020']],
  ])('at most %i marks on ten years: %s …', (most, first) => {
    const labels = ticks(domain, most).map(({ label }) => label)
    expect(labels.slice(0, first.length)).toEqual(first)
    expect(labels.length).toBeLessThanOrEqual(most + 1)
  })

  test('a short axis is marked in months', () => {
    const short = { from: time('2024-01-20T00:00:00Z'), to: time('2024-06-10T00:00:00Z') }
    expect(ticks(short, 8).map(({ label }) => label)).toEqual([
      '2024-02',
      '2024-03',
      '2024-04',
      '2024-05',
      '2024-06',
    ])
  })
})
