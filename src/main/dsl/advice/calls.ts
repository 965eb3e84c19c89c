/** Calls: of routines of Windows, of helpers of the language, and of functions of the driver, which are followed. */
import ts from 'typescript'
import { bare, functionOf, referenceOf } from '../references'
import { applyRoutine, NEVER_RETURNS } from './effects'
import { checkBlocks } from './exits'
import type { Result } from './flow'
import { forget, type State, type Value } from './model'
import type { Paths } from './paths'
import { helperOf, keyAt } from './places'
import { routineOf } from './roles'
import { escape } from './stores'

/** Calls of the driver's functions inside of each other that are followed. */
const DEPTH = 10

export class Calls {
  constructor(private readonly paths: Paths) {}

  call(node: ts.CallExpression, state: State): Result[] {
    const { checker } = this.paths.typing
    const helper = helperOf(checker, node)
    if (helper !== undefined) return this.helper(helper, node, state)
    const routine = routineOf(checker, node)
    const callee = bare(node.expression)
    if (routine === undefined && ts.isPropertyAccessExpression(callee)) {
      // `p.add(n)` is a place behind the same pointer.
      return this.paths.expressions
        .evaluate(callee.expression, state)
        .flatMap(([base, between]) =>
          this.paths.expressions
            .all(node.arguments, between)
            .map(([, after]): Result => [
              callee.name.text === 'add' ? base : { key: keyAt(node) },
              after,
            ]),
        )
    }
    return this.paths.expressions.all(node.arguments, state).flatMap(([args, after]) => {
      if (routine !== undefined) {
        const result = this.routine(routine, node, args, after)
        return NEVER_RETURNS.test(routine) ? [] : [result]
      }
      const symbol = ts.isIdentifier(callee) ? referenceOf(checker, callee) : undefined
      const fn =
        symbol?.k === 'local' || symbol?.k === 'import' ? functionOf(symbol.symbol) : undefined
      if (!fn || this.paths.stack.includes(fn) || this.paths.stack.length > DEPTH) {
        for (const value of args) escape(value, after)
        return [[{ key: keyAt(node) }, after] as Result]
      }
      const depth = this.paths.stack.length
      return this.paths.distinctResults(
        this.paths.run(fn, args, this.paths.fork(after)).map(({ value, state: end, at }) => {
          checkBlocks(this.paths.find, end, value, at, depth)
          return [value ?? { key: keyAt(node) }, end]
        }),
      )
    })
  }

  private routine(name: string, node: ts.CallExpression, args: Value[], state: State): Result {
    const key = keyAt(node)
    forget(state, key)
    const returnsIrp = /^(IoCsqRemove|IoAllocateIrp|IoBuild)/.test(name)
    if (returnsIrp) state.requests.set(key, { state: 'owned' })
    const result: Value = { key, request: returnsIrp ? key : undefined }
    const call = {
      name,
      node,
      args,
      state,
      result,
      depth: this.paths.stack.length - 1,
      statement: ts.findAncestor(node, ts.isStatement),
    }
    // What the routine wrote through out() is new.
    for (const argument of args) {
      forgetParts(state, argument.key)
    }
    return [applyRoutine(call, this.paths.find), state]
  }

  private helper(name: string, node: ts.CallExpression, state: State): Result[] {
    const key = keyAt(node)
    const [first, second] = node.arguments
    switch (name) {
      case 'cast':
        return second ? this.paths.expressions.evaluate(second, state) : [[{ key }, state]]
      case 'addressof':
        return first
          ? this.paths.expressions
              .evaluate(first, state)
              .map(([value, after]) => [{ ...value, constant: undefined }, after])
          : []
      case 'CONTAINING_RECORD': {
        if (!first) return []
        return this.paths.expressions.evaluate(first, state).map(([entry, after]) => {
          if (!second || second.getText() !== 'IRP') return [{ key: `${entry.key}^` }, after]
          if (entry.request !== undefined)
            return [{ key: entry.request, request: entry.request }, after]
          forget(after, key)
          after.requests.set(key, { state: 'owned' })
          return [{ key, request: key }, after]
        })
      }
      case 'NT_SUCCESS':
      case 'out':
      case 'local': {
        if (name === 'NT_SUCCESS') {
          const { yes, no } = this.paths.conditions.decide(node, state)
          return [
            ...yes.map((each): Result => [{ key, constant: 1 }, each]),
            ...no.map((each): Result => [{ key, constant: 0 }, each]),
          ]
        }
        forget(state, key)
        return [[{ key }, state]]
      }
      default:
        return this.paths.expressions
          .all(node.arguments, state)
          .map(([, after]) => [{ key }, after])
    }
  }
}

function forgetParts(state: State, key: string): void {
  for (const name of state.memory.keys())
    if (name.startsWith(`${key}.value`)) state.memory.delete(name)
}
