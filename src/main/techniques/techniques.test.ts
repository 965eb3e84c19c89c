/** The techniques that ship: each reaches its goal and is seen; its twin reaches its own, unseen. */
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readRuleFolder } from '../detections/library'
import { SAMPLES } from '../lab/testing/samples'
import { readTechniques } from './library'
import { runTechnique } from './run'

const samples = resolve(SAMPLES, '..')
const { rules } = readRuleFolder(resolve(samples, 'detections'))
const { techniques, problems } = readTechniques(resolve(samples, 'techniques'))

/** What honest software may raise as well. */
const QUIET = new Set(['informational', 'low'])

test('all can be read, and name rules that are there', () => {
  expect(problems).toEqual([])
  const known = new Set(rules.map(({ rule }) => rule.id))
  for (const { slug, detections } of techniques)
    expect(
      detections.filter((id) => !known.has(id)),
      slug,
    ).toEqual([])
})

describe.each(techniques.map((technique) => [technique.slug, technique] as const))(
  '%s',
  (_slug, technique) => {
    test('works, and is seen by its detections', async () => {
      const { goal, alarms, report } = await runTechnique(technique, rules)
      expect(report.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
      expect(goal.filter(({ holds }) => !holds)).toEqual([])
      expect(alarms.map(({ rule }) => rule)).toEqual(expect.arrayContaining(technique.detections))
    })

    test('has a twin that works and raises no alarm', async () => {
      const { goal, alarms, report } = await runTechnique(technique, rules, { twin: true })
      expect(report.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
      expect(goal.filter(({ holds }) => !holds)).toEqual([])
      expect(alarms.filter(({ level }) => !QUIET.has(level)).map(({ rule }) => rule)).toEqual([])
    })
  },
)
