/**
 * An x86 instruction as a plain object, decoupled from the decoder's WebAssembly memory. Addresses
 * are RVAs: the decoder is told that the image lies at 0, so RIP-relative operands come out as RVAs;
 * absolute ones keep the virtual address that stands in the file.
 */
import type { Condition } from './conditions'

/** Where control goes after an instruction. `stop`: nowhere (hlt loops, int 29h, ud2). */
export type Flow = 'next' | 'jump' | 'branch' | 'return' | 'call' | 'stop'

export interface RegisterOperand {
  readonly kind: 'register'
  /** 0 to 15: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15; 16 to 31: XMM; -1: any other. */
  readonly register: number
  /** Bytes. */
  readonly size: number
  /** AH to DH: the second byte of RAX to RBX. */
  readonly isHigh: boolean
}

export interface MemoryOperand {
  readonly kind: 'memory'
  /** A register as above, or -1 for none. */
  readonly base: number
  readonly index: number
  readonly scale: number
  /** Signed; the RVA itself where `isRelative`. */
  readonly displacement: number
  /** RIP-relative: `displacement` is the RVA of the operand. */
  readonly isRelative: boolean
  /** FS or GS: processor data, nothing that is followed here. */
  readonly isSegment: boolean
}

export interface ImmediateOperand {
  readonly kind: 'immediate'
  /** Sign-extended as the processor does it; null where 64 bits do not fit a number. */
  readonly value: number | null
  /** The same for immediates of 64 bits; null for shorter ones. */
  readonly wide: bigint | null
}

export type Operand = RegisterOperand | MemoryOperand | ImmediateOperand

export interface Instruction {
  readonly rva: number
  /** RVA of the instruction behind it. */
  readonly next: number
  /** Mnemonic in lower case: `mov`, `je`, `stosq`. */
  readonly name: string
  readonly flow: Flow
  /** Of `je`, `cmove`, `sete` and their like; null for others. */
  readonly condition: Condition | null
  /** RVA a near jump, branch or call goes to; null for the others. */
  readonly target: number | null
  readonly operands: readonly Operand[]
  /** Bytes that the instruction reads or writes in memory or, without memory, in its first register. */
  readonly size: number
  readonly isRepeated: boolean
}

export const RAX = 0
export const RCX = 1
export const RDX = 2
export const RBX = 3
export const RSP = 4
export const RBP = 5
export const RSI = 6
export const RDI = 7
export const R8 = 8
export const R9 = 9
export const XMM0 = 16
