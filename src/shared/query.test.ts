import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  completeQuery,
  FIELD_VALUES,
  formatQuery,
  hasTerm,
  parseQuery,
  QUERY_FIELDS,
  toggleTerm,
  type QueryField,
} from './query'

const short = (text: string): string[] =>
  parseQuery(text).terms.map(
    (term) => `${term.negated ? 'not ' : ''}${term.field ?? 'text'}=${term.value}`,
  )

describe('parseQuery', () => {
  test.each([
    ['', []],
    ['  pool  tag ', ['text=pool', 'text=tag']],
    ['tag:memory', ['tag=memory']],
    ['TAG:Memory Status:CRASHING', ['tag=Memory', 'status=crashing']],
    ['tag:"use after free" x', ['tag=use after free', 'text=x']],
    ['-tag:x -word -"two words"', ['not tag=x', 'not text=word', 'not text=two words']],
    ['"say ""no"""', ['text=say "no"']],
    ['IRP_MJ_CREATE', ['text=IRP_MJ_CREATE']],
    ['outcome:none', ['outcome=none']],
    ['a"b"', ['text=a"b"']],
    ['http://x', ['text=http://x']],
    ['x\u0000y\tz', ['text=x', 'text=y', 'text=z']],
  ])('%j', (text, terms) => expect(short(text)).toEqual(terms))

  test.each([
    ['"open', 'The quote at column 1 is not closed.'],
    ['x - y', 'The minus sign at column 3 needs a word right after it.'],
    ['tag: x', '“tag:” at column 1 needs a value.'],
    ['""', 'The quotes at column 1 are empty.'],
    [
      'status:brken',
      'There is no status “brken”. It is one of draft, working, crashing, fixed and reference.',
    ],
    [
      'size:3',
      '“size:” is not a field, so it was searched as text. Fields are tag, status, origin and outcome.',
    ],
  ])('%j says its problem', (text, problem) => expect(parseQuery(text).problems).toEqual([problem]))

  test('any text is a query, and terms lie where they say', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (text) => {
        const { terms } = parseQuery(text)
        let last = 0
        for (const term of terms) {
          expect(term.from).toBeGreaterThanOrEqual(last)
          expect(term.to).toBeGreaterThan(term.from)
          last = term.to
          expect(short(text.slice(term.from, term.to))).toHaveLength(1)
        }
        expect(last).toBeLessThanOrEqual(text.length)
      }),
    )
  })

  const anyTerm = fc.oneof(
    fc.record({
      field: fc.constantFrom(null, 'tag' as const),
      value: fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
        .map((value) => value.replace(/[\s\p{Cc}]+/gu, ' ').trim())
        .filter((value) => value !== ''),
      negated: fc.boolean(),
    }),
    fc.constantFrom('status' as const, 'origin' as const, 'outcome' as const).chain((field) =>
      fc.record({
        field: fc.constant(field),
        value: fc.constantFrom(...FIELD_VALUES[field]),
        negated: fc.boolean(),
      }),
    ),
  )

  test('reads back what formatQuery writes', () => {
    fc.assert(
      fc.property(fc.array(anyTerm, { maxLength: 6 }), (terms) => {
        const { terms: read, problems } = parseQuery(formatQuery(terms))
        expect(read.map(({ field, value, negated }) => ({ field, value, negated }))).toEqual(terms)
        expect(problems).toEqual([])
      }),
    )
  })
})

describe('toggleTerm', () => {
  test('adds and takes out, and leaves the rest', () => {
    expect(toggleTerm('double  "x y"', 'tag', 'use after free')).toBe(
      'double "x y" tag:"use after free"',
    )
    expect(toggleTerm('a tag:Memory b', 'tag', 'memory')).toBe('a b')
    expect(toggleTerm('-tag:memory a', 'tag', 'memory')).toBe('a tag:memory')
  })

  test('twice is as before, for any query without that term', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 4 }),
        fc.constantFrom(...QUERY_FIELDS.filter((field): field is QueryField => field !== 'tag')),
        (words, field) => {
          const text = words.join(' ')
          const value = FIELD_VALUES[field as 'status'][0]!
          const once = toggleTerm(text, field, value)
          expect(hasTerm(once, field, value)).toBe(true)
          expect(toggleTerm(once, field, value)).toBe(text)
        },
      ),
    )
  })
})

describe('completeQuery', () => {
  const tags = [
    { tag: 'memory', count: 3 },
    { tag: 'use after free', count: 1 },
  ]
  const labels = (text: string): string[] =>
    completeQuery(text, text.length, tags).completions.map((item) => item.label)
  const accept = (text: string): string => {
    const { from, completions } = completeQuery(text, text.length, tags)
    return text.slice(0, from) + completions[0]!.insert
  }

  test('offers fields, then values', () => {
    expect(labels('s')).toEqual(['status:'])
    expect(labels('m')).toEqual(['tag:memory'])
    expect(labels('x status:c')).toEqual(['status:crashing'])
    expect(labels('x -outcome:b')).toEqual(['outcome:bugcheck'])
    expect(labels('tag:')).toEqual(['tag:memory', 'tag:use after free'])
    expect(labels('size:')).toEqual([])
    expect(labels('pool ')).toEqual([])
  })

  test('an accepted completion is understood', () => {
    expect(accept('pool tag:use')).toBe('pool tag:"use after free" ')
    expect(accept('pool tag:"use af')).toBe('pool tag:"use after free" ')
    expect(accept('-tag:mem')).toBe('-tag:memory ')
    expect(accept('sta')).toBe('status:')
  })

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.nat(40), (text, at) => {
        const cursor = Math.min(at, text.length)
        const { from } = completeQuery(text, cursor, tags)
        expect(from).toBeLessThanOrEqual(cursor)
        expect(from).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})
