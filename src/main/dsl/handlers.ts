/**
 * Where exceptions of driver code go: whether what happens at a place of the source is inside a `try`
 * with a `catch`, of the function itself or of everybody who calls it. Read from the text, so that
 * running code pays nothing for it.
 */
import ts from 'typescript'
import type { SourcePlace } from '../../shared/trace/event'
import {
  functionOf,
  isFunctionNode,
  isValueUse,
  referenceOf,
  type FunctionNode,
} from './references'

/** Part of a file, from a line and column (from 1) up to another, and whether exceptions in it are taken. */
export interface HandlerRegion {
  file: string
  from: readonly [line: number, column: number]
  to: readonly [line: number, column: number]
  /** null: by some callers and not by others. */
  handled: boolean | null
}

/** What is known of the functions and try blocks of a program, inner ones behind outer ones. */
export function handlerRegions(
  files: readonly ts.SourceFile[],
  checker: ts.TypeChecker,
): HandlerRegion[] {
  const uses = usesOf(files, checker)
  const known = new Map<FunctionNode, boolean | null>()
  const judge = (fn: FunctionNode): boolean | null => {
    const before = known.get(fn)
    if (before !== undefined) return before
    // A function that calls itself is as well off as whoever called it first.
    known.set(fn, null)
    const answers = new Set<boolean | null>()
    for (const use of uses.get(fn) ?? []) {
      const outer = ts.findAncestor(use, isFunctionNode)
      if (outer === fn) continue
      answers.add(isCalled(use) && outer ? isInTry(use, outer) || judge(outer) : false)
    }
    // Nobody in the sources calls it: Windows does.
    const [only = false] = answers
    const answer = answers.size > 1 ? null : only
    known.set(fn, answer)
    return answer
  }
  const regions: HandlerRegion[] = []
  const visit = (node: ts.Node): void => {
    if (isFunctionNode(node)) regions.push(regionOf(node, judge(node)))
    if (ts.isTryStatement(node) && node.catchClause) regions.push(regionOf(node.tryBlock, true))
    ts.forEachChild(node, visit)
  }
  files.forEach(visit)
  return regions
}

/** Whether an exception at a place is taken; null where that is not known. */
export function isHandledAt(regions: readonly HandlerRegion[], place: SourcePlace): boolean | null {
  const at = [place.line, place.column ?? 1] as const
  const region = regions.findLast(
    ({ file, from, to }) => file === place.file && !isBefore(at, from) && isBefore(at, to),
  )
  return region?.handled ?? null
}

function isBefore(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])
}

/** Every mention of a function of the sources, beside the declaration. */
function usesOf(
  files: readonly ts.SourceFile[],
  checker: ts.TypeChecker,
): Map<FunctionNode, ts.Identifier[]> {
  const uses = new Map<FunctionNode, ts.Identifier[]>()
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && isValueUse(node)) {
      const reference = referenceOf(checker, node)
      const fn =
        reference.k === 'local' || reference.k === 'import'
          ? functionOf(reference.symbol)
          : undefined
      if (fn) uses.set(fn, [...(uses.get(fn) ?? []), node])
    }
    ts.forEachChild(node, visit)
  }
  files.forEach(visit)
  return uses
}

const isCalled = (use: ts.Identifier): boolean =>
  ts.isCallExpression(use.parent) && use.parent.expression === use

/** Whether a place lies in a try block with a handler of the function around it. */
function isInTry(node: ts.Node, fn: FunctionNode): boolean {
  for (let at: ts.Node = node; at !== fn; at = at.parent)
    if (ts.isTryStatement(at.parent) && at.parent.catchClause && at === at.parent.tryBlock)
      return true
  return false
}

function regionOf(node: ts.Node, handled: boolean | null): HandlerRegion {
  const file = node.getSourceFile()
  const place = (position: number): readonly [number, number] => {
    const { line, character } = file.getLineAndCharacterOfPosition(position)
    return [line + 1, character + 1]
  }
  return {
    file: file.fileName.slice(1),
    from: place(node.getStart(file)),
    to: place(node.end),
    handled,
  }
}
