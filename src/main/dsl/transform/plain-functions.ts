/**
 * Finds the functions that can stay plain: they never suspend (no loop, no routine of Windows, no
 * call of anything unknown) and are only called by name. A plain call costs a tenth of a generator's.
 */
import ts from 'typescript'
import { MAIN } from '../check/entry'
import {
  functionOf,
  isFunctionNode,
  isValueUse,
  referenceOf,
  type FunctionNode,
} from '../references'
import type { Typing } from '../typing'
import { callKind } from './call-kind'

interface Facts {
  suspends: boolean
  calls: Set<FunctionNode>
}

export function plainFunctions(files: readonly ts.SourceFile[], typing: Typing): Set<FunctionNode> {
  const facts = new Map<FunctionNode, Facts>()
  const usedAsValues = new Set<FunctionNode>()

  const visit = (node: ts.Node, owner: FunctionNode | null): void => {
    if (ts.isTypeNode(node)) return
    const own = owner && facts.get(owner)
    if (isFunctionNode(node)) {
      facts.set(node, { suspends: false, calls: new Set() })
      if (!isNamed(node)) usedAsValues.add(node)
      ts.forEachChild(node, (child) => visit(child, node))
      return
    }
    if (own) {
      if (ts.isIterationStatement(node, false)) own.suspends = true
      else if (ts.isCallExpression(node)) {
        const kind = callKind(typing, node)
        if (kind.k === 'direct') own.calls.add(kind.target)
        else if (kind.k !== 'native' && kind.k !== 'helper') own.suspends = true
      }
    }
    if (ts.isIdentifier(node) && isValueUse(node) && !isCallee(node)) {
      const reference = referenceOf(typing.checker, node)
      const target =
        reference.k === 'local' || reference.k === 'import'
          ? functionOf(reference.symbol)
          : undefined
      if (target) usedAsValues.add(target)
    }
    ts.forEachChild(node, (child) => visit(child, owner))
  }
  for (const file of files) ts.forEachChild(file, (node) => visit(node, null))

  const plain = new Set<FunctionNode>()
  for (let grows = true; grows;) {
    grows = false
    for (const [node, { suspends, calls }] of facts) {
      if (suspends || plain.has(node) || usedAsValues.has(node) || isEntry(node)) continue
      if (![...calls].every((each) => plain.has(each))) continue
      plain.add(node)
      grows = true
    }
  }
  return plain
}

/** A function that is reached by a name, so that all its uses can be seen. */
function isNamed(node: FunctionNode): boolean {
  if (ts.isFunctionDeclaration(node)) return true
  const { parent } = node
  return (
    ts.isVariableDeclaration(parent) &&
    parent.initializer === node &&
    ts.isIdentifier(parent.name) &&
    Boolean(ts.getCombinedNodeFlags(parent) & ts.NodeFlags.Const)
  )
}

function isCallee(node: ts.Identifier): boolean {
  return ts.isCallExpression(node.parent) && node.parent.expression === node
}

/** The kernel calls these. */
function isEntry(node: FunctionNode): boolean {
  const name = ts.isFunctionDeclaration(node) ? node.name?.text : nameOfVariable(node)
  return name === MAIN.driver || name === MAIN.client
}

function nameOfVariable(node: FunctionNode): string | undefined {
  const { parent } = node
  return ts.isVariableDeclaration(parent) && ts.isIdentifier(parent.name)
    ? parent.name.text
    : undefined
}
