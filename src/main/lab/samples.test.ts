/**
 * The samples that ship: each compiles, ends as its sample.json says, and leaves the trace that is
 * kept beside it. With UPDATE_GOLDENS=1 the traces are written instead of compared.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { planOf } from './project'
import {
  SAMPLES,
  endingOf,
  firstDifference,
  readSamples,
  runSample,
  type SampleRun,
} from './testing/samples'

const UPDATE = process.env['UPDATE_GOLDENS'] === '1'

const samples = readSamples()
const crashing = samples.filter(({ files }) => 'fixed.ts' in files)

describe('the shelf', () => {
  test('has a sample for everything that is taught first', () => {
    expect(samples.length).toBeGreaterThanOrEqual(16)
    expect(samples.filter(({ settings }) => settings.status === 'reference').length).toBe(
      samples.length - crashing.length,
    )
  })

  test('puts each sample into a place of its own', () => {
    const orders = samples.map(({ settings }) => settings.order)
    expect(new Set(orders).size).toBe(orders.length)
  })
})

describe.each(samples)('$slug', ({ slug, files, settings }) => {
  let first: Promise<SampleRun> | undefined
  const plain = (): Promise<SampleRun> => (first ??= runSample(files))

  test('says what it is', () => {
    const [title, , summary] = (files['README.md'] ?? '').split('\n')
    expect(title).toMatch(/^# \S/)
    expect(summary).toMatch(/^[A-Z].*\.$/)
    expect('client.ts' in files || 'scenario.json' in files).toBe(true)
    expect('fixed.ts' in files).toBe(settings.status === 'crashing')
    expect(planOf(files, undefined)).toHaveProperty('plan')
  })

  test('compiles without a diagnostic', async () => {
    expect((await plain()).report.diagnostics).toEqual([])
  })

  test('ends as sample.json says', async () => {
    const { report } = await plain()
    expect(endingOf(report)).toEqual(settings.expect)
    if (report.bugcheck?.at) expect(report.bugcheck.at.file).toBe('driver.ts')
  })

  test('ends as sample.json says with the verifier', async () => {
    const { report } = await runSample(files, { verifier: ['all'] })
    expect(endingOf(report)).toEqual(settings.verified ?? settings.expect)
  })

  test('leaves the trace that is kept', async () => {
    const { trace } = await plain()
    const path = join(SAMPLES, slug, 'expected.jsonl')
    if (UPDATE) writeFileSync(path, trace)
    expect(existsSync(path)).toBe(true)
    expect(firstDifference(readFileSync(path, 'utf8'), trace)).toBeNull()
  })
})

describe.each(crashing)('$slug, mended', ({ files }) => {
  test.each([[[]], [['all']]])('runs to the end with verifier %j', async (verifier) => {
    const { report } = await runSample(files, { verifier, driver: 'fixed.ts' })
    expect(report.diagnostics).toEqual([])
    expect(endingOf(report)).toEqual({ outcome: 'ok' })
    if (report.client) expect(report.client.exitCode).toBe(0)
  })
})
