import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { walk, type Walked, type WalkLimits } from './walk'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ring0-walk-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function put(path: string, content = 'x'): string {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), content)
  return join(folder, path)
}
async function collect(paths: string[], limits?: WalkLimits): Promise<Walked[]> {
  const all: Walked[] = []
  for await (const one of walk(paths, limits)) all.push(one)
  return all
}
const names = (walked: Walked[]): string[] =>
  walked.map((one) => ('file' in one ? one.file.name : `! ${one.failure.name}`))

test('folders are walked to their ends, in the order of names, with sizes', async () => {
  put('set/b/2.sys', 'four')
  put('set/b/10.sys')
  put('set/a.sys')
  put('set/.hidden')
  const walked = await collect([join(folder, 'set')])
  expect(names(walked)).toEqual(['set/.hidden', 'set/a.sys', 'set/b/10.sys', 'set/b/2.sys'])
  expect(walked[3]).toEqual({
    file: { path: join(folder, 'set/b/2.sys'), name: 'set/b/2.sys', size: 4, isGiven: false },
  })
})

test('a file that was given itself is marked as such', async () => {
  const path = put('one.sys')
  expect(await collect([path, path])).toEqual([
    { file: { path, name: 'one.sys', size: 1, isGiven: true } },
  ])
})

test('links that lead in a circle end, and a linked folder is read once', async () => {
  put('set/a.sys')
  symlinkSync(join(folder, 'set'), join(folder, 'set/again'))
  symlinkSync(join(folder, 'set/self'), join(folder, 'set/self'))
  put('other/b.sys')
  symlinkSync(join(folder, 'other'), join(folder, 'set/other'))
  const walked = await collect([join(folder, 'set'), join(folder, 'other')])
  expect(names(walked)).toEqual(['other/b.sys', 'set/a.sys', '! set/self'])
  expect(walked[2]).toEqual({
    failure: { name: 'set/self', offset: null, reason: 'Its symbolic links lead in a circle.' },
  })
})

test('what is gone and what dangles is one line each, and the rest is read', async () => {
  put('set/b.sys')
  symlinkSync(join(folder, 'nowhere'), join(folder, 'set/a.sys'))
  expect(names(await collect([join(folder, 'gone'), join(folder, 'set')]))).toEqual([
    '! gone',
    '! set/a.sys',
    'set/b.sys',
  ])
})

test.runIf(process.platform === 'linux')('pipes are not opened', async () => {
  put('set/a.sys')
  execFileSync('mkfifo', [join(folder, 'set/pipe.sys')])
  expect(names(await collect([join(folder, 'set')]))).toEqual(['set/a.sys'])
  expect(names(await collect([join(folder, 'set/pipe.sys')]))).toEqual(['! pipe.sys'])
})

test('depth and number are bounded, and said to be', async () => {
  put('set/1/2/3/deep.sys')
  put('set/1/shallow.sys')
  expect(names(await collect([join(folder, 'set')], { depthMax: 3 }))).toEqual([
    '! set/1/2/3',
    'set/1/shallow.sys',
  ])
  const few = await collect([join(folder, 'set')], { entriesMax: 3 })
  expect(few.at(-1)).toMatchObject({ failure: { reason: expect.stringContaining('More than 3') } })
})
