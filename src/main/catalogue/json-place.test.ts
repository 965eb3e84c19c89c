import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonErrorPlace } from './json-place'

describe('jsonErrorPlace', () => {
  test.each([
    ['', 1, 1, 'the end of the file'],
    ['{"a":1', 1, 7, 'the end of the file'],
    ['{\n  "a": nope\n}', 2, 8, '“nope”'],
    ['[1,]', 1, 4, '“]”'],
    ['{"a" 1}', 1, 6, '“1}”'],
    ['[1] x', 1, 5, '“x”'],
    ['[01]', 1, 2, '“01]”'],
    ['["a\n"]', 1, 2, '“"a”'],
    ['[}', 1, 2, '“}”'],
    ['{,}', 1, 2, '“,}”'],
  ])('%j fails at %i:%i', (text, line, column, found) =>
    expect(jsonErrorPlace(text)).toEqual({ line, column, found }),
  )

  test('agrees with JSON.parse on what is JSON', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '1',
      '-0.5e3',
      'true',
      ' ',
      'x',
      '"',
    )
    const texts = fc.oneof(
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify(value, null, 1)),
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.tuple(fc.json(), fc.nat(50)).map(([text, at]) => text.slice(0, at)),
    )
    fc.assert(
      fc.property(texts, (text) => {
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        expect(jsonErrorPlace(text) === null).toBe(isJson)
      }),
      { numRuns: 2000 },
    )
  })
})
