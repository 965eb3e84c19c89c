/** Small PE images for tests, with any field wrong that a test wants wrong. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

const fixtures = resolve(__dirname, '../../../../data/fixtures/pe')

/** A fresh copy of a fixture, free to be changed. */
export function fixture(name: string): Buffer {
  return readFileSync(resolve(fixtures, name))
}

interface SectionPlan {
  name: string
  rva: number
  data: Uint8Array
  virtualSize?: number
  /** IMAGE_SCN_*; readable data when left out. */
  characteristics?: number
}

export interface ImagePlan {
  is64Bit?: boolean
  machine?: number
  entryPoint?: number
  imageBase?: number
  sections: SectionPlan[]
  /** By index of IMAGE_DIRECTORY_ENTRY_*. */
  directories?: Record<number, [rva: number, size: number]>
}

const PE_OFFSET = 0x80
const HEADERS_SIZE = 0x400
const ALIGNMENT = 0x200

/** Offsets of the fields that tests change in what `buildImage` and the fixtures' linker make. */
export const field = {
  optional: PE_OFFSET + 24,
  /** Entry of a directory. */
  directory: (index: number, is64Bit = true): number =>
    PE_OFFSET + 24 + (is64Bit ? 112 : 96) + index * 8,
  /** Header of a section. */
  section: (index: number, is64Bit = true): number =>
    PE_OFFSET + 24 + (is64Bit ? 240 : 224) + index * 40,
}

export function buildImage(plan: ImagePlan): Buffer {
  const { is64Bit = true, sections } = plan
  const raw = sections.map(({ data }) => Math.ceil(data.length / ALIGNMENT) * ALIGNMENT)
  const file = Buffer.alloc(HEADERS_SIZE + raw.reduce((sum, size) => sum + size, 0))
  file.writeUInt16LE(0x5a4d, 0)
  file.writeUInt32LE(PE_OFFSET, 0x3c)
  file.writeUInt32LE(0x4550, PE_OFFSET)
  file.writeUInt16LE(plan.machine ?? (is64Bit ? 0x8664 : 0x14c), PE_OFFSET + 4)
  file.writeUInt16LE(sections.length, PE_OFFSET + 6)
  file.writeUInt16LE(is64Bit ? 240 : 224, PE_OFFSET + 20)
  file.writeUInt16LE(0x22, PE_OFFSET + 22)
  const { optional } = field
  file.writeUInt16LE(is64Bit ? 0x20b : 0x10b, optional)
  file.writeUInt32LE(plan.entryPoint ?? 0, optional + 16)
  if (is64Bit) file.writeBigUInt64LE(BigInt(plan.imageBase ?? 0x1_4000_0000), optional + 24)
  else file.writeUInt32LE(plan.imageBase ?? 0x40_0000, optional + 28)
  file.writeUInt32LE(0x1000, optional + 32)
  file.writeUInt32LE(ALIGNMENT, optional + 36)
  file.writeUInt32LE(0x10_0000, optional + 56)
  file.writeUInt32LE(HEADERS_SIZE, optional + 60)
  file.writeUInt16LE(1, optional + 68)
  file.writeUInt32LE(16, optional + (is64Bit ? 108 : 92))
  for (const [index, [rva, size]] of Object.entries(plan.directories ?? {})) {
    file.writeUInt32LE(rva, field.directory(Number(index), is64Bit))
    file.writeUInt32LE(size, field.directory(Number(index), is64Bit) + 4)
  }
  let offset = HEADERS_SIZE
  for (const [index, { name, rva, data, virtualSize, characteristics }] of sections.entries()) {
    const at = field.section(index, is64Bit)
    file.write(name, at, 8, 'latin1')
    const numbers = [virtualSize ?? data.length, rva, raw[index], offset]
    numbers.forEach((value, place) => file.writeUInt32LE(value, at + 8 + place * 4))
    file.writeUInt32LE((characteristics ?? 0x4000_0040) >>> 0, at + 36)
    file.set(data, offset)
    offset += raw[index]
  }
  return file
}

/** Data of a section, written at RVAs. */
export class SectionWriter {
  readonly data: Buffer

  constructor(
    readonly rva: number,
    size: number,
  ) {
    this.data = Buffer.alloc(size)
  }

  u16(rva: number, ...values: number[]): this {
    values.forEach((value, index) => this.data.writeUInt16LE(value, rva - this.rva + index * 2))
    return this
  }

  u32(rva: number, ...values: number[]): this {
    values.forEach((value, index) =>
      this.data.writeUInt32LE(value >>> 0, rva - this.rva + index * 4),
    )
    return this
  }

  text(rva: number, text: string): this {
    this.data.write(`${text}\0`, rva - this.rva, 'latin1')
    return this
  }
}
