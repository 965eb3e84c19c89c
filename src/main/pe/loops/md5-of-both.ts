/** MD5 of a file and of other bytes of much the same length, for little more than the price of one. */
import { lastBlocks, MD5_BLOCK, MD5_START } from './md5'
import { place, places, type Loops } from './memory'
import { TEXT_MARGIN } from './texts'

/** Room for further bytes behind the file; a view that holds until the next call of any loop. */
export function roomBehind(bytes: Uint8Array, size: number): Uint8Array {
  const { loops } = place(bytes)
  const start = startBehind(bytes)
  loops.reserve(start + size)
  return loops.bytes.subarray(start, start + size)
}

const startBehind = ({ length }: Uint8Array): number =>
  Math.ceil((places.file + length + TEXT_MARGIN) / 16) * 16

/** MD5 of a file and of the `size` bytes that were written into the room behind it. */
export function md5OfBoth(bytes: Uint8Array, size: number): [string, string] {
  const { loops } = place(bytes)
  const file = new Stream(loops, places.file, bytes.length, places.md5)
  const other = new Stream(loops, startBehind(bytes), size, places.md5 + 16)
  const common = Math.min(file.blocks, other.blocks)
  loops.routines.md5Pair(file.start, file.state, other.start, other.state, common)
  return [file.finish(common), other.finish(common)]
}

class Stream {
  constructor(
    readonly loops: Loops,
    readonly start: number,
    readonly length: number,
    readonly state: number,
  ) {
    loops.words.set(MD5_START, state / 4)
  }

  /** Whole ones. */
  get blocks(): number {
    return Math.floor(this.length / MD5_BLOCK)
  }

  /** @returns the digest as hex, once the first blocks were taken */
  finish(taken: number): string {
    const { bytes } = this.loops
    const whole = this.start + this.blocks * MD5_BLOCK
    this.#take(this.start + taken * MD5_BLOCK, this.blocks - taken)
    const last = lastBlocks(bytes.subarray(whole, this.start + this.length), this.length)
    bytes.set(last, places.md5Tail)
    this.#take(places.md5Tail, last.length / MD5_BLOCK)
    return Buffer.from(bytes.buffer, this.state, 16).toString('hex')
  }

  /** Alone: the other of the two streams is for nothing. */
  #take(at: number, blocks: number): void {
    this.loops.routines.md5Pair(at, this.state, at, places.md5 + 32, blocks)
  }
}
