/**
 * Requests a second for an echo driver (METHOD_BUFFERED, 12 bytes, made by a scenario), with the
 * trace off and full; how long a compile and a load take, the first time and again.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from '../src/main/dsl/compile'
import { runProject } from '../src/main/lab/run'
import { TraceStore } from '../src/main/lab/trace-store'
import { ECHO, echoProject } from './lib/echo-project.mjs'
import { inMs, keepRows, row } from './lib/table.mjs'

const REQUESTS = 200_000
/** The best counts: others may share the machine. */
const ROUNDS = 3

interface Cost {
  wall: number
  /** Of all threads of the process, the collector's among them. */
  processor: number
}

/** Seconds that a run takes, from sources to report. */
async function cost(requests: number, trace: 'off' | 'full', store?: TraceStore): Promise<Cost> {
  const start = performance.now()
  const before = process.cpuUsage()
  const { report } = await runProject(
    { files: echoProject(requests), seed: 1, verifier: [], trace },
    { limits: { events: Infinity }, ...(store ? { onEvent: (event) => store.push(event) } : {}) },
  )
  if (report.outcome !== 'ok' || report.stats.requests < requests)
    throw new Error(`${report.outcome}: ${report.reason ?? report.report?.what ?? ''}`)
  const { user, system } = process.cpuUsage(before)
  return { wall: (performance.now() - start) / 1000, processor: (user + system) / 1e6 }
}

/** Requests a second, without what a run costs that makes one request only. */
async function rate(trace: 'off' | 'full', requests: number, isKept = false): Promise<Cost> {
  const best = { wall: 0, processor: 0 }
  for (let i = 0; i < ROUNDS; i++) {
    const one = await cost(1, trace)
    const all = await cost(requests, trace, isKept ? new TraceStore() : undefined)
    best.wall = Math.max(best.wall, requests / (all.wall - one.wall))
    best.processor = Math.max(best.processor, requests / (all.processor - one.processor))
  }
  return best
}

function show(what: string, { wall, processor }: Cost): void {
  const perSecond = (value: number): string => Math.round(value).toLocaleString('en-US')
  row(what, `${perSecond(wall)}/s`)
  row('  for each second of processor time', perSecond(processor))
}

async function main(): Promise<void> {
  const files = { 'driver.ts': ECHO }
  const entries = [{ entry: 'driver.ts', kind: 'driver' as const }]
  const first = performance.now()
  compile(files, entries)
  row('compile, first in a process', inMs(performance.now() - first))
  const again = performance.now()
  compile({ 'driver.ts': ECHO + '\n' }, entries)
  row('compile, a changed file', inMs(performance.now() - again))
  const hello = Object.fromEntries(
    ['driver.ts', 'client.ts'].map((name) => [
      name,
      readFileSync(join('samples', 'drivers', 'hello', name), 'utf8'),
    ]),
  )
  const run = { files: hello, seed: 1, verifier: [], trace: 'full' as const }
  let warm = Infinity
  for (let i = 0; i < 10; i++) {
    const start = performance.now()
    await runProject(run)
    warm = Math.min(warm, performance.now() - start)
  }
  row('whole run of hello, warm', inMs(warm))

  await cost(20_000, 'off')
  const off = await rate('off', REQUESTS)
  show('echo IRPs, trace off', off)
  const full = await rate('full', REQUESTS)
  show('echo IRPs, full trace', full)
  const kept = await rate('full', REQUESTS / 2, true)
  show('echo IRPs, full trace, kept and indexed as in the window', kept)
  row('trace off : full', `${(off.processor / full.processor).toFixed(1)} : 1`)
  keepRows('echo')
}

void main()
