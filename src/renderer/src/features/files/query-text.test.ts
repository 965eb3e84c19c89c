import { describe, expect, test } from 'vitest'
import { termsOf, termState, termText, withTerm } from './query-text'

describe('terms of a query', () => {
  test('words, quoted words, fields with operators, and what is left out', () => {
    const text = 'import:MmMapIoSpace -signer:"Old ""Harbour""" compiled>=2022 "free text" -x'
    const terms = termsOf(text)
    expect(terms.map(({ field, operator, value, negated }) => [field, operator, value, negated])) //
      .toEqual([
        ['import', ':', 'MmMapIoSpace', false],
        ['signer', ':', 'Old "Harbour"', true],
        ['compiled', '>=', '2022', false],
        [null, '', 'free text', false],
        [null, '', 'x', true],
      ])
    for (const { from, to } of terms) expect(text.slice(from, to)).not.toMatch(/^ | $/)
  })

  test.each(['', '   ', '-', '"', 'tag:', ':::', '-"', 'a"b', '\u0000'])(
    'any text is a query: %j',
    (text) => {
      for (const { from, to } of termsOf(text)) expect(to).toBeGreaterThan(from)
    },
  )

  test('a written term reads as the same term', () => {
    for (const value of ['byovd', 'Old Harbour', 'say "no"', 'C:\\x', '-1']) {
      const [term] = termsOf(termText('tag', value, true))
      expect(term).toMatchObject({ field: 'tag', value, negated: true })
    }
  })
})

describe('a facet', () => {
  test('goes in at the end, comes out again, and turns round', () => {
    expect(withTerm('wfp  x', 'tag', 'byovd', 'on')).toBe('wfp x tag:byovd')
    expect(withTerm('wfp tag:BYOVD x', 'tag', 'byovd', 'off')).toBe('wfp x')
    expect(withTerm('tag:byovd x', 'tag', 'byovd', 'excluded')).toBe('x -tag:byovd')
  })

  test('is on, excluded or off', () => {
    expect(termState('tag:a -tag:b tag:"c d"', 'tag', 'c d')).toBe('on')
    expect(termState('tag:a -tag:b', 'tag', 'B')).toBe('excluded')
    expect(termState('tag:a compiled>2022', 'compiled', '2022')).toBe('off')
  })
})
