import { describe, expect, test } from 'vitest'
import { FIELD_VALUES } from '../../../../shared/query'
import { ago, outcomeMark, plural, snippetParts, statusMark, STATUSES } from './words'

describe('words', () => {
  test('every status and outcome that can be searched for has a mark', () => {
    expect(STATUSES.toSorted()).toEqual(FIELD_VALUES.status.toSorted())
    for (const status of STATUSES) expect(statusMark(status).word).not.toBe('')
    for (const outcome of FIELD_VALUES.outcome) {
      const { word, icon } = outcomeMark(outcome)
      expect(word).not.toBe('')
      expect(icon).toBeDefined()
    }
    expect(outcomeMark('from-the-future').word).toBe('from-the-future')
  })

  test.each([
    ['2026-11-22T11:59:50Z', 'just now'],
    ['2026-11-22T11:00:00Z', '1 hr. ago'],
    ['2026-11-21T10:00:00Z', 'yesterday'],
    ['2025-11-01T10:00:00Z', 'last yr.'],
    ['nonsense', ''],
  ])('%s was %s', (time, word) => expect(ago(time, Date.parse('2026-11-22T12:00:00Z'))).toBe(word))

  test('a snippet is split at its marks, and stray marks vanish', () => {
    expect(snippetParts('a ‹b›\n c› d')).toEqual([
      { text: 'a ', hit: false },
      { text: 'b', hit: true },
      { text: ' c d', hit: false },
    ])
  })

  test('plural', () =>
    expect([plural(1, 'run'), plural(1200, 'run')]).toEqual(['1 run', '1,200 runs']))
})
