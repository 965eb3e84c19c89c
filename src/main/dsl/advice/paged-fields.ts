/** Where a driver keeps paged memory: fields that are given it and nothing else. */
import ts from 'typescript'
import { bare } from '../references'
import { isPaged } from './effects'
import { fieldOf, helperOf } from './places'
import { routineOf } from './roles'

/** Fields of the driver's structures that are given paged memory, and nothing else. */
export function pagedFieldsOf(
  checker: ts.TypeChecker,
  files: readonly ts.SourceFile[],
): Map<string, ts.Node> {
  const paged = new Map<string, ts.Node>()
  const mixed = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      ts.isPropertyAccessExpression(node.left)
    ) {
      const field = fieldOf(checker, node.left)
      const call = allocationIn(checker, node.right)
      if (call) {
        if (isPaged(call)) paged.set(field, call)
        else mixed.add(field)
      }
    }
    ts.forEachChild(node, visit)
  }
  files.forEach(visit)
  for (const field of mixed) paged.delete(field)
  return paged
}

function allocationIn(
  checker: ts.TypeChecker,
  value: ts.Expression,
): ts.CallExpression | undefined {
  const node = bare(value)
  if (!ts.isCallExpression(node)) return undefined
  if (routineOf(checker, node)?.startsWith('ExAllocatePool')) return node
  const inner = node.arguments[1]
  return helperOf(checker, node) === 'cast' && inner ? allocationIn(checker, inner) : undefined
}
