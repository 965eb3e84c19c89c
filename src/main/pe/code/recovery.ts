/**
 * The order of the walks: DriverEntry first, then the callbacks it registered, then the routines that
 * get control codes, then what is left to try when none was found.
 */
import type { DriverFacts, FileString } from '../../../shared/driver-file/facts'
import { majorName } from '../../../shared/nt/irp-functions'
import { Findings, type CodeRoutine } from './findings'
import { Memory, type Place } from './memory'
import type { Program } from './program'
import { State } from './state'
import type { Survey } from './survey'
import { findText } from './texts'
import type { Known, ObjectKind } from './value'
import { Walker, type WalkLimits } from './walker'

const IRP_MJ_MAXIMUM_FUNCTION = 27
const IRP_MJ_DEVICE_CONTROL = 14
const IRP_MJ_INTERNAL_DEVICE_CONTROL = 15
const STUBS_MAX = 4
/** Routines walked on suspicion, when nothing is known to get control codes. */
const SUSPECTS_MAX = 40

const object = (kind: ObjectKind): Known => ({ kind, number: 0 })
const code: Known = { kind: 'code', expression: [] }

/** Arguments of the routines that get control codes. */
const codeArguments: Readonly<Record<CodeRoutine['kind'], readonly Known[]>> = {
  dispatch: [object('device-object'), object('irp')],
  queue: [undefined, undefined, undefined, undefined, code],
  'fast-io': [undefined, undefined, undefined, undefined, undefined, undefined, code],
}

/** What the walks found; `survey` comes into it only for what they did not reach. */
export class Recovery {
  readonly findings = new Findings()
  readonly #memory: Memory
  readonly #walker: Walker
  readonly #fastIo: Place[] = []
  readonly #walked = new Set<string>()

  constructor(
    readonly program: Program,
    strings: readonly FileString[],
    limits: WalkLimits,
  ) {
    this.#memory = new Memory(program, (kind, offset, value, rva) => {
      this.#noteStore(kind, offset, value, rva)
    })
    this.#memory.wdfFunctions = wdfFunctionsBy(program, strings)
    this.#walker = new Walker(this.#memory, this.findings, limits)
  }

  /** Did all walks come to their end? */
  get isComplete(): boolean {
    return !this.#walker.isOver
  }

  /** Walk DriverEntry, what it registers, and the routines that get control codes. */
  run(): void {
    const { findings, program } = this
    const { entryPoint } = program.image
    if (program.isCode(entryPoint)) {
      this.#walker.walk(entryPoint, [object('driver-object'), object('registry-path')], 'entry')
    }
    for (const rva of new Set(findings.addDevices)) {
      this.#walker.walk(rva, [object('driver-object'), object('device-object')], 'entry')
    }
    for (const rva of findings.deviceAdds) this.#walker.walk(rva, [], 'entry')
    for (const { index, handler } of findings.majors) {
      if (index === IRP_MJ_DEVICE_CONTROL || index === IRP_MJ_INTERNAL_DEVICE_CONTROL) {
        findings.codeRoutines.push({ rva: handler, kind: 'dispatch', confidence: 'high' })
      }
    }
    for (const table of this.#fastIo) {
      const place = this.#memory.offset(table, this.#memory.offsets.fastIoDeviceControl)
      const rva = this.#memory.codeOf(this.#memory.load(new State(), place, program.word))
      if (rva !== null) findings.codeRoutines.push({ rva, kind: 'fast-io', confidence: 'medium' })
    }
    for (const routine of findings.codeRoutines) this.#readCodes(routine)
  }

  /** Functions that the walks came to know: none of them need be called directly. */
  starts(): Set<number> {
    const { majors, unloads, addDevices, deviceAdds, codeRoutines } = this.findings
    return new Set([
      ...majors.map(({ handler }) => handler),
      ...unloads,
      ...addDevices,
      ...deviceAdds,
      ...codeRoutines.map(({ rva }) => rva),
    ])
  }

  /** Where no control code was found: try functions that compare with plausible ones. */
  trySuspects(survey: Survey): void {
    const { findings, program } = this
    if (findings.codes.size > 0) return
    for (const routine of suspects(program, survey)) this.#readCodes(routine)
    if (findings.codes.size === 0) addConstants(findings, survey)
  }

  #readCodes({ rva, kind, confidence }: CodeRoutine): void {
    if (this.#walked.has(`${kind}${rva}`)) return
    this.#walked.add(`${kind}${rva}`)
    this.#walker.walk(rva, codeArguments[kind], 'codes', confidence)
  }

  #noteStore(kind: ObjectKind, offset: number, value: Known, rva: number): void {
    const { findings, program } = this
    const { offsets } = this.#memory
    const handler = this.#memory.codeOf(value)
    if (kind === 'driver-extension' && offset === offsets.addDevice && handler !== null) {
      findings.addDevices.push(handler)
    }
    if (kind !== 'driver-object') return
    if (offset === offsets.fastIoDispatch && value !== undefined) this.#fastIo.push(value)
    if (handler === null) return
    if (offset === offsets.driverUnload) findings.unloads.push(handler)
    const index = (offset - offsets.majorFunction) / program.word
    if (index >= 0 && index <= IRP_MJ_MAXIMUM_FUNCTION && Number.isInteger(index)) {
      findings.majors.push({ index, handler, rva })
    }
  }
}

/**
 * The MajorFunction table. Drivers fill it with one routine and then replace some: where several were
 * stored in a slot, the one that fills fewer slots stands, and the later of two such.
 */
export function majorFunctions({ majors }: Findings): DriverFacts['majorFunctions'] {
  const slots = new Map<number, Set<number>>()
  for (const { index, handler } of majors) {
    const set = slots.get(handler) ?? new Set()
    slots.set(handler, set.add(index))
  }
  const spread = (handler: number): number => slots.get(handler)?.size ?? 0
  const table = new Map<number, Findings['majors'][number]>()
  for (const entry of majors) {
    const known = table.get(entry.index)
    if (!known || spread(entry.handler) <= spread(known.handler)) table.set(entry.index, entry)
  }
  return [...table.values()]
    .sort((left, right) => left.index - right.index)
    .map(({ index, handler, rva }) => ({ index, name: majorName(index), handler, rva }))
}

/**
 * DriverEntry behind stubs: GsDriverEntry sets up the security cookie and hands both arguments on,
 * FxDriverEntry binds the framework and does the same.
 */
export function driverEntryOf({ program, findings }: Recovery): number | null {
  let entry = program.image.entryPoint
  if (!program.isCode(entry)) return null
  for (let depth = 0; depth < STUBS_MAX; depth++) {
    // What sets up the cookie may be called with the arguments still in their registers.
    const calls = findings.entryCalls.filter(({ from, to }) => from === entry && to !== entry)
    const next = calls.find(({ isJump }) => isJump) ?? calls.at(-1)
    if (!next) break
    const first = program.disassembler.at(entry)
    const isThunk = first?.flow === 'jump' && first.target === next.to
    const callees = findings.callees.get(entry) ?? new Set()
    const isStub = findings.stubs.has(entry) || [...callees].some((rva) => findings.stubs.has(rva))
    if (!isStub && !isThunk) break
    entry = next.to
  }
  return entry
}

/** Functions that compare with plausible codes, taken for dispatch routines and for queue callbacks. */
function suspects(program: Program, survey: Survey): CodeRoutine[] {
  const starts = [...survey.functions].sort((left, right) => left - right)
  const found = new Set<number>()
  for (const { rva } of survey.constants) {
    const start = program.boundsOf(rva)?.start ?? starts.findLast((candidate) => candidate <= rva)
    if (start !== undefined && found.size < SUSPECTS_MAX) found.add(start)
  }
  return [...found].flatMap((rva) => [
    { rva, kind: 'dispatch' as const, confidence: 'low' as const },
    { rva, kind: 'queue' as const, confidence: 'low' as const },
  ])
}

/** Bare comparisons with plausible codes count when several share a device type. */
function addConstants(findings: Findings, { constants }: Survey): void {
  const byDevice = new Map<number, Set<number>>()
  for (const { value } of constants) {
    const set = byDevice.get(value >>> 16) ?? new Set()
    byDevice.set(value >>> 16, set.add(value >>> 0))
  }
  for (const { value, rva } of constants) {
    if ((byDevice.get(value >>> 16)?.size ?? 0) < 2) continue
    findings.addCode({ value, rva, handler: null, how: 'constant', confidence: 'low' })
  }
}

/** The framework's function table by the bind information, for stubs that the walk does not get through. */
function wdfFunctionsBy(program: Program, strings: readonly FileString[]): number | null {
  const { mapping, word, image } = program
  const name = findText(strings, 'KmdfLibrary')
  const rva = name ? mapping.rvaOf(name.offset) : null
  if (rva === null) return null
  for (const section of image.sections) {
    if (mapping.isExecutable(section.rva)) continue
    const size = mapping.available(section.rva)
    for (let offset = 0; offset + word * 2 + 24 <= size; offset += word) {
      const pointer = program.number(section.rva + offset, word)
      if (pointer === null || program.rvaOf(pointer) !== rva) continue
      // WDF_BIND_INFO: the component name is its second word, the table behind version and count.
      const table = program.number(section.rva + offset + word + 16, word)
      return table === null ? null : program.rvaOf(table)
    }
  }
  return null
}
