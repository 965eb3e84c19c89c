/**
 * The loop of TLSH: every window of five bytes is hashed by six triples of its bytes, each with a salt
 * of its own, and a checksum goes along. What limits it is the six counters that every byte raises, so
 * all else is looked up.
 */
import {
  bytes16,
  i32,
  loopWhile,
  Routine,
  sequence,
  when,
  type Code,
  type Local,
} from './assembler'

/** Bytes that are looked at together; with the four before them, which windows reach back to, 64. */
const BLOCK = 60
const WINDOW = 5
const BUCKETS = 128

/**
 * What the last byte of a window is hashed to first, by TLSH's salts (0, then 2, 3, 5, 7, 11, 13; the
 * numbers are the permutation's values of them).
 */
const CHECKSUM_SALT = 1
const WITH_SECOND = [49, 12, 84]
const WITH_OTHERS = [178, 166, 230]

/**
 * Entries are offsets of counters, four times a byte; those of three salts share a word, ten bits each:
 * nothing need be shifted before it addresses the next table.
 */
const LANE_BITS = 10
const LANE = 0x3fc

/** Where the tables and counters lie, each of 256 words: bytes from the start of the memory. */
const TABLES = ['permuted', 'checksums', 'second', 'others', 'behindZeros'] as const
const LANES = 6
export const TLSH_BYTES = (TABLES.length + LANES) * 1024
const tableAt = (table: (typeof TABLES)[number]): number => TABLES.indexOf(table) * 1024
const countersAt = (lane: number): number => (TABLES.length + lane) * 1024

/**
 * `tlshWindows(at, end, checksum)`: count the windows whose last bytes lie from `at` up to `end`; at
 * least four bytes must lie before. `checksum` and the new one are four times their value.
 * @param base where the tables are
 */
export function tlshWindows(base: number, pearson: Uint8Array): Routine {
  const routine = new Routine('tlshWindows', 3, 'i32')
  const [at, end, checksum] = routine.parameters
  const bytes = Array.from({ length: WINDOW }, () => routine.variable())
  const [stop, first, rest, place] = Array.from({ length: 4 }, () => routine.variable())
  const look = (table: (typeof TABLES)[number], index: Code): Code =>
    i32.load(index, base + tableAt(table))
  const permuted = (index: Code): Code => look('permuted', index)

  const count = (lane: number, counter: Code, by = 1): Code => {
    const address = base + countersAt(lane)
    const more = i32.add(i32.load(place.get, address), i32.const(by))
    return sequence(place.set(counter), i32.store(place.get, more, address))
  }
  const lane = (word: Local, index: number): Code => {
    const shifted = i32.shiftRight(word.get, i32.const(index * LANE_BITS))
    return index === 2 ? shifted : i32.and(index === 0 ? word.get : shifted, i32.const(LANE))
  }

  /** The window that ends with the byte `offset` behind `at`, which becomes the value of `a`. */
  const window = ([a, b, c, d, e]: Local[], offset: number): Code =>
    sequence(
      a.set(i32.shiftLeft(i32.load8(at.get, offset), i32.const(2))),
      first.set(look('second', a.get)),
      rest.set(look('others', a.get)),
      checksum.set(
        permuted(i32.xor(permuted(i32.xor(look('checksums', a.get), b.get)), checksum.get)),
      ),
      ...[c, d, e].map((third, index) =>
        count(index, i32.xor(permuted(i32.xor(lane(first, index), b.get)), third.get)),
      ),
      count(3, i32.xor(permuted(i32.xor(lane(rest, 0), c.get)), d.get)),
      count(4, i32.xor(permuted(i32.xor(lane(rest, 1), c.get)), e.get)),
      count(5, i32.xor(permuted(i32.xor(lane(rest, 2), d.get)), e.get)),
    )
  const bytesBefore = sequence(
    ...bytes
      .slice(1)
      .map((byte, index) =>
        byte.set(
          i32.shiftLeft(i32.load8(i32.subtract(at.get, i32.const(index + 1))), i32.const(2)),
        ),
      ),
  )
  const isZeroBlock = i32.isZero(
    bytes16.isAnySet(
      [0, 16, 32, 48]
        .map((offset) => bytes16.load(i32.subtract(at.get, i32.const(4)), offset))
        .reduce((left, right) => bytes16.or(left, right)),
    ),
  )
  const zeroBlock = sequence(
    ...[...WITH_SECOND, ...WITH_OTHERS].map((salt, index) =>
      count(index, i32.const(4 * pearson[pearson[salt]]), BLOCK),
    ),
    checksum.set(look('behindZeros', checksum.get)),
    at.step(BLOCK),
  )
  // After five windows each variable has every role once, so that none need be moved.
  const inTurn = (turn: number): Local[] =>
    bytes.map((_, role) => bytes[(role + WINDOW - turn) % WINDOW])
  const block = sequence(
    stop.set(i32.add(at.get, i32.const(BLOCK))),
    bytesBefore,
    loopWhile(
      i32.less(at.get, stop.get),
      sequence(...bytes.map((_, turn) => window(inTurn(turn), turn)), at.step(WINDOW)),
    ),
  )
  return routine.does(
    loopWhile(
      i32.atMost(i32.add(at.get, i32.const(BLOCK)), end.get),
      when(isZeroBlock, zeroBlock, block),
    ),
    loopWhile(i32.less(at.get, end.get), sequence(bytesBefore, window(bytes, 0), at.step(1))),
    checksum.get,
  )
}

/** Fill in the tables. */
export function initTlsh(words: Int32Array, base: number, pearson: Uint8Array): void {
  const table = (name: (typeof TABLES)[number], entry: (index: number) => number): void => {
    for (let index = 0; index < 256; index++)
      words[(base + tableAt(name)) / 4 + index] = entry(index)
  }
  const lanes = (salts: number[], last: number): number =>
    salts.reduce((word, salt, lane) => word | ((4 * pearson[salt ^ last]) << (LANE_BITS * lane)), 0)
  table('permuted', (index) => 4 * pearson[index])
  table('checksums', (last) => 4 * pearson[CHECKSUM_SALT ^ last])
  table('second', (last) => lanes(WITH_SECOND, last))
  table('others', (last) => lanes(WITH_OTHERS, last))
  table('behindZeros', (before) => {
    let checksum = before
    for (let at = 0; at < BLOCK; at++)
      checksum = pearson[pearson[pearson[CHECKSUM_SALT]] ^ checksum]
    return 4 * checksum
  })
}

export function clearCounters(words: Int32Array, base: number): void {
  const start = (base + countersAt(0)) / 4
  words.fill(0, start, start + LANES * 256)
}

/** The buckets that TLSH uses, half of 256, out of the counters. */
export function bucketsOf(words: Int32Array, base: number, pearson: Uint8Array): Int32Array {
  const buckets = new Int32Array(BUCKETS)
  const start = (base + countersAt(0)) / 4
  for (let index = 0; index < 256; index++) {
    // The last step of each hash is the same for all, so it is done with the sums.
    const bucket = pearson[index]
    if (bucket >= BUCKETS) continue
    for (let lane = 0; lane < LANES; lane++) buckets[bucket] += words[start + lane * 256 + index]
  }
  return buckets
}
