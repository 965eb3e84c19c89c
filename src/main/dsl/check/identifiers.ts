/** Checks the names that are used as values. */
import ts from 'typescript'
import { bare, isValueUse, referenceOf } from '../references'
import { isLibrary } from '../typing'
import type { CheckContext } from './context'
import { HOST_NAMES } from './names'

export function checkIdentifier(cx: CheckContext, node: ts.Identifier): void {
  const { text, parent } = node
  if (text.startsWith('$') && !ts.isPropertyAccessExpression(parent))
    return cx.report('DSL032', node)
  if (!isValueUse(node)) return
  if (text === 'arguments' || text === 'undefined') {
    if (text === 'arguments') cx.report('DSL004', node, [text])
    return
  }
  if (text === 'globalThis' || text === 'Symbol') {
    const symbol = cx.checker.getSymbolAtLocation(node)
    if (!symbol || text === 'globalThis' || isLibrary(symbol))
      cx.report('DSL009', node, [text], HOST_NAMES.get(text))
    return
  }
  const reference = referenceOf(cx.checker, node)
  const isCallee = ts.isCallExpression(outermost(node).parent) && isCalleeOf(outermost(node))
  if (reference.k === 'helper' || reference.k === 'global') {
    if (reference.name === 'Math' && ts.isPropertyAccessExpression(parent)) return
    if (!isCallee) cx.report('DSL028', node, [text])
  }
  if (reference.k === 'local' || reference.k === 'import') checkEnumUse(cx, node, reference.symbol)
}

function checkEnumUse(cx: CheckContext, node: ts.Identifier, symbol: ts.Symbol): void {
  if (!(symbol.flags & ts.SymbolFlags.Enum) || ts.isPropertyAccessExpression(node.parent)) return
  cx.report('DSL035', node, [`The enumeration ${node.text} is no value.`])
}

/** The node with the parentheses and type assertions around it. */
function outermost(node: ts.Expression): ts.Expression {
  let outer = node
  while (ts.isExpression(outer.parent) && bare(outer.parent) === node && outer.parent !== outer)
    outer = outer.parent
  return outer
}

function isCalleeOf(node: ts.Expression): boolean {
  return ts.isCallExpression(node.parent) && node.parent.expression === node
}
