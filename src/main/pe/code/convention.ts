/**
 * How functions are called: x64 hands four arguments over in registers and the rest on the stack, x86
 * (stdcall) hands all over on the stack and lets the callee take them off.
 */
import { R8, R9, RAX, RCX, RDX, RSP, type Instruction } from './instruction'
import type { Program } from './program'
import type { State } from './state'
import type { Known } from './value'

const argumentRegisters = [RCX, RDX, R8, R9]
const volatile64 = [RAX, RCX, RDX, R8, R9, 10, 11]
const volatile32 = [RAX, RCX, RDX]
/** XMM0 to XMM5. */
const VOLATILE_VECTORS = 6
/** Instructions on the way to the first return, before the search is given up. */
const RETURN_STEPS = 512

export class Convention {
  /** Registers that a call changes. */
  readonly volatile: readonly number[]
  /** How many arguments travel in registers. */
  readonly registerArguments: number
  readonly #word: 4 | 8

  constructor(readonly program: Program) {
    this.#word = program.word
    this.registerArguments = program.word === 8 ? argumentRegisters.length : 0
    this.volatile = program.word === 8 ? volatile64 : volatile32
  }

  /**
   * The n-th argument of a call that is about to be made.
   * @param isJump the return address is on the stack already
   */
  argument(state: State, index: number, isJump = false): Known {
    if (this.#isRegister(index)) return state.registers[argumentRegisters[index]]
    const top = state.registers[RSP]
    if (top?.kind !== 'stack') return undefined
    return state.slot(top.number + (index + (isJump ? 1 : 0)) * this.#word)
  }

  /** Set an argument of a function at whose entry the stack pointer is 0. */
  setArgument(state: State, index: number, value: Known): void {
    if (this.#isRegister(index)) state.registers[argumentRegisters[index]] = value
    else state.setSlot((index + 1) * this.#word, value)
  }

  /** After a call: what it may have changed is unknown, and RAX holds its result. */
  forgetVolatile(state: State, result: Known): void {
    for (const register of this.volatile) state.registers[register] = undefined
    state.forgetVectors(VOLATILE_VECTORS)
    state.registers[RAX] = result
    state.comparison = undefined
  }

  /**
   * In x86 code the callee takes its arguments off the stack.
   * @param count     of arguments; undefined for routines nobody counted, where the pushes tell
   * @param following the instruction behind the call, which may tell too
   */
  dropArguments(state: State, count: number | undefined, following: Instruction | null): void {
    const top = state.registers[RSP]
    if (this.#word === 8 || top?.kind !== 'stack') return
    let dropped = count ?? state.pushes
    const [first, second] = following?.operands ?? []
    if (count === undefined && first?.kind === 'register' && first.register === RSP) {
      const number = second?.kind === 'immediate' ? (second.value ?? 0) : 0
      // The caller cleans up after itself, or (GCC) takes back what the callee dropped.
      if (following?.name === 'add') dropped = 0
      else if (following?.name === 'sub' && state.pushes === 0) dropped = number / this.#word
    }
    state.registers[RSP] = { kind: 'stack', number: top.number + dropped * this.#word }
    state.pushes = Math.max(0, state.pushes - dropped)
  }

  /** Arguments that an x86 function drops, from the first return instruction in its flow. */
  droppedBy(code: number): number | undefined {
    for (let rva = code, steps = 0; steps < RETURN_STEPS; steps++) {
      const instruction = this.program.disassembler.at(rva)
      if (instruction === null || instruction.flow === 'stop') return undefined
      if (instruction.flow === 'return') return droppedBytes(instruction) / this.#word
      if (instruction.flow !== 'jump') rva = instruction.next
      else if (instruction.target === null) return undefined
      else rva = instruction.target
    }
    return undefined
  }

  #isRegister(index: number): boolean {
    return index < this.registerArguments
  }
}

/** Bytes that a return instruction takes off the stack besides the return address. */
export function droppedBytes({ operands }: Instruction): number {
  const [count] = operands
  return count?.kind === 'immediate' ? (count.value ?? 0) : 0
}
