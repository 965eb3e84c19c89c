/** Digests of a whole file, of an image without its signature, and of its first page. */
import { createHash, hash } from 'node:crypto'
import type { Digests, Image } from '../../../shared/driver-file/facts'
import { md5OfBoth, roomBehind } from '../loops'
import type { Headers } from './headers'

const PAGE = 0x1000
const zeros = new Uint8Array(PAGE)

/** Pieces of more bytes than this are digested where they lie. */
const JOINED_MAX = 1 << 20
/** Where pieces are joined, for one digester at a time: a new buffer would cost more than the copy. */
let joint = new Uint8Array(1 << 16)

/** MD5, SHA-1 and SHA-256 of pieces in a row. */
export function digestsOf(...pieces: Uint8Array[]): Digests {
  const digest = digester(pieces)
  return { md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }
}

/**
 * The digest of pieces by its name. They are joined first: in Electron an object with state costs
 * 3 microseconds more than a digest in one go, which is as much as the digest of a small driver.
 */
function digester(pieces: Uint8Array[]): (algorithm: string) => string {
  const size = sizeOf(pieces)
  if (pieces.length === 1 || size <= JOINED_MAX) {
    const joined = pieces.length === 1 ? pieces[0] : join(pieces, size)
    return (algorithm) => hash(algorithm, joined, 'hex')
  }
  return (algorithm) => {
    const state = createHash(algorithm)
    for (const piece of pieces) state.update(piece)
    return state.digest('hex')
  }
}

/** @returns a view that holds until the next call */
function join(pieces: Uint8Array[], size: number): Uint8Array {
  if (joint.length < size) joint = new Uint8Array(JOINED_MAX)
  write(pieces, joint)
  return joint.subarray(0, size)
}

function write(pieces: Uint8Array[], target: Uint8Array): void {
  let at = 0
  for (const piece of pieces) {
    target.set(piece, at)
    at += piece.length
  }
}

const sizeOf = (pieces: Uint8Array[]): number =>
  pieces.reduce((sum, piece) => sum + piece.length, 0)

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

/**
 * The digests of a file, and of the same without its signature: two streams of much the same length,
 * whose MD5 is made together.
 */
export class FileDigests {
  #md5: string | null = null

  constructor(readonly bytes: Uint8Array) {}

  /** MD5, SHA-1 and SHA-256 as Authenticode computes them. */
  authentihash(headers: Headers, table: Image['certificateTable']): Digests {
    const { bytes } = this
    const pieces = authenticodePieces(bytes, headers, table)
    const size = sizeOf(pieces)
    if (Math.max(size, bytes.length) > JOINED_MAX) return digestsOf(...pieces)
    const joined = roomBehind(bytes, size)
    write(pieces, joined)
    const [sha1, sha256] = [hash('sha1', joined, 'hex'), hash('sha256', joined, 'hex')]
    const [own, md5] = md5OfBoth(bytes, size)
    this.#md5 = own
    return { md5, sha1, sha256 }
  }

  /** Of the whole file. */
  whole(): Digests {
    const digest = digester([this.bytes])
    return { md5: this.#md5 ?? digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }
  }
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
  const digest = digester(pieces)
  return { sha1: digest('sha1'), sha256: digest('sha256') }
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
