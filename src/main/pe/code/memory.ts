/**
 * Loads and stores: the stack of the path, the image's own data, and fields of the objects that the
 * I/O manager hands to a driver.
 */
import type { MemoryOperand } from './instruction'
import type { Program } from './program'
import { moved, type Known, type Lookup, type ObjectKind, type Value } from './value'
import { address, constant, isMovable } from './value'
import type { State } from './state'
import { sum } from './arithmetic'

/** Offsets that the analysis knows, by the size of a pointer. */
export interface Offsets {
  /** DRIVER_OBJECT */
  readonly driverExtension: number
  readonly fastIoDispatch: number
  readonly driverUnload: number
  readonly majorFunction: number
  /** DRIVER_EXTENSION */
  readonly addDevice: number
  /** IRP.Tail.Overlay.CurrentStackLocation */
  readonly currentStackLocation: number
  /** IO_STACK_LOCATION.Parameters.DeviceIoControl.IoControlCode */
  readonly ioControlCode: number
  /** FAST_IO_DISPATCH.FastIoDeviceControl */
  readonly fastIoDeviceControl: number
}

export const OFFSETS: Readonly<Record<4 | 8, Offsets>> = {
  8: {
    driverExtension: 0x30,
    fastIoDispatch: 0x50,
    driverUnload: 0x68,
    majorFunction: 0x70,
    addDevice: 0x08,
    currentStackLocation: 0xb8,
    ioControlCode: 0x18,
    fastIoDeviceControl: 0x50,
  },
  4: {
    driverExtension: 0x18,
    fastIoDispatch: 0x28,
    driverUnload: 0x34,
    majorFunction: 0x38,
    addDevice: 0x04,
    currentStackLocation: 0x60,
    ioControlCode: 0x0c,
    fastIoDeviceControl: 0x28,
  },
}

/** A store to an object that is followed, or to the image. */
export type StoreListener = (object: ObjectKind, offset: number, value: Known, rva: number) => void

/** A place in memory: a known address, or an entry of a table chosen by the control code. */
export type Place =
  Value | { readonly kind: 'entry'; readonly entry: Omit<Lookup, 'size' | 'isSigned'> }

export class Memory {
  readonly offsets: Offsets
  /** RVA of the variable that holds the framework's function table; null without framework. */
  wdfFunctions: number | null = null
  /** Pointers that the driver keeps in its own data, whichever path stored them. */
  readonly #globals = new Map<number, Value>()

  constructor(
    readonly program: Program,
    readonly onStore: StoreListener,
  ) {
    this.offsets = OFFSETS[program.word]
  }

  /** Where an operand points; undefined when that is not known. */
  place(state: State, operand: MemoryOperand): Place | undefined {
    if (operand.isSegment) return undefined
    if (operand.isRelative) return address(operand.displacement)
    const { program } = this
    const displacement = program.bits === 32 ? operand.displacement >>> 0 : operand.displacement
    let fixed: Known = constant(displacement)
    let chosen: { index: Lookup['index']; scale: number } | undefined
    // The base, then the index.
    for (let term = 0; term < 2; term++) {
      const register = term === 0 ? operand.base : operand.index
      if (register < 0) continue
      const scale = term === 0 ? 1 : operand.scale
      const value = state.registers[register]
      if (value?.kind === 'code' && chosen === undefined) {
        const last = value.expression.at(-1)
        // An index that was scaled by a shift beforehand.
        chosen =
          last?.operator === 'shl'
            ? { index: value.expression.slice(0, -1), scale: scale * 2 ** last.operand }
            : { index: value.expression, scale }
      } else if (value?.kind === 'lookup' && chosen === undefined) chosen = { index: value, scale }
      else fixed = sum(fixed, scale === 1 ? value : scaled(value, scale), program.word)
      if (fixed === undefined) return undefined
    }
    if (!chosen) return fixed
    const table = this.rvaOf(fixed)
    return table === null ? undefined : { kind: 'entry', entry: { ...lookupOf(table), ...chosen } }
  }

  /** RVA of a value that points into the image; null for other values. */
  rvaOf(value: Known): number | null {
    if (value?.kind === 'address') return value.number
    return value?.kind === 'constant' ? this.program.rvaOf(value.number) : null
  }

  /** RVA of a value that points to code; null for other values. */
  codeOf(value: Known): number | null {
    const rva = this.rvaOf(value)
    return rva !== null && rva > 0 && this.program.isCode(rva) ? rva : null
  }

  load(state: State, place: Place | undefined, size: number, isSigned = false): Known {
    if (place === undefined) return undefined
    if (place.kind === 'entry') return { ...place.entry, size, isSigned }
    if (place.kind === 'stack') return state.slot(place.number)
    const { offsets, program } = this
    if (place.kind === 'address' || place.kind === 'constant') {
      const rva = this.rvaOf(place)
      return rva === null ? undefined : this.#loadImage(rva, size)
    }
    if (!isMovable(place)) return undefined
    const { kind, number } = place
    const isPointer = size === program.word
    if (kind === 'irp' && isPointer && number === offsets.currentStackLocation) {
      return { kind: 'stack-location', number: 0 }
    }
    // Eight bytes at this place are another request's: the byte offset of a read.
    if (kind === 'stack-location' && size === 4 && number === offsets.ioControlCode) {
      return { kind: 'code', expression: [] }
    }
    if (kind === 'driver-object' && isPointer && number === offsets.driverExtension) {
      return { kind: 'driver-extension', number: 0 }
    }
    if (kind === 'wdf-functions' && isPointer && number % program.word === 0) {
      return { kind: 'wdf-function', index: number / program.word }
    }
    return undefined
  }

  store(state: State, place: Place | undefined, value: Known, size: number, rva: number): void {
    if (place === undefined || place.kind === 'entry') return
    if (place.kind === 'stack') {
      state.setSlot(place.number, value)
      return
    }
    const target = this.rvaOf(place)
    if (target !== null) {
      if (size !== this.program.word || value === undefined) return
      const isNumber = value.kind === 'constant'
      this.#globals.set(target, isNumber ? { ...value, isChangeable: true } : value)
    } else if (isMovable(place) && place.kind !== 'constant' && place.kind !== 'address') {
      this.onStore(place.kind, place.number, value, rva)
    }
  }

  /** The place `bytes` further on. */
  offset(place: Place | undefined, bytes: number): Place | undefined {
    if (place === undefined || place.kind === 'entry' || !isMovable(place)) return undefined
    return moved(place, place.number + bytes)
  }

  #loadImage(rva: number, size: number): Known {
    const { program } = this
    const name = program.imports.get(rva)
    if (name !== undefined) return { kind: 'import', name }
    if (rva === this.wdfFunctions) return { kind: 'wdf-functions', number: 0 }
    const kept = this.#globals.get(rva)
    if (kept !== undefined && (size === program.word || kept.kind === 'constant')) return kept
    const number = program.number(rva, size)
    if (number === null) return undefined
    return program.isWritable(rva)
      ? { kind: 'constant', number, isChangeable: true }
      : constant(number)
  }
}

const lookupOf = (table: number) => ({ kind: 'lookup' as const, table, base: null })

function scaled(value: Known, scale: number): Known {
  return value?.kind === 'constant' ? constant(value.number * scale) : undefined
}
