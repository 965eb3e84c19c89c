/** The samples on disk, and running them as `ring0 run` does. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { RunReport, type ProjectFiles } from '../../../shared/contract/model'
import { eventLine } from '../../../shared/trace/codec'
import { runProject } from '../run'

export const SAMPLES = resolve(__dirname, '../../../../samples/drivers')

/** How a run has to end. */
export const Ending = z.strictObject({
  outcome: RunReport.shape.outcome,
  /** Of a bug check or a verifier stop. */
  code: z.string().optional(),
  /** Line of driver.ts at which the machine stopped. */
  line: z.number().optional(),
  /** What is left behind, as `kind` or `kind tag`, with its number. */
  leaks: z.record(z.string(), z.number()).optional(),
})
export type Ending = z.output<typeof Ending>

const Settings = z.strictObject({
  tags: z.array(z.string()).min(1),
  status: z.enum(['reference', 'crashing']),
  order: z.number().int(),
  expect: Ending,
  /** With `--verifier all`, where that differs. */
  verified: Ending.optional(),
})

export interface Sample {
  slug: string
  files: ProjectFiles
  settings: z.output<typeof Settings>
}

/** Every sample, by the name of its folder. */
export function readSamples(): Sample[] {
  return readdirSync(SAMPLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name: slug }) => {
      const folder = join(SAMPLES, slug)
      const files: ProjectFiles = {}
      for (const name of readdirSync(folder))
        if (/\.(ts|json|md|inf)$/.test(name)) files[name] = readFileSync(join(folder, name), 'utf8')
      return { slug, files, settings: Settings.parse(JSON.parse(files['sample.json'] ?? '{}')) }
    })
}

export interface SampleRun {
  report: RunReport
  /** What `ring0 run FOLDER --trace FILE` writes. */
  trace: string
  /** Digest of all simulated memory at the end. */
  memory: string
}

/** Run a sample, or with `driver` another file of its folder in the place of driver.ts. */
export async function runSample(
  files: ProjectFiles,
  { seed = 1, verifier = [] as string[], driver = 'driver.ts' } = {},
): Promise<SampleRun> {
  const lines: string[] = []
  const { report, digest } = await runProject(
    { files, seed, verifier, trace: 'full', driver },
    { onEvent: (event) => lines.push(eventLine(event)) },
  )
  return { report, trace: lines.join(''), memory: digest }
}

/** What sample.json could say of a run. */
export function endingOf(report: RunReport): Ending {
  const stop = report.bugcheck
  const leaks = report.leaks.map(({ kind, tag, count }) => [tag ? `${kind} ${tag}` : kind, count])
  return {
    outcome: report.outcome,
    ...(stop ? { code: stop.code } : {}),
    ...(stop?.at ? { line: stop.at.line } : {}),
    ...(leaks.length ? { leaks: Object.fromEntries(leaks) as Record<string, number> } : {}),
  }
}

/** First line in which two traces differ, with its number; null for equal ones. */
export function firstDifference(kept: string, now: string): string | null {
  if (kept === now) return null
  const [a, b] = [kept.split('\n'), now.split('\n')]
  const at = a.findIndex((line, i) => line !== b[i])
  const index = at < 0 ? a.length - 1 : at
  return `line ${index + 1}\n  kept: ${a[index] ?? '(end)'}\n  now:  ${b[index] ?? '(end)'}`
}
