/** Checks literals, enumerations, patterns, members and elements. */
import ts from 'typescript'
import { isLibrary } from '../typing'
import type { CheckContext } from './context'
import { FORBIDDEN_MEMBERS } from './names'

export function checkNumber(cx: CheckContext, node: ts.NumericLiteral): void {
  const value = Number(node.text)
  if (!Number.isInteger(value)) cx.report('DSL013', node, [node.getText(cx.file)])
  else if (!Number.isSafeInteger(value)) cx.report('DSL043', node, [node.getText(cx.file)])
}

export function checkEnum(cx: CheckContext, node: ts.EnumDeclaration): void {
  for (const member of node.members)
    if (typeof cx.checker.getConstantValue(member) !== 'number')
      cx.report('DSL035', member, [`${member.name.getText(cx.file)} has no number as its value.`])
}

export function checkPattern(cx: CheckContext, node: ts.BindingPattern): void {
  const declaration = node.parent
  if (ts.isObjectBindingPattern(node))
    for (const element of node.elements) {
      const name = element.propertyName ?? element.name
      if (ts.isIdentifier(name)) checkMemberName(cx, name)
    }
  if (ts.isParameter(declaration)) return
  checkTakenApart(cx, node, cx.typing.ofType(cx.checker.getTypeAtLocation(node)).k)
}

export function checkTakenApart(cx: CheckContext, node: ts.Node, kind: string): void {
  if (kind === 'array' || kind === 'object') return
  cx.report('DSL030', node, ['Only script arrays and objects can be taken apart.'])
}

export function checkSpread(cx: CheckContext, node: ts.SpreadAssignment): void {
  const { k } = cx.typing.of(node.expression)
  if (k !== 'object') cx.report('DSL030', node, ['Only script objects can be spread.'])
}

export function checkMemberName(cx: CheckContext, name: ts.PropertyName): void {
  if ((ts.isIdentifier(name) || ts.isStringLiteral(name)) && FORBIDDEN_MEMBERS.has(name.text))
    cx.report('DSL010', name, [name.text])
  if (ts.isNumericLiteral(name)) cx.report('DSL011', name)
}

export function checkMember(cx: CheckContext, node: ts.PropertyAccessExpression): void {
  if (node.questionDotToken) cx.report('DSL029', node.questionDotToken, ['?.'])
  if (FORBIDDEN_MEMBERS.has(node.name.text)) cx.report('DSL010', node.name, [node.name.text])
  else if (node.name.text.startsWith('$')) cx.report('DSL032', node.name)
  // A routine of the script library, such as `push`, is no value.
  const symbol = cx.checker.getSymbolAtLocation(node.name)
  if (
    symbol &&
    symbol.flags & ts.SymbolFlags.Method &&
    isLibrary(symbol) &&
    !(ts.isCallExpression(node.parent) && node.parent.expression === node)
  )
    cx.report('DSL028', node, [node.getText(cx.file)])
}

export function checkElement(cx: CheckContext, node: ts.ElementAccessExpression): void {
  if (node.questionDotToken) cx.report('DSL029', node.questionDotToken, ['?.'])
  const { k } = cx.typing.of(node.argumentExpression)
  if (k !== 'int' && k !== 'number' && k !== 'literal' && k !== 'any' && k !== 'null')
    cx.report('DSL011', node.argumentExpression)
  const object = cx.typing.of(node.expression)
  if (object.k === 'object' || object.k === 'function') cx.report('DSL011', node)
}

/** Neither a pointer nor a function is text. */
export function checkText(cx: CheckContext, node: ts.Expression): void {
  const { k } = cx.typing.of(node)
  if (k === 'pointer' || k === 'function') cx.report('DSL033', node, ['turned into text'])
}
