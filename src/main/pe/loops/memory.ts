/**
 * The loops over every byte of a file, in WebAssembly, and the memory they work in. A file is copied
 * there once while it is analysed, a large one piece by piece.
 */
import { pearson } from '../image/pearson'
import { signsOf } from '../image/signs'
import { assemble } from './assembler'
import {
  BLOCK_MAX,
  countBytes,
  FRACTION,
  HISTOGRAM_BYTES,
  isZero,
  PRODUCTS_BYTES,
  sumProducts,
} from './histogram'
import { md5Pair } from './md5'
import { findTexts, TEXT_MARGIN, TEXT_WORDS } from './texts'
import { initTlsh, TLSH_BYTES, tlshWindows } from './tlsh-windows'

/** Bytes of a page of WebAssembly memory. */
const PAGE = 0x1_0000
/** Texts that are told by one call. */
export const TEXTS_AT_ONCE = 1_024

/** What lies where, from the start of the memory; the file comes last. */
export const places = (() => {
  let next = 0
  const take = (size: number): number => {
    const at = next
    next = Math.ceil((at + size) / 16) * 16
    return at
  }
  return {
    /** Three states of MD5, and the last two blocks of a stream. */
    md5: take(3 * 16),
    md5Tail: take(2 * 64),
    tlsh: take(TLSH_BYTES),
    histogram: take(HISTOGRAM_BYTES),
    products: take(PRODUCTS_BYTES),
    signs: take(256 * 4),
    textCount: take(4),
    texts: take(TEXTS_AT_ONCE * TEXT_WORDS * 4),
    file: take(0),
  }
})()

interface Routines {
  md5Pair(data0: number, state0: number, data1: number, state1: number, blocks: number): void
  tlshWindows(at: number, end: number, checksum: number): number
  countBytes(at: number, end: number): void
  sumProducts(): number
  isZero(at: number, end: number): number
  findTexts(at: number, limit: number, texts: number, most: number): number
}

let compiled: WebAssembly.Module | undefined

function compile(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(
    assemble([
      md5Pair(),
      tlshWindows(places.tlsh, pearson),
      countBytes(places.histogram),
      sumProducts(places.histogram, places.products),
      isZero(),
      findTexts(places.signs, places.textCount),
    ]),
  )
  return compiled
}

/** One memory with the loops that work in it. */
export class Loops {
  readonly routines: Routines
  bytes: Uint8Array
  words: Int32Array
  readonly #memory = new WebAssembly.Memory({ initial: Math.ceil(places.file / PAGE) + 1 })

  constructor() {
    const instance = new WebAssembly.Instance(compile(), { env: { memory: this.#memory } })
    this.routines = instance.exports as unknown as Routines
    this.bytes = new Uint8Array(this.#memory.buffer)
    this.words = new Int32Array(this.#memory.buffer)
    const products = new BigInt64Array(this.#memory.buffer, places.products, BLOCK_MAX + 1)
    for (let n = 1; n <= BLOCK_MAX; n++) {
      products[n] = BigInt(Math.round(n * Math.log2(n) * FRACTION))
    }
    this.words.set(signsOf, places.signs / 4)
    initTlsh(this.words, places.tlsh, pearson)
  }

  /** Make room for so many bytes in all. */
  reserve(size: number): void {
    const missing = size - this.bytes.length
    if (missing <= 0) return
    this.#memory.grow(Math.ceil(missing / PAGE))
    // Memory that grew has moved.
    this.bytes = new Uint8Array(this.#memory.buffer)
    this.words = new Int32Array(this.#memory.buffer)
  }
}

let loops: Loops | undefined
/** The file that lies in the memory for as long as somebody holds it there. */
let held: Uint8Array | undefined

/** Larger files are copied in pieces, again for each loop: memory for all of it would be too much. */
const HELD_MAX = 8 << 20

/**
 * Do something with a file that does not change meanwhile: it is copied once for all loops.
 * @returns what `use` returns
 */
export function withFile<T>(bytes: Uint8Array, use: () => T): T {
  if (bytes.length > HELD_MAX) return use()
  place(bytes)
  held = bytes
  try {
    return use()
  } finally {
    held = undefined
  }
}

export const isHeld = (bytes: Uint8Array): boolean => bytes === held

/**
 * The loops, with a part of a file in their memory.
 * @returns `origin`: where the first byte of the file would be
 */
export function place(
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): { loops: Loops; origin: number } {
  loops ??= new Loops()
  if (bytes === held) return { loops, origin: places.file }
  held = undefined
  const stop = places.file + end - start
  loops.reserve(stop + TEXT_MARGIN)
  loops.bytes.set(bytes.subarray(start, end), places.file)
  loops.bytes.fill(0xff, stop, stop + TEXT_MARGIN)
  return { loops, origin: places.file - start }
}
