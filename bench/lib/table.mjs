// What the benches print: one row per figure, and with RING0_BENCH_JSON=FOLDER a file per bench.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const rows = []

/** Print a figure and keep it. */
export function row(what, value) {
  rows.push({ what, value })
  process.stdout.write(`${what.padEnd(58)} ${value.padStart(16)}\n`)
}

/** Write the kept rows, when somebody asked for them. */
export function keepRows(name) {
  const folder = process.env.RING0_BENCH_JSON
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(rows, null, 2)}\n`)
}

export const inSeconds = (ms) => `${(ms / 1000).toFixed(2)} s`
export const inMs = (ms) => `${ms.toFixed(0)} ms`
export const inMb = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`

/** Middle value; the mean of the two in the middle when their number is even. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}
