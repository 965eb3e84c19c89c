/**
 * One image as code sees it: its mapping, its disassembler, its import slots and the bounds of its
 * functions. Everything the analyses here ask about bytes goes through it.
 */
import type { Image, Section } from '../../../shared/driver-file/facts'
import { Mapping, roundUp } from '../mapping'
import { Reader } from '../reader'
import { Disassembler } from './disassembler'

export const MACHINES: Readonly<Record<string, 32 | 64>> = { AMD64: 64, I386: 32 }

const RUNTIME_FUNCTION_SIZE = 12
const RUNTIME_FUNCTIONS_MAX = 100_000
const UNW_FLAG_CHAININFO = 4
const IMAGE_SCN_MEM_WRITE = 0x8000_0000
const TEXT_MAX = 1_024
const PAGE = 0x1000

/** RVA behind the last byte that a section can take. */
const endOf = ({ rva, virtualSize, rawSize }: Section, alignment: number): number =>
  rva + roundUp(Math.max(virtualSize, rawSize), Math.min(alignment || PAGE, PAGE))

export interface Bounds {
  readonly start: number
  /** RVA after the last byte. */
  readonly end: number
}

export class Program {
  readonly mapping: Mapping
  readonly disassembler: Disassembler
  readonly bits: 32 | 64
  /** Bytes of a pointer. */
  readonly word: 4 | 8
  /** Import slots by RVA. */
  readonly imports = new Map<number, string>()
  /** Functions of the exception directory, by rising start; empty for x86. */
  readonly runtimeFunctions: readonly Bounds[]
  readonly #base: number
  /** Another section may begin within one. */
  readonly #isOverlapping: boolean
  // Code that was found last, up to where its section ends in the file.
  #codeStart = 0
  #codeEnd = 0

  constructor(
    bytes: Uint8Array,
    readonly image: Image,
    bits: 32 | 64,
  ) {
    this.bits = bits
    this.word = bits === 64 ? 8 : 4
    this.mapping = new Mapping(new Reader(bytes), image)
    const base = Number(image.imageBase)
    this.#base = Number.isSafeInteger(base) ? base : 0
    this.#isOverlapping = image.sections.some(
      ({ rva }, index, all) => index > 0 && rva < endOf(all[index - 1], image.sectionAlignment),
    )
    for (const { functions } of image.imports) {
      for (const { name, slot } of functions) if (name !== null) this.imports.set(slot, name)
    }
    this.runtimeFunctions = this.#readRuntimeFunctions()
    this.disassembler = new Disassembler(this.mapping, bits)
  }

  /** RVA of a virtual address; null outside the image. */
  rvaOf(address: number): number | null {
    const rva = address - this.#base
    return rva >= 0 && rva < this.image.sizeOfImage ? rva : null
  }

  isCode(rva: number): boolean {
    if (rva >= this.#codeStart && rva < this.#codeEnd) return true
    const { mapping } = this
    const available = mapping.isExecutable(rva) ? mapping.available(rva) : 0
    if (available <= 0) return false
    // Nearly all questions are about the section that holds the code.
    if (!this.#isOverlapping) {
      this.#codeStart = mapping.sectionOf(rva)?.rva ?? rva
      this.#codeEnd = rva + available
    }
    return true
  }

  /** May the driver change what lies there? Headers and read-only sections: no. */
  isWritable(rva: number): boolean {
    const section = this.mapping.sectionOf(rva)
    return section !== null && (section.characteristics & IMAGE_SCN_MEM_WRITE) !== 0
  }

  /**
   * A little-endian number as it lies in the file; zero where the section is larger than its data,
   * null outside the image and for 64-bit numbers beyond 2^53.
   */
  number(rva: number, size: number): number | null {
    const { mapping } = this
    const offset = mapping.offsetOf(rva)
    if (offset === null) return mapping.sectionOf(rva) ? 0 : null
    const { reader } = mapping
    if (size === 1) return reader.u8(offset)
    if (size === 2) return reader.u16(offset)
    if (size === 4) return reader.u32(offset)
    const value = reader.u64Number(offset)
    return Number.isSafeInteger(value) ? value : null
  }

  /** Text with a NUL at its end; its offset in the file beside it. Null where nothing is mapped. */
  text(rva: number, isWide: boolean, max = TEXT_MAX): { text: string; offset: number } | null {
    const offset = this.mapping.offsetOf(rva)
    if (offset === null) return null
    const { reader } = this.mapping
    const text = isWide ? reader.wideText(offset, max) : reader.text(offset, max)
    return { text, offset }
  }

  /** The function of the exception directory that an RVA lies in. */
  boundsOf(rva: number): Bounds | null {
    const all = this.runtimeFunctions
    let low = 0
    let high = all.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (all[middle].start <= rva) low = middle + 1
      else high = middle
    }
    const found = low > 0 ? all[low - 1] : null
    return found !== null && rva < found.end ? found : null
  }

  /** Name behind a thunk `jmp [import]`; null when the RVA holds no such thing. */
  importThunk(rva: number): string | null {
    const first = this.disassembler.at(rva)
    const operand = first?.flow === 'jump' ? first.operands[0] : undefined
    if (operand?.kind !== 'memory' || operand.base >= 0 || operand.index >= 0) return null
    const slot = operand.isRelative ? operand.displacement : this.rvaOf(operand.displacement >>> 0)
    return slot === null ? null : (this.imports.get(slot) ?? null)
  }

  free(): void {
    this.disassembler.free()
  }

  #readRuntimeFunctions(): Bounds[] {
    const directory = this.image.directories.find(({ name }) => name === 'EXCEPTION')
    if (this.bits !== 64 || !directory) return []
    const { mapping } = this
    const count = Math.min(directory.size / RUNTIME_FUNCTION_SIZE, RUNTIME_FUNCTIONS_MAX)
    const found: Bounds[] = []
    for (let index = 0; index + 1 <= count; index++) {
      const entry = directory.rva + index * RUNTIME_FUNCTION_SIZE
      const [start, end] = [mapping.u32At(entry), mapping.u32At(entry + 4)]
      const flags = (this.number(mapping.u32At(entry + 8) & ~1, 1) ?? 0) >> 3
      // A chained entry is a further piece of a function listed elsewhere.
      if ((flags & UNW_FLAG_CHAININFO) === 0 && start < end && this.isCode(start)) {
        found.push({ start, end })
      }
    }
    return found.sort((left, right) => left.start - right.start)
  }
}
