/** Where paths go from a statement, and what an expression gives on each of them. */
import type ts from 'typescript'
import type { State, Value } from './model'

/** A value, and what is known when it is there. */
export type Result = readonly [Value, State]

/** Where paths go from a statement. */
export interface Flow {
  next: State[]
  breaks: State[]
  continues: State[]
  returns: { value: Value | null; state: State; at: ts.Node }[]
}

/** Paths that only go on. */
export const flow = (next: State[]): Flow => ({ next, breaks: [], continues: [], returns: [] })

/** Paths of two ways that meet again. */
export function join(one: Flow, other: Flow): Flow {
  return {
    next: [...one.next, ...other.next],
    breaks: [...one.breaks, ...other.breaks],
    continues: [...one.continues, ...other.continues],
    returns: [...one.returns, ...other.returns],
  }
}
