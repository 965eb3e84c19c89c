/** A driver folder's files turned into a plan: which drivers, which program, which scenario. */
import { Scenario, type Diagnostic, type ProjectFiles } from '../../shared/contract/model'
import type { Entry } from '../dsl/compiled'

export interface PlannedDriver {
  name: string
  entry: string
  parameters: Record<string, number | string>
}

export interface Plan {
  /** In the order in which they are loaded. */
  drivers: PlannedDriver[]
  /** `client.ts`, when the folder has one and no scenario says otherwise. */
  client: string | null
  scenario: Scenario
  entries: Entry[]
}

const DRIVER_FILE = 'driver.ts'
const CLIENT_FILE = 'client.ts'
const SCENARIO_FILE = 'scenario.json'

/** Service name of a folder's only driver. */
const DEFAULT_NAME = 'toy'

/**
 * Read the plan of a folder.
 * @param override    a scenario that replaces the folder's own
 * @param driverFile  file that stands in for driver.ts, `fixed.ts` for instance
 * @returns the plan, or what is wrong with the folder
 */
export function planOf(
  files: ProjectFiles,
  override: Scenario | undefined,
  driverFile = DRIVER_FILE,
): { plan: Plan } | { diagnostics: Diagnostic[] } {
  const read = override ? { scenario: override } : readScenario(files)
  if ('diagnostics' in read) return read
  const { scenario } = read
  const drivers = plannedDrivers(scenario).map((driver) =>
    driver.entry === DRIVER_FILE ? { ...driver, entry: driverFile } : driver,
  )
  for (const driver of drivers)
    if (files[driver.entry] === undefined)
      return {
        diagnostics: [
          projectError(
            scenario.drivers ? SCENARIO_FILE : DRIVER_FILE,
            1,
            `The folder has no ${driver.entry}.`,
            driver.entry === DRIVER_FILE
              ? 'A driver folder holds driver.ts, which exports DriverEntry.'
              : `Add ${driver.entry}, or change "entry" of driver "${driver.name}".`,
          ),
        ],
      }
  const hasSteps = scenario.steps !== undefined || scenario.processes !== undefined
  const client = files[CLIENT_FILE] !== undefined && !hasSteps ? CLIENT_FILE : null
  const entries: Entry[] = drivers.map(({ entry }) => ({ entry, kind: 'driver' }))
  if (client) entries.push({ entry: client, kind: 'client' })
  return { plan: { drivers, client, scenario, entries } }
}

function plannedDrivers(scenario: Scenario): PlannedDriver[] {
  if (scenario.drivers)
    return scenario.drivers.map(({ name, entry, parameters }) => ({ name, entry, parameters }))
  return [{ name: DEFAULT_NAME, entry: DRIVER_FILE, parameters: scenario.parameters ?? {} }]
}

function readScenario(files: ProjectFiles): { scenario: Scenario } | { diagnostics: Diagnostic[] } {
  const text = files[SCENARIO_FILE]
  if (text === undefined) return { scenario: Scenario.parse({}) }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const hint = 'scenario.json has to be JSON: double quotes, no comments, no comma at the end.'
    return {
      diagnostics: [projectError(SCENARIO_FILE, lineOfJsonError(text, message), message, hint)],
    }
  }
  const parsed = Scenario.safeParse(json)
  if (parsed.success) return { scenario: parsed.data }
  return {
    diagnostics: parsed.error.issues.map((issue) => {
      const where = issue.path.map(String).join('.')
      return projectError(
        SCENARIO_FILE,
        1,
        `${where || 'The scenario'}: ${issue.message}.`,
        'docs/scenarios.md lists what a scenario can hold.',
      )
    }),
  }
}

function lineOfJsonError(text: string, message: string): number {
  const position = /position (\d+)/.exec(message)
  return position ? text.slice(0, Number(position[1])).split('\n').length : 1
}

function projectError(file: string, line: number, message: string, hint: string): Diagnostic {
  return {
    code: 'LAB001',
    severity: 'error',
    file,
    line,
    column: 1,
    endLine: line,
    endColumn: 1,
    message,
    hint,
  }
}
