/**
 * What is asked of every byte of a file, answered by loops in WebAssembly. Each answer is for the
 * bytes it is given; inside `withFile` they are copied into the loops' memory once for all.
 */
import { pearson } from '../image/pearson'
import { BLOCK_MAX, FRACTION } from './histogram'
import { place, places, TEXTS_AT_ONCE, type Loops } from './memory'
import { TEXT_WORDS, WIDE } from './texts'
import { bucketsOf, clearCounters } from './tlsh-windows'

export { md5OfBoth, roomBehind } from './md5-of-both'
export { withFile } from './memory'

/** The counts of TLSH over a file, taken in stretches from its fifth byte on. */
export class Windows {
  readonly #loops: Loops
  #checksum = 0

  constructor(bytes: Uint8Array) {
    this.#loops = place(bytes)
    clearCounters(this.#loops.words, places.tlsh)
  }

  /** Count the windows whose last byte lies from `start` up to `end`. */
  count(start: number, end: number): void {
    const { file } = places
    this.#checksum = this.#loops.routines.tlshWindows(file + start, file + end, this.#checksum)
  }

  get checksum(): number {
    return this.#checksum / 4
  }

  /** All 256, of which TLSH uses the first half. */
  buckets(): Int32Array {
    return bucketsOf(this.#loops.words, places.tlsh, pearson)
  }
}

/** Entropies of short blocks of a file. */
export class Blocks {
  /** Blocks have no more bytes than this. */
  static readonly sizeMax = BLOCK_MAX
  readonly #loops: Loops

  constructor(bytes: Uint8Array) {
    this.#loops = place(bytes)
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
  const { routines, words } = place(bytes)
  const { file, texts, textCount } = places
  const end = file + bytes.length
  for (let at = file, look = file + stretch; at < end;) {
    at = routines.findTexts(at, Math.min(look, end), texts, TEXTS_AT_ONCE)
    const count = words[textCount / 4]
    for (let index = 0; index < count; index++) {
      const entry = texts / 4 + index * TEXT_WORDS
      const signs = words[entry + 2]
      tell(words[entry] - file, words[entry + 1] - file, (signs & WIDE) !== 0, signs & ~WIDE)
    }
    if (at < look) continue
    if (at < end && !mayGoOn()) return false
    look = at + stretch
  }
  return true
}
