/** How evenly bytes are spread: 0 bits for one value only, 8 for noise and well packed data. */
import type { EntropyMap } from '../../../shared/driver-file/facts'
import type { Deadline } from '../deadline'

const BLOCK_MIN = 256
/** Blocks of a map: as many as a picture has room for. */
const BLOCKS_MAX = 512
/** Bytes between two looks at the clock. */
const STRETCH = 1 << 20

/** n * log2(n) for the counts that are usual, and how it grows from n to n + 1. */
const products = Float64Array.from({ length: 4_097 }, (_, n) => (n === 0 ? 0 : n * Math.log2(n)))
const growth = products.slice(1).map((product, n) => product - products[n])

/**
 * Four histograms side by side: four bytes are counted at once, and a run of one value does not
 * wait for the count before. Used by one call at a time.
 */
const lanes = new Uint32Array(4 * 256)

/** Shannon entropy of pieces taken as one, in bits per byte, four decimals; 0 when empty. */
export function entropy(...pieces: Uint8Array[]): number {
  lanes.fill(0)
  let total = 0
  for (const piece of pieces) {
    countBytes(piece)
    total += piece.length
  }
  let sum = 0
  for (let value = 0; value < 256; value++) {
    sum += product(lanes[value] + lanes[256 + value] + lanes[512 + value] + lanes[768 + value])
  }
  return bitsPerByte(sum, total, 10_000)
}

function countBytes(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = bytes.length - (bytes.length % 4)
  for (let at = 0; at < end; at += 4) {
    const four = view.getInt32(at, true)
    lanes[four & 255]++
    lanes[256 + ((four >>> 8) & 255)]++
    lanes[512 + ((four >>> 16) & 255)]++
    lanes[768 + (four >>> 24)]++
  }
  for (let at = end; at < bytes.length; at++) lanes[bytes[at]]++
}

/**
 * The entropy of each block of a file.
 * @returns at most 512 values with two decimals, fewer when the time is over
 */
export function entropyMap(bytes: Uint8Array, deadline: Deadline): EntropyMap {
  let blockSize = BLOCK_MIN
  while (bytes.length > blockSize * BLOCKS_MAX) blockSize *= 2
  const values: number[] = []
  const counts = new Uint32Array(256)
  let look = STRETCH
  for (let start = 0; start < bytes.length; start += blockSize) {
    if (start >= look) {
      if (deadline.isPassedNow) break
      look = start + STRETCH
    }
    const end = Math.min(start + blockSize, bytes.length)
    counts.fill(0)
    let sum = 0
    for (let at = start; at < end; at++) {
      const count = counts[bytes[at]]++
      sum += count < growth.length ? growth[count] : product(count + 1) - product(count)
    }
    values.push(bitsPerByte(sum, end - start, 100))
  }
  return { blockSize, values }
}

/** @param sum of n * log2(n) over the counts n of all values */
function bitsPerByte(sum: number, total: number, scale: number): number {
  if (total === 0) return 0
  const bits = Math.max(0, Math.log2(total) - sum / total)
  return Math.round(bits * scale) / scale
}

function product(count: number): number {
  return count < products.length ? products[count] : count * Math.log2(count)
}
