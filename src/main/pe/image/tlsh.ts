/**
 * TLSH: a digest that stays similar when the file does. 128 buckets, one byte of checksum, `T1` in
 * front: what `tlsh` 4 prints. Every window of five bytes adds to six of the buckets; the digest
 * says for each bucket in which quarter of all its count lies.
 * @see Oliver, Cheng, Chen: TLSH, a locality sensitive hash, 2013
 */
import type { Deadline } from '../deadline'
import { Windows } from '../loops'

const BUCKETS = 128
const BYTES_MIN = 50
/** Bytes between two looks at the clock. */
const STRETCH = 1 << 20

/** Greatest file length of each length class, up to 292 MB; about a tenth more each time. */
const lengthClasses =
  `1 2 3 5 7 11 17 25 38 57 86 129 194 291 437 656 854 1110 1443 1876 2439 3171 3475 3823 4205 4626
   5088 5597 6157 6772 7450 8195 9014 9916 10907 11998 13198 14518 15970 17567 19323 21256 23382
   25720 28292 31121 34233 37656 41422 45564 50121 55133 60646 66711 73382 80721 88793 97672 107439
   118183 130002 143002 157302 173032 190335 209369 230306 253337 278670 306538 337191 370911 408002
   448802 493682 543050 597356 657091 722800 795081 874589 962048 1058252 1164078 1280486 1408534
   1549388 1704327 1874759 2062236 2268459 2495305 2744836 3019320 3321252 3653374 4018711 4420582
   4862641 5348905 5883796 6472176 7119394 7831333 8614467 9475909 10423501 11465851 12612437
   13873681 15261050 16787154 18465870 20312458 22343706 24578077 27035886 29739474 32713425
   35984770 39583245 43541573 47895730 52685306 57953837 63749221 70124148 77136564 84850228
   93335252 102668779 112935659 124229227 136652151 150317384 165349128 181884040 200072456
   220079703 242087671 266296456 292926096`
    .trim()
    .split(/\s+/)
    .map(Number)

/**
 * @returns the digest in upper case with `T1` in front; null for fewer than 50 bytes, for content
 *   too uniform to say anything, for more than 292 MB, and when the time is over
 */
export function tlsh(bytes: Uint8Array, deadline: Deadline): string | null {
  const lengthClass = lengthClasses.findIndex((most) => bytes.length <= most)
  if (bytes.length < BYTES_MIN || lengthClass < 0) return null
  const windows = new Windows(bytes)
  for (let start = 4; start < bytes.length; start += STRETCH) {
    if (deadline.isPassedNow) return null
    windows.count(start, Math.min(start + STRETCH, bytes.length))
  }
  return digest(windows.buckets(), windows.checksum, lengthClass)
}

function digest(counts: Int32Array, checksum: number, lengthClass: number): string | null {
  let most = 0
  for (let index = 0; index < counts.length; index++) most = Math.max(most, counts[index])
  const second = inOrder(counts, 63, 0, most)
  const [first, third] = [inOrder(counts, 31, 0, second), inOrder(counts, 95, second, most)]
  // Half of the buckets empty: the median is zero or the next one is the first that is not.
  if (second === 0) return null
  const ratio = (quartile: number): number => Math.floor((quartile * 100) / third) % 16
  const bytes = [swapped(checksum), swapped(lengthClass), (ratio(first) << 4) | ratio(second)]
  for (let end = BUCKETS; end > 0; end -= 4) {
    let byte = 0
    for (let index = end - 1; index >= end - 4; index--) {
      const value = counts[index]
      byte = (byte << 2) | (value > third ? 3 : value > second ? 2 : value > first ? 1 : 0)
    }
    bytes.push(byte)
  }
  return `T1${Buffer.from(bytes).toString('hex').toUpperCase()}`
}

/**
 * What stands at a place of the numbers in their order, when it lies between two numbers. It is found
 * by halving that range and counting what lies below: without a branch that depends on the numbers,
 * this takes a quarter of the time of sorting them.
 */
function inOrder(numbers: Int32Array, place: number, least: number, most: number): number {
  let low = least
  let high = most
  while (low < high) {
    const middle = (low + high) >>> 1
    let above = 0
    for (let index = 0; index < numbers.length; index++) above -= (middle - numbers[index]) >> 31
    if (numbers.length - above > place) high = middle
    else low = middle + 1
  }
  return low
}

/** A byte with its halves swapped, as digests write their first bytes. */
function swapped(byte: number): number {
  return ((byte & 15) << 4) | (byte >> 4)
}
