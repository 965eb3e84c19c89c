/** How evenly bytes are spread: 0 bits for one value only, 8 for noise and well packed data. */
import type { EntropyMap } from '../../../shared/driver-file/facts'
import type { Deadline } from '../deadline'
import { Blocks } from '../loops'

const BLOCK_MIN = 256
/** Blocks of a map: as many as a picture has room for. */
const BLOCKS_MAX = 512
/** Bytes between two looks at the clock. */
const STRETCH = 1 << 20

/** n * log2(n) for the counts that are usual. */
const products = Float64Array.from({ length: 4_097 }, (_, n) => (n === 0 ? 0 : n * Math.log2(n)))

/**
 * Four histograms side by side: four bytes are counted at once, and a run of one value does not
 * wait for the count before. Used by one call at a time.
 */
const lanes = new Int32Array(4 * 256)

/** Shannon entropy of pieces taken as one, in bits per byte, four decimals; 0 when empty. */
export function entropy(...pieces: Uint8Array[]): number {
  lanes.fill(0)
  let total = 0
  for (const piece of pieces) {
    countBytes(piece, 0, piece.length)
    total += piece.length
  }
  return bitsPerByte(total, 10_000)
}

/**
 * The entropy of each block of a file.
 * @returns at most 512 values with two decimals, fewer when the time is over
 */
export function entropyMap(bytes: Uint8Array, deadline: Deadline): EntropyMap {
  let blockSize = BLOCK_MIN
  while (bytes.length > blockSize * BLOCKS_MAX) blockSize *= 2
  const values: number[] = []
  const blocks = blockSize <= Blocks.sizeMax ? new Blocks(bytes) : null
  let look = STRETCH
  for (let start = 0; start < bytes.length; start += blockSize) {
    if (start >= look) {
      if (deadline.isPassedNow) break
      look = start + STRETCH
    }
    const end = Math.min(start + blockSize, bytes.length)
    values.push(blocks ? blockEntropy(blocks, start, end) : largeBlockEntropy(bytes, start, end))
  }
  return { blockSize, values }
}

function blockEntropy(blocks: Blocks, start: number, end: number): number {
  const sum = blocks.sumOfProducts(start, end)
  return sum === null ? 0 : rounded(sum, end - start, 100)
}

function largeBlockEntropy(bytes: Uint8Array, start: number, end: number): number {
  lanes.fill(0)
  countBytes(bytes, start, end)
  return bitsPerByte(end - start, 100)
}

function countBytes(bytes: Uint8Array, start: number, end: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const stop = end - ((end - start) % 4)
  for (let at = start; at < stop; at += 4) {
    const four = view.getInt32(at, true)
    lanes[four & 255]++
    lanes[256 + ((four >>> 8) & 255)]++
    lanes[512 + ((four >>> 16) & 255)]++
    lanes[768 + (four >>> 24)]++
  }
  for (let at = stop; at < end; at++) lanes[bytes[at]]++
}

/** What the histograms say of `total` bytes. */
function bitsPerByte(total: number, scale: number): number {
  if (total === 0) return 0
  let sum = 0
  for (let value = 0; value < 256; value++) {
    const count = lanes[value] + lanes[256 + value] + lanes[512 + value] + lanes[768 + value]
    sum += count < products.length ? products[count] : count * Math.log2(count)
  }
  return rounded(sum, total, scale)
}

function rounded(sum: number, total: number, scale: number): number {
  const bits = Math.max(0, Math.log2(total) - sum / total)
  return Math.round(bits * scale) / scale
}
