import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createYaraHandlers } from './yara'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ring0-yara-'))
  writeFileSync(join(folder, 'a.yar'), 'rule a { condition: true }')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Handlers over an import that counts how often it is asked; `ends` says whether it answers whole. */
function desk(start: string | null, ends = (): boolean => true) {
  let chosen = start
  const asked: (string | null)[] = []
  const handlers = createYaraHandlers({
    intake: {
      async setYaraFolder(given) {
        asked.push(given)
        return { rules: asked.length, problems: [], isComplete: ends() }
      },
    },
    ask: { open: async () => [folder] },
    yaraFolder: { get: () => chosen, set: (next) => void (chosen = next) },
  })
  return { handlers, asked, info: async () => handlers['yara.info']({}) }
}

test('looking at the rules reads them once, and anew when a file of them was changed', async () => {
  const { info, asked } = desk(folder)
  const first = await info()
  expect(first).toEqual({ ok: true, value: { folder, rules: 1, problems: [] } })
  expect(await Promise.all([info(), info()])).toEqual([first, first])
  expect(asked).toEqual([folder])
  writeFileSync(join(folder, 'a.yar'), 'rule longer { condition: true }')
  await info()
  expect(asked).toEqual([folder, folder])
})

test('without a folder nothing is started', async () => {
  const { info, asked, handlers } = desk(null)
  expect(await info()).toEqual({ ok: true, value: { folder: null, rules: 0, problems: [] } })
  expect(asked).toEqual([])
  await handlers['yara.chooseFolder']({})
  await info()
  expect(asked).toEqual([folder])
  await handlers['yara.forget']({})
  expect(await info()).toMatchObject({ value: { folder: null } })
  expect(asked).toEqual([folder, null])
})

test('an answer that was cut short is asked for again', async () => {
  let isCut = true
  const { info, asked } = desk(folder, () => !isCut)
  await info()
  isCut = false
  await info()
  await info()
  expect(asked).toEqual([folder, folder])
})
