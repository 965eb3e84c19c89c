/**
 * Reads control codes off the places where code tells them apart: comparisons for equality (alone,
 * after subtractions, or at the leaves of a binary search), bit tests, short ranges, jump tables.
 */
import type { FoundCode } from './control-code'
import type { Condition } from './conditions'
import { keyOf, solve, type Expression } from './expression'
import type { Findings } from './findings'
import type { Instruction } from './instruction'
import type { Memory } from './memory'
import type { Comparison, State } from './state'
import { maskOf } from './arithmetic'
import type { Lookup } from './value'

type Confidence = FoundCode['confidence']

/** Which side of a branch needs no further walking, because the code is known there. */
export type Settled = 'target' | 'next' | null

/** Entries of a jump table without a known bound. */
const ENTRIES_MAX = 1_024
/** `code - first <= 3` means these codes; a wider range is a check before something else. */
const RANGE_MAX = 3
const THUNKS_MAX = 4
/** Fewer equal entries of a table may be codes that share a handler. */
const HOLES_MIN = 3

/** Codes that a comparison by order admits, until something tells them apart after all. */
export interface Range {
  readonly codes: readonly FoundCode[]
  isSplit: boolean
}

export class CodeReader {
  #ranges: Range[] = []

  constructor(
    readonly memory: Memory,
    readonly findings: Findings,
  ) {}

  /** A branch. Codes it recognises are kept, with the side it takes them to as their handler. */
  branch(
    comparison: Comparison,
    condition: Condition,
    state: State,
    sides: { target: number; next: number },
    confidence: Confidence,
  ): Settled {
    const [whenTrue, whenFalse] =
      comparison.kind === 'bit'
        ? (['b', 'ae'] as const)
        : comparison.left?.kind === 'bit'
          ? (['ne', 'e'] as const)
          : (['e', 'ne'] as const)
    if (condition !== whenTrue && condition !== whenFalse) return null
    const found = this.#codesOf(comparison, state)
    if (found === null) return null
    const handler = condition === whenTrue ? sides.target : sides.next
    this.#keep(found, comparison.rva, this.#skipJumps(handler), confidence, state)
    return condition === whenTrue ? 'target' : 'next'
  }

  /** `sete` and `cmove` recognise a code without going anywhere. */
  conditional({ condition }: Instruction, state: State, confidence: Confidence): void {
    const { comparison } = state
    if (!comparison || comparison.kind === 'bit' || comparison.left?.kind === 'bit') return
    if (condition !== 'e' && condition !== 'ne') return
    const found = this.#codesOf(comparison, state)
    if (found) this.#keep(found, comparison.rva, null, confidence, state)
  }

  /**
   * What a comparison by order says about the code where the condition holds.
   * @param state     there
   * @param here      where that is
   * @param otherwise where control goes when the condition does not hold
   */
  narrow(
    comparison: Comparison,
    condition: Condition,
    state: State,
    here: number,
    otherwise: number,
    confidence: Confidence,
  ): void {
    const { left, right, kind, rva } = comparison
    if (kind !== 'compare' || condition === 'e' || condition === 'ne') return
    const isSwapped = right?.kind === 'code'
    const code = isSwapped ? right : left
    const bound = isSwapped ? left : right
    if (code?.kind !== 'code' || bound?.kind !== 'constant') return
    state.isSearched = true
    // The root of the tree was compared for equality before anything was by order.
    for (const value of solve(code.expression, bound.number) ?? [])
      this.findings.markSearched(value)
    const holds = isSwapped ? mirrored(condition) : condition
    if (holds !== 'be' && holds !== 'b') return
    const maximum = (bound.number >>> 0) - (holds === 'b' ? 1 : 0)
    if (maximum < 0) return
    state.limit = { key: keyOf(code.expression), maximum, otherwise }
    if (maximum > RANGE_MAX || !code.expression.some(({ operator }) => operator === 'add')) return
    const codes: FoundCode[] = []
    for (let index = 0; index <= maximum; index++) {
      for (const value of solve(code.expression, index) ?? []) {
        codes.push({ value, rva, handler: this.#skipJumps(here), how: 'subtract', confidence })
      }
    }
    state.range = { codes, isSplit: false }
    this.#ranges.push(state.range)
  }

  /** A jump or a call through a table. */
  table(lookup: Lookup, state: State, rva: number, confidence: Confidence): void {
    const expression = expressionOf(lookup)
    const limit = state.limitOf(expression)
    if (state.range) state.range.isSplit = true
    const last = Math.min(limit?.maximum ?? ENTRIES_MAX, ENTRIES_MAX)
    const otherwise = limit?.otherwise == null ? null : this.#skipJumps(limit.otherwise)
    const entries: { index: number; handler: number }[] = []
    for (let index = 0; index <= last; index++) {
      const target = this.#targetOf(lookup, index)
      if (target !== null) entries.push({ index, handler: this.#skipJumps(target) })
      else if (!limit) break
    }
    const filler = fillerOf(expression, entries)
    const sure = limit ? confidence : 'low'
    for (const { index, handler } of entries) {
      if (handler === otherwise || handler === filler) continue
      for (const value of solve(expression, index) ?? []) {
        this.findings.addCode({ value, rva, handler, how: 'jump-table', confidence: sure })
      }
    }
  }

  /** Keep the ranges that nothing split. */
  settleRanges(): void {
    for (const { codes, isSplit } of this.#ranges) {
      if (!isSplit) for (const code of codes) this.findings.addCode(code)
    }
    this.#ranges = []
  }

  /** The codes that make a comparison come out equal, or a bit test find a bit; null for none. */
  #codesOf({ left, right, kind }: Comparison, state: State): number[] | null {
    if (left?.kind === 'bit') {
      const isZero = right?.kind === 'constant' && right.number === 0
      return isZero ? bitCodes(left.mask, left.expression, state) : null
    }
    if (kind === 'bit') {
      const mask = maskOf(left)
      return mask === null || right?.kind !== 'code'
        ? null
        : bitCodes(mask, right.expression, state)
    }
    const code = left?.kind === 'code' ? left : right
    const number = left?.kind === 'code' ? right : left
    if (code?.kind !== 'code' || number?.kind !== 'constant') return null
    return solve(code.expression, number.number)
  }

  #keep(
    values: readonly number[],
    rva: number,
    handler: number | null,
    confidence: Confidence,
    state: State,
  ): void {
    if (state.range) state.range.isSplit = true
    const { comparison, isSearched } = state
    const isMoved = [comparison?.left, comparison?.right].some(
      (side) =>
        (side?.kind === 'code' || side?.kind === 'bit') &&
        side.expression.some(({ operator }) => operator === 'add'),
    )
    const isSubtraction = this.memory.program.disassembler.at(rva)?.name === 'sub'
    const how = isMoved || isSubtraction ? 'subtract' : isSearched ? 'binary-search' : 'compare'
    for (const value of values) this.findings.addCode({ value, rva, handler, how, confidence })
  }

  #targetOf(lookup: Lookup, index: number): number | null {
    const entry = this.#entryOf(lookup, index)
    if (entry === null) return null
    const rva = lookup.base === null ? this.memory.program.rvaOf(entry) : (lookup.base + entry) | 0
    return rva !== null && this.memory.program.isCode(rva) ? rva : null
  }

  #entryOf(lookup: Lookup, index: number): number | null {
    const inner = 'kind' in lookup.index ? this.#entryOf(lookup.index, index) : index
    if (inner === null) return null
    return this.memory.program.number(lookup.table + inner * lookup.scale, lookup.size)
  }

  /** Where an unconditional jump ends up. */
  #skipJumps(rva: number): number {
    let place = rva
    for (let count = 0; count < THUNKS_MAX; count++) {
      const instruction = this.memory.program.disassembler.at(place)
      if (instruction?.flow !== 'jump' || instruction.target === null) break
      place = instruction.target
    }
    return place
  }
}

function expressionOf(lookup: Lookup): Expression {
  return 'kind' in lookup.index ? expressionOf(lookup.index) : lookup.index
}

/**
 * Where the holes of a jump table lead. Codes of neighbouring functions are four apart, so in a table
 * that is indexed by the code itself most entries are holes, and they need not lead to the same place
 * as codes beyond the table.
 */
function fillerOf(
  expression: Expression,
  entries: readonly { handler: number }[],
): number | undefined {
  if (expression.some(({ operator }) => operator !== 'add')) return undefined
  const counts = new Map<number, number>()
  for (const { handler } of entries) counts.set(handler, (counts.get(handler) ?? 0) + 1)
  for (const [handler, count] of counts) {
    if (count >= HOLES_MIN && count > entries.length / 2) return handler
  }
  return undefined
}

/** Codes for which the expression is the number of a set bit. */
function bitCodes(mask: bigint, expression: Expression, state: State): number[] {
  const last = Math.min(state.limitOf(expression)?.maximum ?? 63, 63)
  const bits = Array.from({ length: last + 1 }, (_, bit) => bit)
  return bits
    .filter((bit) => ((mask >> BigInt(bit)) & 1n) === 1n)
    .flatMap((bit) => solve(expression, bit) ?? [])
}

/** The condition with its sides exchanged. */
function mirrored(condition: Condition): Condition {
  const mirror: Partial<Record<Condition, Condition>> = { a: 'b', b: 'a', ae: 'be', be: 'ae' }
  return mirror[condition] ?? condition
}
