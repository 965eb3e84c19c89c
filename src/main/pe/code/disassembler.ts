/**
 * The disassembler: iced-x86 (WebAssembly) behind a few calls that speak in RVAs. The module is
 * loaded with the first image that has x86 code. What it allocates lies outside the garbage
 * collector's reach: whoever makes a Disassembler calls `free`.
 */
import { createRequire } from 'node:module'
import type * as Iced from 'iced-x86'

import type { Section } from '../../../shared/driver-file/facts'
import type { Mapping } from '../mapping'
import type { Flow, Instruction, Operand } from './instruction'
import { icedTables, type IcedTables } from './iced-tables'

/** More bytes than any driver's code; the copy in WebAssembly memory stays below this. */
const CODE_BYTES_MAX = 32 * 1024 * 1024

let loaded: { iced: typeof Iced; tables: IcedTables } | undefined

function load(): { iced: typeof Iced; tables: IcedTables } {
  if (loaded) return loaded
  const iced = createRequire(import.meta.url)('iced-x86') as typeof Iced
  loaded = { iced, tables: icedTables(iced) }
  return loaded
}

/** Load the module now rather than with the first image, whose time it would cost. */
export const warmUp = (): void => void load()

export class Disassembler {
  readonly tables: IcedTables
  /** The instruction that `step` decoded last. */
  readonly current: Iced.Instruction
  readonly #iced: typeof Iced
  readonly #decoders = new Map<Section, Iced.Decoder | null>()
  readonly #cache = new Map<number, Instruction | null>()
  #formatter: Iced.Formatter | undefined
  #section: Section | null = null
  #decoder: Iced.Decoder | null = null
  #position = -1
  #bytesLeft = CODE_BYTES_MAX

  constructor(
    readonly mapping: Mapping,
    readonly bitness: 32 | 64,
  ) {
    const { iced, tables } = load()
    this.#iced = iced
    this.tables = tables
    this.current = new iced.Instruction()
  }

  /**
   * Decode into `current`. Steps that follow each other are quicker than jumps.
   * @returns length in bytes; 0 where there is no instruction
   */
  step(rva: number): number {
    if (rva !== this.#position && !this.#seek(rva)) return 0
    const decoder = this.#decoder
    if (!decoder?.canDecode) return this.#lose()
    decoder.decodeOut(this.current)
    if (this.current.isInvalid) return this.#lose()
    const length = this.current.length
    this.#position = rva + length
    return length
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
    this.#formatter ??= this.#makeFormatter()
    return this.#formatter.format(this.current)
  }

  /** RVA that a near branch goes to; null for indirect ones and for targets outside 32 bits. */
  branchTarget(): number | null {
    if (!this.tables.isNearBranch[this.current.op0Kind]) return null
    const target = Number(this.current.nearBranchTarget)
    return target <= 0xffff_ffff ? target : null
  }

  free(): void {
    for (const decoder of this.#decoders.values()) decoder?.free()
    this.#decoders.clear()
    this.current.free()
    this.#formatter?.free()
    this.#formatter = undefined
    this.#decoder = null
    this.#cache.clear()
  }

  #lose(): number {
    this.#position = -1
    return 0
  }

  #seek(rva: number): boolean {
    const section = this.#section
    if (section === null || rva < section.rva || rva >= section.rva + section.virtualSize) {
      this.#section = this.mapping.isExecutable(rva) ? this.mapping.sectionOf(rva) : null
      this.#decoder = this.#section && this.#decoderOf(this.#section)
    }
    const offset = this.#section ? rva - this.#section.rva : 0
    if (!this.#decoder || offset >= this.#decoder.maxPosition) return this.#lose() > 0
    this.#decoder.position = offset
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
    return decoder
  }

  #makeFormatter(): Iced.Formatter {
    const formatter = new this.#iced.Formatter(this.#iced.FormatterSyntax.Intel)
    formatter.hexPrefix = '0x'
    formatter.hexSuffix = ''
    formatter.spaceAfterOperandSeparator = true
    formatter.branchLeadingZeros = false
    formatter.showBranchSize = false
    return formatter
  }

  #plain(rva: number, length: number): Instruction {
    const { current, tables } = this
    const name = tables.names[current.mnemonic]
    const operands: Operand[] = []
    for (let index = 0; index < Math.min(current.opCount, 3); index++) {
      const operand = this.#operand(index)
      if (operand) operands.push(operand)
    }
    const memory = tables.memorySizes[current.memorySize] ?? 0
    const first = operands[0]
    const size = memory || (first?.kind === 'register' ? first.size : 0)
    const flow: Flow = tables.isStop[current.mnemonic] ? 'stop' : tables.flows[current.flowControl]
    const isRepeated = current.hasRepPrefix || current.hasRepnePrefix
    const target = this.branchTarget()
    return { rva, next: rva + length, name, flow, target, operands, size, isRepeated }
  }

  #operand(index: number): Operand | null {
    const { current, tables } = this
    const kind = tables.operandKinds[current.opKind(index)]
    if (kind === 'register') {
      const register = current.opRegister(index)
      return {
        kind,
        register: tables.registers[register] ?? -1,
        size: tables.registerSizes[register] ?? 0,
        isHigh: tables.isHighByte[register] === 1,
      }
    }
    if (kind === 'immediate') return this.#immediate(index)
    return kind === 'memory' ? this.#memory() : null
  }

  /** Big integers cost time: only what does not fit 32 bits goes through them. */
  #immediate(index: number): Operand {
    const { current, tables } = this
    const opKind = current.opKind(index)
    const bytes = tables.immediateBytes[opKind]
    if (bytes === 1)
      return { kind: 'immediate', value: (current.immediate8 << 24) >> 24, wide: null }
    if (bytes === 4) {
      const isExtended = opKind === tables.immediate32to64
      const value = isExtended ? current.immediate32 | 0 : current.immediate32
      return { kind: 'immediate', value, wide: null }
    }
    const wide = BigInt.asIntN(64, BigInt(current.immediate(index)))
    const value = Number(wide)
    return { kind: 'immediate', value: Number.isSafeInteger(value) ? value : null, wide }
  }

  #memory(): Operand {
    const { current, tables } = this
    const isRelative = current.isIpRelMemoryOperand
    const displacement = isRelative
      ? Number(current.ipRelMemoryAddress)
      : current.memoryDisplSize === 0
        ? 0
        : this.bitness === 64
          ? Number(BigInt.asIntN(64, current.memoryDisplacement))
          : Number(current.memoryDisplacement) | 0
    return {
      kind: 'memory',
      base: isRelative ? -1 : (tables.registers[current.memoryBase] ?? -1),
      index: tables.registers[current.memoryIndex] ?? -1,
      scale: current.memoryIndexScale,
      displacement,
      isRelative,
      isSegment: tables.isThreadSegment[current.memorySegment] === 1,
    }
  }
}
