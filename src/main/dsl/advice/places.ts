/** Names of places in sources, as the paths know them. */
import ts from 'typescript'
import { bare, referenceOf } from '../references'

/** Name of a field: its structure's type and its own. */
export function fieldOf(checker: ts.TypeChecker, node: ts.PropertyAccessExpression): string {
  const type = checker.getTypeAtLocation(node.expression)
  return `${checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation)}.${node.name.text}`
}

/** Name of the language's own function that a call is, such as `cast`. */
export function helperOf(checker: ts.TypeChecker, node: ts.CallExpression): string | undefined {
  const callee = bare(node.expression)
  if (!ts.isIdentifier(callee)) return undefined
  const reference = referenceOf(checker, callee)
  return reference.k === 'helper' ? reference.name : undefined
}

/** Name of what an expression makes: its place. */
export function keyAt(node: ts.Node): string {
  return `${node.getSourceFile().fileName}:${node.pos}`
}
