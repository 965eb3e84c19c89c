/** A driver folder's files turned into a plan: which drivers, which program, which scenario. */
import {
  Scenario,
  type Diagnostic,
  type ProjectFiles,
  type ScenarioProgram,
} from '../../shared/contract/model'
import type { Verdict } from '../../shared/package/policy'
import type { SigningPlan } from '../../shared/package/signing'
import { policyOf, type DefenceName } from '../../shared/defences'
import { jsonPlace, type JsonPlace } from '../../shared/json-place'
import type { Entry } from '../dsl/compiled'
import { parseControlCode } from '../kernel/ps/steps'
import { misplacedFile } from '../kernel/world/files'
import { givenFiles } from './given-files'
import { projectError, readJson } from './json-file'
import { SHIPPED_PROGRAMS } from './programs'
import { SHIPPED_DEFENCES, defencePath } from './shipped-defences'

export interface PlannedDriver {
  name: string
  entry: string
  parameters: Record<string, number | string>
  integrityCheck: boolean
  /** Runs in a host process. */
  umdf?: boolean | undefined
  /** How it is signed, in place or by files of the folder; see `packages.ts`. */
  signature?: SigningPlan | undefined
  package?: string | undefined
  /** What the machine's policy says of it; absent where there is none. */
  verdict?: Verdict
}

/** A program of a scenario with the number of its unit among `Plan.entries`. */
export type PlannedProgram = ScenarioProgram & { unit: number }

/** A defence that is a driver, with the numbers of its units among `Plan.entries`. */
export interface PlannedDefence {
  name: DefenceName
  service: string
  program: string
  parameters: Record<string, string>
  driverUnit: number
  programUnit: number
}

export interface Plan {
  /** In the order in which they are loaded. */
  drivers: PlannedDriver[]
  /** `client.ts`, when the folder has one and no scenario says otherwise. */
  client: string | null
  programs: PlannedProgram[]
  /** Loaded and started before everything else. */
  defences: PlannedDefence[]
  scenario: Scenario
  /** Drivers, `client.ts`, programs; one that runs twice is there once. */
  entries: Entry[]
  /** The folder with what the scenario takes from the lab's own programs. */
  files: ProjectFiles
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
 * @param defences    defences besides those of the scenario
 * @returns the plan, or what is wrong with the folder
 */
export function planOf(
  files: ProjectFiles,
  override: Scenario | undefined,
  driverFile = DRIVER_FILE,
  defences: readonly DefenceName[] = [],
): { plan: Plan } | { diagnostics: Diagnostic[] } {
  const read = override ? { scenario: override } : readScenario(files)
  if ('diagnostics' in read) return read
  const scenario = defended(read.scenario, defences)
  const drivers = plannedDrivers(scenario).map((driver) =>
    driver.entry === DRIVER_FILE ? { ...driver, entry: driverFile } : driver,
  )
  for (const [i, driver] of drivers.entries())
    // Names come from scenario.json: 'constructor' is no file.
    if (!Object.hasOwn(files, driver.entry)) {
      const message = `The folder has no ${driver.entry}.`
      if (scenario.drivers && !override)
        return {
          diagnostics: [
            scenarioError(
              jsonPlace(files[SCENARIO_FILE] ?? '', ['drivers', i, 'entry']),
              message,
              `Add ${driver.entry}, or change "entry" of driver "${driver.name}".`,
            ),
          ],
        }
      const hint =
        driver.entry === DRIVER_FILE
          ? 'A driver folder holds driver.ts, which exports DriverEntry.'
          : `Add ${driver.entry}.`
      return { diagnostics: [projectError(DRIVER_FILE, null, message, hint)] }
    }
  const alone = umdfWithoutDevice(scenario, override ? '' : (files[SCENARIO_FILE] ?? ''))
  if (alone) return { diagnostics: [alone] }
  const all = withShipped(files, scenario)
  const missing = missingProgram(all, scenario, override ? '' : (files[SCENARIO_FILE] ?? ''))
  if (missing) return { diagnostics: [missing] }
  const hasSteps = scenario.steps !== undefined || scenario.processes !== undefined
  const client = Object.hasOwn(files, CLIENT_FILE) && !hasSteps ? CLIENT_FILE : null
  const entries: Entry[] = drivers.map(({ entry, umdf }) => ({
    entry,
    kind: umdf ? 'umdf' : 'driver',
  }))
  if (client) entries.push({ entry: client, kind: 'client' })
  const programs = (scenario.programs ?? []).map((program): PlannedProgram => {
    const same = entries.findIndex(
      ({ entry, kind }) => entry === program.entry && kind === 'client',
    )
    if (same >= 0) return { ...program, unit: same }
    entries.push({ entry: program.entry, kind: 'client' })
    return { ...program, unit: entries.length - 1 }
  })
  const guarded = withDefences(scenario, entries, all)
  if ('diagnostics' in guarded) return guarded
  return { plan: { drivers, client, programs, scenario, entries, ...guarded } }
}

/** The scenario with further defences, and with the policy that its defences bring along in place of its own. */
function defended(scenario: Scenario, more: readonly DefenceName[]): Scenario {
  const defences = [...new Set([...(scenario.defences ?? []), ...more])]
  if (defences.length === 0) return scenario
  const policy = policyOf(defences)
  return { ...scenario, defences, ...(policy ? { policy } : {}) }
}

/** The drivers and programs of the scenario's defences; their units are added to `entries`. */
function withDefences(
  scenario: Scenario,
  entries: Entry[],
  files: ProjectFiles,
): { defences: PlannedDefence[]; files: ProjectFiles } | { diagnostics: Diagnostic[] } {
  const defences: PlannedDefence[] = []
  const taken: ProjectFiles = {}
  for (const name of scenario.defences ?? []) {
    const shipped = SHIPPED_DEFENCES[name]
    if (!shipped) continue
    const { service, program, parameters = {} } = shipped
    const used = [...(scenario.drivers ?? []), ...(scenario.programs ?? [])].find((each) =>
      [service, program].some((own) => own.toLowerCase() === each.name.toLowerCase()),
    )
    if (used)
      return {
        diagnostics: [
          scenarioError(
            null,
            `"${used.name}" is the name of a part of the defence ${name}.`,
            'Call it otherwise, or leave the defence out.',
          ),
        ],
      }
    for (const [file, text] of Object.entries(shipped.files)) taken[defencePath(name, file)] = text
    const driverUnit = entries.push({ entry: defencePath(name, DRIVER_FILE), kind: 'driver' }) - 1
    const programUnit = entries.push({ entry: defencePath(name, 'program.ts'), kind: 'client' }) - 1
    defences.push({ name, service, program, parameters, driverUnit, programUnit })
  }
  return { defences, files: defences.length > 0 ? { ...files, ...taken } : files }
}

/** The folder with the lab's own programs that the scenario names. A file of the folder comes before one of the lab's. */
function withShipped(files: ProjectFiles, scenario: Scenario): ProjectFiles {
  const taken = (scenario.programs ?? []).flatMap(({ entry }) => {
    const text = Object.hasOwn(files, entry) ? undefined : SHIPPED_PROGRAMS.get(entry)
    return text === undefined ? [] : [[entry, text] as const]
  })
  return taken.length === 0 ? files : { ...files, ...Object.fromEntries(taken) }
}

/** What is wrong with the first UMDF driver that no device names; null when there is none. */
function umdfWithoutDevice(scenario: Scenario, text: string): Diagnostic | null {
  const served = new Set((scenario.devices ?? []).map(({ service }) => service?.toLowerCase()))
  const at = (scenario.drivers ?? []).findIndex(
    ({ umdf, name }) => umdf && !served.has(name.toLowerCase()),
  )
  const found = scenario.drivers?.[at]
  if (!found) return null
  return scenarioError(
    jsonPlace(text, ['drivers', at, 'umdf']),
    `No device has the UMDF driver ${found.name}: it would never run.`,
    `Add one: "devices": [{ "id": "ROOT\\\\${found.name}", "service": "${found.name}", "plugged": true }].`,
  )
}

/** What is wrong with the first program that nobody has; null when all are there. */
function missingProgram(files: ProjectFiles, scenario: Scenario, text: string): Diagnostic | null {
  const programs = scenario.programs ?? []
  const at = programs.findIndex(({ entry }) => !Object.hasOwn(files, entry))
  const found = programs[at]
  if (!found) return null
  return scenarioError(
    jsonPlace(text, ['programs', at, 'entry']),
    `There is no program ${found.entry}.`,
    `Add ${found.entry} to the folder, or name one of the lab's own: ${[...SHIPPED_PROGRAMS.keys()].join(', ')}.`,
  )
}

function plannedDrivers(scenario: Scenario): PlannedDriver[] {
  if (scenario.drivers)
    return scenario.drivers.map(({ integrityCheck = true, ...driver }) => ({
      ...driver,
      integrityCheck,
    }))
  const parameters = scenario.parameters ?? {}
  return [{ name: DEFAULT_NAME, entry: DRIVER_FILE, parameters, integrityCheck: true }]
}

function readScenario(files: ProjectFiles): { scenario: Scenario } | { diagnostics: Diagnostic[] } {
  const source = files[SCENARIO_FILE]
  if (source === undefined) return { scenario: Scenario.parse({}) }
  const read = readJson(Scenario, SCENARIO_FILE, source, WHAT_IT_HOLDS)
  if ('diagnostics' in read) return read
  const wrong = [...wrongCodes(read.text, read.value), ...wrongFiles(read.text, read.value)]
  return wrong.length > 0 ? { diagnostics: wrong } : { scenario: read.value }
}

const WHAT_IT_HOLDS = 'docs/scenarios.md lists what a scenario can hold.'

/** Control codes are names as well as numbers, which the schema does not know. */
function wrongCodes(text: string, scenario: Scenario): Diagnostic[] {
  const lists = [
    { path: ['steps'] as PropertyKey[], steps: scenario.steps ?? [] },
    ...(scenario.processes ?? []).map(({ steps }, i) => ({
      path: ['processes', i, 'steps'],
      steps,
    })),
  ]
  return lists.flatMap(({ path, steps }) =>
    steps.flatMap((step, i) =>
      step.do === 'ioctl' && parseControlCode(step.code) === undefined
        ? [
            scenarioError(
              jsonPlace(text, [...path, i, 'code']),
              `"${step.code}" is no control code.`,
              'Write it as a number, or as text: "0x222000".',
            ),
          ]
        : [],
    ),
  )
}

/** What else lies on the volume and what it holds the schema does not know either. */
function wrongFiles(text: string, scenario: Scenario): Diagnostic[] {
  const wrong = scenario.files && misplacedFile(givenFiles(scenario))
  if (!wrong) return []
  const name = wrong.path.length > 100 ? `${wrong.path.slice(0, 100)}...` : wrong.path
  return [
    scenarioError(
      jsonPlace(text, ['files', wrong.path]),
      `${name} ${wrong.why}.`,
      'Give it another place, make the files smaller, or leave it out.',
    ),
  ]
}

function scenarioError(place: JsonPlace | null, message: string, hint: string): Diagnostic {
  return projectError(SCENARIO_FILE, place, message, hint)
}
