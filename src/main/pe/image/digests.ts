/** Digests of a whole file, of an image without its signature, and of its first page. */
import { createHash, hash } from 'node:crypto'
import type { Digests, Image } from '../../../shared/driver-file/facts'
import type { Headers } from './headers'

const PAGE = 0x1000
const zeros = new Uint8Array(PAGE)

/** MD5, SHA-1 and SHA-256 of pieces in a row. */
export function digestsOf(...pieces: Uint8Array[]): Digests {
  return {
    md5: digest('md5', pieces),
    sha1: digest('sha1', pieces),
    sha256: digest('sha256', pieces),
  }
}

function digest(algorithm: string, pieces: Uint8Array[]): string {
  if (pieces.length === 1) return hash(algorithm, pieces[0], 'hex')
  const state = createHash(algorithm)
  for (const piece of pieces) state.update(piece)
  return state.digest('hex')
}

type Range = { offset: number; size: number }

/**
 * The parts of an image that Authenticode covers: all of it but the checksum, the directory entry of
 * the certificate table and the table itself. What lies behind the table is covered. An image without
 * a table is filled up with zeros to a multiple of eight bytes, because signing it would do so.
 */
export function authenticodePieces(
  bytes: Uint8Array,
  headers: Pick<Headers, 'checksumOffset' | 'securityEntryOffset'>,
  table: Range | null,
): Uint8Array[] {
  const left: Range[] = [{ offset: headers.checksumOffset, size: 4 }]
  if (headers.securityEntryOffset !== null) {
    left.push({ offset: headers.securityEntryOffset, size: 8 })
  }
  if (table) left.push(table)
  const pieces = without(bytes, bytes.length, left)
  if (!table && bytes.length % 8 !== 0) pieces.push(zeros.subarray(0, 8 - (bytes.length % 8)))
  return pieces
}

/** MD5, SHA-1 and SHA-256 as Authenticode computes them. */
export function authentihash(
  bytes: Uint8Array,
  headers: Headers,
  table: Image['certificateTable'],
): Digests {
  return digestsOf(...authenticodePieces(bytes, headers, table))
}

/**
 * Digests of the first page: the headers without checksum and certificate entry, filled up with
 * zeros to the length of a page. Code integrity policies name them as page hashes.
 */
export function pageHash(bytes: Uint8Array, headers: Headers): NonNullable<Image['pageHash']> {
  const size = Math.min(headers.sizeOfHeaders, PAGE, bytes.length)
  const left = [{ offset: headers.checksumOffset, size: 4 }]
  if (headers.securityEntryOffset !== null) {
    left.push({ offset: headers.securityEntryOffset, size: 8 })
  }
  const pieces = [...without(bytes, size, left), zeros.subarray(0, PAGE - size)]
  return { sha1: digest('sha1', pieces), sha256: digest('sha256', pieces) }
}

/** The first `end` bytes without some ranges. */
function without(bytes: Uint8Array, end: number, ranges: Range[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let start = 0
  for (const { offset, size } of [...ranges].sort((a, b) => a.offset - b.offset)) {
    if (offset > start) pieces.push(bytes.subarray(start, Math.min(offset, end)))
    start = Math.max(start, Math.min(offset + size, end))
  }
  pieces.push(bytes.subarray(start, Math.max(start, end)))
  return pieces
}
