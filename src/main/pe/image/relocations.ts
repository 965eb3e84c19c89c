/** Base relocations: how many places of the image depend on its address. */
import type { Image } from '../../../shared/driver-file/facts'
import { hex } from '../../../shared/nt/format'
import type { ImageReading } from './reading'
import { findDirectory } from './reading'

export function readRelocations(reading: ImageReading): Image['relocations'] {
  const { reader, mapping, anomalies, deadline } = reading
  const directory = findDirectory(reading, 'BASERELOC')
  if (!directory) return null
  const there = Math.min(directory.size, mapping.available(directory.rva))
  const result = { blocks: 0, entries: 0 }
  let at = directory.offset
  const end = directory.offset + there
  while (at + 8 <= end && !deadline.isPassed) {
    const size = reader.u32(at + 4)
    if (reader.u32(at) === 0 && size === 0) break
    if (size < 8 || at + size > end) {
      const text = `The relocation block at ${hex(at)} has the impossible size ${size}.`
      anomalies.suspicious('relocation-block-invalid', text, at)
      break
    }
    result.blocks++
    for (let entry = at + 8; entry + 2 <= at + size; entry += 2) {
      // IMAGE_REL_BASED_ABSOLUTE fills up the block.
      if (reader.u16(entry) >>> 12 !== 0) result.entries++
    }
    at += size
  }
  return result
}
