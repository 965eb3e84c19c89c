/**
 * What calls of the kernel's and the framework's routines tell about a driver: names of devices and
 * links, security, registered callbacks, routines looked up by name.
 */
import { ddiFacts } from '../../../shared/nt/ddi-facts'
import type { Findings, FoundText } from './findings'
import type { Memory, Place } from './memory'
import type { State } from './state'
import type { Known } from './value'

/** A call that is about to be made. */
export interface Call {
  readonly argument: (index: number) => Known
  readonly state: State
  readonly rva: number
}

/** Indexes into the framework's function table (WDFFUNCENUM), the same in all of KMDF 1.x. */
const WDF = {
  controlDeviceInitAllocate: 25,
  deviceInitAssignName: 67,
  deviceInitAssignSddl: 68,
  deviceCreateSymbolicLink: 80,
  driverCreate: 116,
  ioQueueCreate: 152,
} as const

const IRP_MJ_COUNT = 28
const IRP_MJ_DEVICE_CONTROL = 14
const IRP_MJ_INTERNAL_DEVICE_CONTROL = 15
/** SDDL starts with an owner, a group or an access list. */
const SDDL = /^[OGDS]:/
const TEXT_MAX = 1_024

/** Arguments of a kernel routine as the tables count them; undefined for unknown ones. */
export function argumentCount(name: string): number | undefined {
  const facts = ddiFacts(name)
  if (!facts) return undefined
  // Fastcall: the first two travel in registers.
  if (/^(Iof|Exf|Kef|Obf|ExInterlocked|Interlocked)/.test(name)) {
    return Math.max(0, facts.params.length - 2)
  }
  // Variable arguments are the caller's to clean up.
  return facts.params.some((param) => param.name === '...') ? 0 : facts.params.length
}

export class Routines {
  readonly #word: 4 | 8

  constructor(
    readonly memory: Memory,
    readonly findings: Findings,
  ) {
    this.#word = memory.program.word
  }

  /** A routine that the driver imports. */
  call(name: string, call: Call): void {
    const { argument, state, rva } = call
    const { findings } = this
    switch (name) {
      case 'RtlInitUnicodeString':
      case 'RtlInitUnicodeStringEx':
        this.memory.store(state, this.#field(argument(0), this.#word), argument(1), this.#word, rva)
        this.memory.store(state, this.#field(argument(0), 0), undefined, 4, rva)
        return
      case 'IoCreateDevice':
        findings.devices.push({
          routine: name,
          name: this.#unicode(call, argument(2)),
          characteristics: numberOf(argument(4)),
          sddl: null,
          rva,
        })
        return
      case 'IoCreateDeviceSecure':
      case 'WdmlibIoCreateDeviceSecure':
        this.#secureDevice(call)
        return
      case 'IoCreateSymbolicLink':
      case 'IoCreateUnprotectedSymbolicLink':
        this.#link(call, argument(0))
        return
      case 'MmGetSystemRoutineAddress':
        this.#routine(this.#unicode(call, argument(0))?.text)
        return
      case 'FltGetRoutineAddress':
      case 'NdisGetRoutineAddress':
        this.#routine(this.#text(argument(0), false)?.text)
        return
      case 'NdisMRegisterDevice':
        this.#device(call, 'NdisMRegisterDevice', argument(1))
        this.#link(call, argument(2))
        this.#dispatchTable(state, argument(3), rva)
        return
      case 'NdisRegisterDeviceEx':
        this.#ndisDevice(call)
        return
      case 'WdfVersionBind':
        this.memory.wdfFunctions = this.#bindInfo(argument(2))
        return
      default:
    }
  }

  /** A function of the framework, by its index. */
  callFramework(index: number, call: Call): void {
    const { argument, state } = call
    switch (index) {
      case WDF.driverCreate: {
        const add = this.#code(state, argument(4), this.#word)
        const unload = this.#code(state, argument(4), this.#word * 2)
        if (add !== null) this.findings.deviceAdds.push(add)
        if (unload !== null) this.findings.unloads.push(unload)
        return
      }
      case WDF.ioQueueCreate:
        this.#queue(call)
        return
      case WDF.controlDeviceInitAllocate:
        this.#device(call, 'WdfControlDeviceInitAllocate', undefined, argument(2))
        return
      case WDF.deviceInitAssignName:
        this.#device(call, 'WdfDeviceInitAssignName', argument(2))
        return
      case WDF.deviceInitAssignSddl:
        this.#device(call, 'WdfDeviceInitAssignSDDLString', undefined, argument(2))
        return
      case WDF.deviceCreateSymbolicLink:
        this.#link(call, argument(2))
        return
      default:
    }
  }

  /** The driver's own function: wdmsec.lib, which makes secure devices, is linked in. */
  callOwn(call: Call): void {
    if (call.argument(0)?.kind !== 'driver-object') return
    const text = this.#unicode(call, call.argument(6))
    if (text && SDDL.test(text.text)) this.#secureDevice(call)
  }

  #secureDevice(call: Call): void {
    this.findings.devices.push({
      routine: 'IoCreateDeviceSecure',
      name: this.#unicode(call, call.argument(2)),
      characteristics: numberOf(call.argument(4)),
      sddl: this.#unicode(call, call.argument(6)),
      rva: call.rva,
    })
  }

  #device(call: Call, routine: string, name: Known, sddl?: Known): void {
    this.findings.devices.push({
      routine,
      name: this.#unicode(call, name),
      characteristics: null,
      sddl: this.#unicode(call, sddl),
      rva: call.rva,
    })
  }

  #link(call: Call, value: Known): void {
    const text = this.#unicode(call, value)
    if (text) this.findings.links.push(text)
  }

  #routine(name: string | undefined): void {
    if (name !== undefined && /^\w{3,}$/.test(name)) this.findings.routines.add(name)
  }

  /** WDF_IO_QUEUE_CONFIG: EvtIoDefault, EvtIoRead, EvtIoWrite, then the two for control codes. */
  #queue({ argument, state }: Call): void {
    const callbacks = 16 + this.#word * 3
    for (const offset of [callbacks, callbacks + this.#word]) {
      const rva = this.#code(state, argument(2), offset)
      if (rva !== null) this.findings.codeRoutines.push({ rva, kind: 'queue', confidence: 'high' })
    }
  }

  /** NDIS_DEVICE_OBJECT_ATTRIBUTES: device name, link, table of dispatch routines, SDDL. */
  #ndisDevice(call: Call): void {
    const { state, rva } = call
    const attributes = call.argument(1)
    const word = this.#word
    const first = word === 8 ? 8 : 4
    const field = (index: number): Known =>
      this.memory.load(state, this.#field(attributes, first + index * word), word)
    this.#device(call, 'NdisRegisterDeviceEx', field(0), field(4))
    this.#link(call, field(1))
    this.#dispatchTable(state, field(2), rva)
  }

  /** An array of dispatch routines that is not the driver object's. */
  #dispatchTable(state: State, table: Known, rva: number): void {
    for (let index = 0; index < IRP_MJ_COUNT; index++) {
      const handler = this.#code(state, table, index * this.#word)
      if (handler !== null) this.#addDispatch(index, handler, rva)
    }
  }

  #addDispatch(index: number, handler: number, rva: number): void {
    this.findings.majors.push({ index, handler, rva })
    if (index === IRP_MJ_DEVICE_CONTROL || index === IRP_MJ_INTERNAL_DEVICE_CONTROL) {
      this.findings.codeRoutines.push({ rva: handler, kind: 'dispatch', confidence: 'high' })
    }
  }

  /** WDF_BIND_INFO: size, component, version (3 words of 32 bits), count, table, module. */
  #bindInfo(value: Known): number | null {
    const rva = this.memory.rvaOf(value)
    if (rva === null) return null
    const table = this.memory.program.number(rva + this.#word * 2 + 16, this.#word)
    return table === null ? null : this.memory.program.rvaOf(table)
  }

  #field(value: Known, offset: number): Place | undefined {
    return this.memory.offset(value, offset)
  }

  #code(state: State, structure: Known, offset: number): number | null {
    const value = this.memory.load(state, this.#field(structure, offset), this.#word)
    return this.memory.codeOf(value)
  }

  /** The text of a UNICODE_STRING that a value points to. */
  #unicode({ state }: Call, value: Known): FoundText | null {
    if (value === undefined) return null
    const buffer = this.memory.load(state, this.#field(value, this.#word), this.#word)
    const lengths = this.memory.load(state, value, 4)
    const bytes = lengths?.kind === 'constant' ? lengths.number & 0xffff : TEXT_MAX * 2
    return this.#text(buffer, true, bytes === 0 ? TEXT_MAX : bytes >> 1)
  }

  #text(value: Known, isWide: boolean, max = TEXT_MAX): FoundText | null {
    const rva = this.memory.rvaOf(value)
    const found = rva === null ? null : this.memory.program.text(rva, isWide, max)
    return found === null || found.text === '' ? null : found
  }
}

function numberOf(value: Known): number | null {
  return value?.kind === 'constant' ? value.number >>> 0 : null
}
