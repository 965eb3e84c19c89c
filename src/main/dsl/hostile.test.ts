import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Script } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compile } from './compile'
import { SNIPPETS } from './testing/snippets'
import { driver } from './testing/compile-driver'

// Whatever text is given, the answer is diagnostics or code that a script engine can read: the
// compiler itself never fails.

const samples = join(__dirname, '../../../samples/drivers')
const sources = [
  ...SNIPPETS.map(({ code }) => driver(code)),
  ...readdirSync(samples, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => readFileSync(join(samples, name, 'driver.ts'), 'utf8')),
]

const pieces = sources.map(
  (text) => text.match(/[A-Za-z_$][\w$]*|\d+n?|'[^'\n]*'|\s+|[^\w\s]/g) ?? [],
)
const STRANGE = [
  'yield',
  'await',
  '=>',
  '...',
  '?.',
  '#x',
  '<T>',
  'as',
  '`${',
  '}',
  '{',
  '(',
  ')',
  ';',
  ',',
  'async ',
  'get ',
  '[',
  ']',
  '=',
  '++',
  '!',
  'enum E {',
  'class ',
  '@',
  '\\u0041',
  '/*',
  '//',
  '/',
  '0.1',
  'null',
  'this',
  'function*',
]

const edits = fc.array(
  fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('delete', 'swap', 'insert', 'double'),
    other: fc.nat(),
    text: fc.constantFrom(...STRANGE),
  }),
  { minLength: 1, maxLength: 4 },
)

function mutate(
  tokens: readonly string[],
  list: readonly { at: number; kind: string; other: number; text: string }[],
): string {
  const all = [...tokens]
  for (const { at, kind, other, text } of list) {
    const i = at % all.length
    if (kind === 'delete') all.splice(i, 1)
    else if (kind === 'insert') all.splice(i, 0, text)
    else if (kind === 'double') all.splice(i, 0, all[other % all.length] ?? '')
    else [all[i], all[other % all.length]] = [all[other % all.length] ?? '', all[i] ?? '']
  }
  return all.join('')
}

describe('the compiler', () => {
  test('answers to damaged drivers with diagnostics or readable code', () => {
    let runnable = 0
    fc.assert(
      fc.property(fc.nat(pieces.length - 1), edits, (index, list) => {
        const text = mutate(pieces[index] ?? [], list)
        const { program, diagnostics } = compile({ 'driver.ts': text }, [
          { entry: 'driver.ts', kind: 'driver' },
        ])
        if (!program) {
          expect(diagnostics.length, text).toBeGreaterThan(0)
          for (const { hint, message, line } of diagnostics) {
            expect(hint.length * message.length, text).toBeGreaterThan(0)
            expect(line).toBeGreaterThan(0)
          }
          return
        }
        runnable++
        const code = program.entries[0]?.modules[0]?.code ?? ''
        expect(() => new Script(code), text).not.toThrow()
        expect(code.split('\n').length).toBe(text.split('\n').length + 1)
      }),
      { numRuns: Number(process.env['FUZZ'] ?? 60) },
    )
    expect(runnable).toBeGreaterThan(0)
  })

  test.each([
    ['', 'an empty file'],
    ['\uFEFF', 'a byte order mark'],
    ['#!/usr/bin/env node', 'a line for a shell'],
    ['\0', 'a zero'],
    ['/*', 'a comment without an end'],
    ['`${', 'a template without an end'],
    ['export {', 'a list without an end'],
    ['x'.repeat(100_000), 'a long name'],
    ['[['.repeat(20_000), 'open brackets'],
    ['{'.repeat(20_000), 'open braces'],
    ['a?.'.repeat(20_000), 'a long chain'],
    [`const a = ${'1+'.repeat(5_000)}1`, 'a long sum'],
    ['type A<T> = A<[T]>; let x: A<1>', 'a type without an end'],
    ["import './driver'", 'an import of itself'],
  ])('%#: survives', (text) => {
    const { diagnostics } = compile({ 'driver.ts': text }, [{ entry: 'driver.ts', kind: 'driver' }])
    expect(diagnostics.length).toBeGreaterThan(0)
  })
})
