/** What a name in driver code stands for. */
import ts from 'typescript'
import { DSL_CONSTANTS, type Constant } from './types/constants'
import { TYPE_VALUES } from './types/c-types'
import { LANGUAGE_NAMES } from './types/language'
import { isRoutine } from './types/routines'
import { isLibrary } from './typing'

export type Reference =
  | { k: 'constant'; constant: Constant }
  | { k: 'routine'; name: string }
  | { k: 'helper'; name: string }
  | { k: 'type'; name: string }
  /** Name of lib.d.ts. */
  | { k: 'global'; name: string }
  /** Export of another file of the project. */
  | { k: 'import'; symbol: ts.Symbol; file: string; name: string }
  | { k: 'local'; symbol: ts.Symbol }
  | { k: 'unknown' }

const UNKNOWN: Reference = { k: 'unknown' }

export type FunctionNode =
  ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction | ts.MethodDeclaration

/** Functions in the sense of the transformation: what has a body that runs when it is called. */
export function isFunctionNode(node: ts.Node): node is FunctionNode {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node)
  )
}

/** `=`, `+=` and so on. */
export function isAssignment(operator: ts.SyntaxKind): boolean {
  return operator >= ts.SyntaxKind.FirstAssignment && operator <= ts.SyntaxKind.LastAssignment
}

/** Without parentheses, type assertions and `!` around it. */
export function bare(node: ts.Expression): ts.Expression {
  let inner = node
  while (
    ts.isParenthesizedExpression(inner) ||
    ts.isAsExpression(inner) ||
    ts.isSatisfiesExpression(inner) ||
    ts.isNonNullExpression(inner)
  )
    inner = inner.expression
  return inner
}

/** Is an identifier used as a value (not as a type, a member's name, a declaration's name)? */
export function isValueUse(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isQualifiedName(parent) || ts.isTypeReferenceNode(parent) || ts.isTypeQueryNode(parent))
    return false
  if (ts.isExpressionWithTypeArguments(parent)) return false
  if (ts.isVariableDeclaration(parent) || ts.isParameter(parent) || ts.isEnumMember(parent))
    return parent.initializer === node
  if (ts.isBindingElement(parent)) return parent.initializer === node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  if (ts.isShorthandPropertyAssignment(parent)) return true
  if (
    ts.isFunctionDeclaration(parent) ||
    ts.isFunctionExpression(parent) ||
    ts.isMethodDeclaration(parent)
  )
    return false
  if (ts.isImportSpecifier(parent) || ts.isImportClause(parent) || ts.isNamespaceImport(parent))
    return false
  if (ts.isExportSpecifier(parent) || ts.isEnumDeclaration(parent)) return false
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return false
  return (
    !ts.isTypeNode(parent) &&
    !ts.isTypeElement(parent) &&
    !ts.isTypeAliasDeclaration(parent) &&
    !ts.isInterfaceDeclaration(parent) &&
    !ts.isTypeParameterDeclaration(parent)
  )
}

/** What an identifier that is used as a value stands for. */
export function referenceOf(checker: ts.TypeChecker, node: ts.Identifier): Reference {
  const symbol = ts.isShorthandPropertyAssignment(node.parent)
    ? checker.getShorthandAssignmentValueSymbol(node.parent)
    : checker.getSymbolAtLocation(node)
  if (!symbol) return UNKNOWN
  if (!(symbol.flags & ts.SymbolFlags.Alias))
    return isLibrary(symbol) ? { k: 'global', name: symbol.name } : { k: 'local', symbol }
  const target = checker.getAliasedSymbol(symbol)
  const file = target.declarations?.[0]?.getSourceFile()
  if (!file) return UNKNOWN
  if (file.isDeclarationFile) return libraryReference(target.name)
  return { k: 'import', symbol: target, file: file.fileName.slice(1), name: target.name }
}

function libraryReference(name: string): Reference {
  const constant = DSL_CONSTANTS.get(name)
  if (constant) return { k: 'constant', constant }
  if ((LANGUAGE_NAMES as readonly string[]).includes(name)) return { k: 'helper', name }
  if (isRoutine(name)) return { k: 'routine', name }
  return TYPE_VALUES.has(name) ? { k: 'type', name } : UNKNOWN
}

/** The function that a name always stands for: a declaration, or a constant with a function as its value. */
export function functionOf(symbol: ts.Symbol): FunctionNode | undefined {
  const declaration = symbol.valueDeclaration
  if (!declaration) return undefined
  if (ts.isFunctionDeclaration(declaration)) return declaration.body ? declaration : undefined
  if (!ts.isVariableDeclaration(declaration) || !declaration.initializer) return undefined
  if (!(ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const)) return undefined
  const value = bare(declaration.initializer)
  return ts.isArrowFunction(value) || ts.isFunctionExpression(value) ? value : undefined
}
