/** A resource section with one resource: VS_VERSIONINFO, what the file says of itself. */
import { alignUp } from './layout'

const RT_VERSION = 16
const ENGLISH = 0x409
const UNICODE = 0x4b0
const VFT_DRV = 3
const VFT2_DRV_SYSTEM = 7
const VOS_NT_WINDOWS32 = 0x40004

export interface VersionPlan {
  /** Four numbers joined by dots. */
  fileVersion: string
  strings: Readonly<Record<string, string>>
}

/** @param rva of the section */
export function resourceSection(plan: VersionPlan, rva: number): Uint8Array {
  const version = versionInfo(plan)
  // Type, name and language, a directory each, then the entry that leads to the data.
  const DIRECTORY = 24
  const entryAt = 3 * DIRECTORY
  const dataAt = entryAt + 16
  const bytes = Buffer.alloc(dataAt + version.length)
  const ids = [RT_VERSION, 1, ENGLISH]
  ids.forEach((id, level) => {
    const at = level * DIRECTORY
    bytes.writeUInt16LE(1, at + 14)
    bytes.writeUInt32LE(id, at + 16)
    const next = level < 2 ? 0x8000_0000 + (level + 1) * DIRECTORY : entryAt
    bytes.writeUInt32LE(next, at + 20)
  })
  bytes.writeUInt32LE(rva + dataAt, entryAt)
  bytes.writeUInt32LE(version.length, entryAt + 4)
  bytes.set(version, dataAt)
  return bytes
}

function versionInfo({ fileVersion, strings }: VersionPlan): Buffer {
  const language = `${hex4(ENGLISH)}${hex4(UNICODE)}`
  const table = Object.entries(strings).map(([key, value]) => block(key, wide(value), true, []))
  const translation = Buffer.alloc(4)
  translation.writeUInt16LE(ENGLISH, 0)
  translation.writeUInt16LE(UNICODE, 2)
  const none = Buffer.alloc(0)
  return block('VS_VERSION_INFO', fixedInfo(fileVersion), false, [
    block('StringFileInfo', none, true, [block(language, none, true, table)]),
    block('VarFileInfo', none, true, [block('Translation', translation, false, [])]),
  ])
}

/** Length, length of the value, kind, key, value, children; all on borders of four bytes. */
function block(key: string, value: Buffer, isText: boolean, children: readonly Buffer[]): Buffer {
  const name = wide(key)
  const valueAt = alignUp(6 + name.length, 4)
  const parts: Buffer[] = [Buffer.alloc(valueAt), value]
  let size = valueAt + value.length
  for (const child of children) {
    parts.push(Buffer.alloc(alignUp(size, 4) - size), child)
    size = alignUp(size, 4) + child.length
  }
  const bytes = Buffer.concat(parts)
  bytes.writeUInt16LE(size, 0)
  // Texts count characters, everything else bytes.
  bytes.writeUInt16LE(isText ? value.length / 2 : value.length, 2)
  bytes.writeUInt16LE(isText ? 1 : 0, 4)
  bytes.set(name, 6)
  return bytes
}

/** VS_FIXEDFILEINFO. */
function fixedInfo(version: string): Buffer {
  const [major = 0, minor = 0, build = 0, revision = 0] = version.split('.').map(Number)
  const high = major * 0x1_0000 + minor
  const low = build * 0x1_0000 + revision
  const fields = [0xfeef_04bd, 0x1_0000, high, low, high, low, 0x3f, 0]
  const rest = [VOS_NT_WINDOWS32, VFT_DRV, VFT2_DRV_SYSTEM, 0, 0]
  const bytes = Buffer.alloc(52)
  for (const [index, value] of [...fields, ...rest].entries()) bytes.writeUInt32LE(value, index * 4)
  return bytes
}

const wide = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le')
const hex4 = (value: number): string => value.toString(16).padStart(4, '0')
