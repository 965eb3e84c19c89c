/** What is known at one point of one path: registers, stack slots, the last comparison. */
import type { Range } from './code-reader'
import { keyOf, type Expression } from './expression'
import { interestOf, type Known, type Value } from './value'

/** What the flags stand for. */
export interface Comparison {
  readonly left: Known
  readonly right: Known
  /** Of the instruction that compared. */
  readonly rva: number
  readonly size: number
  /** `result`: a result was set against zero, the carry flag says something else; `bit`: bt. */
  readonly kind: 'compare' | 'result' | 'bit'
}

/** An upper bound of something computed from the control code, known on this path. */
export interface Limit {
  readonly key: string
  readonly maximum: number
  /** Where larger values go. */
  readonly otherwise: number | null
}

const REGISTERS = 16

export class State {
  comparison: Comparison | undefined
  limit: Limit | undefined
  /** A short range of codes that this path is for. */
  range: Range | undefined
  /** The control code was compared by order on this path: a binary search. */
  isSearched = false
  /** Pushes since the stack pointer moved otherwise: arguments of an x86 call. */
  pushes = 0

  constructor(
    readonly registers: Known[] = new Array<Known>(REGISTERS).fill(undefined),
    /** By lanes of a pointer's size. */
    readonly vectors: (readonly Known[] | undefined)[] = new Array(REGISTERS).fill(undefined),
    readonly stack = new Map<number, Value>(),
  ) {}

  clone(): State {
    const copy = new State([...this.registers], [...this.vectors], new Map(this.stack))
    copy.comparison = this.comparison
    copy.limit = this.limit
    copy.range = this.range
    copy.isSearched = this.isSearched
    copy.pushes = this.pushes
    return copy
  }

  limitOf(expression: Expression): Limit | undefined {
    return this.limit?.key === keyOf(expression) ? this.limit : undefined
  }

  /** Equal for states that differ in nothing worth following. */
  signature(): string {
    let text = ''
    for (let register = 0; register < REGISTERS; register++) {
      const interest = interestOf(this.registers[register])
      if (interest !== '') text += `${register}=${interest};`
    }
    for (const [slot, value] of this.stack) {
      const interest = interestOf(value)
      if (interest !== '') text += `[${slot}]=${interest};`
    }
    return text
  }
}
