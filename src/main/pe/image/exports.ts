/** What an image offers to others, with names, ordinals and forwarders. */
import type { Image } from '../../../shared/driver-file/facts'
import { hex } from '../../../shared/nt/format'
import type { ImageReading } from './reading'
import { findDirectory } from './reading'

type Exports = NonNullable<Image['exports']>

const HEADER_SIZE = 40
const FUNCTIONS_MAX = 0x4000
const NAME_MAX = 512

export function readExports(reading: ImageReading): Exports | null {
  const { reader, mapping, anomalies, deadline } = reading
  const directory = findDirectory(reading, 'EXPORT')
  if (!directory) return null
  const at = directory.offset
  if (!reader.has(at, HEADER_SIZE)) {
    anomalies.broken('export-table-truncated', 'The export directory runs out of the file.', at)
    return null
  }
  const base = reader.u32(at + 16)
  const addresses = tableAt(reading, reader.u32(at + 28), reader.u32(at + 20), 4)
  const names = tableAt(reading, reader.u32(at + 32), reader.u32(at + 24), 4)
  const ordinals = tableAt(reading, reader.u32(at + 36), reader.u32(at + 24), 2)
  const namesByIndex = new Map<number, string[]>()
  for (let index = 0; index < Math.min(names.count, ordinals.count); index++) {
    if (deadline.isPassed) break
    const name = mapping.textAt(reader.u32(names.offset + index * 4), NAME_MAX)
    const target = reader.u16(ordinals.offset + index * 2)
    const others = namesByIndex.get(target)
    if (others) others.push(name)
    else namesByIndex.set(target, [name])
  }
  const functions: Exports['functions'] = []
  for (let index = 0; index < addresses.count && !deadline.isPassed; index++) {
    const rva = reader.u32(addresses.offset + index * 4)
    if (rva === 0) continue
    // An address inside the directory is no function but the text of where it is.
    const isForwarder = rva >= directory.rva && rva < directory.rva + directory.size
    const forwarder = isForwarder ? mapping.textAt(rva, NAME_MAX) : null
    for (const name of namesByIndex.get(index) ?? [null]) {
      functions.push({ name, ordinal: base + index, rva, forwarder })
    }
  }
  return { dll: mapping.textAt(reader.u32(at + 12), NAME_MAX), functions }
}

/** Where a table lies and how many of its entries the file holds. */
function tableAt(
  { mapping, anomalies }: ImageReading,
  rva: number,
  count: number,
  size: number,
): { offset: number; count: number } {
  const offset = mapping.offsetOf(rva)
  const there = offset === null ? 0 : Math.floor(mapping.available(rva) / size)
  if (count > Math.min(there, FUNCTIONS_MAX)) {
    anomalies.suspicious(
      'export-table-truncated',
      `An export table of ${count} entries at RVA ${hex(rva)} has ${there} in the file.`,
      offset,
    )
  }
  return { offset: offset ?? 0, count: Math.min(count, there, FUNCTIONS_MAX) }
}
