import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SAMPLES } from '../lab/testing/samples'
import { readTechniques } from './library'
import { requestOf } from './request'

const shipped = resolve(SAMPLES, '..', 'techniques')
const [slug] = readTechniques(shipped)
  .techniques.map((technique) => technique.slug)
  .sort()
let shelf: string
beforeEach(() => {
  shelf = mkdtempSync(join(tmpdir(), 'ring0-techniques-'))
  cpSync(join(shipped, slug!), join(shelf, slug!), { recursive: true })
})
afterEach(() => rmSync(shelf, { recursive: true }))

test('a link that leads nowhere takes nothing from the shelf', () => {
  symlinkSync(join(shelf, 'gone'), join(shelf, 'dangling'))
  expect(readTechniques(shelf)).toMatchObject({ techniques: [{ slug }], problems: [] })
})

test('a file that is too large and a link in a folder are told', () => {
  writeFileSync(join(shelf, slug!, 'notes.md'), 'x'.repeat(200_001))
  symlinkSync(join(shelf, 'gone'), join(shelf, slug!, 'gone.ts'))
  const { techniques, problems } = readTechniques(shelf)
  expect(techniques).toEqual([])
  expect(problems.map(({ file, message }) => `${file}: ${message}`).sort()).toEqual([
    `${slug}/gone.ts: This is no file.`,
    `${slug}/notes.md: The file is too large.`,
  ])
})

test('a scenario that is none is told by the name of its file', () => {
  expect(() => requestOf({ files: { 'scenario.json': '{' } })).toThrow('scenario.json is no JSON')
  expect(() => requestOf({ files: { 'scenario.json': '[]' } })).toThrow('holds no object')
})
