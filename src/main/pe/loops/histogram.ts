/** How often each value of a byte occurs, and the sum that the entropy of a block of a file needs. */
import { bytes16, i32, i64, loopWhile, Routine, sequence, when, type Code } from './assembler'

/** Two histograms side by side, so that a run of one value does not wait for the count before. */
const LANES = 2
const LANE_BYTES = 256 * 4
export const HISTOGRAM_BYTES = LANES * LANE_BYTES

/** Blocks whose sums are looked up have no more bytes than this. */
export const BLOCK_MAX = 4_096
export const PRODUCTS_BYTES = (BLOCK_MAX + 1) * 8
/**
 * `n * log2(n)` as whole numbers of this fraction: they can be added up in any order without an
 * error, and one addition need not wait for the other as long as one of real numbers does.
 */
export const FRACTION = 2 ** 32

const addByte = (byte: Code, counter: number): Code => {
  const place = i32.shiftLeft(byte, i32.const(2))
  return i32.store(place, i32.add(i32.load(place, counter), i32.const(1)), counter)
}

/** `countBytes(at, end)`: add the bytes to the histogram at `base`. */
export function countBytes(base: number): Routine {
  const routine = new Routine('countBytes', 2, null)
  const [at, end] = routine.parameters
  const four = routine.variable()
  const byte = (index: number): Code =>
    i32.and(i32.shiftRight(four.get, i32.const(8 * index)), i32.const(255))
  return routine.does(
    loopWhile(
      i32.atMost(i32.add(at.get, i32.const(4)), end.get),
      sequence(
        four.set(i32.load(at.get)),
        ...[0, 1, 2, 3].map((index) => addByte(byte(index), base + (index % LANES) * LANE_BYTES)),
        at.step(4),
      ),
    ),
    loopWhile(i32.less(at.get, end.get), sequence(addByte(i32.load8(at.get), base), at.step(1))),
  )
}

/**
 * `sumProducts()`: what all counts of the histogram at `base` add up to by the table at `products`;
 * the histogram is empty afterwards.
 */
export function sumProducts(base: number, products: number): Routine {
  const routine = new Routine('sumProducts', 0, 'f64')
  const at = routine.variable()
  const sum = routine.variable('i64')
  const counts = routine.variable('v128')
  const lanes = [...Array(LANES).keys()].map((lane) => base + lane * LANE_BYTES)
  const product = (index: number): Code =>
    i64.load(i32.shiftLeft(bytes16.word(counts.get, index), i32.const(3)), products)
  return routine.does(
    loopWhile(
      i32.less(at.get, i32.const(LANE_BYTES)),
      sequence(
        counts.set(
          lanes
            .map((lane) => bytes16.load(at.get, lane))
            .reduce((left, right) => bytes16.addWords(left, right)),
        ),
        when(
          bytes16.isAnySet(counts.get),
          sequence(
            ...lanes.map((lane) => bytes16.store(at.get, bytes16.splat(0), lane)),
            sum.set([0, 1, 2, 3].map(product).reduce(i64.add, sum.get)),
          ),
        ),
        at.step(16),
      ),
    ),
    i64.toF64(sum.get),
  )
}

/** `isZero(at, end)`: 1 when all bytes are zero, whose number is a multiple of 16. */
export function isZero(): Routine {
  const routine = new Routine('isZero', 2, 'i32')
  const [at, end] = routine.parameters
  return routine.does(
    loopWhile(
      i32.and(i32.less(at.get, end.get), i32.isZero(bytes16.isAnySet(bytes16.load(at.get)))),
      at.step(16),
    ),
    i32.equal(at.get, end.get),
  )
}
