/**
 * VS_VERSIONINFO: what a file says of itself. A tree of blocks, each with a length, a key and a
 * value, each aligned to four bytes.
 */
import type { Image } from '../../../shared/driver-file/facts'
import type { AnomalyList } from '../anomalies'
import { Reader } from '../reader'

type VersionInfo = NonNullable<Image['version']>

const FIXED_SIGNATURE = 0xfeef_04bd
const KEY_MAX = 256
const VALUE_MAX = 4_096
const STRINGS_MAX = 512

interface Block {
  key: string
  /** Length of the value as written: bytes, or characters in texts. */
  valueLength: number
  value: number
  end: number
}

/**
 * @param bytes  of the resource
 * @param offset of the resource in the file, for what is told
 */
export function readVersion(
  bytes: Uint8Array,
  offset: number,
  anomalies: AnomalyList,
): VersionInfo | null {
  const reader = new Reader(bytes)
  const root = readBlock(reader, 0, bytes.length)
  if (!root || root.key !== 'VS_VERSION_INFO') {
    anomalies.broken('version-invalid', 'The version resource is none.', offset)
    return null
  }
  const info: VersionInfo = { fileVersion: null, productVersion: null, strings: {}, languages: [] }
  if (root.valueLength >= 52 && reader.u32(root.value) === FIXED_SIGNATURE) {
    info.fileVersion = versionAt(reader, root.value + 8)
    info.productVersion = versionAt(reader, root.value + 16)
  }
  for (const child of children(reader, align(root.value + root.valueLength), root.end)) {
    if (child.key !== 'StringFileInfo') continue
    for (const table of children(reader, child.value, child.end)) {
      info.languages.push(table.key.toLowerCase())
      if (info.languages.length === 1) info.strings = readStrings(reader, table)
      if (info.languages.length >= STRINGS_MAX) return info
    }
  }
  return info
}

function readStrings(reader: Reader, table: Block): Record<string, string> {
  const strings: [string, string][] = []
  for (const { key, value, end } of children(reader, table.value, table.end)) {
    // The written length counts bytes with some linkers and characters with others: the block ends
    // the text for both.
    const text = reader.wideText(value, Math.min((end - value) >> 1, VALUE_MAX))
    if (key !== '') strings.push([key, text])
    if (strings.length >= STRINGS_MAX) break
  }
  // Keys come from the file: as own properties, `__proto__` too.
  return Object.fromEntries(strings)
}

function* children(reader: Reader, start: number, end: number): Generator<Block> {
  let at = align(start)
  while (at + 6 <= end) {
    const block = readBlock(reader, at, end)
    if (!block) return
    yield block
    at = align(block.end)
  }
}

/** @returns null where no block can be */
function readBlock(reader: Reader, at: number, limit: number): Block | null {
  const length = reader.u16(at)
  if (length < 6 || !reader.has(at, 6)) return null
  const end = Math.min(at + length, limit)
  const key = reader.wideText(at + 6, Math.min((end - at - 6) >> 1, KEY_MAX))
  const value = align(at + 6 + (key.length + 1) * 2)
  return { key, valueLength: reader.u16(at + 2), value: Math.min(value, end), end }
}

function versionAt(reader: Reader, at: number): string {
  return [2, 0, 6, 4].map((offset) => reader.u16(at + offset)).join('.')
}

function align(offset: number): number {
  return (offset + 3) & ~3
}
