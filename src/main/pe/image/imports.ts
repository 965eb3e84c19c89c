/**
 * What an image wants from others: by name and by ordinal, at load time and delayed. Malformed
 * tables are judged as pefile judges them, so that imphash is the same for the same file.
 */
import { hash } from 'node:crypto'
import type { Image } from '../../../shared/driver-file/facts'
import { hex } from '../../../shared/nt/format'
import { ordinalName } from './ordinal-names'
import type { Reader } from '../reader'
import type { ImageReading } from './reading'
import { findDirectory } from './reading'

type Module = Image['imports'][number]
type Function = Module['functions'][number]

const DESCRIPTORS_MAX = 2_048
const FUNCTIONS_MAX = 0x4000
const NAME_MAX = 512
/** Descriptors without a usable table before the rest is taken for something else. */
const BROKEN_MAX = 5
/** Entries of one table with an address seen before: a table of rubbish. */
const REPEATED_MAX = 15
/** Names of one table lie in one module: farther apart they are rubbish. */
const SPREAD_MAX = 128 << 20

const moduleNamePattern = /^[\w!#$%&'()\-@^`{}~+,.;=[\]\\/]*$/
const functionNamePattern = /^[\w.?@$()<>]*$/
const hashedExtension = /\.(ocx|sys|dll)$/i

interface Descriptor {
  dll: string
  functions: Function[]
}

export interface Imports {
  modules: Module[]
  /** Descriptors of the import directory, delayed ones left out. */
  descriptors: number
  imphash: string | null
}

export function readImports(reading: ImageReading): Imports {
  const budget = { functions: FUNCTIONS_MAX }
  const bound = readDescriptors(reading, 'IMPORT', 20, budget, (at) => ({
    name: reading.reader.u32(at + 12),
    lookup: reading.reader.u32(at),
    address: reading.reader.u32(at + 16),
    base: 0,
  }))
  const delayed = readDescriptors(reading, 'DELAY_IMPORT', 32, budget, (at) => {
    const u32 = (offset: number): number => reading.reader.u32(at + offset)
    // Descriptors of old linkers hold addresses instead of RVAs.
    const base = (u32(0) & 1) === 0 ? Number(reading.headers.imageBase & 0xffff_ffffn) : 0
    const rva = (value: number): number => (value >= base ? value - base : value)
    return { name: rva(u32(4)), lookup: rva(u32(16)), address: rva(u32(12)), base }
  })
  return {
    modules: [...merged(bound, false), ...merged(delayed, true)],
    descriptors: bound.length,
    imphash: imphash(bound),
  }
}

interface RawDescriptor {
  name: number
  /** RVA of the import lookup table, of the import address table. */
  lookup: number
  address: number
  /** What entries have to be lessened by to be RVAs. */
  base: number
}

function readDescriptors(
  reading: ImageReading,
  directoryName: string,
  size: number,
  budget: { functions: number },
  read: (offset: number) => RawDescriptor,
): Descriptor[] {
  const { reader, mapping, anomalies, deadline } = reading
  const directory = findDirectory(reading, directoryName)
  const descriptors: Descriptor[] = []
  if (!directory) return descriptors
  let broken = 0
  for (let index = 0; ; index++) {
    const rva = directory.rva + index * size
    const offset = mapping.offsetOf(rva)
    if (offset === null || !reader.has(offset, size)) {
      anomalies.broken(
        'import-table-truncated',
        `The ${directoryName} directory runs out of the file at RVA ${hex(rva)}.`,
      )
      break
    }
    if (isZero(reader, offset, size)) break
    if (index >= DESCRIPTORS_MAX || budget.functions <= 0 || deadline.isPassed) {
      anomalies.suspicious(
        'imports-too-many',
        `The ${directoryName} directory goes on after ${index} descriptors and ` +
          `${FUNCTIONS_MAX - budget.functions} functions; the rest was not read.`,
        offset,
      )
      break
    }
    const raw = read(offset)
    const functions = readFunctions(reading, raw, budget)
    if (functions.length === 0) {
      anomalies.suspicious(
        'import-descriptor-invalid',
        `The import descriptor at ${hex(offset)} names no function.`,
        offset,
      )
      if (++broken > BROKEN_MAX) break
      continue
    }
    const name = mapping.textAt(raw.name, NAME_MAX)
    if (name === '' || !moduleNamePattern.test(name)) {
      anomalies.suspicious(
        'import-name-invalid',
        `The import descriptor at ${hex(offset)} has no possible file name.`,
        offset,
      )
      if (name === '') continue
    }
    descriptors.push({ dll: moduleNamePattern.test(name) ? name : '*invalid*', functions })
  }
  return descriptors
}

/** @param size a multiple of four */
function isZero(reader: Reader, offset: number, size: number): boolean {
  for (let at = 0; at < size; at += 4) if (reader.u32(offset + at) !== 0) return false
  return true
}

function readFunctions(
  reading: ImageReading,
  { lookup, address, base }: RawDescriptor,
  budget: { functions: number },
): Function[] {
  const { mapping, headers, anomalies } = reading
  const size = headers.is64Bit ? 8 : 4
  let entries = readTable(reading, lookup, base, budget)
  if (entries.length === 0) entries = readTable(reading, address, base, budget)
  const functions: Function[] = []
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]
    const slot = address + index * size
    if (entry.isOrdinal) {
      // Nothing is exported as number 0: pefile passes over it, so imphash does.
      if (entry.value !== 0) functions.push({ name: null, ordinal: entry.value, slot })
      continue
    }
    if (mapping.offsetOf(entry.value) === null) {
      anomalies.broken(
        'import-name-outside',
        `An import name at RVA ${hex(entry.value)} lies in no bytes of the file.`,
      )
      break
    }
    const name = mapping.textAt(entry.value + 2, NAME_MAX)
    if (functionNamePattern.test(name) && name !== '') {
      functions.push({ name, ordinal: null, slot })
    } else {
      anomalies.suspicious(
        'import-name-invalid',
        `The import name at RVA ${hex(entry.value)} is none a linker would write.`,
        mapping.offsetOf(entry.value),
      )
    }
  }
  return functions
}

interface Entry {
  isOrdinal: boolean
  /** Ordinal, or RVA of hint and name. */
  value: number
}

/** Entries of a lookup or address table; none when they cannot be what they should be. */
function readTable(
  reading: ImageReading,
  start: number,
  base: number,
  budget: { functions: number },
): Entry[] {
  const { mapping, reader, headers } = reading
  const size = headers.is64Bit ? 8 : 4
  const entries: Entry[] = []
  if (start === 0) return entries
  const seen = new Set<number>()
  let repeated = 0
  let lowest = Number.POSITIVE_INFINITY
  let highest = 0
  for (let rva = start; budget.functions > 0; rva += size) {
    const offset = mapping.offsetOf(rva)
    if (offset === null || !reader.has(offset, size)) return []
    const low = reader.u32(offset)
    const high = headers.is64Bit ? reader.u32(offset + 4) : 0
    if (low === 0 && high === 0) break
    budget.functions--
    if (((headers.is64Bit ? high : low) & 0x8000_0000) !== 0) {
      if ((low & 0x7fff_ffff) > 0xffff) return []
      entries.push({ isOrdinal: true, value: low & 0xffff })
      continue
    }
    const value = high * 0x1_0000_0000 + low - (low >= base ? base : 0)
    if (value >= start && value <= rva) break
    if (seen.has(value) && ++repeated >= REPEATED_MAX) return []
    seen.add(value)
    lowest = Math.min(lowest, value)
    highest = Math.max(highest, value)
    if (highest - lowest > SPREAD_MAX) return []
    entries.push({ isOrdinal: false, value })
  }
  return entries
}

/** Descriptors of one module as one, in the order in which modules are seen first. */
function merged(descriptors: Descriptor[], delayed: boolean): Module[] {
  const modules = new Map<string, Module>()
  for (const { dll, functions } of descriptors) {
    const module = modules.get(dll.toLowerCase())
    if (module) {
      module.descriptors++
      for (const one of functions) module.functions.push(one)
    } else {
      modules.set(dll.toLowerCase(), { dll, delayed, descriptors: 1, functions: [...functions] })
    }
  }
  return [...modules.values()]
}

/**
 * MD5 of all names in the order of the file: `module.function`, lower case, joined by commas, the
 * module without `.dll`, `.sys` or `.ocx`.
 * @see https://www.mandiant.com/resources/blog/tracking-malware-import-hashing
 */
function imphash(descriptors: Descriptor[]): string | null {
  if (descriptors.length === 0) return null
  let names = ''
  for (const { dll, functions } of descriptors) {
    const module = dll.replace(hashedExtension, '')
    for (const { name, ordinal } of functions) {
      names += `${names === '' ? '' : ','}${module}.${name ?? ordinalName(dll, ordinal ?? 0)}`
    }
  }
  // In lower case all at once: no name has a character that others could change.
  return hash('md5', names.toLowerCase(), 'hex')
}
