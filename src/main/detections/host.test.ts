/** Rules and samples as the window asks for them. */
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { Result } from '../../shared/errors'
import { createDetectionHandlers } from './handlers'
import { createRulesHost } from './host'

const host = createRulesHost()
const desk = createDetectionHandlers(resolve(__dirname, '../../../samples'))

async function valueOf<T>(answer: Result<T> | Promise<Result<T>>): Promise<T> {
  const result = await answer
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

const RULE = `title: A hook of a service
id: mine
status: test
description: An entry of the table leads out of the kernel.
logsource: { product: ring0, category: memory, table: ssdt }
detection:
  outside: { inKernel: false }
  condition: outside
level: high
tests:
  - { name: out, raises: true, rows: [{ index: 1, inKernel: false }] }
  - { name: in, raises: true, rows: [{ index: 1, inKernel: true }] }
  - { name: a sample, raises: true, sample: techniques/ssdt-hook }
`
const read = (text: string): ReturnType<typeof valueOf<RulesRead>> =>
  valueOf(host['rules.read']({ files: [{ file: 'rule.yaml', text }] }))
type RulesRead = Extract<Awaited<ReturnType<(typeof host)['rules.read']>>, { ok: true }>['value']

test('all shipped rules can be read, and their own tests hold', async () => {
  const { files, benign } = await valueOf(desk['detections.list']({}))
  const { rules, mistakes, tests } = await valueOf(host['rules.read']({ files }))
  expect(mistakes).toEqual([])
  expect(rules.map(({ rule }) => `${rule.id}.yaml`)).toEqual(files.map(({ file }) => file))
  expect(tests.filter(({ failed }) => failed !== null)).toEqual([])
  expect(benign).toContain('drivers/hello')
})

test('a mistake has its place, a test that fails its reason, and a sample waits for its run', async () => {
  const wrong = await read(RULE.replace('level: high', 'level: loud'))
  expect(wrong).toMatchObject({ rules: [], mistakes: [{ file: 'rule.yaml', line: 9, column: 8 }] })
  const { tests } = await read(RULE)
  expect(tests.map(({ sample, failed }) => [sample, failed])).toEqual([
    [null, null],
    [null, 'It has to raise an alarm, and raised none.'],
    ['techniques/ssdt-hook', null],
  ])
})

test('what is exported is Sigma without the tests', async () => {
  const { text, rules } = await valueOf(host['rules.export']({ texts: [RULE, 'no rule'] }))
  expect(rules).toBe(1)
  expect(text).toContain('id: mine')
  expect(text).not.toContain('tests:')
})

test('a sample is a folder of samples and nothing else', async () => {
  const { files } = await valueOf(desk['detections.sample']({ name: 'techniques/ssdt-hook' }))
  expect(Object.keys(files)).toContain('twin.ts')
  for (const name of ['../data', 'drivers/none', '/etc'])
    expect(await desk['detections.sample']({ name })).toMatchObject({ ok: false })
})
