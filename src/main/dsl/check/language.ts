/**
 * Finds what is not part of the language. TypeScript's grammar is larger than C's: what has no
 * meaning in a driver is refused with a hint, so that nothing silently differs from C.
 */
import ts from 'typescript'
import type { Diagnostic } from '../../../shared/contract/model'
import { bare, isAssignment, isFunctionNode, referenceOf } from '../references'
import { checkCall } from './calls'
import { FILE_LEVEL_HELPERS, type CheckContext } from './context'
import {
  checkElement,
  checkEnum,
  checkMember,
  checkMemberName,
  checkNumber,
  checkPattern,
  checkSpread,
  checkText,
} from './data'
import { checkIdentifier } from './identifiers'
import { checkBinary, checkTarget } from './operators'
const K = ts.SyntaxKind

const STATEMENTS_OF_A_FILE = new Set([
  K.ImportDeclaration,
  K.ExportDeclaration,
  K.VariableStatement,
  K.FunctionDeclaration,
  K.InterfaceDeclaration,
  K.TypeAliasDeclaration,
  K.EnumDeclaration,
  K.EmptyStatement,
  // Refused elsewhere, with words of their own.
  K.ClassDeclaration,
  K.ModuleDeclaration,
  K.ImportEqualsDeclaration,
  K.ExportAssignment,
  K.LabeledStatement,
])

/** Diagnostics of the language's own rules for one file. */
export function checkLanguage(cx: CheckContext): Diagnostic[] {
  for (const statement of cx.file.statements)
    if (!STATEMENTS_OF_A_FILE.has(statement.kind)) cx.report('DSL023', statement)
  ts.forEachChild(cx.file, (node) => visit(cx, node))
  return cx.found
}

function visit(cx: CheckContext, node: ts.Node): void {
  // Types have no meaning at run time.
  if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return
  checkNode(cx, node)
  if (!ts.isClassLike(node) && !ts.isModuleDeclaration(node))
    ts.forEachChild(node, (child) => visit(cx, child))
}

function checkNode(cx: CheckContext, node: ts.Node): void {
  if (ts.canHaveModifiers(node))
    for (const modifier of ts.getModifiers(node) ?? []) {
      if (modifier.kind === K.AsyncKeyword) cx.report('DSL002', modifier, ['`async`'])
      else if (modifier.kind === K.DeclareKeyword) cx.report('DSL016', modifier)
      else if (modifier.kind === K.DefaultKeyword) cx.report('DSL017', modifier, ['export'])
    }
  if (isFunctionNode(node)) checkFunction(cx, node)
  switch (node.kind) {
    case K.ClassDeclaration:
    case K.ClassExpression:
      return cx.report('DSL001', node)
    case K.AwaitExpression:
      return cx.report('DSL002', node, ['`await`'])
    case K.YieldExpression:
      return cx.report('DSL003', node)
    case K.ThisKeyword:
      return cx.report('DSL004', node, ['this'])
    case K.SuperKeyword:
      return cx.report('DSL004', node, ['super'])
    case K.MetaProperty:
      return cx.report('DSL008', node, [node.getText(cx.file)])
    case K.NewExpression:
      return cx.report('DSL005', node)
    case K.DeleteExpression:
      return cx.report('DSL006', node, ['delete'])
    case K.TypeOfExpression:
      return cx.report('DSL006', node, ['typeof'])
    case K.RegularExpressionLiteral:
      return cx.report('DSL007', node)
    case K.GetAccessor:
    case K.SetAccessor:
      return cx.report('DSL012', node)
    case K.ComputedPropertyName:
      return cx.report('DSL011', node)
    case K.PrivateIdentifier:
      return cx.report('DSL001', node)
    case K.NumericLiteral:
      return checkNumber(cx, node as ts.NumericLiteral)
    case K.VariableDeclarationList: {
      const isVar = !(node.flags & ts.NodeFlags.BlockScoped)
      if (isVar) cx.reportRange('DSL044', node.getStart(cx.file), node.getStart(cx.file) + 3)
      return
    }
    case K.ThrowStatement:
      return cx.report('DSL014', node)
    case K.WithStatement:
      return cx.report('DSL015', node, ['with'])
    case K.DebuggerStatement:
      return cx.report('DSL015', node, ['debugger'])
    case K.ModuleDeclaration:
      return cx.report('DSL016', node)
    case K.Decorator:
      return cx.report('DSL015', node, [node.getText(cx.file)])
    case K.ExportAssignment:
    case K.ImportEqualsDeclaration:
    case K.NamespaceImport:
    case K.NamespaceExport:
      return cx.report('DSL017', node, [node.kind === K.ExportAssignment ? 'export' : 'import'])
    case K.ExportDeclaration:
      return checkExport(cx, node as ts.ExportDeclaration)
    case K.ImportClause:
      if ((node as ts.ImportClause).name) cx.report('DSL017', node, ['import'])
      return
    case K.TaggedTemplateExpression:
      return cx.report('DSL036', node)
    case K.TemplateSpan:
      return checkText(cx, (node as ts.TemplateSpan).expression)
    case K.ForInStatement:
      return cx.report('DSL039', node)
    case K.ForOfStatement:
      if ((node as ts.ForOfStatement).awaitModifier) cx.report('DSL002', node, ['`for await`'])
      return
    case K.EnumDeclaration:
      return checkEnum(cx, node as ts.EnumDeclaration)
    case K.SwitchStatement: {
      const { expression } = node as ts.SwitchStatement
      if (cx.typing.of(expression).k === 'pointer')
        cx.report('DSL033', expression, ['the subject of a switch'])
      return
    }
    case K.CatchClause: {
      const name = (node as ts.CatchClause).variableDeclaration?.name
      if (name && !ts.isIdentifier(name))
        cx.report('DSL030', name, ['An exception is not taken apart.'], 'Ask GetExceptionCode().')
      return
    }
    case K.ObjectBindingPattern:
    case K.ArrayBindingPattern:
      return checkPattern(cx, node as ts.BindingPattern)
    case K.SpreadAssignment:
      return checkSpread(cx, node as ts.SpreadAssignment)
    case K.BinaryExpression:
      return checkBinary(cx, node as ts.BinaryExpression)
    case K.PropertyAccessExpression:
      return checkMember(cx, node as ts.PropertyAccessExpression)
    case K.ElementAccessExpression:
      return checkElement(cx, node as ts.ElementAccessExpression)
    case K.CallExpression:
      return checkCall(cx, node as ts.CallExpression)
    case K.PropertyAssignment:
    case K.ShorthandPropertyAssignment:
    case K.MethodDeclaration:
      return checkMemberName(cx, (node as ts.PropertyAssignment).name)
    case K.PrefixUnaryExpression:
    case K.PostfixUnaryExpression: {
      const unary = node as ts.PrefixUnaryExpression
      const steps = unary.operator === K.PlusPlusToken || unary.operator === K.MinusMinusToken
      if (steps) checkTarget(cx, unary.operand)
      return
    }
    case K.Identifier:
      return checkIdentifier(cx, node as ts.Identifier)
    default:
      return
  }
}

function checkFunction(cx: CheckContext, node: ts.FunctionLikeDeclaration): void {
  if (node.asteriskToken) cx.report('DSL003', node.asteriskToken)
  for (const parameter of node.parameters) {
    if (ts.isIdentifier(parameter.name)) {
      if (parameter.name.text === 'this') cx.report('DSL004', parameter, ['this'])
    } else
      cx.report(
        'DSL030',
        parameter.name,
        ['Parameters are not taken apart.'],
        'Give the parameter a name and read its members inside of the function.',
      )
    if (parameter.initializer && !isConstant(cx, parameter.initializer))
      cx.report('DSL031', parameter.initializer)
  }
}

/** Can be evaluated where nothing may be called or changed? */
function isConstant(cx: CheckContext, node: ts.Expression): boolean {
  const inner = bare(node)
  if (ts.isCallExpression(inner)) {
    const callee = bare(inner.expression)
    const reference = ts.isIdentifier(callee) ? referenceOf(cx.checker, callee) : undefined
    return (
      reference?.k === 'helper' &&
      FILE_LEVEL_HELPERS.has(reference.name) &&
      inner.arguments.every((each) => isConstant(cx, each))
    )
  }
  if (ts.isBinaryExpression(inner))
    return (
      !isAssignment(inner.operatorToken.kind) &&
      isConstant(cx, inner.left) &&
      isConstant(cx, inner.right)
    )
  if (ts.isPrefixUnaryExpression(inner))
    return (
      inner.operator !== K.PlusPlusToken &&
      inner.operator !== K.MinusMinusToken &&
      isConstant(cx, inner.operand)
    )
  return (
    ts.isLiteralExpression(inner) ||
    ts.isIdentifier(inner) ||
    inner.kind === K.NullKeyword ||
    inner.kind === K.TrueKeyword ||
    inner.kind === K.FalseKeyword ||
    (ts.isPropertyAccessExpression(inner) && isConstant(cx, inner.expression)) ||
    (ts.isArrayLiteralExpression(inner) && inner.elements.length === 0)
  )
}

function checkExport(cx: CheckContext, node: ts.ExportDeclaration): void {
  if (node.isTypeOnly) return
  if (node.moduleSpecifier || !node.exportClause) cx.report('DSL017', node, ['export'])
  else if (ts.isNamedExports(node.exportClause))
    for (const { name, propertyName } of node.exportClause.elements)
      for (const each of [name, propertyName])
        if (each && (!ts.isIdentifier(each) || each.text === 'default'))
          cx.report('DSL017', each, ['export'])
}
