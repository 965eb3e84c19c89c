/**
 * Where the bytes of a mapped image lie in its file: RVAs to offsets and back, as the Windows loader
 * maps sections. Works from the facts alone, so that every reader maps alike.
 */
import type { Image, Section } from '../../shared/driver-file/facts'
import type { Reader } from './reader'

const PAGE = 0x1000
/** The loader rounds PointerToRawData down to a disk sector, whatever FileAlignment says. */
const SECTOR = 0x200
const IMAGE_SCN_MEM_EXECUTE = 0x2000_0000

export type Layout = Pick<
  Image,
  'sections' | 'sizeOfHeaders' | 'sectionAlignment' | 'fileAlignment'
>

interface Range {
  section: Section
  start: number
  /** RVA after the last byte of the section in memory. */
  end: number
  /** RVA after the last byte that the file holds. */
  filledEnd: number
  offset: number
}

export class Mapping {
  readonly #ranges: Range[]
  readonly #headers: number
  /** Sections rise without overlap, as the loader demands: a binary search finds the right one. */
  readonly #isOrdered: boolean

  constructor(
    readonly reader: Reader,
    layout: Layout,
  ) {
    this.#headers = Math.min(layout.sizeOfHeaders, reader.length)
    this.#ranges = layout.sections.map((section) => rangeOf(section, layout, reader.length))
    this.#isOrdered = this.#ranges.every(
      ({ start }, index, all) => index === 0 || start >= all[index - 1].end,
    )
  }

  /** The section that holds an address; null for headers and for what no section covers. */
  sectionOf(rva: number): Section | null {
    return this.#rangeOf(rva)?.section ?? null
  }

  /** Offset in the file of the byte at an address; null where memory is zero-filled or unmapped. */
  offsetOf(rva: number): number | null {
    const range = this.#rangeOf(rva)
    if (range) return rva < range.filledEnd ? range.offset + (rva - range.start) : null
    return rva >= 0 && rva < this.#headers ? rva : null
  }

  /** Address at which a byte of the file appears in memory; null for overlay and padding. */
  rvaOf(offset: number): number | null {
    for (const { start, filledEnd, offset: first } of this.#ranges) {
      if (offset >= first && offset < first + (filledEnd - start)) return start + (offset - first)
    }
    return offset >= 0 && offset < this.#headers ? offset : null
  }

  /** How many bytes follow an address in the file without a gap; 0 where it is not in the file. */
  available(rva: number): number {
    const range = this.#rangeOf(rva)
    if (range) return Math.max(0, range.filledEnd - rva)
    return rva >= 0 ? Math.max(0, this.#headers - rva) : 0
  }

  /** Bytes at an address, fewer than `size` where the section's data ends. A view, not a copy. */
  bytesAt(rva: number, size: number): Uint8Array {
    const offset = this.offsetOf(rva)
    if (offset === null) return this.reader.slice(0, 0)
    return this.reader.slice(offset, Math.min(size, this.available(rva)))
  }

  /** One byte per character up to a NUL; empty where nothing is mapped. */
  textAt(rva: number, max?: number): string {
    const offset = this.offsetOf(rva)
    return offset === null ? '' : this.reader.text(offset, max)
  }

  /** Little-endian 32 bits at an address; 0 where nothing is mapped. */
  u32At(rva: number): number {
    const offset = this.offsetOf(rva)
    return offset === null ? 0 : this.reader.u32(offset)
  }

  /** Does the address lie in a section that is marked executable? */
  isExecutable(rva: number): boolean {
    const section = this.sectionOf(rva)
    return section !== null && (section.characteristics & IMAGE_SCN_MEM_EXECUTE) !== 0
  }

  #rangeOf(rva: number): Range | undefined {
    if (!this.#isOrdered) return this.#ranges.find(({ start, end }) => rva >= start && rva < end)
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (rva >= this.#ranges[middle].end) low = middle + 1
      else high = middle
    }
    const found = this.#ranges.at(low)
    return found && rva >= found.start ? found : undefined
  }
}

function rangeOf(section: Section, layout: Layout, fileSize: number): Range {
  const { rva, virtualSize, rawSize } = section
  const offset =
    layout.fileAlignment < SECTOR ? section.offset : section.offset - (section.offset % SECTOR)
  // The loader maps whole pages, less only in images of low alignment; a virtual size of 0 means
  // the raw size.
  const memory = roundUp(virtualSize || rawSize, Math.min(layout.sectionAlignment || PAGE, PAGE))
  const filled = Math.max(0, Math.min(rawSize, memory, fileSize - offset))
  return { section, start: rva, end: rva + memory, filledEnd: rva + filled, offset }
}

/** @param alignment a power of two or any other positive number; 0 leaves the value alone */
export function roundUp(value: number, alignment: number): number {
  return alignment > 0 ? Math.ceil(value / alignment) * alignment : value
}
