/** Checks operators and what assignments assign to. */
import ts from 'typescript'
import { bare, isAssignment } from '../references'
import type { CheckContext } from './context'
import { checkTakenApart } from './data'
const K = ts.SyntaxKind

export function checkBinary(cx: CheckContext, node: ts.BinaryExpression): void {
  const operator = node.operatorToken
  if (isAssignment(operator.kind)) checkTarget(cx, node.left)
  switch (operator.kind) {
    case K.InKeyword:
    case K.InstanceOfKeyword:
      return cx.report('DSL006', node, [operator.getText(cx.file)])
    case K.AsteriskAsteriskToken:
    case K.AsteriskAsteriskEqualsToken:
    case K.AmpersandAmpersandEqualsToken:
    case K.BarBarEqualsToken:
    case K.QuestionQuestionEqualsToken:
      return cx.report('DSL034', operator, [operator.getText(cx.file)])
    case K.LessThanToken:
    case K.LessThanEqualsToken:
    case K.GreaterThanToken:
    case K.GreaterThanEqualsToken:
      if ([node.left, node.right].some((side) => cx.typing.of(side).k === 'pointer'))
        cx.report('DSL033', node, ['ordered'])
      return
    case K.PlusToken:
    case K.PlusEqualsToken:
      if (
        [node.left, node.right].some((side) =>
          ['pointer', 'function'].includes(cx.typing.of(side).k),
        )
      )
        cx.report('DSL033', node, ['added'])
      return
    case K.EqualsToken:
      if (ts.isObjectLiteralExpression(node.left) || ts.isArrayLiteralExpression(node.left))
        checkAssignmentPattern(cx, node.left)
      return
    default:
      return
  }
}

export function checkTarget(cx: CheckContext, target: ts.Expression): void {
  if (bare(target) !== target) cx.report('DSL042', target)
}

/** `[a, b] = [b, a]`: only variables stand on the left. */
function checkAssignmentPattern(
  cx: CheckContext,
  node: ts.ArrayLiteralExpression | ts.ObjectLiteralExpression,
): void {
  const parts = ts.isArrayLiteralExpression(node)
    ? node.elements
    : node.properties.map((each) => (ts.isPropertyAssignment(each) ? each.initializer : each))
  for (const part of parts)
    if (
      !ts.isIdentifier(part) &&
      !ts.isShorthandPropertyAssignment(part) &&
      !ts.isOmittedExpression(part)
    )
      cx.report(
        'DSL030',
        part,
        ['Only variables can be assigned this way.'],
        'Write one assignment for each.',
      )
  checkTakenApart(cx, node, cx.typing.ofType(cx.checker.getTypeAtLocation(node)).k)
}
