import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compile } from './compile'
import { RULES } from './diagnostics'
import { driver } from './testing/compile-driver'

// docs/dsl.md says what the language is; what it shows has to hold.

const text = readFileSync(join(__dirname, '../../../docs/dsl.md'), 'utf8')

const examples = [...text.matchAll(/^## ([^\n]+)$|^```ts(?: (\w+))?\n(.*?)^```$/gms)].reduce<
  { chapter: string; kind: string; code: string }[]
>((list, [, heading, kind = 'driver', code]) => {
  const chapter = heading ?? list.at(-1)?.chapter ?? ''
  return [...list, { chapter, kind, code: code ?? '' }]
}, [])

describe('examples of docs/dsl.md', () => {
  test.each(examples.filter(({ code }) => code !== ''))('$chapter', ({ kind, code }) => {
    const isClient = kind === 'client'
    const file = isClient ? 'client.ts' : 'driver.ts'
    // An example that imports says all; the others get their imports and a DriverEntry.
    const entry = 'export function DriverEntry(d: any, r: any): number { return 0 }'
    const whole = /function (DriverEntry|main)\b/.test(code) ? code : `${code}${entry}`
    const source = code.startsWith('import') ? whole : driver(code)
    const { diagnostics, program } = compile({ [file]: source }, [
      { entry: file, kind: isClient ? 'client' : 'driver' },
    ])
    expect(diagnostics).toEqual([])
    expect(program).toBeDefined()
  })
})

test('every rule is in the table, and its chapter exists', () => {
  const anchors = new Set(
    [...text.matchAll(/^## (.+)$/gm)].map((match) => match[1]?.toLowerCase().replaceAll(' ', '-')),
  )
  for (const [code, { chapter }] of Object.entries(RULES)) {
    expect(text).toMatch(new RegExp(`^\\| .*\\b${code}\\b`, 'm'))
    expect(anchors).toContain(chapter)
  }
})
