/**
 * The drivers of conformance/wine against what Wine printed when it was asked last (`npm run witness --
 * --record`), so that they are held to it where there is no Wine.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { differences, judge } from '../../../scripts/lib/wine-compare.mjs'
import { runProject } from './run'

const FOLDER = resolve(__dirname, '../../../conformance/wine')
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8')

const Lines = z.array(z.string())
const Recorded = z.record(z.string(), z.object({ printed: Lines, client: Lines }))
const Side = z.string().nullable()
const Difference = z.object({ wine: Side, lab: Side, why: z.string().min(1) })
const recorded = Recorded.parse(JSON.parse(read('recorded.json')))
const known = z.record(z.string(), z.array(Difference)).parse(JSON.parse(read('differences.json')))

const lines = (texts: string[]): string[] =>
  texts.flatMap((text) => text.split('\n')).filter((line) => line !== '')

test('Wine was asked about at least twelve drivers, and differences are about those', () => {
  expect(Object.keys(recorded).length).toBeGreaterThanOrEqual(12)
  expect(Object.keys(known).filter((name) => !(name in recorded))).toEqual([])
})

describe('the twin of each driver', () => {
  test.each(Object.entries(recorded))('%s prints what Wine printed', async (name, wine) => {
    const files = {
      'driver.ts': read(`${name}.ts`),
      'witness.ts': read('witness.ts'),
      'client.ts': read('client.ts'),
      'scenario.json': '{"drivers": [{"name": "Witness", "entry": "driver.ts"}]}',
    }
    const { report } = await runProject({ files, seed: 1, verifier: [], trace: 'off' })
    expect(report.diagnostics).toEqual([])
    const found = [
      ...differences(wine.printed, lines(report.dbgPrint)),
      ...differences(wine.client, lines([report.client?.stdout ?? ''])),
    ]
    const { unexplained, gone } = judge(found, known[name] ?? [])
    expect({ unexplained, gone }).toEqual({ unexplained: [], gone: [] })
  })
})
