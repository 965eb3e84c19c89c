import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { VERIFIER_PRESETS } from '../kernel/verifier/verifier'
import { prepare, runPrepared } from './run'
import {
  correctDrivers,
  prepareMutations,
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
const prepared = prepareMutations(mutations)

/** All that watches at once, and what lets things come later. Any other preset is a part of these. */
const PRESETS = [['all', 'code-integrity'], ['force-pending']]

test.each(mutations)('$group: $id is named by $rule', async (mutation) => {
  const found = await runMutation(mutation, prepared(mutation))
  const expected = { rule: mutation.rule, code: mutation.code ?? null }
  expect({ rule: found.rule, code: found.code, what: found.report.report?.what }).toMatchObject(
    expected,
  )
  expect(found.at).toContain(mutation.at)
  rows.set(mutation, found)
  if (mutation.first !== undefined) expect(found.first).toContain(mutation.first)
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

describe.each(correctDrivers())('$folder, correct', ({ folder, driver }) => {
  const request = { files: readFolder(folder), seed: 1, trace: 'full' as const, driver }
  const correct = prepare({ ...request, verifier: [] })

  test.each(PRESETS.map((verifier) => ({ verifier })))(
    'raises no alarm under $verifier',
    async ({ verifier }) => {
      if ('problems' in correct) throw new Error(JSON.stringify(correct.problems))
      const { report } = await runPrepared(correct, { ...request, verifier })
      expect(report.report?.what ?? report.reason ?? report.outcome).toBe('ok')
      expect(report.warnings ?? []).toEqual([])
    },
  )
})
