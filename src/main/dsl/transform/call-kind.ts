/** What a call calls. */
import ts from 'typescript'
import { bare, functionOf, referenceOf, type FunctionNode } from '../references'
import { isLibrary, type Typing } from '../typing'

export type CallKind =
  /** A routine of the DDI table, by name. */
  | { k: 'routine'; name: string; callee: ts.Identifier }
  /** A helper of the language. */
  | { k: 'helper'; name: string; callee: ts.Identifier }
  /** A function of the project that is known here. */
  | { k: 'direct'; target: FunctionNode }
  /** Something of the script library, or `add` of a pointer: never suspends. */
  | { k: 'native' }
  /** Member of an object of unknown type. */
  | { k: 'method'; callee: ts.PropertyAccessExpression }
  /** A function value. */
  | { k: 'value' }

export function callKind(typing: Typing, node: ts.CallExpression): CallKind {
  const { checker } = typing
  const callee = bare(node.expression)
  if (ts.isIdentifier(callee)) {
    const reference = referenceOf(checker, callee)
    switch (reference.k) {
      case 'routine':
        return { k: 'routine', name: reference.name, callee }
      case 'helper':
        return { k: 'helper', name: reference.name, callee }
      case 'global':
        return { k: 'native' }
      case 'local':
      case 'import': {
        const target = functionOf(reference.symbol)
        return target ? { k: 'direct', target } : { k: 'value' }
      }
      default:
        return { k: 'value' }
    }
  }
  if (ts.isPropertyAccessExpression(callee)) {
    const symbol = checker.getSymbolAtLocation(callee.name)
    if (symbol && symbol.flags & ts.SymbolFlags.Method && isLibrary(symbol)) return { k: 'native' }
    if (typing.of(callee.expression).k === 'any' && callee === node.expression)
      return { k: 'method', callee }
  }
  return { k: 'value' }
}
