/**
 * The headers of an image: DOS, COFF, optional header, directories, section table. Takes what is
 * there; what is missing reads as zero.
 */
import type { Section } from '../../../shared/driver-file/facts'
import { hex } from '../../../shared/nt/format'
import { DIRECTORY_NAMES, is64BitMachine, isKnownMachine, machineName } from './names'
import type { Reading } from './reading'

const DOS_HEADER_SIZE = 0x40
const COFF_HEADER_SIZE = 20
const SECTION_HEADER_SIZE = 40
const PE32 = 0x10b
const PE32_PLUS = 0x20b
/** More than Windows XP loads. */
const SECTIONS_USUAL = 96
const SECTIONS_MAX = 2_048
const DIRECTORIES_MAX = 16

export interface Directory {
  name: string
  rva: number
  size: number
}

/** The headers as they are written, before anything is made of them. */
export interface Headers {
  /** Offsets in the file that digests and the checksum leave out. */
  checksumOffset: number
  /** Of the entry for the certificate table; null when the image has no such entry. */
  securityEntryOffset: number | null
  peOffset: number
  machine: number
  is64Bit: boolean
  timestamp: number
  characteristics: number
  dllCharacteristics: number
  subsystem: number
  imageBase: bigint
  entryPoint: number
  sizeOfImage: number
  sizeOfHeaders: number
  sectionAlignment: number
  fileAlignment: number
  checksum: number
  linkerVersion: string
  osVersion: string
  subsystemVersion: string
  /** Those that are not empty. */
  directories: Directory[]
  sections: Omit<Section, 'entropy'>[]
}

/** @returns null, with an anomaly that says why, for what is no PE image */
export function readHeaders(reading: Reading): Headers | null {
  const { reader, anomalies } = reading
  if (reader.u16(0) !== 0x5a4d) {
    anomalies.broken('not-a-pe', 'The file does not begin with MZ, so it is no PE image.', 0)
    return null
  }
  const peOffset = reader.u32(0x3c)
  if (!reader.has(peOffset, 4 + COFF_HEADER_SIZE)) {
    anomalies.broken(
      'header-beyond-file',
      `e_lfanew is ${hex(peOffset)}, and the file ends at ${hex(reader.length)}.`,
      0x3c,
    )
    return null
  }
  if (reader.u32(peOffset) !== 0x4550) {
    anomalies.broken('not-a-pe', `There is no PE signature at ${hex(peOffset)}.`, peOffset)
    return null
  }
  if (peOffset < DOS_HEADER_SIZE) {
    anomalies.suspicious(
      'header-overlap',
      `The PE header at ${hex(peOffset)} lies inside the DOS header.`,
      0x3c,
    )
  }
  return readOptionalHeader(reading, peOffset)
}

function readOptionalHeader(reading: Reading, peOffset: number): Headers {
  const { reader, anomalies } = reading
  const coff = peOffset + 4
  const optional = coff + COFF_HEADER_SIZE
  const machine = reader.u16(coff)
  const optionalSize = reader.u16(coff + 16)
  if (!isKnownMachine(machine)) {
    anomalies.note('machine-unknown', `The machine is ${machineName(machine)}.`, coff)
  }
  const magic = reader.u16(optional)
  if (magic !== PE32 && magic !== PE32_PLUS) {
    anomalies.broken(
      'optional-header-magic',
      `The optional header's magic is ${hex(magic)}, neither PE32 nor PE32+.`,
      optional,
    )
  }
  const is64Bit = magic === PE32_PLUS || (magic !== PE32 && is64BitMachine(machine))
  const countOffset = optional + (is64Bit ? 108 : 92)
  const needed = countOffset + 4 - optional
  if (optionalSize < needed || !reader.has(optional, needed)) {
    anomalies.broken(
      'optional-header-truncated',
      `The optional header has ${optionalSize} bytes, of which the file holds ` +
        `${Math.max(0, Math.min(optionalSize, reader.length - optional))}; ${needed} are needed.`,
      optional,
    )
  }
  const u16 = (at: number): number => reader.u16(optional + at)
  const u32 = (at: number): number => reader.u32(optional + at)
  const directoriesOffset = countOffset + 4
  const headers: Headers = {
    peOffset,
    checksumOffset: optional + 64,
    securityEntryOffset: reader.u32(countOffset) > 4 ? directoriesOffset + 4 * 8 : null,
    machine,
    is64Bit,
    timestamp: reader.u32(coff + 4),
    characteristics: reader.u16(coff + 18),
    dllCharacteristics: u16(70),
    subsystem: u16(68),
    imageBase: is64Bit ? reader.u64(optional + 24) : BigInt(u32(28)),
    entryPoint: u32(16),
    sizeOfImage: u32(56),
    sizeOfHeaders: u32(60),
    sectionAlignment: u32(32),
    fileAlignment: u32(36),
    checksum: u32(64),
    linkerVersion: `${reader.u8(optional + 2)}.${reader.u8(optional + 3)}`,
    osVersion: `${u16(40)}.${u16(42)}`,
    subsystemVersion: `${u16(48)}.${u16(50)}`,
    directories: readDirectories(reading, countOffset),
    sections: readSections(reading, optional + optionalSize, reader.u16(coff + 2)),
  }
  checkAlignment(reading, headers, optional)
  return headers
}

function readDirectories({ reader, anomalies }: Reading, countOffset: number): Directory[] {
  const count = reader.u32(countOffset)
  if (count > DIRECTORIES_MAX) {
    anomalies.note(
      'directory-count',
      `NumberOfRvaAndSizes is ${count}; 16 directories have a meaning.`,
      countOffset,
    )
  }
  const directories: Directory[] = []
  for (let index = 0; index < Math.min(count, DIRECTORIES_MAX); index++) {
    const offset = countOffset + 4 + index * 8
    const rva = reader.u32(offset)
    const size = reader.u32(offset + 4)
    if (rva !== 0 || size !== 0) directories.push({ name: DIRECTORY_NAMES[index], rva, size })
  }
  return directories
}

function readSections({ reader, anomalies }: Reading, start: number, count: number) {
  const there = Math.max(0, Math.floor((reader.length - start) / SECTION_HEADER_SIZE))
  if (count > there) {
    anomalies.broken(
      'section-table-truncated',
      `The image has ${count} sections, and the file holds the headers of ${there}.`,
      start,
    )
  }
  if (count > SECTIONS_USUAL) {
    const text = `The image has ${count} sections; more than ${SECTIONS_USUAL} are unusual.`
    anomalies.suspicious('section-count', text, start)
  }
  const sections: Omit<Section, 'entropy'>[] = []
  for (let index = 0; index < Math.min(count, there, SECTIONS_MAX); index++) {
    const at = start + index * SECTION_HEADER_SIZE
    const characteristics = reader.u32(at + 36)
    sections.push({
      name: reader.text(at, 8),
      virtualSize: reader.u32(at + 8),
      rva: reader.u32(at + 12),
      rawSize: reader.u32(at + 16),
      offset: reader.u32(at + 20),
      flags: sectionFlags(characteristics),
      characteristics,
    })
  }
  return sections
}

/** IMAGE_SCN_MEM_READ, _WRITE and _EXECUTE as `R`, `W`, `X`. */
function sectionFlags(characteristics: number): string {
  const read = characteristics & 0x4000_0000 ? 'R' : ''
  const write = characteristics & 0x8000_0000 ? 'W' : ''
  return read + write + (characteristics & 0x2000_0000 ? 'X' : '')
}

function checkAlignment({ anomalies }: Reading, headers: Headers, optional: number): void {
  const { sectionAlignment, fileAlignment } = headers
  const isPower = (value: number): boolean => value > 0 && (value & (value - 1)) === 0
  if (isPower(sectionAlignment) && isPower(fileAlignment) && fileAlignment <= sectionAlignment) {
    return
  }
  anomalies.suspicious(
    'alignment-invalid',
    `SectionAlignment ${hex(sectionAlignment)} and FileAlignment ${hex(fileAlignment)} are no ` +
      'powers of two of which the second is not the greater; Windows does not load this.',
    optional + 32,
  )
}
