/**
 * The disassembler: iced-x86 (WebAssembly) behind a few calls that speak in RVAs. The module is
 * loaded with the first image that has x86 code. What it allocates lies outside the garbage
 * collector's reach: whoever makes a Disassembler calls `free`.
 */
import { createRequire } from 'node:module'
import type * as Iced from 'iced-x86'

import type { Section } from '../../../shared/driver-file/facts'
import type { Mapping } from '../mapping'
import { Decoded } from './decoded'
import type { Instruction, Operand } from './instruction'
import { icedTables, type IcedTables } from './iced-tables'

/** More bytes than any driver's code; the copy in WebAssembly memory stays below this. */
const CODE_BYTES_MAX = 32 * 1024 * 1024

interface Loaded {
  readonly iced: typeof Iced
  readonly tables: IcedTables
  /** One for all images, like the module itself: making one costs as much as reading a function. */
  readonly formatter: Iced.Formatter
}

let loaded: Loaded | undefined

function load(): Loaded {
  if (loaded) return loaded
  const iced = createRequire(import.meta.url)('iced-x86') as typeof Iced
  loaded = { iced, tables: icedTables(iced), formatter: newFormatter(iced) }
  return loaded
}

function newFormatter(iced: typeof Iced): Iced.Formatter {
  const formatter = new iced.Formatter(iced.FormatterSyntax.Intel)
  formatter.hexPrefix = '0x'
  formatter.hexSuffix = ''
  formatter.spaceAfterOperandSeparator = true
  formatter.branchLeadingZeros = false
  formatter.showBranchSize = false
  return formatter
}

/** Load the module now rather than with the first image, whose time it would cost. */
export const warmUp = (): void => void load()

export class Disassembler {
  readonly tables: IcedTables
  /** The instruction that `step` decoded last. */
  readonly current: Decoded
  readonly #iced: typeof Iced
  readonly #formatter: Iced.Formatter
  readonly #decoders = new Map<Section, Iced.Decoder | null>()
  readonly #bytes = new Map<Section, Uint8Array>()
  readonly #cache = new Map<number, Instruction | null>()
  #section: Section | null = null
  #decoder: Iced.Decoder | null = null
  /** RVA after the last byte that the present decoder has. */
  #end = 0
  #position = -1
  #bytesLeft = CODE_BYTES_MAX

  constructor(
    readonly mapping: Mapping,
    readonly bitness: 32 | 64,
  ) {
    const { iced, tables, formatter } = load()
    this.#iced = iced
    this.#formatter = formatter
    this.tables = tables
    this.current = new Decoded(iced)
  }

  /**
   * Decode into `current`. Steps that follow each other are quicker than jumps.
   * @returns length in bytes; 0 where there is no instruction
   */
  step(rva: number): number {
    if (rva !== this.#position && !this.#seek(rva)) return 0
    const { current } = this
    if (this.#decoder === null || rva >= this.#end) return this.#lose()
    this.#decoder.decodeOut(current.instruction)
    current.refresh()
    if (current.code === 0) return this.#lose()
    const { length } = current
    this.#position = rva + length
    return length
  }

  /** All bytes that are decoded of the section around an RVA. */
  bytesAround(rva: number): Uint8Array {
    this.#select(rva)
    return (this.#section && this.#bytes.get(this.#section)) ?? new Uint8Array(0)
  }

  /** The instruction at an RVA as a plain object; null where there is none. Kept for the next caller. */
  at(rva: number): Instruction | null {
    const known = this.#cache.get(rva)
    if (known !== undefined) return known
    const length = this.step(rva)
    const instruction = length === 0 ? null : this.#plain(rva, length)
    this.#cache.set(rva, instruction)
    return instruction
  }

  /** The instruction in Intel's notation, with RVAs for addresses; empty where there is none. */
  text(rva: number): string {
    if (this.step(rva) === 0) return ''
    return this.#formatter.format(this.current.instruction)
  }

  /** RVA that a near branch goes to; null for indirect ones and for targets outside 32 bits. */
  branchTarget(): number | null {
    if (!this.tables.isNearBranch[this.current.opKind(0)]) return null
    const target = this.current.displacement
    return target <= 0xffff_ffff ? target : null
  }

  /** RVA that the operand is at, if it is RIP-relative; null for others. */
  relativeAddress(): number | null {
    const { current, tables } = this
    if (!tables.isInstructionPointer[current.memoryBase]) return null
    // EIP: an address of 32 bits.
    const isWide = current.memoryBase === this.#iced.Register.RIP
    return isWide ? current.displacement : current.displacement32 >>> 0
  }

  free(): void {
    for (const decoder of this.#decoders.values()) decoder?.free()
    this.#decoders.clear()
    this.current.free()
    this.#decoder = null
    this.#cache.clear()
  }

  #lose(): number {
    this.#position = -1
    return 0
  }

  #select(rva: number): void {
    const section = this.#section
    if (section !== null && rva >= section.rva && rva < section.rva + section.virtualSize) return
    this.#position = -1
    this.#section = this.mapping.isExecutable(rva) ? this.mapping.sectionOf(rva) : null
    this.#decoder = this.#section && this.#decoderOf(this.#section)
    this.#end = this.#section && this.#decoder ? this.#section.rva + this.#decoder.maxPosition : 0
  }

  #seek(rva: number): boolean {
    this.#select(rva)
    if (!this.#decoder || !this.#section || rva >= this.#end) return this.#lose() > 0
    this.#decoder.position = rva - this.#section.rva
    this.#decoder.ip = BigInt(rva)
    this.#position = rva
    return true
  }

  #decoderOf(section: Section): Iced.Decoder | null {
    const known = this.#decoders.get(section)
    if (known !== undefined) return known
    const bytes = this.mapping.bytesAt(section.rva, this.#bytesLeft)
    this.#bytesLeft -= bytes.length
    const { Decoder, DecoderOptions } = this.#iced
    const decoder = bytes.length > 0 ? new Decoder(this.bitness, bytes, DecoderOptions.None) : null
    this.#decoders.set(section, decoder)
    this.#bytes.set(section, bytes)
    return decoder
  }

  #plain(rva: number, length: number): Instruction {
    const { current, tables } = this
    const { name, flow, condition, operandCount, memoryBytes } = tables.formOf(current.code)
    const operands = this.#operands(operandCount)
    const memory = current.isBroadcast
      ? (tables.memorySizes[current.instruction.memorySize] ?? 0)
      : memoryBytes
    const first = operands.length > 0 ? operands[0] : undefined
    const size = memory || (first?.kind === 'register' ? first.size : 0)
    const { isRepeated } = current
    const target = this.branchTarget()
    return { rva, next: rva + length, name, flow, condition, target, operands, size, isRepeated }
  }

  /** Lists of the very length: one that grows by `push` has room for 17 from the first on. */
  #operands(count: number): Operand[] {
    const first = count > 0 ? this.#operand(0) : null
    const second = count > 1 ? this.#operand(1) : null
    const third = count > 2 ? this.#operand(2) : null
    if (first && !third) return second ? [first, second] : [first]
    return [first, second, third].filter((operand) => operand !== null)
  }

  #operand(index: number): Operand | null {
    const { current, tables } = this
    const opKind = current.opKind(index)
    const kind = tables.operandKinds[opKind]
    if (kind === 'register') return tables.registerOperands[current.opRegister(index)]
    if (kind === 'immediate') return this.#immediate(opKind)
    return kind === 'memory' ? this.#memory() : null
  }

  /** Big integers cost time: only what does not fit a number goes through them. */
  #immediate(opKind: number): Operand {
    const { current, tables } = this
    const bytes = tables.immediateBytes[opKind]
    const low = current.immediate32
    if (bytes === 1) return { kind: 'immediate', value: (low << 24) >> 24, wide: null }
    if (bytes === 4) {
      const value = opKind === tables.immediate32to64 ? low : low >>> 0
      return { kind: 'immediate', value, wide: null }
    }
    if (opKind !== tables.immediate64) {
      // 16 bits, or the second immediate of an instruction.
      const value = opKind === this.#iced.OpKind.Immediate16 ? low : current.displacement32
      return { kind: 'immediate', value, wide: null }
    }
    // The upper half lies where other instructions have their displacement.
    const high = current.displacement32
    const value = high * 0x1_0000_0000 + (low >>> 0)
    if (Number.isSafeInteger(value)) return { kind: 'immediate', value, wide: null }
    return { kind: 'immediate', value: null, wide: (BigInt(high) << 32n) | BigInt(low >>> 0) }
  }

  #memory(): Operand {
    const { current, tables } = this
    const relative = this.relativeAddress()
    return {
      kind: 'memory',
      base: relative === null ? tables.registers[current.memoryBase] : -1,
      index: tables.registers[current.memoryIndex],
      scale: current.memoryIndexScale,
      displacement: relative ?? this.#displacement(),
      isRelative: relative !== null,
      isSegment: current.isThreadSegment,
    }
  }

  #displacement(): number {
    const { current } = this
    if (!current.hasDisplacement) return 0
    return this.bitness === 64 ? current.displacementSigned : current.displacement32
  }
}
