/** Where things lie in an image that is built here. */
import { computeChecksum } from '../../pe/image/checksum'

export const PE_OFFSET = 0x80
const FILE_HEADER = 24
export const OPTIONAL_HEADER = PE_OFFSET + FILE_HEADER
export const OPTIONAL_HEADER_BYTES = 240
export const SECTION_TABLE = OPTIONAL_HEADER + OPTIONAL_HEADER_BYTES
const DIRECTORIES = OPTIONAL_HEADER + 112

export const HEADERS_BYTES = 0x400
export const FILE_ALIGNMENT = 0x200
export const SECTION_ALIGNMENT = 0x1000

/** IMAGE_DIRECTORY_ENTRY_*. */
export const DIRECTORY = { import: 1, resource: 2, security: 4, iat: 12 } as const

export const directoryOffset = (index: number): number => DIRECTORIES + index * 8

/** Fields that a signature leaves out. */
export const IMAGE_FIELDS = {
  checksum: OPTIONAL_HEADER + 64,
  securityEntry: directoryOffset(DIRECTORY.security),
} as const

export const checksumOf = (image: Uint8Array): number =>
  computeChecksum(image, IMAGE_FIELDS.checksum)

export const alignUp = (value: number, to: number): number => Math.ceil(value / to) * to
