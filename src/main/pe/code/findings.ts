/** What walking through a driver's code brings to light, before it is put into the shape of the facts. */
import type { FoundCode } from './control-code'

/** A text and where it lies in the file; a null offset for texts that only exist at run time. */
export interface FoundText {
  readonly text: string
  readonly offset: number | null
}

/** A call that makes a device. */
export interface FoundDevice {
  /** `IoCreateDevice`, `IoCreateDeviceSecure`, `WdfControlDeviceInitAllocate`. */
  readonly routine: string
  readonly name: FoundText | null
  /** FILE_DEVICE_ characteristics; null when they are not known or not part of the call. */
  readonly characteristics: number | null
  readonly sddl: FoundText | null
  readonly rva: number
}

/** A routine that gets control codes, and how it gets them. */
export interface CodeRoutine {
  readonly rva: number
  /** `dispatch`: (DeviceObject, Irp); `queue`: EvtIoDeviceControl; `fast-io`: FastIoDeviceControl. */
  readonly kind: 'dispatch' | 'queue' | 'fast-io'
  readonly confidence: 'high' | 'medium' | 'low'
}

/** Smaller numbers are another request's parameters: a power state at the place of the code. */
const SMALLEST_CODE = 0x10

export class Findings {
  readonly majors: { index: number; handler: number; rva: number }[] = []
  readonly unloads: number[] = []
  readonly addDevices: number[] = []
  readonly devices: FoundDevice[] = []
  readonly links: FoundText[] = []
  readonly routines = new Set<string>()
  readonly sddl: FoundText[] = []
  /** Routines found by what was registered; walked after the one that registered them. */
  readonly codeRoutines: CodeRoutine[] = []
  /** EvtDriverDeviceAdd. */
  readonly deviceAdds: number[] = []
  /** Calls that hand on both arguments of DriverEntry, by the function they stand in. */
  readonly entryCalls: { from: number; to: number; isJump: boolean }[] = []
  /** Functions that a function calls, as far as the walk of DriverEntry saw. */
  readonly callees = new Map<number, Set<number>>()
  /** Functions with the mark of a compiler's or framework's stub in them. */
  readonly stubs = new Set<number>()
  readonly codes = new Map<number, FoundCode>()

  /** Keep a code; the surer of two sights of the same one wins. */
  addCode(code: FoundCode): void {
    const value = code.value >>> 0
    if (value < SMALLEST_CODE) return
    const known = this.codes.get(value)
    const rank = (found: FoundCode): number =>
      ['low', 'medium', 'high'].indexOf(found.confidence) * 2 + (found.handler === null ? 0 : 1)
    if (!known || rank(code) > rank(known)) this.codes.set(value, { ...code, value })
  }

  /** A code that was compared alone turned out to be a node of a binary search. */
  markSearched(value: number): void {
    const known = this.codes.get(value)
    if (known?.how === 'compare') known.how = 'binary-search'
  }
}
