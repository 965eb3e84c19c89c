/** Folders of lessons that a stranger made: what is wrong with them is told, in bounds. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readLibrary } from './library'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lessons-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function lesson(name: string, text: string): void {
  mkdirSync(join(folder, name))
  writeFileSync(join(folder, name, 'lesson.md'), text)
}

test('of the mistakes of one lesson the first are told, and the next lesson is read', () => {
  lesson('01-one', `---\n${Array.from({ length: 100 }, (_, i) => `k${i}: 1\n`).join('')}---\n`)
  lesson('02-two', 'nothing')
  const { lessons, problems } = readLibrary([folder])
  expect(lessons).toEqual([])
  const files = problems.map(({ file }) => file)
  expect(files.filter((file) => file === '01-one/lesson.md')).toHaveLength(20)
  expect(files.at(-1)).toBe('02-two/lesson.md')
})

test('folders beyond five hundred are left out, and that is told', () => {
  for (let i = 0; i < 502; i++) lesson(`${1000 + i}-x`, '')
  const { problems } = readLibrary([folder])
  expect(problems).toHaveLength(501)
  expect(problems.at(-1)).toMatchObject({ file: '1500-x', message: expect.stringContaining('500') })
})

test.skipIf(process.platform === 'win32')('a folder that may not be read is told', () => {
  chmodSync(folder, 0)
  const isRoot = process.geteuid?.() === 0
  try {
    // Root may read everything.
    if (isRoot) process.seteuid?.(65_534)
    const { lessons, problems } = readLibrary([folder])
    expect(lessons).toEqual([])
    expect(problems).toMatchObject([{ file: basename(folder), line: 1 }])
    expect(problems[0]?.message).toContain('EACCES')
  } finally {
    if (isRoot) process.seteuid?.(0)
    chmodSync(folder, 0o700)
  }
})
