/**
 * How far two TLSH digests are apart: 0 for twins, below about 50 for close kin, above 200 for
 * strangers. Works on the digests alone, so that a shelf can compare files it no longer has.
 * @see Oliver, Cheng, Chen: TLSH, a locality sensitive hash, 2013
 */

/** `T1`, checksum, length, quartile ratios, 32 bytes of body. */
const DIGEST = /^T1[0-9A-F]{70}$/i
const RATIOS = 16
const LENGTHS = 256
/** What a step costs once lengths or ratios are more than one step apart. */
const STEP = 12

/** Bit pairs of two bytes compared: their difference, and 6 for the extremes 0 and 3. */
const pairDistance = new Uint8Array(256 * 256)
for (let left = 0; left < 256; left++) {
  for (let right = 0; right < 256; right++) {
    let sum = 0
    for (let shift = 0; shift < 8; shift += 2) {
      const difference = Math.abs(((left >> shift) & 3) - ((right >> shift) & 3))
      sum += difference === 3 ? 6 : difference
    }
    pairDistance[(left << 8) | right] = sum
  }
}

/** A digest taken apart once, for comparing it with many. */
export interface TlshDigest {
  checksum: number
  length: number
  firstRatio: number
  secondRatio: number
  body: Uint8Array
}

/** @returns null for what is no `T1` digest of 128 buckets */
export function parseTlsh(text: string): TlshDigest | null {
  if (!DIGEST.test(text)) return null
  const bytes = new Uint8Array(35)
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(text.slice(2 + index * 2, 4 + index * 2), 16)
  }
  // The first three bytes are written with their halves swapped; the two ratios undo it themselves.
  return {
    checksum: bytes[0],
    length: (bytes[1] >> 4) | ((bytes[1] & 15) << 4),
    firstRatio: bytes[2] >> 4,
    secondRatio: bytes[2] & 15,
    body: bytes.subarray(3),
  }
}

/** Distance on a ring of `size` places. */
function ringDistance(left: number, right: number, size: number): number {
  const distance = Math.abs(left - right)
  return Math.min(distance, size - distance)
}

function ratioDistance(left: number, right: number): number {
  const distance = ringDistance(left, right, RATIOS)
  return distance <= 1 ? distance : (distance - 1) * STEP
}

/** @returns 0 and up, symmetric; file lengths count, as `tlsh -xref` counts them */
export function tlshDigestDistance(left: TlshDigest, right: TlshDigest): number {
  const lengths = ringDistance(left.length, right.length, LENGTHS)
  let sum = lengths <= 1 ? lengths : lengths * STEP
  sum += ratioDistance(left.firstRatio, right.firstRatio)
  sum += ratioDistance(left.secondRatio, right.secondRatio)
  if (left.checksum !== right.checksum) sum += 1
  for (let index = 0; index < left.body.length; index++) {
    sum += pairDistance[(left.body[index] << 8) | right.body[index]]
  }
  return sum
}

/** @returns null when one of the texts is no digest */
export function tlshDistance(left: string, right: string): number | null {
  const first = parseTlsh(left)
  const second = parseTlsh(right)
  return first && second ? tlshDigestDistance(first, second) : null
}
