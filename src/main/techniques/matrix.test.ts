/** docs/matrix.md is what running the techniques gives; `npm run matrix` writes it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import { readRuleFolder } from '../detections/library'
import { SAMPLES } from '../lab/testing/samples'
import { readTechniques } from './library'
import { matrixDocument, matrixRow, type MatrixRow } from './matrix'

const samples = resolve(SAMPLES, '..')
const PAGE = resolve(samples, '../docs/matrix.md')

test('docs/matrix.md says what became of every technique under every defence', async () => {
  const { rules } = readRuleFolder(resolve(samples, 'detections'))
  const rows: MatrixRow[] = []
  for (const technique of readTechniques(resolve(samples, 'techniques')).techniques)
    rows.push(await matrixRow(technique, rules))
  const page = await format(matrixDocument(rows), {
    ...(await resolveConfig(PAGE)),
    parser: 'markdown',
  })
  if (process.env['UPDATE_MATRIX']) writeFileSync(PAGE, page)
  expect(readFileSync(PAGE, 'utf8')).toBe(page)
  // A defence that nothing notices would be none.
  for (const [i, verdicts] of rows[0]!.verdicts.entries())
    expect(
      rows.some((row) => row.verdicts[i] !== 'works'),
      `column ${i}: ${verdicts}`,
    ).toBe(true)
})
