/** The map of a file's entropy: which block lies where, in which part of the file, how it reads. */
import type { EntropyMap, Image } from '../../../../shared/driver-file/facts'
import { hex } from './words'

/** Bits per byte that code and data seldom reach, and packed or encrypted bytes seldom miss. */
export const DENSE = 7.2

export interface Part {
  name: string
  kind: 'headers' | 'section' | 'certificates' | 'overlay'
  from: number
  /** Exclusive. */
  to: number
}

/** The parts of a file in the order they lie in; what lies in none is a gap. */
export function partsOf(image: Image | null, size: number): Part[] {
  if (!image) return []
  const parts: Part[] = [
    { name: 'headers', kind: 'headers', from: 0, to: image.sizeOfHeaders },
    ...image.sections.map(({ name, offset, rawSize }): Part => ({
      name,
      kind: 'section',
      from: offset,
      to: offset + rawSize,
    })),
  ]
  const { overlay, certificateTable } = image
  if (overlay)
    parts.push({
      name: 'overlay',
      kind: 'overlay',
      from: overlay.offset,
      to: overlay.offset + overlay.size,
    })
  if (certificateTable)
    parts.push({
      name: 'certificates',
      kind: 'certificates',
      from: certificateTable.offset,
      to: certificateTable.offset + certificateTable.size,
    })
  return parts
    .map((part) => ({ ...part, from: Math.min(part.from, size), to: Math.min(part.to, size) }))
    .filter(({ from, to }) => to > from)
    .sort((a, b) => a.from - b.from || a.to - b.to)
}

export interface Column {
  /** Offsets, end exclusive. */
  from: number
  to: number
  /** The highest block under the column: a small packed part must not vanish. */
  value: number
}

/** At most `most` columns for a map of any length. */
export function columnsOf(map: EntropyMap, size: number, most: number): Column[] {
  const count = map.values.length
  const each = Math.max(1, Math.ceil(count / Math.max(1, most)))
  const columns: Column[] = []
  for (let first = 0; first < count; first += each) {
    const blocks = map.values.slice(first, first + each)
    columns.push({
      from: first * map.blockSize,
      to: Math.min(size, (first + blocks.length) * map.blockSize),
      value: Math.max(...blocks),
    })
  }
  return columns
}

/** `0x1A00 to 0x1A3F, certificates: 7.21 bits per byte`. */
export function columnWords(column: Column, parts: readonly Part[]): string {
  const inside = parts.filter(({ from, to }) => column.from < to && column.to > from)
  const names = inside.map(({ name }) => name).join(', ') || 'in no section'
  return `${hex(column.from)} to ${hex(Math.max(column.from, column.to - 1))}, ${names}: ${column.value.toFixed(2)} bits per byte`
}
