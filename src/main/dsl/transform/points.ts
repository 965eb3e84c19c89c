/**
 * Points: places in code at which another processor may come in between, compiled in only for a
 * machine that has several. Two kinds are enough to show every race of a C driver: one between the
 * read and the write of each update of memory that others reach, and one in front of each statement
 * that touches such memory, so that what a check found out may be old when it is acted upon.
 *
 * A point counts down what is left of the processor's turn and gives the turn up at zero.
 */
import ts from 'typescript'
import { isFunctionNode, referenceOf } from '../references'
import { around, before, runtime, type Context } from './context'

/** The text of a point at a node, to stand in front of an expression: `point,`; empty where there is none. */
export function point(cx: Context, node: ts.Node): string {
  if (!cx.points || !mayYield(cx, node)) return ''
  // Told from the end of a loop's quantum by the sign.
  return `${runtime(cx, '$P')}[0]--<=0&&(yield -${cx.ids.location(cx.file, node)}),`
}

/** Put a point between the value of an expression and what is done with it. */
export function pointAfterValue(cx: Context, node: ts.Expression, value: string): void {
  const text = point(cx, node)
  if (text) around(cx, node, `(${value}=`, `,${text}${value})`)
}

/** Put a point in front of a statement that touches memory. */
export function pointBefore(cx: Context, node: ts.Statement): void {
  if (!cx.points || !isListed(node) || !touchesMemory(cx, node)) return
  const text = point(cx, node)
  if (text) before(cx, node, `;${text.slice(0, -1)};`)
}

/** Whether other processors reach what a name stands for: a variable of the file. */
export function isShared(cx: Context, name: ts.Identifier): boolean {
  const reference = referenceOf(cx.checker, name)
  if (reference.k === 'import') return true
  if (reference.k !== 'local') return false
  const declaration = reference.symbol.valueDeclaration
  return (
    declaration !== undefined &&
    ts.isVariableDeclaration(declaration) &&
    ts.isSourceFile(declaration.parent.parent.parent)
  )
}

/** Code of a file itself and default values of parameters cannot be suspended. */
function mayYield(cx: Context, node: ts.Node): boolean {
  if (cx.scope.node === null) return false
  for (let at = node; !isFunctionNode(at); at = at.parent) if (ts.isParameter(at)) return false
  return true
}

function isListed({ parent }: ts.Statement): boolean {
  return ts.isBlock(parent) || ts.isCaseClause(parent) || ts.isDefaultClause(parent)
}

/** Whether a statement reads or writes a member, an element or a shared variable, not counting its inner statements. */
function touchesMemory(cx: Context, statement: ts.Statement): boolean {
  const look = (node: ts.Node): boolean => {
    if (ts.isTypeNode(node) || isFunctionNode(node) || ts.isBlock(node)) return false
    if (ts.isElementAccessExpression(node)) return true
    if (ts.isPropertyAccessExpression(node) && cx.typing.of(node.expression).k !== 'string')
      return true
    if (ts.isIdentifier(node) && ts.isExpression(node) && isShared(cx, node)) return true
    return ts.forEachChild(node, look) ?? false
  }
  return ts.forEachChild(statement, look) ?? false
}
