/** The load configuration: stack cookie and Control Flow Guard. */
import type { Image } from '../../../shared/driver-file/facts'
import { hex } from '../../../shared/nt/format'
import type { ImageReading } from './reading'
import { findDirectory } from './reading'

const IMAGE_GUARD_CF_INSTRUMENTED = 0x100

/** Offsets of IMAGE_LOAD_CONFIG_DIRECTORY32 and 64 (winnt.h). */
const narrow = { cookie: 60, guardFunctions: 84, guardFlags: 88 }
const wide = { cookie: 88, guardFunctions: 136, guardFlags: 144 }

export function readLoadConfig(reading: ImageReading): Image['loadConfig'] {
  const { reader, headers, mapping, anomalies } = reading
  const directory = findDirectory(reading, 'LOAD_CONFIG')
  if (!directory) return null
  const at = directory.offset
  // Old images write their size into the directory only.
  const size = reader.u32(at) || directory.size
  const there = Math.min(size, mapping.available(directory.rva))
  if (there < size) {
    const text = `The load configuration has ${size} bytes, of which the file holds ${there}.`
    anomalies.suspicious('load-config-truncated', text, at)
  }
  const offsets = headers.is64Bit ? wide : narrow
  const pointerSize = headers.is64Bit ? 8 : 4
  const holds = (field: number, bytes: number): boolean => field + bytes <= there
  const cookie = !holds(offsets.cookie, pointerSize)
    ? 0n
    : headers.is64Bit
      ? reader.u64(at + offsets.cookie)
      : BigInt(reader.u32(at + offsets.cookie))
  const guardFlags = holds(offsets.guardFlags, 4) ? reader.u32(at + offsets.guardFlags) : 0
  return {
    size,
    securityCookie: cookie === 0n ? null : hex(cookie),
    cfg: (guardFlags & IMAGE_GUARD_CF_INSTRUMENTED) !== 0,
    guardFlags,
    guardFunctions: holds(offsets.guardFunctions, 4) ? reader.u32(at + offsets.guardFunctions) : 0,
  }
}
