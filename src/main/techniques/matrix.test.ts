/** What `npm run matrix` wrote is of these samples, and the cells that matter come out as they did. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import { Matrix } from '../../shared/contract/techniques'
import { DEFENCE_FACTS } from '../../shared/defences'
import { SAMPLES } from '../lab/testing/samples'
import { defenceSummaries } from './defence-summaries'
import { readTechniques } from './library'
import { inputsOf, matrixDocument } from './matrix'
import { runTechnique } from './run'
import { verdictOf } from './verdict'

const samples = resolve(SAMPLES, '..')
const PAGE = resolve(samples, '../docs/matrix.md')
const matrix = Matrix.parse(
  JSON.parse(readFileSync(resolve(samples, 'techniques/matrix.json'), 'utf8')),
)
const { techniques } = readTechniques(resolve(samples, 'techniques'))
const defences = defenceSummaries(resolve(samples, 'defences'))

test('is of the techniques and defences that are there: npm run matrix', () => {
  expect(matrix.columns.map(({ name }) => name)).toEqual(defences.map(({ name }) => name))
  const inputs = techniques.map((technique) => [technique.slug, inputsOf(technique)])
  expect(matrix.rows.map(({ slug, inputs: was }) => [slug, was])).toEqual(inputs)
})

test('docs/matrix.md shows it', async () => {
  const options = { ...(await resolveConfig(PAGE)), parser: 'markdown' }
  expect(readFileSync(PAGE, 'utf8')).toBe(await format(matrixDocument(matrix), options))
})

test('every defence notices or stops something, and reports no twin', () => {
  for (const [i, { name }] of matrix.columns.entries()) {
    expect(
      matrix.rows.some(({ verdicts }) => verdicts[i]!.verdict !== 'works'),
      name,
    ).toBe(true)
    for (const { slug, twin } of matrix.rows)
      expect(['works', 'not loaded'], `${slug} ${name}`).toContain(twin[i]!.verdict)
  }
})

/** Of each technique the last defence that is a driver and notices it; `defended.test.ts` has the others. */
const defended = matrix.rows.flatMap(({ slug, verdicts }) => {
  const at = verdicts.findLastIndex(
    ({ verdict }, i) => verdict !== 'works' && !DEFENCE_FACTS[matrix.columns[i]!.name],
  )
  return at < 0 ? [] : [[slug, matrix.columns[at]!.name, verdicts[at]!] as const]
})

test.each(defended)('%s under %s comes out as the matrix says', async (slug, name, verdict) => {
  const technique = techniques.find((each) => each.slug === slug)!
  expect(verdictOf(await runTechnique(technique, [], { defences: [name] }))).toEqual(verdict)
})
