/** A function while it is walked, and what its caller learns of it. */
import { RAX, RBP, RSP } from './instruction'
import type { State } from './state'
import { interestOf, type Known } from './value'

/** What a caller learns of a function that was walked. */
export interface Outcome {
  /** The value that all returns have in common; undefined when they differ. */
  result: Known
  /** Frame and stack pointer after the return; undefined when returns differ. */
  frame: Known
  top: Known
  /** Registers that a call changes by convention, but this function was seen to leave alone. */
  preserved: readonly number[]
  /** Stores to the stack of the caller. */
  readonly stores: Map<number, Known>
  returns: number
}

export interface Visit {
  passes: number
  /**
   * Signatures of the states that the place was entered with; null before the first. Most places are
   * entered once: a list need not hash them.
   */
  signatures: string[] | null
}

export interface Frame {
  readonly start: number
  readonly depth: number
  /** Registers at the entry. */
  readonly registers: readonly Known[]
  /** Stack pointer at the entry, on the return address. */
  readonly top: number
  readonly outcome: Outcome
  /** What each place was entered with, and how often. */
  readonly visits: Map<number, Visit>
  /** Paths that are still to be walked. */
  readonly pending: { rva: number; state: State }[]
}

export function newFrame(start: number, state: State, depth: number): Frame {
  const top = state.registers[RSP]
  const outcome: Outcome = {
    result: undefined,
    frame: undefined,
    top: undefined,
    preserved: [],
    stores: new Map(),
    returns: 0,
  }
  return {
    start,
    depth,
    registers: [...state.registers],
    top: top?.kind === 'stack' ? top.number : 0,
    outcome,
    visits: new Map(),
    pending: [{ rva: start, state }],
  }
}

/**
 * One more return of the function: its outcome is what all returns have in common.
 * @param state    after the return
 * @param volatile registers that a call changes by convention
 */
export function noteReturn(
  { outcome, registers }: Frame,
  state: State,
  volatile: readonly number[],
): void {
  const isFirst = outcome.returns === 0
  const common = (known: Known, now: Known): Known =>
    isFirst || isSame(known, now) ? now : undefined
  outcome.result = common(outcome.result, state.registers[RAX])
  outcome.frame = common(outcome.frame, state.registers[RBP])
  outcome.top = common(outcome.top, state.registers[RSP])
  outcome.preserved = (isFirst ? volatile : outcome.preserved).filter(
    (register) =>
      registers[register] !== undefined && registers[register] === state.registers[register],
  )
  outcome.returns++
}

function isSame(left: Known, right: Known): boolean {
  if (left?.kind === 'stack' && right?.kind === 'stack') return left.number === right.number
  return interestOf(left) !== '' && interestOf(left) === interestOf(right)
}
