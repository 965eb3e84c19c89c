/**
 * The instruction that the decoder wrote last, read where it lies in the module's memory. Asking the
 * module costs a call into WebAssembly for each field, some twenty for an instruction: more than
 * decoding it. The layout is that of the one version that package.json names; `decoded.test.ts`
 * holds every field against the module's own answer.
 */
import type * as Iced from 'iced-x86'

/** What the module exports besides its documented classes. */
interface Exports {
  readonly __wasm: { readonly memory: WebAssembly.Memory }
}

/** Words of 32 bits from the start of the object; the first two belong to the binding. */
const DISPLACEMENT_LOW = 4
const DISPLACEMENT_HIGH = 5
const OPERAND_KINDS = 6
const FLAGS = 7
const IMMEDIATE = 8
const OPERAND_REGISTERS = 9
/** Code (16 bits), scale, base register. */
const CODE_SCALE_BASE = 10
/** Index register, size of the displacement, length. */
const INDEX_SIZE_LENGTH = 11

/** Flags: prefixes, and EVEX broadcast. */
const SEGMENT_SHIFT = 5
const SEGMENT_FS = 5
const BROADCAST = 0x0400_0000
const REPEATED = 0x6000_0000

const HIGH = 0x1_0000_0000

export class Decoded {
  /** What the decoder writes into. */
  readonly instruction: Iced.Instruction
  readonly #memory: WebAssembly.Memory
  readonly #at: number
  #words: Int32Array

  constructor(iced: typeof Iced) {
    this.instruction = new iced.Instruction()
    this.#memory = (iced as typeof Iced & Exports).__wasm.memory
    this.#at = (this.instruction as Iced.Instruction & { __wbg_ptr: number }).__wbg_ptr >>> 2
    this.#words = new Int32Array(this.#memory.buffer)
  }

  /** Must be called after decoding, before anything is read: memory that grew has moved. */
  refresh(): void {
    if (this.#words.length === 0) this.#words = new Int32Array(this.#memory.buffer)
  }

  /** The decoder's number of the instruction's form; 0 where the bytes are none. */
  get code(): number {
    return this.#words[this.#at + CODE_SCALE_BASE] & 0xffff
  }

  /** Bytes. */
  get length(): number {
    return (this.#words[this.#at + INDEX_SIZE_LENGTH] >>> 16) & 0xff
  }

  opKind(index: number): number {
    return (this.#words[this.#at + OPERAND_KINDS] >>> (index * 8)) & 0xff
  }

  opRegister(index: number): number {
    return (this.#words[this.#at + OPERAND_REGISTERS] >>> (index * 8)) & 0xff
  }

  get memoryBase(): number {
    return this.#words[this.#at + CODE_SCALE_BASE] >>> 24
  }

  get memoryIndex(): number {
    return this.#words[this.#at + INDEX_SIZE_LENGTH] & 0xff
  }

  /** 1, 2, 4 or 8. */
  get memoryIndexScale(): number {
    return 1 << ((this.#words[this.#at + CODE_SCALE_BASE] >>> 16) & 0xff)
  }

  get hasDisplacement(): boolean {
    return (this.#words[this.#at + INDEX_SIZE_LENGTH] & 0xff00) !== 0
  }

  /** The lower 32 bits of the displacement or branch target, signed; all of it in 32-bit code. */
  get displacement32(): number {
    return this.#words[this.#at + DISPLACEMENT_LOW]
  }

  /** Displacement or branch target of 64 bits, signed; rounded beyond 2^53. */
  get displacementSigned(): number {
    return this.#words[this.#at + DISPLACEMENT_HIGH] * HIGH + (this.displacement32 >>> 0)
  }

  /** The same, unsigned. */
  get displacement(): number {
    const high = this.#words[this.#at + DISPLACEMENT_HIGH] >>> 0
    return high * HIGH + (this.displacement32 >>> 0)
  }

  /** Is the memory operand in FS or GS? */
  get isThreadSegment(): boolean {
    return ((this.#words[this.#at + FLAGS] >>> SEGMENT_SHIFT) & 7) >= SEGMENT_FS
  }

  get isBroadcast(): boolean {
    return (this.#words[this.#at + FLAGS] & BROADCAST) !== 0
  }

  /** rep or repne. */
  get isRepeated(): boolean {
    return (this.#words[this.#at + FLAGS] & REPEATED) !== 0
  }

  /** An immediate of up to 32 bits, or the lower half of a longer one; signed. */
  get immediate32(): number {
    return this.#words[this.#at + IMMEDIATE]
  }

  free(): void {
    this.instruction.free()
  }
}
