/**
 * Where texts lie in a file: runs of at least five printable characters of one byte, or of two of
 * which the second is zero. Most of a file is passed some fifty bytes at a time.
 */
import { bytes16, i32, i64, loopWhile, Routine, sequence, when, type Code } from './assembler'

/** Characters a text has at least. */
export const TEXT_MIN = 5
/** A text that was found: start, end, and its signs with `WIDE` for two bytes per character. */
export const TEXT_WORDS = 3
export const WIDE = 0x1_0000
/** Behind the bytes of a file must lie so many that are in no text and not zero. */
export const TEXT_MARGIN = 80

/** Bytes looked at together, and those of them whose following bytes are enough to tell. */
const BYTES = 64
const TOLD = BYTES - 2 * TEXT_MIN + 1

/**
 * `findTexts(at, limit, texts, most)`: write what texts begin from `at` up to `limit` to the list at
 * `texts`, `most` at most, and return where to go on.
 * @param signs  a table of words by byte: 0 for what ends a text
 * @param result where the number of texts is written
 */
export function findTexts(signs: number, result: number): Routine {
  const routine = new Routine('findTexts', 4, 'i32')
  const [at, limit, texts, most] = routine.parameters
  const [count, start, joined, sign] = Array.from({ length: 4 }, () => routine.variable())
  const [printable, zeros, found] = Array.from({ length: 3 }, () => routine.variable('i64'))

  /** One bit for each of the bytes. */
  const bits = (test: (sixteen: Code) => Code): Code =>
    [0, 1, 2, 3]
      .map((part) =>
        i64.shiftLeft(
          i64.ofI32(bytes16.mask(test(bytes16.load(at.get, part * 16)))),
          i64.const(BigInt(part * 16)),
        ),
      )
      .reduce(i64.or)
  const isPrintable = (sixteen: Code): Code =>
    bytes16.or(
      bytes16.less(bytes16.subtract(sixteen, bytes16.splat(0x20)), bytes16.splat(0x5f)),
      bytes16.equal(sixteen, bytes16.splat(0x09)),
    )
  /** Bits that are set together with the four that follow each other at a distance. */
  const fiveOf = (set: Code, distance: number): Code =>
    [1, 2, 3, 4]
      .map((step) => i64.shiftRight(set, i64.const(BigInt(step * distance))))
      .reduce(i64.and, set)
  const told = (1n << BigInt(TOLD)) - 1n

  const signOf = (address: Code): Code => i32.load(i32.shiftLeft(address, i32.const(2)), signs)
  /** Over a text, joining the signs of its characters. */
  const pass = (width: 1 | 2): Code =>
    loopWhile(
      sequence(
        sign.set(signOf(i32.load8(at.get))),
        width === 1
          ? sign.get
          : // A sign, and zero behind it.
            i32.and(i32.notEqual(sign.get, i32.const(0)), i32.isZero(i32.load8(at.get, 1))),
      ),
      sequence(joined.set(i32.or(joined.get, sign.get)), at.step(width)),
    )
  const keep = sequence(
    ...[start.get, at.get, joined.get].map((value, index) =>
      i32.store(texts.get, value, index * 4),
    ),
    texts.step(TEXT_WORDS * 4),
    count.step(1),
  )
  return routine.does(
    loopWhile(
      i32.and(i32.less(at.get, limit.get), i32.less(count.get, most.get)),
      sequence(
        printable.set(bits(isPrintable)),
        zeros.set(bits((sixteen) => bytes16.equal(sixteen, bytes16.splat(0)))),
        found.set(
          i64.and(
            i64.or(
              fiveOf(printable.get, 1),
              // Characters of two bytes: printable, and zero behind it.
              fiveOf(i64.and(printable.get, i64.shiftRight(zeros.get, i64.const(1n))), 2),
            ),
            i64.const(told),
          ),
        ),
        when(
          i64.isZero(found.get),
          at.step(TOLD),
          sequence(
            at.set(i32.add(at.get, i64.toI32(i64.trailingZeros(found.get)))),
            start.set(at.get),
            joined.set(i32.const(0)),
            when(
              i32.isZero(i32.load8(at.get, 1)),
              sequence(joined.set(i32.const(WIDE)), pass(2)),
              pass(1),
            ),
            keep,
          ),
        ),
      ),
    ),
    i32.store(i32.const(result), count.get),
    at.get,
  )
}
