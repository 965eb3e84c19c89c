/** The same seed gives the same bytes, whatever else runs in the process. */
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { CompileResult } from '../dsl/compiled'
import { firstDifference, readSamples, runSample, type SampleRun } from './testing/samples'

// The same sources are run hundreds of times here.
vi.mock('../dsl/compile', async (importOriginal) => {
  const real = await importOriginal<typeof import('../dsl/compile')>()
  const kept = new Map<string, CompileResult>()
  const compile: typeof real.compile = (files, entries, options) => {
    const key = JSON.stringify([files, entries, options])
    let result = kept.get(key)
    if (!result) kept.set(key, (result = real.compile(files, entries, options)))
    return result
  }
  return { ...real, compile }
})

const SEEDS = 200
/** The same draws every time, so that a failure can be looked at again. */
const seeds = Array.from({ length: SEEDS }, (_, i) => Math.imul(i + 1, 0x9e3779b1) & 0x7fffffff)

/** Samples with several threads, waits, timers, a stop, a hang. */
const samples = readSamples().filter(({ slug }) =>
  [
    'cancel-safe-queue',
    'double-completion',
    'filter',
    'forgotten-completion',
    'hello',
    'read-write-queue',
    'system-thread',
    'timer-dpc-work',
  ].includes(slug),
)
const PER_SAMPLE = SEEDS / samples.length

function digest({ trace, memory, report }: SampleRun): string {
  const text = trace + memory + JSON.stringify(report)
  return createHash('sha256').update(text).digest('hex')
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('equal seeds give equal bytes', () => {
  test.each(samples)(`$slug, ${PER_SAMPLE} seeds twice`, async ({ slug, files, settings }) => {
    const at = samples.findIndex((sample) => sample.slug === slug) * PER_SAMPLE
    for (const seed of seeds.slice(at, at + PER_SAMPLE)) {
      const once = await runSample(files, { seed })
      const again = await runSample(files, { seed })
      expect(firstDifference(once.trace, again.trace), `seed ${seed}`).toBeNull()
      expect(digest(once), `seed ${seed}`).toBe(digest(again))
      // What a sample teaches does not depend on who came first.
      expect(once.report.outcome, `seed ${seed}`).toBe(settings.expect.outcome)
    }
  })
})

test('other seeds let threads take turns differently', async () => {
  const { files } = samples.find(({ slug }) => slug === 'read-write-queue')!
  const interleavings = new Set<string>()
  for (const seed of seeds.slice(0, 20)) {
    const { trace } = await runSample(files, { seed })
    // The first line holds the seed itself.
    interleavings.add(trace.slice(trace.indexOf('\n')))
  }
  expect(interleavings.size).toBeGreaterThan(1)
})

test('kernels that run at the same time share nothing', async () => {
  const alone = []
  for (const [i, { files }] of samples.entries())
    alone.push(digest(await runSample(files, { seed: seeds[i]! })))

  // By this clock a slice is over after one step, so every run gives way to the others all the time.
  let clock = 0
  vi.spyOn(performance, 'now').mockImplementation(() => (clock += 30))
  const together = await Promise.all(
    samples.map(({ files }, i) => runSample(files, { seed: seeds[i]! })),
  )
  expect(together.map(digest)).toEqual(alone)
})
