/** How evenly bytes are spread: 0 bits for one value only, 8 for noise and well packed data. */
import type { EntropyMap } from '../../../shared/driver-file/facts'
import type { Deadline } from '../deadline'

const BLOCK_MIN = 256
/** Blocks of a map: as many as a picture has room for. */
const BLOCKS_MAX = 512
const STRETCH = 1 << 20

/** n * log2(n) for the counts that small blocks have. */
const products = Float64Array.from({ length: 4_097 }, (_, n) => (n === 0 ? 0 : n * Math.log2(n)))

/** Shannon entropy of pieces taken as one, in bits per byte, four decimals; 0 when empty. */
export function entropy(...pieces: Uint8Array[]): number {
  const counts = new Uint32Array(256)
  let total = 0
  for (const piece of pieces) {
    countBytes(piece, counts)
    total += piece.length
  }
  return round(entropyOf(counts, total), 10_000)
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
  let sinceLook = 0
  for (let start = 0; start < bytes.length; start += blockSize) {
    sinceLook += blockSize
    if (sinceLook >= STRETCH) {
      if (deadline.isPassedNow) break
      sinceLook = 0
    }
    const block = bytes.subarray(start, start + blockSize)
    values.push(round(entropyOf(countBytes(block, counts.fill(0)), block.length), 100))
  }
  return { blockSize, values }
}

function countBytes(bytes: Uint8Array, counts: Uint32Array): Uint32Array {
  for (let index = 0; index < bytes.length; index++) counts[bytes[index]]++
  return counts
}

function entropyOf(counts: Uint32Array, total: number): number {
  if (total === 0) return 0
  let sum = 0
  for (let value = 0; value < 256; value++) {
    const count = counts[value]
    sum += count < products.length ? products[count] : count * Math.log2(count)
  }
  return Math.max(0, Math.log2(total) - sum / total)
}

function round(value: number, scale: number): number {
  return Math.round(value * scale) / scale
}
