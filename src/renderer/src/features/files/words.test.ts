import { describe, expect, test } from 'vitest'
import { rowOf } from './testing/fake-files'
import { facetWords, signatureMark, standing, timeLeft } from './words'

test.each([
  ['evidence', 'pre-2015-07-29-exemption-claimed', 'pre 2015-07-29 exemption claimed'],
  ['evidence', 'sha1-digest', 'sha1 digest'],
  ['signature', 'whcp', 'WHCP'],
  ['machine', 'AMD64', 'x64'],
  ['blocked', 'no', 'not blocked'],
  ['blocked', 'Some policy', 'Some policy'],
  ['verdict', 'none', 'no verdict'],
  ['tag', 'in-work', 'in-work'],
  ['type', 'WFP', 'WFP'],
])('the facet %s:%s reads %s', (field, value, words) =>
  expect(facetWords(field, value, value)).toBe(words),
)

describe('marks of a row', () => {
  test('say in words what others say of it', () => {
    const row = rowOf(1, { known: 'vulnerable driver', blocked: true })
    expect(standing(row).map(({ word }) => word)).toEqual(['vulnerable', 'blocked'])
    expect(standing(rowOf(2))).toEqual([])
  })

  test('tell unsigned from not read', () => {
    expect(signatureMark(rowOf(1, { signature: 'none' }))?.word).toBe('unsigned')
    expect(signatureMark(rowOf(1, { signature: null }))).toBeNull()
  })
})

test.each([
  [null, ''],
  [2, 'a few seconds left'],
  [42, '45 s left'],
  [121, '2 min left'],
  [7300, '2 h 2 min left'],
])('%s seconds: %s', (seconds, words) => expect(timeLeft(seconds)).toBe(words))
