/** The debug directory: where the symbols are, and whether the build is reproducible. */
import type { Image } from '../../../shared/driver-file/facts'
import { debugTypeName } from './names'
import type { ImageReading } from './reading'
import { coffTime, findDirectory } from './reading'

type DebugEntry = Image['debug'][number]

const ENTRY_SIZE = 28
const ENTRIES_MAX = 64
const PATH_MAX = 1_024
const RSDS = 0x5344_5352
const NB10 = 0x3031_424e

export interface Debug {
  entries: DebugEntry[]
  /** The linker wrote hashes where times stand (an entry of type REPRO says so). */
  isReproducible: boolean
}

export function readDebug(reading: ImageReading): Debug {
  const { reader, anomalies } = reading
  const directory = findDirectory(reading, 'DEBUG')
  if (!directory) return { entries: [], isReproducible: false }
  const count = Math.floor(directory.size / ENTRY_SIZE)
  const raw: { type: string; time: number; offset: number; size: number }[] = []
  for (let index = 0; index < Math.min(count, ENTRIES_MAX); index++) {
    const at = directory.offset + index * ENTRY_SIZE
    if (!reader.has(at, ENTRY_SIZE)) break
    const size = reader.u32(at + 16)
    const offset = reader.u32(at + 24)
    const type = debugTypeName(reader.u32(at + 12))
    if (size > 0 && !reader.has(offset, size)) {
      const text = `The debug data ${type} lies behind the end of the file.`
      anomalies.suspicious('debug-outside', text, at)
    }
    raw.push({ type, time: reader.u32(at + 4), offset, size })
  }
  if (raw.length < count) {
    const text = `The debug directory has ${count} entries, of which ${raw.length} were read.`
    anomalies.suspicious('debug-truncated', text, directory.offset)
  }
  const isReproducible = raw.some(({ type }) => type === 'REPRO')
  const entries = raw.map(({ type, time, offset, size }) => ({
    type,
    time: isReproducible ? null : coffTime(time),
    ...(type === 'CODEVIEW' ? readCodeView(reading, offset, size) : noSymbols),
  }))
  return { entries, isReproducible }
}

type Symbols = Pick<DebugEntry, 'pdb' | 'guid' | 'age'>
const noSymbols: Symbols = { pdb: null, guid: null, age: null }

/** CV_INFO_PDB70 and CV_INFO_PDB20, by their four letters. */
function readCodeView({ reader }: ImageReading, offset: number, size: number): Symbols {
  const signature = reader.u32(offset)
  const path = (start: number): string =>
    reader.text(offset + start, Math.min(Math.max(0, size - start), PATH_MAX))
  if (signature === RSDS && reader.has(offset, 24)) {
    return {
      pdb: path(24),
      guid: guidOf(reader.slice(offset + 4, 16)),
      age: reader.u32(offset + 20),
    }
  }
  if (signature === NB10 && reader.has(offset, 16)) {
    const stamp = reader
      .u32(offset + 8)
      .toString(16)
      .padStart(8, '0')
    return { pdb: path(16), guid: stamp, age: reader.u32(offset + 12) }
  }
  return noSymbols
}

/** A GUID as it is written: the first three parts are little-endian. */
function guidOf(bytes: Uint8Array): string {
  const digits = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
    .map((index) => bytes[index].toString(16).padStart(2, '0'))
    .join('')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
