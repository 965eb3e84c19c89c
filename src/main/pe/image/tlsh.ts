/**
 * TLSH: a digest that stays similar when the file does. 128 buckets, one byte of checksum, `T1` in
 * front: what `tlsh` 4 prints. Every window of five bytes adds to six of the buckets; the digest
 * says for each bucket in which quarter of all its count lies.
 * @see Oliver, Cheng, Chen: TLSH, a locality sensitive hash, 2013
 */
import type { Deadline } from '../deadline'

const BUCKETS = 128
const BYTES_MIN = 50
/** Bytes between two looks at the clock. */
const STRETCH = 1 << 20

/** The permutation of Pearson's hash (CACM 33.6, 1990), which TLSH hashes triples of bytes with. */
const pearson = Uint8Array.from(
  `1 87 49 12 176 178 102 166 121 193 6 84 249 230 44 163 14 197 213 181 161 85 218 80 64 239 24
   226 236 142 38 200 110 177 104 103 141 253 255 50 77 101 81 18 45 96 31 222 25 107 190 70 86 237
   240 34 72 242 20 214 244 227 149 235 97 234 57 22 60 250 82 175 208 5 127 199 111 62 135 248 174
   169 211 58 66 154 106 195 245 171 17 187 182 179 0 243 132 56 148 75 128 133 158 100 130 126 91
   13 153 246 216 219 119 68 223 78 83 88 201 99 122 11 92 32 136 114 52 10 138 30 48 183 156 35 61
   26 143 74 251 94 129 162 63 152 170 7 115 167 241 206 3 150 55 59 151 220 90 53 23 131 125 173 15
   238 79 95 89 16 105 137 225 224 217 160 37 123 118 73 2 157 46 116 9 145 134 228 207 212 202 215
   69 229 27 188 67 124 168 252 42 4 29 108 21 247 19 205 39 203 233 40 186 147 198 192 155 33 164
   191 98 204 165 180 117 76 140 36 210 172 41 54 159 8 185 232 113 196 231 47 146 120 51 65 28 144
   254 221 93 189 194 139 112 43 71 109 184 209`
    .trim()
    .split(/\s+/),
  Number,
)

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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  buckets.fill(0)
  let checksum = 0
  for (let start = 4; start < bytes.length; start += STRETCH) {
    if (deadline.isPassedNow) return null
    checksum = count(view, start, Math.min(start + STRETCH, bytes.length), checksum)
  }
  return digest(buckets.subarray(0, BUCKETS), checksum, lengthClass)
}

/**
 * What the last byte of a window is hashed to first, with each of TLSH's salts (0, then 2, 3, 5, 7,
 * 11, 13; the numbers are the permutation's values of them): several in one entry, a byte each.
 */
const withSecond = firsts([49, 12, 84, 1])
const withOthers = firsts([178, 166, 230])

function firsts(salts: number[]): Int32Array {
  return Int32Array.from({ length: 256 }, (_, last) =>
    salts.reduce((entry, salt, lane) => entry | (pearson[salt ^ last] << (8 * lane)), 0),
  )
}

/** Bytes that are looked at together: where all are zero, there is nothing to hash. */
const BLOCK = 64
/** The checksum behind a block of zeros, by the one before. */
const behindZeros = Uint8Array.from({ length: 256 }, (_, before) => {
  let checksum = before
  for (let at = 0; at < BLOCK; at++) checksum = pearson[pearson[pearson[1]] ^ checksum]
  return checksum
})
/** Buckets that a window of zeros goes into. */
const bucketsOfZeros = [49, 12, 178, 166, 84, 230].map((salt) => pearson[pearson[pearson[salt]]])

/** Put the windows that end at `start` up to `end` into their buckets. */
function count(view: DataView, start: number, end: number, checksum: number): number {
  let sum = checksum
  let at = start
  while (at < end) {
    const stop = Math.min(at + BLOCK, end)
    if (stop - at === BLOCK && isZero(view, at - 4, stop)) {
      for (const bucket of bucketsOfZeros) buckets[bucket] += BLOCK
      sum = behindZeros[sum]
    } else sum = countBlock(view, at, stop, sum)
    at = stop
  }
  return sum
}

/** Are all bytes zero? Their number is a multiple of four. */
function isZero(view: DataView, start: number, end: number): boolean {
  for (let at = start; at < end; at += 4) if (view.getInt32(at) !== 0) return false
  return true
}

/** Used by one call at a time; the tables around it are constants too, which saves a tenth. */
const buckets = new Int32Array(256)

function countBlock(view: DataView, start: number, end: number, checksum: number): number {
  let sum = checksum
  let b = view.getUint8(start - 1)
  let c = view.getUint8(start - 2)
  let d = view.getUint8(start - 3)
  let e = view.getUint8(start - 4)
  for (let at = start; at < end; at++) {
    const a = view.getUint8(at)
    const second = withSecond[a]
    const other = withOthers[a]
    sum = pearson[pearson[(second >>> 24) ^ b] ^ sum]
    buckets[pearson[pearson[(second & 255) ^ b] ^ c]]++
    buckets[pearson[pearson[((second >>> 8) & 255) ^ b] ^ d]]++
    buckets[pearson[pearson[((second >>> 16) & 255) ^ b] ^ e]]++
    buckets[pearson[pearson[(other & 255) ^ c] ^ d]]++
    buckets[pearson[pearson[((other >>> 8) & 255) ^ c] ^ e]]++
    buckets[pearson[pearson[(other >>> 16) ^ d] ^ e]]++
    e = d
    d = c
    c = b
    b = a
  }
  return sum
}

function digest(counts: Int32Array, checksum: number, lengthClass: number): string | null {
  const sorted = counts.slice().sort()
  const [first, second, third] = [31, 63, 95].map((index) => sorted[index])
  // Half of the buckets empty: the median is zero or the next one is the first that is not.
  if (third === 0 || sorted[BUCKETS / 2 - 1] === 0) return null
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

/** A byte with its halves swapped, as digests write their first bytes. */
function swapped(byte: number): number {
  return ((byte & 15) << 4) | (byte >> 4)
}
