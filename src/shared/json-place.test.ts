import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonErrorPlace, jsonPlace } from './json-place'

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

describe('jsonPlace', () => {
  const text = '{\n  "a": [1, {"b": "x"}],\n  "c": { "d": -2.5 }\n}'
  const shown = (path: (string | number)[], key?: string): string | null => {
    const place = jsonPlace(text, path, key)
    if (!place) return null
    const lines = text.split('\n')
    const offset = (line: number, column: number): number =>
      lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1
    return text.slice(offset(place.line, place.column), offset(place.endLine, place.endColumn))
  }

  test.each<[(string | number)[], string | undefined, string]>([
    [[], undefined, text],
    [['a'], undefined, '[1, {"b": "x"}]'],
    [['a', 0], undefined, '1'],
    [['a', 1], undefined, '{"b": "x"}'],
    [['a', 1, 'b'], undefined, '"x"'],
    [['c', 'd'], undefined, '-2.5'],
    [['c'], 'd', '"d"'],
    [[], 'c', '"c"'],
    [['a', 1, 'missing'], undefined, '{"b": "x"}'],
    [['a', 9], undefined, '[1, {"b": "x"}]'],
  ])('%j %s', (path, key, expected) => expect(shown(path, key)).toBe(expected))

  test('every value of any document is found', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const source = JSON.stringify(value, null, 1)
        const visit = (part: unknown, path: (string | number)[]): void => {
          const place = jsonPlace(source, path)
          const lines = source.split('\n')
          expect(place).not.toBeNull()
          const { line, column, endLine, endColumn } = place!
          const cut = lines.slice(line - 1, endLine)
          cut[cut.length - 1] = cut.at(-1)!.slice(0, endColumn - 1)
          cut[0] = cut[0]!.slice(column - 1)
          expect(JSON.parse(cut.join('\n'))).toEqual(JSON.parse(JSON.stringify(part)))
          if (Array.isArray(part)) part.forEach((item, i) => visit(item, [...path, i]))
          else if (part !== null && typeof part === 'object')
            for (const [name, item] of Object.entries(part)) visit(item, [...path, name])
        }
        visit(value, [])
      }),
      { numRuns: 200 },
    )
  })
})
