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

const REQUESTS = 200_000
async function seconds(
  requests: number,
  trace: 'off' | 'full',
  store?: TraceStore,
): Promise<number> {
  const start = performance.now()
  const { report } = await runProject(
    { files: echoProject(requests), seed: 1, verifier: [], trace },
    { limits: { events: Infinity }, ...(store ? { onEvent: (event) => store.push(event) } : {}) },
  )
  if (report.outcome !== 'ok' || report.stats.requests < requests)
    throw new Error(`${report.outcome}: ${report.reason ?? report.report?.what ?? ''}`)
  return (performance.now() - start) / 1000
}

/** Requests a second, without what a run costs that makes one request only. */
async function rate(trace: 'off' | 'full', requests: number, kept = false): Promise<number> {
  const base = await seconds(1, trace)
  const all = await seconds(requests, trace, kept ? new TraceStore() : undefined)
  return requests / (all - base)
}

function row(what: string, value: string): void {
  process.stdout.write(`${what.padEnd(46)} ${value.padStart(14)}\n`)
}

const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en-US')}/s`
const inMs = (value: number): string => `${value.toFixed(0)} ms`

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
  await runProject({ files: hello, seed: 1, verifier: [], trace: 'full' })
  const load = performance.now()
  await runProject({ files: hello, seed: 1, verifier: [], trace: 'full' })
  row('whole run of hello, warm', inMs(performance.now() - load))

  await seconds(20_000, 'off')
  const off = await rate('off', REQUESTS)
  row('echo IRPs, trace off', perSecond(off))
  const full = await rate('full', REQUESTS)
  row('echo IRPs, full trace', perSecond(full))
  const kept = await rate('full', REQUESTS / 2, true)
  row('echo IRPs, full trace, kept and indexed', perSecond(kept))
  row('trace off : full', `${(off / full).toFixed(1)} : 1`)
}

void main()
