/**
 * Sets of file ids as bits: bit `id` of a `Uint32Array`. Sets may have different lengths; what lies
 * beyond the end is not in the set. A set that came out of a cache must not be changed.
 */

export type Bits = Uint32Array

/** Ids of one chunk of a posting or column. */
export const CHUNK = 4096
export const CHUNK_WORDS = CHUNK / 32

export const chunkOf = (id: number): number => Math.floor(id / CHUNK)

export const emptyBits = (chunks: number): Bits => new Uint32Array(chunks * CHUNK_WORDS)

export const hasBit = (bits: Bits, id: number): boolean =>
  ((bits[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0
export function setBit(bits: Bits, id: number): void {
  bits[id >>> 5]! |= 1 << (id & 31)
}
export function clearBit(bits: Bits, id: number): void {
  bits[id >>> 5]! &= ~(1 << (id & 31))
}

/** Keep of `into` what is in `other` too. */
export function keepCommon(into: Bits, other: Bits): void {
  const shared = Math.min(into.length, other.length)
  for (let i = 0; i < shared; i++) into[i]! &= other[i]!
  into.fill(0, shared)
}

/** Take out of `into` what is in `other`. */
export function takeOut(into: Bits, other: Bits): void {
  const shared = Math.min(into.length, other.length)
  for (let i = 0; i < shared; i++) into[i]! &= ~other[i]!
}

/** Add to `into` what is in `other`; `into` must be long enough. */
export function addAll(into: Bits, other: Bits): void {
  for (let i = 0; i < other.length; i++) into[i]! |= other[i]!
}

function popcount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555)
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

export function countBits(bits: Bits): number {
  let count = 0
  for (let i = 0; i < bits.length; i++) count += popcount(bits[i]!)
  return count
}

/** How many ids both have. */
export function countCommon(a: Bits, b: Bits): number {
  const shared = Math.min(a.length, b.length)
  let count = 0
  for (let i = 0; i < shared; i++) {
    const word = a[i]! & b[i]!
    if (word !== 0) count += popcount(word)
  }
  return count
}

/** Ids in rising order. */
export function idsOf(bits: Bits): Uint32Array {
  const ids = new Uint32Array(countBits(bits))
  let next = 0
  for (let i = 0; i < bits.length; i++) {
    let word = bits[i]!
    while (word !== 0) {
      const low = word & -word
      ids[next++] = i * 32 + (31 - Math.clz32(low))
      word ^= low
    }
  }
  return ids
}
