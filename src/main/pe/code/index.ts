/**
 * What a driver does, by disassembly: its kind, its dispatch table, its control codes, its names, the
 * privileged instructions in it. Bytes in, facts out; hostile code costs at most the limits below.
 */
import type { Anomaly, DriverFacts, FileString, Image } from '../../../shared/driver-file/facts'
import { ddiFacts } from '../../../shared/nt/ddi-facts'
import { decodeFound } from './control-code'
import { driverTypes } from './driver-types'
import { Findings } from './findings'
import { deviceSecurity, driverNames } from './names'
import { MACHINES, Program } from './program'
import { driverEntryOf, majorFunctions, Recovery } from './recovery'
import { surveyCode, type Survey } from './survey'

export { disassembleAround } from './listing'

/** Instructions of the survey, and of all walks together. */
const SURVEY_MAX = 400_000
const STEPS_MAX = 100_000

export interface ReadDriverOptions {
  /** Asked now and then; true stops the reading, and what was found so far is given back. */
  deadline?: () => boolean
}

/**
 * Read what a driver does.
 * @param strings the strings of the file, for names that no call was seen to use
 */
export function readDriver(
  bytes: Uint8Array,
  image: Image,
  strings: FileString[],
  options: ReadDriverOptions = {},
): { driver: DriverFacts; anomalies: Anomaly[] } {
  const bits = MACHINES[image.machine]
  if (bits === undefined) {
    const note = `Code for ${image.machine} is not disassembled; names and kinds are from strings and imports.`
    return { driver: withoutCode(image, strings, note), anomalies: [] }
  }
  const program = new Program(bytes, image, bits)
  try {
    return readCode(program, strings, options.deadline ?? (() => false))
  } finally {
    program.free()
  }
}

function readCode(
  program: Program,
  strings: FileString[],
  deadline: () => boolean,
): { driver: DriverFacts; anomalies: Anomaly[] } {
  const { image } = program
  const recovery = new Recovery(program, strings, { steps: STEPS_MAX, deadline })
  recovery.run()
  const starts = recovery.starts()
  const survey = surveyCode(program, { instructionsMax: SURVEY_MAX, deadline, starts })
  recovery.trySuspects(survey)
  const { findings } = recovery
  const names = driverNames(findings, strings)
  const note = limitNote(survey, recovery.isComplete)
  const driver: DriverFacts = {
    types: driverTypes(image),
    ...names,
    deviceSecurity: deviceSecurity(findings, names.sddl, image),
    driverEntry: driverEntryOf(recovery),
    driverUnload: findings.unloads.at(-1) ?? null,
    addDevice: findings.addDevices.at(-1) ?? findings.deviceAdds.at(-1) ?? null,
    majorFunctions: majorFunctions(findings),
    ioctls: [...findings.codes.values()]
      .sort((left, right) => left.value - right.value)
      .map(decodeFound),
    privileged: survey.privileged,
    resolvedRoutines: resolvedRoutines(findings, image, strings),
    code: {
      instructions: survey.instructions,
      functions: survey.functions.size,
      isComplete: note === null,
      note,
    },
  }
  const anomalies: Anomaly[] =
    note === null ? [] : [{ id: 'code-limit', severity: 'broken', text: note, offset: null }]
  return { driver, anomalies }
}

function limitNote({ stopped, instructions }: Survey, isComplete: boolean): string | null {
  if (stopped === 'time')
    return `Reading the code took too long; ${instructions} instructions were read.`
  if (stopped === 'instructions')
    return `The code has more than ${SURVEY_MAX} instructions; the rest was not read.`
  return isComplete
    ? null
    : 'Not all paths from DriverEntry were followed: the limit of steps or time was reached.'
}

function withoutCode(image: Image, strings: FileString[], note: string): DriverFacts {
  const findings = new Findings()
  const names = driverNames(findings, strings)
  return {
    types: driverTypes(image),
    ...names,
    deviceSecurity: deviceSecurity(findings, names.sddl, image),
    driverEntry: image.entryPoint === 0 ? null : image.entryPoint,
    driverUnload: null,
    addDevice: null,
    majorFunctions: [],
    ioctls: [],
    privileged: [],
    resolvedRoutines: resolvedRoutines(findings, image, strings),
    code: { instructions: 0, functions: 0, isComplete: false, note },
  }
}

/**
 * Routines looked up by name: those seen in calls and, in a driver that looks any up, strings that are
 * names of routines it does not import.
 */
function resolvedRoutines(findings: Findings, image: Image, strings: FileString[]): string[] {
  const found = new Set(findings.routines)
  const isLookup = image.imports.some(({ functions }) =>
    functions.some(
      ({ name }) => name === 'MmGetSystemRoutineAddress' || name === 'FltGetRoutineAddress',
    ),
  )
  if (isLookup) {
    const imported = new Set(
      image.imports.flatMap(({ functions }) => functions.map(({ name }) => name ?? '')),
    )
    for (const { text, encoding } of strings) {
      // Import tables hold ASCII names; MmGetSystemRoutineAddress takes UTF-16.
      if (encoding === 'ascii' && imported.has(text)) continue
      if (/^[A-Z]\w{4,}$/.test(text) && ddiFacts(text)) found.add(text)
    }
  }
  return [...found].sort()
}
