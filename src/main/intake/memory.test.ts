import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FILE_BYTES_MAX } from './limits'
import { createPool, type Pool } from './pool'
import { buildEntry, type BuiltEntry } from './testing/build-entry'
import { startAnalysisWorker } from './workers'

// What one hostile file may take, its own bytes among it, measured in the product's worker.

const MB = 1024 * 1024
const lantern = readFileSync(resolve(__dirname, '../../../data/fixtures/pe/lantern.sys'))

let analysis: BuiltEntry
let pool: Pool
let before: number
/** One for all: what the collector has not taken yet would be counted with the next. */
let bytes: Uint8Array<ArrayBuffer>
beforeAll(async () => {
  analysis = await buildEntry('src/main/intake/analysis-worker.ts')
  const start = startAnalysisWorker((options) => new Worker(analysis.file, options))
  pool = createPool({
    start: () => start({ rules: [], importFrequency: '' }),
    size: 1,
    msMax: 60_000,
  })
  await pool.analyse(new Uint8Array(lantern))
  before = process.memoryUsage.rss()
  bytes = new Uint8Array(FILE_BYTES_MAX - 6 * MB)
})
afterAll(async () => {
  await pool.close()
  analysis.remove()
})

/** A driver with 90 MB behind it: one text after the other. */
function fill(pattern: (number: number) => string): void {
  bytes.set(lantern)
  const piece = Buffer.alloc(MB)
  for (let at = 0, number = 0; at < piece.length - 40; number++)
    at += piece.write(`${pattern(number)}\0`, at, 'latin1')
  for (let at = lantern.length, number = 0; at < bytes.length; at += piece.length, number++) {
    piece.writeUInt32LE(number, 0)
    bytes.set(piece.subarray(0, bytes.length - at), at)
  }
}

test.each([
  ['short words', (number: number) => `word${number}`],
  ['device names', (number: number) => `\\Device\\Lab${number}`],
  ['wide words', (number: number) => [...`\\Device\\W${number}`].join('\0')],
  ['nothing', () => ''],
])('a file of 90 MB of %s takes less than 200 MB', async (_, pattern) => {
  fill(pattern)
  let peak = before
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5)
  const outcome = await pool.analyse(bytes)
  clearInterval(watch)
  if (!('facts' in outcome)) throw new Error(outcome.text)
  bytes = outcome.bytes
  const grown = (peak - before) / MB
  // Much less than the bytes themselves would mean that nothing was measured. Pages of before that
  // went back to the system meanwhile make it some megabytes less.
  expect(grown).toBeGreaterThan(60)
  expect(grown).toBeLessThan(200)
})
