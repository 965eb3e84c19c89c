/** What a path knows after a value was stored somewhere. */
import ts from 'typescript'
import { bare, type FunctionNode } from '../references'
import type { State, Value } from './model'
import type { Paths } from './paths'

/** A variable or another place gets a value. */
export function assign(paths: Paths, target: ts.Expression, value: Value, state: State): void {
  const place = bare(target)
  if (ts.isIdentifier(place)) {
    const symbol = paths.typing.checker.getSymbolAtLocation(place)
    if (!symbol) return
    state.variables.set(symbol, value)
    const declaration = symbol.valueDeclaration
    const isLocal =
      declaration &&
      ts.findAncestor(declaration, (each) => paths.stack.includes(each as FunctionNode))
    if (!isLocal) escape(value, state)
    return
  }
  escape(value, state)
}

/** A value was stored where others can find it. */
export function store(key: string, value: Value, state: State): void {
  for (const name of state.memory.keys())
    if (name === key || name.startsWith(`${key}.`)) state.memory.delete(name)
  state.memory.set(key, value)
  escape(value, state)
}

/** Others may know a value from now on: whoever made it is no longer alone responsible. */
export function escape(value: Value, state: State): void {
  state.blocks.delete(value.key)
  const request = value.request === undefined ? undefined : state.requests.get(value.request)
  if (request?.state === 'owned' && value.request === value.key)
    state.requests.set(value.request, { ...request, state: 'handed' })
}
