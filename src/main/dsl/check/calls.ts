/** Checks calls: where they stand, and the arguments of the language's helpers. */
import ts from 'typescript'
import { resolvePath, structNameOf } from '../../../shared/nt/layout'
import { DDIS } from '../../kernel/ddi/index'
import { bare, isFunctionNode, referenceOf, type Reference } from '../references'
import { multiCharacter } from '../transform/multi-character'
import { isLibrary } from '../typing'
import { FILE_LEVEL_HELPERS, isFileLevel, type CheckContext } from './context'

export function checkCall(cx: CheckContext, node: ts.CallExpression): void {
  if (node.questionDotToken) cx.report('DSL029', node.questionDotToken, ['?.'])
  const callee = bare(node.expression)
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return cx.report('DSL008', callee, ['import()'])
  const reference = ts.isIdentifier(callee) ? referenceOf(cx.checker, callee) : undefined
  if (isFileLevel(node)) checkFileLevelCall(cx, node, callee, reference)
  if (reference?.k === 'helper') checkHelper(cx, node, reference.name)
  if (reference?.k === 'routine') checkTags(cx, node, reference.name)
  if (ts.isPropertyAccessExpression(callee)) checkSearch(cx, node, callee)
}

/** Script arrays compare pointers by identity, not by address. */
function checkSearch(
  cx: CheckContext,
  node: ts.CallExpression,
  callee: ts.PropertyAccessExpression,
): void {
  if (!['indexOf', 'lastIndexOf', 'includes', 'join'].includes(callee.name.text)) return
  if (cx.typing.of(callee.expression).k !== 'array') return
  const element = cx.checker.getIndexTypeOfType(
    cx.checker.getTypeAtLocation(callee.expression),
    ts.IndexKind.Number,
  )
  if (!element || cx.typing.ofType(element).k !== 'pointer') return
  if (callee.name.text === 'join') cx.report('DSL033', node, ['turned into text'])
  else
    cx.report(
      'DSL033',
      node,
      [`found by ${callee.name.text}`],
      'Go through the array: for (const each of list) if (each === p) ...',
    )
}

/** While a file is loaded there is no thread that could be suspended. */
function checkFileLevelCall(
  cx: CheckContext,
  node: ts.CallExpression,
  callee: ts.Expression,
  reference: Reference | undefined,
): void {
  if (reference?.k === 'helper') {
    if (reference.name === 'local') cx.report('DSL025', node)
    else if (!FILE_LEVEL_HELPERS.has(reference.name) && reference.name !== 'GetExceptionCode')
      cx.report('DSL024', callee, [reference.name])
    return
  }
  if (reference?.k === 'global') return
  if (ts.isPropertyAccessExpression(callee)) {
    const symbol = cx.checker.getSymbolAtLocation(callee.name)
    if (symbol && isLibrary(symbol)) return
  }
  cx.report('DSL024', callee, [callee.getText(cx.file)])
}

/** Where C has an integer, only short texts are as good. */
function checkTags(cx: CheckContext, node: ts.CallExpression, name: string): void {
  const params = Object.values(DDIS[name]?.params ?? {})
  node.arguments.forEach((argument, i) => {
    if (params[i]?.k !== 'u32') return
    const type = cx.checker.getTypeAtLocation(argument)
    if (type.flags & ts.TypeFlags.StringLike && multiCharacter(type) === undefined)
      cx.report('DSL041', argument)
  })
}

function checkHelper(cx: CheckContext, node: ts.CallExpression, name: string): void {
  const [first, second, third] = node.arguments
  for (const argument of node.arguments)
    if (ts.isSpreadElement(argument))
      cx.report('DSL030', argument, [`${name} takes its arguments one by one.`], 'Write them out.')
  switch (name) {
    case 'GetExceptionCode':
      if (!isInCatch(node)) cx.report('DSL026', node)
      return
    case 'addressof':
      if (first) checkAddressof(cx, first)
      return
    case 'struct':
      return checkStruct(cx, node, first)
    case 'offsetof':
      return checkPath(cx, first, second)
    case 'CONTAINING_RECORD':
      return checkPath(cx, second, third)
    default:
      return
  }
}

function isInCatch(node: ts.Node): boolean {
  for (let at = node; at.parent; at = at.parent) {
    if (ts.isCatchClause(at.parent) && at.parent.block === at) return true
    if (isFunctionNode(at)) return false
  }
  return false
}

function checkAddressof(cx: CheckContext, place: ts.Expression): void {
  const shape =
    ts.isPropertyAccessExpression(place) || ts.isElementAccessExpression(place)
      ? cx.typing.of(place.expression)
      : undefined
  // A pointer, a group inside of a structure, or something of unknown type.
  if (shape && (shape.k === 'pointer' || shape.k === 'any' || isGroup(cx, place))) return
  cx.report('DSL027', place)
}

/** A member of an anonymous structure inside of a structure of Windows. */
function isGroup(cx: CheckContext, place: ts.Expression): boolean {
  if (!ts.isPropertyAccessExpression(place)) return false
  const symbol = cx.checker.getSymbolAtLocation(place.name)
  return symbol !== undefined && isLibrary(symbol) && !(symbol.flags & ts.SymbolFlags.Method)
}

function checkStruct(
  cx: CheckContext,
  node: ts.CallExpression,
  first: ts.Expression | undefined,
): void {
  if (!first || !ts.isStringLiteralLike(first))
    return cx.report('DSL037', first ?? node, ['The name of a structure is written as a string.'])
  if (!/^[A-Za-z_]\w*$/.test(first.text))
    return cx.report('DSL037', first, [`'${first.text}' is no name.`])
  if (!isFileLevel(node))
    return cx.report('DSL037', node, ['A structure is declared once, outside of functions.'])
  if (structNameOf(first.text) !== undefined || !cx.structs.declare(first.text, first))
    return cx.report(
      'DSL037',
      first,
      [`There is a structure ${first.text} already.`],
      'Give it another name.',
    )
  const fields = node.arguments[1]
  if (!fields || !ts.isObjectLiteralExpression(fields))
    cx.report('DSL037', fields ?? node, [
      'The fields of a structure are written as { Name: TYPE }.',
    ])
}

/** The field that offsetof and CONTAINING_RECORD name has to exist. */
function checkPath(
  cx: CheckContext,
  type: ts.Expression | undefined,
  path: ts.Expression | undefined,
): void {
  if (!type || !path) return
  if (!ts.isStringLiteralLike(path))
    return cx.report('DSL038', path, ['The field is written as a string.'])
  const reference = ts.isIdentifier(type) ? referenceOf(cx.checker, type) : undefined
  if (reference?.k === 'type') {
    const name = structNameOf(reference.name)
    if (name !== undefined && !resolvePath(name, path.text))
      cx.report('DSL038', path, [`${name} has no field ${path.text}.`])
    return
  }
  const content = cx.checker
    .getTypeAtLocation(type)
    .getProperties()
    .find((property) => (property.escapedName as string).startsWith('__@content@'))
  let inner = content && cx.checker.getTypeOfSymbol(content)
  for (const part of path.text.split('.')) {
    const field = inner?.getProperty(part.replace(/\[\d+\]$/, ''))
    if (!inner || inner.flags & ts.TypeFlags.Any) return
    if (!field)
      return cx.report('DSL038', path, [`${type.getText(cx.file)} has no field ${path.text}.`])
    inner = cx.checker.getTypeOfSymbol(field)
  }
}
