import { describe, expect, test } from 'vitest'
import { askedValues, termState, termText, withTerm } from './query-text'

describe('a facet', () => {
  test('goes in at the end, comes out again, and turns round', () => {
    expect(withTerm('wfp  x', 'tag', 'byovd', 'on')).toBe('wfp x tag:byovd')
    expect(withTerm('wfp tag:BYOVD x', 'tag', 'byovd', 'off')).toBe('wfp x')
    expect(withTerm('tag:byovd x', 'tag', 'byovd', 'excluded')).toBe('x -tag:byovd')
    expect(withTerm('x -tag:byovd', 'tag', 'byovd', 'off')).toBe('x')
  })

  test('is on, left out or off', () => {
    expect(termState('tag:a -tag:b tag:"c d"', 'tag', 'c d')).toBe('on')
    expect(termState('tag:a -tag:b', 'tag', 'B')).toBe('excluded')
    expect(termState('tag:a compiled>2022', 'tag', '2022')).toBe('off')
    expect(termState('known:no', 'known', 'no')).toBe('on')
    expect(termState('-known:no', 'known', 'no')).toBe('excluded')
  })

  test.each(['', '   ', '-', '"', 'tag:', ':::', '-"', 'a"b', '\u0000', 'tag:"'])(
    'can be put into any text: %j',
    (text) => {
      const next = withTerm(text, 'machine', 'AMD64', 'on')
      expect(next.endsWith('machine:AMD64')).toBe(true)
    },
  )
})

test('a written term reads as the same value', () => {
  for (const value of ['byovd', 'Old Harbour', 'say "no"', 'C:\\x', '-1']) {
    const [asked] = askedValues(termText('tag', value, true), 'tag')
    expect(asked).toMatchObject({ value, isExcluded: true })
  }
  expect(termText('tlsh', 'T1AB')).toBe('T1AB')
})

test('a comparison is no value that a filter shows', () => {
  expect(
    askedValues('evidence>0 evidence:sha1-digest', 'evidence').map(({ value }) => value),
  ).toEqual(['sha1-digest'])
})
