/** The checksum of an image, as ImageHlp's CheckSumMappedFile computes it and the kernel wants it. */

/** Pairs of words added before their carries are folded: the sums stay small integers. */
const STRETCH = 1 << 14

/** @param checksumOffset where the checksum itself is written; its bytes count as zero */
export function computeChecksum(bytes: Uint8Array, checksumOffset: number): number {
  let sum = sumOfWords(bytes)
  for (let at = checksumOffset; at < checksumOffset + 4 && at < bytes.length; at++) {
    sum -= at % 2 === 0 ? bytes[at] : bytes[at] * 256
  }
  // Carries are added at the low end until none is left.
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000)
  return (sum + bytes.length) % 0x1_0000_0000
}

/** Exact sum of all little-endian 16-bit words; a last odd byte counts as a word. */
function sumOfWords(bytes: Uint8Array): number {
  let total = 0
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = bytes.length - (bytes.length % 4)
  for (let start = 0; start < end; start += STRETCH * 4) {
    const stop = Math.min(start + STRETCH * 4, end)
    let sum = 0
    for (let at = start; at < stop; at += 4) {
      const pair = view.getInt32(at, true)
      sum += (pair & 0xffff) + (pair >>> 16)
    }
    total += sum
  }
  for (let at = end; at < bytes.length; at++) total += at % 2 === 0 ? bytes[at] : bytes[at] * 256
  return total
}
