/**
 * The effect of one instruction on a state, for the instructions that compilers use to move
 * pointers, numbers and control codes about. Everything else makes its destination unknown.
 */
import { difference, inverted, logical, narrowed, negated, shifted, sum } from './arithmetic'
import {
  RAX,
  RBP,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  XMM0,
  type Instruction,
  type Operand,
} from './instruction'
import type { Memory, Place } from './memory'
import type { State } from './state'
import { executeVector } from './vectors'
import { constant, type Known } from './value'

/** A fill of all 28 MajorFunction slots with something to spare. */
const REPEAT_MAX = 64

/** Instructions that leave the flags alone and change nothing that is followed. */
const neutral = new Set(['nop', 'endbr64', 'prefetchw', 'lfence', 'mfence', 'sfence', 'pause'])
/** Results in registers that no operand names. */
const implicitResults: Readonly<Record<string, readonly number[]>> = {
  mul: [RAX, RDX],
  div: [RAX, RDX],
  idiv: [RAX, RDX],
  cpuid: [RAX, 3, RCX, RDX],
  rdtsc: [RAX, RDX],
  rdmsr: [RAX, RDX],
  xgetbv: [RAX, RDX],
  cdq: [RDX],
  cqo: [RDX],
  in: [RAX],
  cmpxchg: [RAX],
}

export class Executor {
  readonly #word: 4 | 8

  constructor(readonly memory: Memory) {
    this.#word = memory.program.word
  }

  /** Run one instruction that does not change the flow. */
  execute(instruction: Instruction, state: State): void {
    const { name, operands, size, rva } = instruction
    const [first, second, third] = operands
    switch (name) {
      case 'mov':
      case 'movzx':
        return this.write(state, first, this.read(state, second, sizeOf(second, size)), size, rva)
      case 'movsx':
      case 'movsxd':
        return this.write(state, first, this.#readSigned(state, second, size), size, rva)
      case 'lea':
        return this.#lea(instruction, state)
      case 'push':
        state.pushes++
        return this.push(state, this.read(state, first, this.#word))
      case 'pop':
        return this.write(state, first, this.pop(state), this.#word, rva)
      case 'leave':
        state.registers[RSP] = state.registers[RBP]
        state.registers[RBP] = this.pop(state)
        return undefined
      case 'xchg': {
        const left = this.read(state, first, size)
        this.write(state, first, this.read(state, second, size), size, rva)
        return this.write(state, second, left, size, rva)
      }
      case 'add':
      case 'sub':
      case 'and':
      case 'or':
      case 'xor':
        return this.#binary(instruction, state, first, second)
      case 'inc':
      case 'dec':
        return this.#result(
          instruction,
          state,
          sum(this.read(state, first, size), constant(name === 'inc' ? 1 : -1), size),
        )
      case 'neg':
        return this.#result(instruction, state, negated(this.read(state, first, size), size))
      case 'not':
        return this.write(state, first, inverted(this.read(state, first, size), size), size, rva)
      case 'shl':
      case 'sal':
      case 'shr':
      case 'sar':
      case 'ror':
      case 'rol':
        return this.#result(
          instruction,
          state,
          shifted(name, this.read(state, first, size), this.#shiftCount(state, second), size),
        )
      case 'imul':
        state.comparison = undefined
        if (!second) return this.#forget(state, [RAX, RDX])
        return this.write(state, first, this.#product(state, first, second, third, size), size, rva)
      case 'cmp':
      case 'test':
        return this.#compare(instruction, state, first, second)
      case 'bt': {
        const [left, right] = [this.read(state, first, 8), this.read(state, second, 4)]
        state.comparison = { left, right, rva, size, kind: 'bit' }
        return undefined
      }
      case 'cdqe':
      case 'cwde':
        return undefined
      case 'stosd':
      case 'stosq':
        return this.#fill(instruction, state, name === 'stosq' ? 8 : 4)
      case 'movsq':
        return this.#copy(instruction, state, 8)
      default:
    }
    if (neutral.has(name)) return
    // movsd is a string instruction and a vector instruction.
    if (name === 'movsd' && first?.kind === 'memory' && second?.kind === 'memory') {
      return this.#copy(instruction, state, 4)
    }
    if (executeVector(this, instruction, state)) return
    this.#other(instruction, state, first)
  }

  /** The value of an operand, `size` bytes of it. */
  read(state: State, operand: Operand | undefined, size: number): Known {
    if (operand === undefined) return undefined
    if (operand.kind === 'immediate') {
      if (operand.value === null) return wideOf(operand.wide)
      return constant(size <= 4 && operand.value < 0 ? operand.value >>> 0 : operand.value)
    }
    if (operand.kind === 'register') {
      const { register } = operand
      if (register < 0 || register >= XMM0) return undefined
      if (operand.isHigh) return undefined
      return narrowed(state.registers[register], Math.min(size, operand.size))
    }
    return this.memory.load(state, this.memory.place(state, operand), size)
  }

  write(state: State, operand: Operand | undefined, value: Known, size: number, rva: number): void {
    if (operand?.kind === 'register') {
      const { register } = operand
      if (register < 0 || register >= XMM0) return
      state.registers[register] =
        operand.size >= 4
          ? narrowed(value, operand.size)
          : merged(state.registers[register], operand.isHigh ? undefined : value, operand.size)
      if (register === RSP) state.pushes = 0
    } else if (operand?.kind === 'memory') {
      const isWhole = size >= 4 || value?.kind === 'constant'
      this.memory.store(
        state,
        this.memory.place(state, operand),
        isWhole ? value : undefined,
        size,
        rva,
      )
    }
  }

  push(state: State, value: Known): void {
    const top = state.registers[RSP]
    if (top?.kind !== 'stack') return
    const number = top.number - this.#word
    state.registers[RSP] = { kind: 'stack', number }
    state.setSlot(number, value)
  }

  pop(state: State): Known {
    const top = state.registers[RSP]
    if (top?.kind !== 'stack') return undefined
    state.registers[RSP] = { kind: 'stack', number: top.number + this.#word }
    if (state.pushes > 0) state.pushes--
    return state.slot(top.number)
  }

  #readSigned(state: State, operand: Operand | undefined, size: number): Known {
    const width = sizeOf(operand, size)
    if (operand?.kind === 'memory') {
      const value = this.memory.load(state, this.memory.place(state, operand), width, true)
      return signExtended(value, width)
    }
    return signExtended(this.read(state, operand, width), width)
  }

  #lea({ operands, size, rva }: Instruction, state: State): void {
    const [first, source] = operands
    if (source?.kind !== 'memory') return
    const { base, index, scale, displacement, isRelative } = source
    let value: Known
    if (isRelative) value = this.memory.place(state, source) as Known
    else {
      value = constant(displacement)
      if (base >= 0) value = sum(value, state.registers[base], size)
      if (index >= 0) value = sum(value, scaled(state.registers[index], scale), size)
    }
    this.write(state, first, value, size, rva)
  }

  #binary(
    instruction: Instruction,
    state: State,
    first: Operand | undefined,
    second: Operand | undefined,
  ): void {
    const { name, size, rva } = instruction
    const left = this.read(state, first, size)
    const right = this.read(state, second, size)
    const isSame =
      first?.kind === 'register' &&
      second?.kind === 'register' &&
      first.register === second.register
    if (isSame && (name === 'xor' || name === 'sub')) {
      return this.#result(instruction, state, constant(0))
    }
    if (this.#narrowLogic(instruction, state, first, second)) return undefined
    // An unknown amount of stack: the distances between its slots stay known.
    const isStackPointer = first?.kind === 'register' && first.register === RSP
    if (isStackPointer && right === undefined) return
    if (name === 'add') return this.#result(instruction, state, sum(left, right, size))
    if (name !== 'sub') return this.#result(instruction, state, logical(name, left, right, size))
    this.write(state, first, difference(left, right, size), size, rva)
    state.comparison = { left, right, rva, size, kind: 'compare' }
  }

  /**
   * `and ah, 0xfd`: a byte of a register that holds a control code.
   * @returns false when it is none of that kind
   */
  #narrowLogic(
    { name, rva }: Instruction,
    state: State,
    first: Operand | undefined,
    second: Operand | undefined,
  ): boolean {
    if (first?.kind !== 'register' || first.size > 2 || second?.kind !== 'immediate') return false
    if (name === 'add' || name === 'sub' || first.register < 0) return false
    const whole = state.registers[first.register]
    if (whole?.kind !== 'code' || second.value === null) return false
    const shift = first.isHigh ? 8 : 0
    const field = (first.size === 1 ? 0xff : 0xffff) << shift
    const bits = (second.value << shift) & field
    const operand = constant((name === 'and' ? bits | ~field : bits) >>> 0)
    state.registers[first.register] = logical(name, whole, operand, 4)
    state.comparison = { left: undefined, right: constant(0), rva, size: 1, kind: 'result' }
    return true
  }

  /** CL counts, but a control code in ECX that is known to be small is all in CL. */
  #shiftCount(state: State, operand: Operand | undefined): Known {
    return operand?.kind === 'register'
      ? state.registers[operand.register]
      : this.read(state, operand, 1)
  }

  /** Write to the first operand; the flags compare it with zero. */
  #result({ operands, size, rva }: Instruction, state: State, value: Known): void {
    this.write(state, operands[0], value, size, rva)
    state.comparison = { left: value, right: constant(0), rva, size, kind: 'result' }
  }

  #compare(
    { name, size, rva }: Instruction,
    state: State,
    first: Operand | undefined,
    second: Operand | undefined,
  ): void {
    const left = this.read(state, first, size)
    const right = this.read(state, second, size)
    if (name === 'cmp') {
      state.comparison = { left, right, rva, size, kind: 'compare' }
      return
    }
    const isSame =
      first?.kind === 'register' &&
      second?.kind === 'register' &&
      first.register === second.register
    const value = isSame ? left : logical('and', left, right, size)
    state.comparison = { left: value, right: constant(0), rva, size, kind: 'result' }
  }

  #product(
    state: State,
    first: Operand | undefined,
    second: Operand | undefined,
    third: Operand | undefined,
    size: number,
  ): Known {
    const left = this.read(state, third ? second : first, size)
    const right = this.read(state, third ?? second, size)
    if (left?.kind !== 'constant' || right?.kind !== 'constant') return undefined
    const number = left.number * right.number
    return Number.isSafeInteger(number) ? constant(size <= 4 ? number >>> 0 : number) : undefined
  }

  #count(instruction: Instruction, state: State): number | undefined {
    if (!instruction.isRepeated) return 1
    const count = state.registers[RCX]
    return count?.kind === 'constant' ? Math.min(count.number, REPEAT_MAX) : undefined
  }

  #fill(instruction: Instruction, state: State, size: number): void {
    const count = this.#count(instruction, state)
    let place = state.registers[RDI] as Place | undefined
    const value = narrowed(state.registers[RAX], size)
    for (let step = 0; step < (count ?? 0); step++) {
      this.memory.store(state, place, value, size, instruction.rva)
      place = this.memory.offset(place, size)
    }
    this.#endOfString(instruction, state)
  }

  #copy(instruction: Instruction, state: State, size: number): void {
    const count = this.#count(instruction, state)
    let from = state.registers[RSI] as Place | undefined
    let to = state.registers[RDI] as Place | undefined
    for (let step = 0; step < (count ?? 0); step++) {
      this.memory.store(state, to, this.memory.load(state, from, size), size, instruction.rva)
      from = this.memory.offset(from, size)
      to = this.memory.offset(to, size)
    }
    state.registers[RSI] = undefined
    this.#endOfString(instruction, state)
  }

  #endOfString(instruction: Instruction, state: State): void {
    state.registers[RDI] = undefined
    if (instruction.isRepeated) state.registers[RCX] = constant(0)
  }

  #other(instruction: Instruction, state: State, first: Operand | undefined): void {
    const { name, size, rva, condition } = instruction
    this.#forget(state, implicitResults[name] ?? [])
    if (condition === null) state.comparison = undefined
    // A conditional move may or may not happen.
    this.write(state, first, undefined, size, rva)
  }

  #forget(state: State, registers: readonly number[]): void {
    for (const register of registers) state.registers[register] = undefined
  }
}

function wideOf(wide: bigint | null): Known {
  return wide === null ? undefined : { kind: 'wide', wide }
}

/** Bytes of an operand; those of the instruction where it has none of its own. */
function sizeOf(operand: Operand | undefined, size: number): number {
  return operand?.kind === 'register' ? operand.size : size
}

/** A narrow write into a known number. */
function merged(old: Known, value: Known, size: number): Known {
  if (old?.kind !== 'constant' || value?.kind !== 'constant') return undefined
  if (old.number < 0 || old.number > 0xffff_ffff) return undefined
  const mask = size === 1 ? 0xff : 0xffff
  return constant(((old.number & ~mask) | (value.number & mask)) >>> 0)
}

function signExtended(value: Known, size: number): Known {
  if (value?.kind !== 'constant' || size > 4) return value
  const shift = 32 - size * 8
  return { ...value, number: (value.number << shift) >> shift }
}

function scaled(value: Known, scale: number): Known {
  if (scale === 1) return value
  if (value?.kind === 'code') return shifted('shl', value, constant(Math.log2(scale)), 4)
  return value?.kind === 'constant' ? constant(value.number * scale) : undefined
}
