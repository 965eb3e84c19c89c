/**
 * The `.sys` of a toy driver: a well-formed native x64 image that does nothing. Its entry point returns
 * STATUS_NOT_IMPLEMENTED, so even a Windows that was made to load it throws it out again. What the toy
 * driver does runs in the simulated kernel alone; the image names what it imports and how it calls its
 * devices, so that an analysis has something to read.
 */
import type { ImportedModule } from './imports'
import { importTables } from './imports'
import {
  alignUp,
  checksumOf,
  DIRECTORY,
  directoryOffset,
  FILE_ALIGNMENT,
  HEADERS_BYTES,
  IMAGE_FIELDS,
  OPTIONAL_HEADER,
  OPTIONAL_HEADER_BYTES,
  PE_OFFSET,
  SECTION_ALIGNMENT,
  SECTION_TABLE,
} from './layout'
import type { VersionPlan } from './version'
import { resourceSection } from './version'

export interface ImagePlan {
  /** Milliseconds since 1970; the COFF time. */
  compiled: number
  imports: readonly ImportedModule[]
  /** Texts of the driver: names of devices and links. */
  texts: readonly string[]
  version: VersionPlan
  /** Linked with /INTEGRITYCHECK. */
  integrityCheck: boolean
  writableCode: boolean
}

const IMAGE_FILE_MACHINE_AMD64 = 0x8664
const EXECUTABLE_LARGE_ADDRESS_AWARE = 0x22
const IMAGE_SUBSYSTEM_NATIVE = 1
/** HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT, WDM_DRIVER. */
const DLL_CHARACTERISTICS = 0x20 | 0x40 | 0x100 | 0x2000
const FORCE_INTEGRITY = 0x80
/** What a section holds and may: code, initialised data, execute, read, write. */
const CODE = 0x20
const DATA = 0x40
const EXECUTE = 0x2000_0000
const READ = 0x4000_0000
const WRITE = 0x8000_0000

/** `mov eax, STATUS_NOT_IMPLEMENTED; ret`, and breakpoints as linkers pad with. */
const STUB = [0xb8, 0x02, 0x00, 0x00, 0xc0, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc]
const NOTE =
  'Ring0 Lab simulated image. It holds no driver: the code above returns STATUS_NOT_IMPLEMENTED.'

interface Section {
  name: string
  rva: number
  data: Uint8Array
  flags: number
}

/** The unsigned image. The same plan gives the same bytes. */
export function buildImage(plan: ImagePlan): Uint8Array {
  const code = new Uint8Array([...STUB, ...Buffer.from(`${NOTE}\0`, 'latin1')])
  const dataRva = SECTION_ALIGNMENT * 2
  const tables = importTables(plan.imports, dataRva)
  const texts = plan.texts.map((text) => Buffer.from(`${text}\0`, 'utf16le'))
  const data = Buffer.concat([tables.bytes, ...texts])
  const resourceRva = dataRva + alignUp(Math.max(data.length, 1), SECTION_ALIGNMENT)
  const resource = resourceSection(plan.version, resourceRva)
  const sections: Section[] = [
    {
      ...{ name: '.text', rva: SECTION_ALIGNMENT, data: code },
      flags: CODE | EXECUTE | READ | (plan.writableCode ? WRITE : 0),
    },
    { name: '.rdata', rva: dataRva, data, flags: DATA | READ },
    { name: '.rsrc', rva: resourceRva, data: resource, flags: DATA | READ },
  ]
  const image = assemble(plan, sections)
  const directories: [index: number, rva: number, size: number][] = [
    [DIRECTORY.resource, resourceRva, resource.length],
  ]
  if (plan.imports.length > 0) {
    const place = ([at, size]: [number, number]): [number, number] => [dataRva + at, size]
    directories.push([DIRECTORY.import, ...place(tables.descriptors)])
    directories.push([DIRECTORY.iat, ...place(tables.iat)])
  }
  for (const [index, rva, size] of directories) {
    image.writeUInt32LE(rva, directoryOffset(index))
    image.writeUInt32LE(size, directoryOffset(index) + 4)
  }
  image.writeUInt32LE(checksumOf(image), IMAGE_FIELDS.checksum)
  return image
}

/** Headers and sections; directories and checksum are still to be filled in. */
function assemble(plan: ImagePlan, sections: readonly Section[]): Buffer {
  const rawSize = ({ data }: Section): number => alignUp(data.length, FILE_ALIGNMENT)
  const total = sections.reduce((sum, section) => sum + rawSize(section), HEADERS_BYTES)
  const file = Buffer.alloc(total)
  const last = sections[sections.length - 1]!
  file.write('MZ', 0, 'latin1')
  file.writeUInt32LE(PE_OFFSET, 0x3c)
  file.write('PE\0\0', PE_OFFSET, 'latin1')
  file.writeUInt16LE(IMAGE_FILE_MACHINE_AMD64, PE_OFFSET + 4)
  file.writeUInt16LE(sections.length, PE_OFFSET + 6)
  file.writeUInt32LE(Math.floor(plan.compiled / 1000), PE_OFFSET + 8)
  file.writeUInt16LE(OPTIONAL_HEADER_BYTES, PE_OFFSET + 20)
  file.writeUInt16LE(EXECUTABLE_LARGE_ADDRESS_AWARE, PE_OFFSET + 22)

  const u16 = (at: number, value: number) => file.writeUInt16LE(value, OPTIONAL_HEADER + at)
  const u32 = (at: number, value: number) => file.writeUInt32LE(value, OPTIONAL_HEADER + at)
  u16(0, 0x20b)
  file.writeUInt8(14, OPTIONAL_HEADER + 2)
  u32(4, rawSize(sections[0]!))
  u32(8, total - HEADERS_BYTES - rawSize(sections[0]!))
  u32(16, SECTION_ALIGNMENT)
  u32(20, SECTION_ALIGNMENT)
  file.writeBigUInt64LE(0x1_4000_0000n, OPTIONAL_HEADER + 24)
  u32(32, SECTION_ALIGNMENT)
  u32(36, FILE_ALIGNMENT)
  // Versions of the system, of the image and of the subsystem.
  for (const [at, value] of [
    [40, 10],
    [44, 10],
    [48, 10],
  ] as const)
    u16(at, value)
  u32(56, alignUp(last.rva + last.data.length, SECTION_ALIGNMENT))
  u32(60, HEADERS_BYTES)
  u16(68, IMAGE_SUBSYSTEM_NATIVE)
  u16(70, DLL_CHARACTERISTICS | (plan.integrityCheck ? FORCE_INTEGRITY : 0))
  // Stack and heap that a native image never gets.
  for (const [at, value] of [
    [72, 0x40000n],
    [80, 0x1000n],
    [88, 0x100000n],
    [96, 0x1000n],
  ] as const)
    file.writeBigUInt64LE(value, OPTIONAL_HEADER + at)
  u32(108, 16)

  let offset = HEADERS_BYTES
  sections.forEach((section, index) => {
    const { name, rva, data, flags } = section
    const at = SECTION_TABLE + index * 40
    file.write(name, at, 'latin1')
    for (const [place, value] of [data.length, rva, rawSize(section), offset].entries())
      file.writeUInt32LE(value, at + 8 + place * 4)
    file.writeUInt32LE(flags >>> 0, at + 36)
    file.set(data, offset)
    offset += rawSize(section)
  })
  return file
}
