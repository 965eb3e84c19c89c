/** A technique, or its twin, run under the eyes of the detections, and what came of it. */
import type { RunReport, RunRequest } from '../../shared/contract/model'
import type { Alarm } from '../../shared/detections'
import { StatementRun, type StatementResult } from '../../shared/statements'
import type { Technique } from '../../shared/techniques/technique'
import { detect } from '../detections/detect'
import type { ReadRule } from '../detections/read'

export interface TechniqueRun {
  /** Every statement of the goal holds. */
  worked: boolean
  goal: StatementResult[]
  alarms: Alarm[]
  report: RunReport
}

export interface TechniqueRunOptions {
  /** The honest counterpart in its place. */
  twin?: boolean
  /** Features of the machine that are switched on, besides what the scenario says. */
  scenario?: Readonly<Record<string, unknown>>
  seed?: number
}

/**
 * The run of a technique; the same in the window, in the terminal and for the matrix.
 * @throws Error that names the file when its scenario is no JSON object
 */
export function requestOf(
  { files }: Pick<Technique, 'files'>,
  { twin = false, scenario = {}, seed = 1 }: TechniqueRunOptions = {},
): RunRequest {
  const own = scenarioOf(files['scenario.json'] ?? '{}')
  return {
    files: {
      ...files,
      ...(twin ? { 'driver.ts': files['twin.ts'] ?? '' } : {}),
      'scenario.json': JSON.stringify({ ...own, ...scenario }),
    },
    seed,
    verifier: [],
    trace: 'full',
    tables: true,
  }
}

function scenarioOf(text: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error)
    throw new Error(`scenario.json is no JSON: ${because}`, { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('scenario.json holds no object; it begins with { and ends with }.')
  return value
}

/** Run it, and put its goal and the rules to what happened. */
export async function runTechnique(
  technique: Technique,
  rules: readonly ReadRule[],
  options: TechniqueRunOptions = {},
): Promise<TechniqueRun> {
  const statements = new StatementRun(options.twin ? technique.twin.goal : technique.goal)
  const { report, alarms } = await detect(requestOf(technique, options), rules, (event) =>
    statements.event(event),
  )
  const goal = statements.finish({ outcome: report.outcome, tables: report.tables ?? null })
  const worked = report.outcome !== 'compile-error' && goal.every(({ holds }) => holds)
  return { worked, goal, alarms, report }
}
