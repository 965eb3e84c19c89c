/** The tree of resources as a list of its leaves. */
import type { Image } from '../../../shared/driver-file/facts'
import { hex } from '../../../shared/nt/format'
import { resourceTypeName } from './names'
import type { ImageReading, Place } from './reading'
import { findDirectory } from './reading'

type Resource = Image['resources'][number]

const LEAVES_MAX = 4_096
const ENTRIES_MAX = 16_384
/** Type, name, language. */
const LEVELS = 3
const HIGH_BIT = 0x8000_0000

interface Walk {
  reading: ImageReading
  root: Place
  resources: Resource[]
  /** Directories on the way here and before: each is read once. */
  seen: Set<number>
  entries: number
}

export function readResources(reading: ImageReading): Resource[] {
  const root = findDirectory(reading, 'RESOURCE')
  if (!root) return []
  const walk: Walk = { reading, root, resources: [], seen: new Set(), entries: 0 }
  readDirectory(walk, 0, [])
  return walk.resources
}

function readDirectory(walk: Walk, start: number, path: string[]): void {
  const { reading, root, seen } = walk
  const { reader, anomalies, deadline } = reading
  const at = root.offset + start
  if (seen.has(start)) {
    anomalies.suspicious('resource-cycle', `The resource directory at ${hex(at)} is met twice.`, at)
    return
  }
  seen.add(start)
  if (path.length >= LEVELS) {
    const text = `The resource tree is deeper than ${LEVELS} levels at ${hex(at)}.`
    anomalies.suspicious('resource-depth', text, at)
    return
  }
  const count = reader.u16(at + 12) + reader.u16(at + 14)
  for (let index = 0; index < count; index++) {
    const entry = at + 16 + index * 8
    if (!reader.has(entry, 8)) {
      const text = `The resource directory at ${hex(at)} runs out of the file.`
      anomalies.broken('resource-truncated', text, at)
      return
    }
    if (++walk.entries > ENTRIES_MAX || walk.resources.length >= LEAVES_MAX || deadline.isPassed) {
      const text = `There are more than ${walk.resources.length} resources; the rest was not read.`
      anomalies.suspicious('resources-too-many', text, entry)
      return
    }
    const key = nameOf(walk, reader.u32(entry), path.length === 0)
    const target = reader.u32(entry + 4)
    if (target & HIGH_BIT) readDirectory(walk, target - HIGH_BIT, [...path, key])
    else readLeaf(walk, target, [...path, key])
  }
}

function readLeaf({ reading, root, resources }: Walk, start: number, path: string[]): void {
  const { reader, mapping, anomalies } = reading
  const at = root.offset + start
  const rva = reader.u32(at)
  const size = reader.u32(at + 4)
  const offset = mapping.offsetOf(rva)
  const [type = '', name = '', language = '0'] = path
  if (offset === null || !reader.has(at, 16)) {
    anomalies.suspicious(
      'resource-outside',
      `The resource ${type} ${name} at RVA ${hex(rva)} lies in no bytes of the file.`,
      at,
    )
    return
  }
  if (size > mapping.available(rva)) {
    anomalies.suspicious(
      'resource-truncated',
      `The resource ${type} ${name} has ${size} bytes, of which the file holds ` +
        `${mapping.available(rva)}.`,
      offset,
    )
  }
  resources.push({ type, name, language: Number(language) || 0, offset, size })
}

/** A number, or the text that the number leads to. */
function nameOf({ reading, root }: Walk, id: number, isType: boolean): string {
  if (!(id & HIGH_BIT)) return isType ? resourceTypeName(id) : String(id)
  const at = root.offset + (id - HIGH_BIT)
  return reading.reader.wideText(at + 2, Math.min(reading.reader.u16(at), 256))
}
