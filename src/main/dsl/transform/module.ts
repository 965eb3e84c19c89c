/**
 * Compiles one file: types are blanked out in place (ts-blank-space), then pieces of text are put
 * around what stays (magic-string). No line is ever added or removed, so that line numbers of the
 * compiled code are those of the source.
 */
import MagicString from 'magic-string'
import { blankSourceFile } from 'ts-blank-space'
import ts from 'typescript'
import type { CompiledModule } from '../compiled'
import { isAssignment, isFunctionNode, isValueUse, type FunctionNode } from '../references'
import type { Typing } from '../typing'
import { lowerElement, lowerMember } from './access'
import { lowerArithmetic, lowerEquality, lowerOrder, lowerUnary, wrapInto } from './arithmetic'
import { lowerAssignment, lowerStep } from './assignment'
import { lowerCall } from './calls'
import { after, blank, replace, runtime, type Context, type Ids } from './context'
import { lowerFunction } from './functions'
import { pointBefore } from './points'
import { lowerEnumMember, lowerIdentifier } from './names'
import { lowerLoop, lowerReturn, lowerTry, lowerVariable, separate } from './statements'

const K = ts.SyntaxKind

/** @throws when the file holds something that the checks let through and the transformation does not know */
export function compileModule(
  file: ts.SourceFile,
  typing: Typing,
  ids: Ids,
  plain: ReadonlySet<FunctionNode>,
  points: boolean,
): CompiledModule {
  const cx: Context = {
    file,
    typing,
    checker: typing.checker,
    ids,
    text: new MagicString(blankSourceFile(file)),
    plain,
    points,
    scope: { node: null, temporaries: [], usesLocal: false, caught: [], prologue: '' },
    header: new Map(),
    imports: [],
    variables: 0,
  }
  if (file.text.startsWith('#!')) replace(cx, 0, 2, '//')
  let exports = ''
  for (const statement of file.statements) {
    visit(cx, statement)
    exports += lowerExports(cx, statement)
  }
  return {
    file: file.fileName.slice(1),
    code: `${prologue(cx, exports)}${cx.text.toString()}\n})`,
    imports: cx.imports,
  }
}

function prologue(cx: Context, exports: string): string {
  const variables = [...cx.scope.temporaries]
  const constants: string[] = []
  for (const [name, text] of cx.header)
    if (name === '$t' || name === '$q') variables.push(text)
    else constants.push(text)
  return (
    '(function($rt,$m,$x){"use strict";' +
    (constants.length > 0 ? `const ${constants.join(',')};` : '') +
    (variables.length > 0 ? `let ${variables.join(',')};` : '') +
    cx.scope.prologue +
    exports
  )
}

// --- exports -----------------------------------------------------------------------------------------

/** Remove `export`; gives the text that fills the exports object at the start of the module. */
function lowerExports(cx: Context, statement: ts.Statement): string {
  if (ts.isExportDeclaration(statement)) return lowerExportList(cx, statement)
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined
  const keyword = modifiers?.find(({ kind }) => kind === K.ExportKeyword)
  if (!keyword) return ''
  if (ts.isFunctionDeclaration(statement) && statement.name) {
    replace(cx, keyword.getStart(cx.file), keyword.end, '      ')
    return `$x.${statement.name.text}=${statement.name.text};`
  }
  if (!ts.isVariableStatement(statement)) return ''
  replace(cx, keyword.getStart(cx.file), keyword.end, '      ')
  const names = statement.declarationList.declarations.flatMap(({ name }) => bindingNames(name))
  if (ts.getCombinedNodeFlags(statement.declarationList) & ts.NodeFlags.Const) {
    after(cx, statement, `;${names.map((name) => `$x.${name}=${name};`).join('')}`)
    return ''
  }
  return names.map((name) => live(cx, name, name)).join('')
}

function bindingNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text]
  return name.elements.flatMap((element) =>
    ts.isOmittedExpression(element) ? [] : bindingNames(element.name),
  )
}

function live(cx: Context, name: string, value: string): string {
  return `${runtime(cx, '$live')}($x,"${name}",()=>${value});`
}

function lowerExportList(cx: Context, statement: ts.ExportDeclaration): string {
  if (statement.isTypeOnly) return ''
  blank(cx, statement)
  const clause = statement.exportClause
  if (!clause || !ts.isNamedExports(clause)) return ''
  let text = ''
  for (const element of clause.elements) {
    if (element.isTypeOnly) continue
    const local = element.propertyName ?? element.name
    const symbol = cx.checker.getExportSpecifierLocalTargetSymbol(element)
    // What comes from another module is taken from there by whoever imports it.
    if (!symbol || symbol.flags & ts.SymbolFlags.Alias || !(symbol.flags & ts.SymbolFlags.Value))
      continue
    if (symbol.flags & ts.SymbolFlags.Enum) continue
    text +=
      symbol.flags & ts.SymbolFlags.Function
        ? `$x.${element.name.text}=${local.text};`
        : live(cx, element.name.text, local.text)
  }
  return text
}

// --- the walk ----------------------------------------------------------------------------------------

function visit(cx: Context, node: ts.Node): void {
  visitNode(cx, node)
  if (cx.points && ts.isStatement(node) && !ts.isFunctionDeclaration(node)) pointBefore(cx, node)
}

function visitNode(cx: Context, node: ts.Node): void {
  if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return
  if (isFunctionNode(node)) return lowerFunction(cx, node, visit)
  switch (node.kind) {
    case K.InterfaceDeclaration:
    case K.TypeAliasDeclaration:
    case K.ExportDeclaration:
      return
    case K.ImportDeclaration:
      // A pure type import is blank already.
      if (!(node as ts.ImportDeclaration).importClause?.isTypeOnly) blank(cx, node)
      return
    case K.EnumDeclaration:
      return blank(cx, node)
    case K.Identifier:
      if (isValueUse(node as ts.Identifier)) lowerIdentifier(cx, node as ts.Identifier)
      return
    case K.CallExpression:
      return lowerCall(cx, node as ts.CallExpression, visit)
    case K.PropertyAccessExpression: {
      const access = node as ts.PropertyAccessExpression
      if (lowerEnumMember(cx, access)) return
      visit(cx, access.expression)
      return lowerMember(cx, access)
    }
    case K.ElementAccessExpression:
      visitChildren(cx, node)
      return lowerElement(cx, node as ts.ElementAccessExpression)
    case K.BinaryExpression:
      return visitBinary(cx, node as ts.BinaryExpression)
    case K.PrefixUnaryExpression:
    case K.PostfixUnaryExpression: {
      const unary = node as ts.PrefixUnaryExpression | ts.PostfixUnaryExpression
      if (unary.operator === K.PlusPlusToken || unary.operator === K.MinusMinusToken)
        return lowerStep(cx, unary, visit)
      visit(cx, unary.operand)
      return lowerUnary(cx, node as ts.PrefixUnaryExpression)
    }
    case K.AsExpression: {
      // C's cast: the value is brought into the range of the type.
      const assertion = node as ts.AsExpression
      visit(cx, assertion.expression)
      const target = cx.typing.ofType(cx.checker.getTypeAtLocation(node))
      return wrapInto(cx, assertion.expression, cx.typing.of(assertion.expression), target)
    }
    case K.SatisfiesExpression:
      return visit(cx, (node as ts.SatisfiesExpression).expression)
    case K.ExpressionStatement:
      visitChildren(cx, node)
      return separate(cx, node as ts.ExpressionStatement)
    case K.ReturnStatement:
      visitChildren(cx, node)
      return lowerReturn(cx, node as ts.ReturnStatement)
    case K.VariableDeclaration: {
      const { name, initializer } = node as ts.VariableDeclaration
      visit(cx, name)
      if (initializer) visit(cx, initializer)
      return lowerVariable(cx, node as ts.VariableDeclaration)
    }
    case K.TryStatement:
      return lowerTry(cx, node as ts.TryStatement, visit)
    case K.ForStatement:
    case K.ForOfStatement:
    case K.WhileStatement:
    case K.DoStatement:
      visitChildren(cx, node)
      return lowerLoop(cx, node as ts.IterationStatement)
    default:
      return visitChildren(cx, node)
  }
}

function visitChildren(cx: Context, node: ts.Node): void {
  ts.forEachChild(node, (child) => visit(cx, child))
}

function visitBinary(cx: Context, node: ts.BinaryExpression): void {
  const { kind } = node.operatorToken
  if (isAssignment(kind)) {
    if (ts.isArrayLiteralExpression(node.left) || ts.isObjectLiteralExpression(node.left))
      return visitChildren(cx, node)
    return lowerAssignment(cx, node, visit)
  }
  visit(cx, node.left)
  visit(cx, node.right)
  switch (kind) {
    case K.EqualsEqualsEqualsToken:
    case K.ExclamationEqualsEqualsToken:
    case K.EqualsEqualsToken:
    case K.ExclamationEqualsToken:
      return lowerEquality(cx, node)
    case K.LessThanToken:
    case K.LessThanEqualsToken:
    case K.GreaterThanToken:
    case K.GreaterThanEqualsToken:
      return lowerOrder(cx, node)
    default:
      lowerArithmetic(cx, node)
  }
}
