import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { VERIFIER_PRESETS } from '../kernel/verifier/verifier'
import { runPrepared } from './run'
import {
  correctDrivers,
  folderOf,
  prepareFolders,
  readFolder,
  readMutations,
  runMutation,
  type Finding,
  type Mutation,
} from './testing/mutations'
import { mutationTable, rowOf } from './testing/mutation-table'

const mutations = readMutations()
const rows = new Map<Mutation, Finding>()
const TABLE = resolve(__dirname, '../../../docs/mutations.md')
const correct = correctDrivers().map(({ folder, driver }) => ({
  name: folder.replaceAll('/', '-'),
  files: readFolder(folder),
  driver,
}))
const prepared = prepareFolders([...mutations.map(folderOf), ...correct])

/** All that watches at once, and what lets things come later. Any other preset is a part of these. */
const PRESETS = [['all', 'code-integrity'], ['force-pending']]

test.each(mutations)('$group: $id is named by $rule', async (mutation) => {
  const found = await runMutation(mutation, prepared(folderOf(mutation).name))
  const expected = { rule: mutation.rule, code: mutation.code ?? null }
  expect({ rule: found.rule, code: found.code, what: found.report.report?.what }).toMatchObject(
    expected,
  )
  expect(found.at).toContain(mutation.at)
  rows.set(mutation, found)
  if (mutation.first !== undefined) expect(found.first ?? '').toContain(mutation.first)
  // A stop always says with what it began, a warning where the rule knows.
  if (mutation.code !== undefined || mutation.first !== undefined)
    expect(found.cause).toMatch(/[A-Z].+\.$/s)
  expect(found.fix).toMatch(/^[A-Z].{20,}\.$/s)
})

test('the table in docs is what these runs make (npm run mutations)', () => {
  const text = mutationTable(mutations.flatMap((mutation) => rowOf(mutation, rows.get(mutation))))
  if (process.env['UPDATE_MUTATIONS'] === '1') writeFileSync(TABLE, text)
  expect(readFileSync(TABLE, 'utf8')).toBe(text)
})

test('there are enough of them, over every class of rules', () => {
  expect(mutations.length).toBeGreaterThanOrEqual(100)
  expect(new Set(mutations.map(({ id }) => id)).size).toBe(mutations.length)
  const common = mutations.flatMap((mutation) => mutation.common ?? [])
  expect(common.sort((a, b) => a - b)).toEqual(Array.from({ length: 22 }, (_, i) => i + 1))
})

test('every preset that watches is a part of those under which correct drivers are run', () => {
  const watched = new Set(PRESETS.flat().flatMap((name) => VERIFIER_PRESETS[name] ?? []))
  for (const [name, options] of Object.entries(VERIFIER_PRESETS))
    if (name !== 'low-resources')
      expect(options.filter((option) => !watched.has(option))).toEqual([])
})

describe.each(correct)('$name, correct', ({ name, files }) => {
  test.each(PRESETS.map((verifier) => ({ verifier })))(
    'raises no alarm under $verifier',
    async ({ verifier }) => {
      const request = { files, seed: 1, trace: 'full' as const, verifier }
      const { report } = await runPrepared(prepared(name), request)
      expect(report.report?.what ?? report.reason ?? report.outcome).toBe('ok')
      expect(report.warnings ?? []).toEqual([])
    },
  )
})
