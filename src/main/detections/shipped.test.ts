/** The rules that ship: each is sound, its own tests hold, and honest drivers raise nothing. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DetectionRun, compileRule, ruleJsonSchema } from '../../shared/detections'
import type { TableName } from '../../shared/memory/tables'
import type { TraceEvent } from '../../shared/trace/event'
import { SAMPLES, readSamples } from '../lab/testing/samples'
import { detect } from './detect'
import { exportRules } from './export'
import { COLUMNS } from './known-names'
import { readRuleFolder } from './library'
import { readRules } from './read'
import { readSample } from './sample-folder'
import { tryRules } from './try-rules'

const samplesFolder = resolve(SAMPLES, '..')
const { rules, problems } = readRuleFolder(join(samplesFolder, 'detections'))
const compiled = rules.map(({ rule }) => compileRule(rule))

test('all can be read, and lie in files of their names', () => {
  expect(problems).toEqual([])
  expect(rules.length).toBeGreaterThanOrEqual(12)
  for (const { rule, file } of rules) expect(file).toBe(`${rule.id}.yaml`)
})

test('each says what it is about, and shows by a test that it can fire', () => {
  for (const { rule } of rules) {
    expect(rule.description.length, rule.id).toBeGreaterThan(80)
    expect(rule.references.length, rule.id).toBeGreaterThan(0)
    expect(
      rule.tags.some((tag) => /^attack\.t\d{4}/.test(tag)),
      rule.id,
    ).toBe(true)
    expect(
      rule.tests.some(({ raises }) => raises),
      rule.id,
    ).toBe(true)
  }
})

test('a test of what must not happen fails with a sample that never ran', async () => {
  const [rule] = rules
  const quiet = { name: 'quiet', raises: false, sample: 'broken' }
  const tested = [{ ...rule!, rule: { ...rule!.rule, tests: [quiet] } }]
  expect(await tryRules(tested, () => ({ 'driver.ts': 'nonsense(' }))).toMatchObject([
    { test: 'quiet', because: 'The sample broken did not run: it ended with compile-error.' },
  ])
})

test('the tests that they bring along hold', async () => {
  expect(await tryRules(rules, (name) => readSample(samplesFolder, name))).toEqual([])
})

/** Samples that are made to be found, with the rules that find them. */
const FOUND: Readonly<Record<string, string[]>> = {
  'open-device': ['plain-user-reaches-kernel'],
}

describe('the shelf of drivers', () => {
  test.each(readSamples().map(({ slug }) => slug))(
    '%s raises nothing but what it is for',
    (slug) => {
      const run = new DetectionRun(compiled)
      for (const line of readFileSync(join(SAMPLES, slug, 'expected.jsonl'), 'utf8')
        .trim()
        .split('\n'))
        run.event(JSON.parse(line) as TraceEvent)
      expect(run.finish().map(({ rule }) => rule)).toEqual(FOUND[slug] ?? [])
    },
  )

  test('raises nothing in memory', async () => {
    const raised: string[] = []
    for (const { slug, files } of readSamples()) {
      const { alarms, report } = await detect(
        { files, seed: 1, verifier: [], trace: 'full' },
        rules,
      )
      for (const [name, rows] of Object.entries(report.tables?.after ?? {}))
        if (rows[0]) expect(Object.keys(rows[0]), name).toEqual(COLUMNS[name as TableName])
      for (const { rule } of alarms)
        if (!FOUND[slug]?.includes(rule)) raised.push(`${slug}: ${rule}`)
    }
    expect(raised).toEqual([])
  })
})

test('what is exported can be read again, and is the same', () => {
  const again = readRules('all.yaml', exportRules(rules))
  expect(again.problems).toEqual([])
  expect(again.rules.map(({ rule }) => rule)).toEqual(
    rules.map(({ rule }) => ({ ...rule, tests: [] })),
  )
})

test('the schema for editors that lies beside them is the one of the code', () => {
  const path = join(samplesFolder, 'detections', 'rule.schema.json')
  const schema = ruleJsonSchema()
  if (process.env['UPDATE_GOLDENS'] === '1')
    writeFileSync(path, JSON.stringify(schema, null, 2) + '\n')
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(schema)
})
