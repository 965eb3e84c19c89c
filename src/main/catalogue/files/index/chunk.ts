/**
 * One chunk of a posting as bytes: the ids of 4,096 that have a term. Fewer than 256 are a sorted
 * list of 16-bit numbers, more are 4,096 bits, so a chunk has at most 512 bytes. Little endian.
 */
import { CHUNK_WORDS, countBits, type Bits } from './bitset'

const BITMAP_BYTES = CHUNK_WORDS * 4
const LIST_MAX = BITMAP_BYTES / 2

/** Add the ids of a chunk to a set that is long enough. */
export function readChunk(bytes: Uint8Array, chunk: number, into: Bits): void {
  const base = chunk * CHUNK_WORDS
  if (bytes.length === BITMAP_BYTES) {
    const words = wordsOf(bytes)
    for (let i = 0; i < CHUNK_WORDS; i++) into[base + i]! |= words[i]!
    return
  }
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    const id = bytes[at]! | (bytes[at + 1]! << 8)
    into[base + (id >>> 5)]! |= 1 << (id & 31)
  }
}

/** What SQLite gives may begin at any address. */
const wordsOf = (bytes: Uint8Array): Uint32Array =>
  bytes.byteOffset % 4 === 0
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, CHUNK_WORDS)
    : new Uint32Array(bytes.slice().buffer)

export interface ChunkChange {
  /** Null when nothing is left. */
  bytes: Uint8Array | null
  /** How many more ids there are than before. */
  grown: number
}

/**
 * @param before  null for a chunk that is not there
 * @param add     places in the chunk, 0 to 4,095, in any order; those that are there already stay
 * @param remove  taken out before `add` is put in
 */
export function changeChunk(
  before: Uint8Array | null,
  add: readonly number[],
  remove: readonly number[],
): ChunkChange {
  const words = new Uint32Array(CHUNK_WORDS)
  if (before) readChunk(before, 0, words)
  const had =
    before === null ? 0 : before.length < BITMAP_BYTES ? before.length / 2 : countBits(words)
  for (const place of remove) words[place >>> 5]! &= ~(1 << (place & 31))
  for (const place of add) words[place >>> 5]! |= 1 << (place & 31)
  const has = countBits(words)
  return { bytes: has === 0 ? null : writeChunk(words, has), grown: has - had }
}

function writeChunk(words: Uint32Array, has: number): Uint8Array {
  if (has >= LIST_MAX) return new Uint8Array(words.buffer)
  const bytes = new Uint8Array(has * 2)
  let at = 0
  for (let i = 0; i < CHUNK_WORDS; i++) {
    let word = words[i]!
    while (word !== 0) {
      const low = word & -word
      const place = i * 32 + (31 - Math.clz32(low))
      bytes[at++] = place & 255
      bytes[at++] = place >>> 8
      word ^= low
    }
  }
  return bytes
}
