import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeBytes, writeText } from './write-text'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ring0-write-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string): string => join(folder, name)

test('a text arrives whole, in pieces of any size', async () => {
  const pieces = ['ä'.repeat(70_000), '', 'b', 'c'.repeat(200_000)]
  expect(await writeText(at('out.csv'), pieces)).toMatchObject({ ok: true })
  expect(readFileSync(at('out.csv'), 'utf8')).toBe(pieces.join(''))
  expect(readdirSync(folder)).toEqual(['out.csv'])
})

test('a file that is called as the half-written one might be stays as it is', async () => {
  writeFileSync(at('out.csv.part'), 'mine')
  await writeText(at('out.csv'), ['text'])
  await writeBytes(at('out.zip'), Buffer.from('bytes'))
  expect(readFileSync(at('out.csv.part'), 'utf8')).toBe('mine')
  expect(readdirSync(folder).sort()).toEqual(['out.csv', 'out.csv.part', 'out.zip'])
})

test('a text that cannot be made is no fault of the folder, and what was there stays', async () => {
  writeFileSync(at('out.csv'), 'before')
  function* broken(): Generator<string> {
    yield 'half'
    throw new TypeError('row without a name')
  }
  const written = await writeText(at('out.csv'), broken())
  expect(written).toMatchObject({
    ok: false,
    error: { code: 'internal', detail: expect.stringMatching(/row without a name[^]*at /) },
  })
  expect(readFileSync(at('out.csv'), 'utf8')).toBe('before')
  expect(readdirSync(folder)).toEqual(['out.csv'])
})

test('a folder that is not there is told', async () => {
  expect(await writeText(at('absent/out.csv'), ['text'])).toMatchObject({
    ok: false,
    error: { code: 'file-unreadable' },
  })
})
