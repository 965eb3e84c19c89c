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
const NO_VECTORS: readonly undefined[] = new Array<undefined>(REGISTERS).fill(undefined)

type Lanes = readonly Known[] | undefined

export class State {
  comparison: Comparison | undefined
  limit: Limit | undefined
  /** A short range of codes that this path is for. */
  range: Range | undefined
  /** The control code was compared by order on this path: a binary search. */
  isSearched = false
  /** Pushes since the stack pointer moved otherwise: arguments of an x86 call. */
  pushes = 0
  readonly registers: Known[]
  // Copies share these until one of them writes: most paths end before they do.
  #stack = new Map<number, Value>()
  #vectors: readonly Lanes[] = NO_VECTORS
  #ownsStack = true

  constructor(registers: Known[] = new Array<Known>(REGISTERS).fill(undefined)) {
    this.registers = registers
  }

  clone(): State {
    const copy = new State(this.registers.slice())
    copy.comparison = this.comparison
    copy.limit = this.limit
    copy.range = this.range
    copy.isSearched = this.isSearched
    copy.pushes = this.pushes
    copy.#stack = this.#stack
    copy.#vectors = this.#vectors
    copy.#ownsStack = false
    this.#ownsStack = false
    return copy
  }

  slot(offset: number): Known {
    return this.#stack.get(offset)
  }

  setSlot(offset: number, value: Known): void {
    if (value === undefined && !this.#stack.has(offset)) return
    if (!this.#ownsStack) {
      this.#stack = new Map(this.#stack)
      this.#ownsStack = true
    }
    if (value === undefined) this.#stack.delete(offset)
    else this.#stack.set(offset, value)
  }

  /** Lanes of a pointer's size. */
  vector(register: number): Lanes {
    return this.#vectors[register]
  }

  setVector(register: number, lanes: Lanes): void {
    if (this.#vectors[register] === lanes) return
    this.#vectors = this.#vectors.with(register, lanes)
  }

  /** Forget the vector registers that calls change. */
  forgetVectors(count: number): void {
    if (this.#vectors === NO_VECTORS) return
    this.#vectors = this.#vectors.map((lanes, register) => (register < count ? undefined : lanes))
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
    if (this.#stack.size === 0) return text
    // Not `for of`, which makes an array of each entry.
    this.#stack.forEach((value, slot) => {
      const interest = interestOf(value)
      if (interest !== '') text += `[${slot}]=${interest};`
    })
    return text
  }
}
