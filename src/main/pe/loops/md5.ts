/**
 * MD5 over two streams side by side. Each of its steps waits for the one before, so a processor has
 * room for a second stream in the same time: a file and the same file without its signature take
 * little longer together than either alone in Node's crypto.
 * @see RFC 1321
 */
import { i32, loopWhile, Routine, type Code, type Local } from './assembler'

const rotations = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
]
const sines = Array.from({ length: 64 }, (_, step) =>
  Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32),
)
/** Which word of the block a step takes, by the round of sixteen steps. */
const wordOf = [
  (step: number) => step,
  (step: number) => (5 * step + 1) % 16,
  (step: number) => (3 * step + 5) % 16,
  (step: number) => (7 * step) % 16,
]
const BLOCK = 64

const functions: ((b: Code, c: Code, d: Code) => Code)[] = [
  (b, c, d) => i32.xor(d, i32.and(b, i32.xor(c, d))),
  // The two halves have no bit in common: their sum is their disjunction, and can wait for either.
  (b, c, d) => i32.add(i32.and(d, b), i32.and(c, i32.xor(d, i32.const(-1)))),
  (b, c, d) => i32.xor(i32.xor(c, d), b),
  (b, c, d) => i32.xor(c, i32.or(b, i32.xor(d, i32.const(-1)))),
]

interface Stream {
  data: Local
  state: Local
  words: Local[]
}

/**
 * `md5(data0, state0, data1, state1, blocks)`: take as many blocks of both streams into their states
 * of four words each.
 */
export function md5Pair(): Routine {
  const routine = new Routine('md5Pair', 5, null)
  const [data0, state0, data1, state1, blocks] = routine.parameters
  const streams = [
    { data: data0, state: state0 },
    { data: data1, state: state1 },
  ].map((stream) => ({ ...stream, words: [0, 1, 2, 3].map(() => routine.variable()) }))
  return routine.does(
    loopWhile(blocks.get, [
      ...streams.flatMap(({ state, words }) =>
        words.flatMap((word, index) => word.set(i32.load(state.get, index * 4))),
      ),
      ...Array.from({ length: 64 }, (_, step) =>
        streams.flatMap((stream) => oneStep(stream, step)),
      ).flat(),
      ...streams.flatMap(({ state, words }) =>
        words.flatMap((word, index) =>
          i32.store(state.get, i32.add(i32.load(state.get, index * 4), word.get), index * 4),
        ),
      ),
      ...streams.flatMap(({ data }) => data.step(BLOCK)),
      ...blocks.step(-1),
    ]),
  )
}

function oneStep({ data, words }: Stream, step: number): Code {
  // The names of the words move on by one with each step.
  const [a, b, c, d] = [0, 3, 2, 1].map((_, index) => words[(index + 64 - step) % 4])
  const round = step >> 4
  const word = i32.load(data.get, wordOf[round](step) * 4)
  const input = i32.add(i32.add(a.get, i32.const(sines[step])), word)
  const sum = i32.add(input, functions[round](b.get, c.get, d.get))
  const rotation = i32.const(rotations[round][step % 4])
  return a.set(i32.add(b.get, i32.rotateLeft(sum, rotation)))
}

/** A state before the first block. */
export const MD5_START = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476] as const
export const MD5_BLOCK = BLOCK

/** The last block or two of a stream: what is left of its bytes, a mark, and its length in bits. */
export function lastBlocks(left: Uint8Array, length: number): Uint8Array {
  const size = Math.ceil((left.length + 9) / BLOCK) * BLOCK
  const blocks = new Uint8Array(size)
  blocks.set(left)
  blocks[left.length] = 0x80
  const view = new DataView(blocks.buffer)
  view.setUint32(size - 8, (length << 3) >>> 0, true)
  view.setUint32(size - 4, Math.floor(length / 2 ** 29), true)
  return blocks
}
