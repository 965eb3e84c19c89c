/**
 * Follows the paths through a function and through the functions that it calls. Every path carries
 * what is known on it (model.ts); conditions that are known leave one way, others both. Bounds keep
 * any source cheap: what lies beyond them is not looked at, and nothing is said about it.
 *
 * The parts of the language have a module each: statements, conditions, expressions, calls.
 */
import ts from 'typescript'
import type { FunctionNode } from '../references'
import type { Typing } from '../typing'
import { PATHS, type Budget } from './budget'
import { Calls } from './calls'
import { Conditions } from './conditions'
import { Expressions } from './expressions'
import type { Finder } from './finder'
import type { Flow, Result } from './flow'
import { digest, fork, sizeOf, type State, type Value } from './model'
import { Statements } from './statements'

export class Paths {
  readonly statements = new Statements(this)
  readonly conditions = new Conditions(this)
  readonly expressions = new Expressions(this)
  readonly calls = new Calls(this)
  /** Functions that are being followed, the innermost last. */
  readonly stack: FunctionNode[] = []

  constructor(
    readonly typing: Typing,
    readonly find: Finder,
    private readonly budget: Budget,
    /** Fields that hold paged memory, and the allocation. */
    readonly pagedFields: ReadonlyMap<string, ts.Node>,
  ) {}

  /** All paths through a function from a state in which its parameters have values. */
  run(fn: FunctionNode, args: readonly Value[], start: State): Flow['returns'] {
    const { checker } = this.typing
    fn.parameters.forEach((parameter, i) => {
      const symbol = checker.getSymbolAtLocation(parameter.name)
      const value = args[i]
      if (symbol && value) start.variables.set(symbol, value)
    })
    this.stack.push(fn)
    try {
      if (!fn.body) return []
      if (!ts.isBlock(fn.body))
        return this.expressions.evaluate(fn.body, start).map(([value, state]) => ({
          value,
          state,
          at: fn.body!,
        }))
      const { next, returns } = this.statements.list(fn.body.statements, [start])
      const end = fn.body
      return [...returns, ...next.map((state) => ({ value: null, state, at: end }))]
    } finally {
      this.stack.pop()
    }
  }

  /** Equal states once, and no more than are followed side by side. */
  distinct(states: readonly State[]): State[] {
    if (states.length < 2) return [...states]
    const seen = new Map<string, State>()
    for (const state of states) {
      if (!this.budget.spend(sizeOf(state))) return []
      const text = digest(state)
      if (!seen.has(text)) seen.set(text, state)
      if (seen.size === PATHS) break
    }
    return [...seen.values()]
  }

  distinctResults(results: readonly Result[]): Result[] {
    if (results.length < 2) return [...results]
    const seen = new Map<string, Result>()
    for (const result of results) {
      const [value, state] = result
      if (!this.budget.spend(sizeOf(state))) return []
      const text = `${value.key} ${String(value.constant)} ${value.name} ${value.request} ${digest(state)}`
      if (!seen.has(text)) seen.set(text, result)
      if (seen.size === PATHS) break
    }
    return [...seen.values()]
  }

  /** A path that goes both ways. */
  fork(state: State): State {
    this.budget.spend(sizeOf(state))
    return fork(state)
  }

  spent(): boolean {
    return !this.budget.spend(1)
  }
}
