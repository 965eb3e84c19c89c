/**
 * What is asked of every byte of a file, answered by loops in WebAssembly. Each answer is for the
 * bytes it is given; inside `withFile` they are copied into the loops' memory once for all.
 */
import { pearson } from '../image/pearson'
import { signsOf } from '../image/signs'
import { BLOCK_MAX, FRACTION } from './histogram'
import { isHeld, place, places, TEXTS_AT_ONCE, type Loops } from './memory'
import { TEXT_WORDS, WIDE } from './texts'
import { bucketsOf, clearCounters } from './tlsh-windows'

export { md5OfBoth, roomBehind } from './md5-of-both'
export { withFile } from './memory'

/** The counts of TLSH over a file, taken in stretches from its fifth byte on. */
export class Windows {
  #checksum = 0

  constructor(readonly bytes: Uint8Array) {
    clearCounters(place(bytes, 0, 0).loops.words, places.tlsh)
  }

  /** Count the windows whose last byte lies from `start` up to `end`. */
  count(start: number, end: number): void {
    // A window reaches four bytes back.
    const { loops, origin } = place(this.bytes, start - 4, end)
    this.#checksum = loops.routines.tlshWindows(origin + start, origin + end, this.#checksum)
  }

  get checksum(): number {
    return this.#checksum / 4
  }

  buckets(): Int32Array {
    return bucketsOf(place(this.bytes, 0, 0).loops.words, places.tlsh, pearson)
  }
}

/** Entropies of short blocks of a file. */
export class Blocks {
  /** Blocks have no more bytes than this. */
  static readonly sizeMax = BLOCK_MAX
  readonly #loops: Loops

  constructor(bytes: Uint8Array) {
    this.#loops = place(bytes).loops
    // Empties the histogram.
    this.#loops.routines.sumProducts()
  }

  /** The sum of `n * log2(n)` over the counts `n` of all values; null when all bytes are zero. */
  sumOfProducts(start: number, end: number): number | null {
    const { routines } = this.#loops
    const [from, to] = [places.file + start, places.file + end]
    if ((end - start) % 16 === 0 && routines.isZero(from, to)) return null
    routines.countBytes(from, to)
    return routines.sumProducts() / FRACTION
  }
}

/** What lies behind a stretch is copied along, for the texts that begin in it. */
const REACH = 4_096

/**
 * Tell where the texts of a file are, in their order: start, end, whether a character takes two
 * bytes, and the signs of all characters together.
 * @param stretch  bytes between two questions whether to go on
 * @param mayGoOn  false ends the search
 * @returns false when it ended before the file did
 */
export function eachText(
  bytes: Uint8Array,
  stretch: number,
  mayGoOn: () => boolean,
  tell: (start: number, end: number, isWide: boolean, signs: number) => void,
): boolean {
  const { length } = bytes
  for (let at = 0; at < length;) {
    const limit = Math.min(at + stretch, length)
    const reach = isHeld(bytes) ? length : Math.min(limit + REACH, length)
    const { loops, origin } = place(bytes, at, reach)
    const { routines, words } = loops
    at = routines.findTexts(origin + at, origin + limit, places.texts, TEXTS_AT_ONCE) - origin
    const last = places.texts / 4 + words[places.textCount / 4] * TEXT_WORDS
    for (let entry = places.texts / 4; entry < last; entry += TEXT_WORDS) {
      const start = words[entry] - origin
      let end = words[entry + 1] - origin
      let signs = words[entry + 2]
      const isWide = (signs & WIDE) !== 0
      if (end + 1 >= reach) {
        // A text may go on behind what was copied.
        const width = isWide ? 2 : 1
        for (; end + width <= length && (!isWide || bytes[end + 1] === 0); end += width) {
          if (signsOf[bytes[end]] === 0) break
          signs |= signsOf[bytes[end]]
        }
        at = Math.max(at, end)
      }
      tell(start, end, isWide, signs & ~WIDE)
    }
    if (at < length && !mayGoOn()) return false
  }
  return true
}
