/**
 * Replay equality on two processors: 1,000 seeds, each run twice, with the mended twin of the sample
 * that loses updates. Every pair has to be equal to the byte, and no run may fail.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventLine } from '../src/shared/trace/codec'
import { prepare, runPrepared } from '../src/main/lab/run'
import { keepRows, row } from './lib/table.mjs'

const SEEDS = 1000
const PROCESSORS = 2

async function main(): Promise<void> {
  const folder = join('samples', 'drivers', 'lost-update')
  const files = Object.fromEntries(
    ['driver.ts', 'fixed.ts', 'scenario.json'].map((name) => [
      name,
      readFileSync(join(folder, name), 'utf8'),
    ]),
  )
  const request = {
    files,
    driver: 'fixed.ts',
    seed: 1,
    verifier: [],
    trace: 'full' as const,
    processors: PROCESSORS,
  }
  const prepared = prepare(request)
  if ('problems' in prepared) throw new Error(JSON.stringify(prepared.problems))
  const bytesOf = async (seed: number): Promise<string> => {
    const hash = createHash('sha256')
    const { report, digest } = await runPrepared(
      prepared,
      { ...request, seed },
      { onEvent: (event) => hash.update(eventLine(event)) },
    )
    if (report.outcome !== 'ok') throw new Error(`seed ${seed}: ${report.outcome}`)
    return hash.update(digest).update(JSON.stringify(report)).digest('hex')
  }
  const start = performance.now()
  const interleavings = new Set<string>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const once = await bytesOf(seed)
    if (once !== (await bytesOf(seed))) throw new Error(`seed ${seed} gives other bytes`)
    interleavings.add(once)
  }
  row(`${SEEDS} seeds twice on ${PROCESSORS} processors`, 'equal')
  row('  interleavings among them', String(interleavings.size))
  row('  a run', `${((performance.now() - start) / (2 * SEEDS)).toFixed(1)} ms`)
  keepRows('replay')
}

void main()
