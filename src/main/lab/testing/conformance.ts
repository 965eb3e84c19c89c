/**
 * The drivers in conformance/ and what they say of the assertions in data/kernel/conformance.json.
 *
 * Each folder holds drivers that look at what the assertions are about and print one line for each
 * value: `K001 holds: ...`, `K001 FAILS: ...`, or `K055 stops: CODE PARAMETER` before the call that
 * has to stop the machine. `lib` is part of every project; `wine` is compared with Wine instead.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import type { ProjectFiles, RunReport } from '../../../shared/contract/model'
import { runProject } from '../run'

const ROOT = resolve(__dirname, '../../../..')
export const CONFORMANCE = join(ROOT, 'conformance')

const Assertion = z.object({ id: z.string(), text: z.string() })

/** The assertions, in their order. */
export function readAssertions(): z.output<typeof Assertion>[] {
  const text = readFileSync(join(ROOT, 'data', 'kernel', 'conformance.json'), 'utf8')
  return z.object({ assertions: z.array(Assertion) }).parse(JSON.parse(text)).assertions
}

/** For each assertion the drivers that look at it, and how many lines each of them prints. */
const Expected = z.record(z.string(), z.record(z.string(), z.number().int().positive()))
export type Expected = z.output<typeof Expected>

export const EXPECTED_FILE = join(CONFORMANCE, 'expected.json')

export function readExpected(): Expected {
  return Expected.parse(JSON.parse(readFileSync(EXPECTED_FILE, 'utf8')))
}

/** Drivers that need the verifier to be stopped. */
const VERIFIED = new Set(['stops/nothing.ts'])

const OTHER = new Set(['lib', 'wine'])

/** Every driver that is the start of a run: one for each folder, each one in stops/. */
export function conformanceDrivers(): string[] {
  return readdirSync(CONFORMANCE, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !OTHER.has(entry.name))
    .flatMap(({ name }) =>
      name === 'stops'
        ? readdirSync(join(CONFORMANCE, name)).map((file) => `${name}/${file}`)
        : [`${name}/driver.ts`],
    )
    .sort()
}

function filesIn(folder: string): ProjectFiles {
  const files: ProjectFiles = {}
  for (const part of ['lib', folder])
    for (const name of readdirSync(join(CONFORMANCE, part)))
      if (/\.(ts|json)$/.test(name))
        files[name] = readFileSync(join(CONFORMANCE, part, name), 'utf8')
  return files
}

export interface ConformanceRun {
  report: RunReport
  /** What was printed about each assertion. */
  lines: Map<string, string[]>
}

const runs = new Map<string, Promise<ConformanceRun>>()

/** Run a driver of conformance/, once. */
export function runConformance(driver: string): Promise<ConformanceRun> {
  let run = runs.get(driver)
  if (!run) runs.set(driver, (run = execute(driver)))
  return run
}

async function execute(path: string): Promise<ConformanceRun> {
  const [folder = '', driver = ''] = path.split('/')
  const verifier = VERIFIED.has(path) ? ['all'] : []
  const { report } = await runProject({
    files: filesIn(folder),
    seed: 1,
    verifier,
    trace: 'off',
    driver,
  })
  const lines = new Map<string, string[]>()
  const printed = [...report.dbgPrint, report.client?.stdout ?? ''].flatMap((text) =>
    text.split('\n'),
  )
  for (const line of printed) {
    const id = /^(K\d{3}) /.exec(line)?.[1]
    if (!id) continue
    const known = lines.get(id)
    if (known) known.push(line)
    else lines.set(id, [line])
  }
  return { report, lines }
}

/** What is wrong with what a driver said of an assertion; nothing when it holds. */
export function objections({ report, lines }: ConformanceRun, id: string): string[] {
  const said = lines.get(id) ?? []
  const wrong = said.filter((line) => line.includes(' FAILS: '))
  if (report.diagnostics.length > 0) wrong.push(...report.diagnostics.map((item) => item.message))
  const stop = said.map((line) => /^K\d+ stops: (.+)$/.exec(line)?.[1]).find(Boolean)
  if (stop) {
    const found = report.bugcheck
    const asserted = stop.split(' ')
    const actual = [found?.code, ...(found?.parameters ?? [])].slice(0, asserted.length)
    const agrees = asserted.every((value, i) => BigInt(value) === BigInt(actual[i] ?? -1))
    if (!agrees) wrong.push(`stopped as ${report.outcome} ${actual.join(' ')} instead of ${stop}`)
  } else if (report.outcome !== 'ok') wrong.push(`the run ended as ${report.outcome}`)
  return wrong
}
