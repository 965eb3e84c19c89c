/** Names of other modules: constants become their values, the rest is bound at the start of the module. */
import ts from 'typescript'
import { referenceOf } from '../references'
import { replace, type Context } from './context'

/** Text of a known number; in parentheses where an operator or a member follows. */
function literalText(value: number | bigint, node: ts.Node): string {
  const text = typeof value === 'bigint' ? `${value}n` : String(value)
  return value < 0 || ts.isPropertyAccessExpression(node.parent) ? `(${text})` : text
}

/** What stands for an identifier in compiled code; undefined when it stays as it is. */
function textFor(cx: Context, node: ts.Identifier): string | undefined {
  const reference = referenceOf(cx.checker, node)
  switch (reference.k) {
    case 'constant': {
      const { value } = reference.constant
      return value === null ? 'null' : literalText(value, node)
    }
    case 'routine':
      cx.header.set(node.text, `${node.text}=$rt.$ddi("${reference.name}")`)
      return undefined
    case 'type':
      cx.header.set(node.text, `${node.text}=$rt.$type("${reference.name}")`)
      return undefined
    case 'import': {
      const type = cx.checker.getTypeOfSymbol(reference.symbol)
      const shape = cx.typing.ofType(type)
      const isConstant =
        reference.symbol.flags & ts.SymbolFlags.BlockScopedVariable &&
        reference.symbol.valueDeclaration &&
        ts.getCombinedNodeFlags(reference.symbol.valueDeclaration) & ts.NodeFlags.Const
      if (isConstant && shape.k === 'literal') return literalText(shape.value, node)
      return `${importName(cx, reference.file)}.${exportName(cx, reference.symbol)}`
    }
    default:
      return undefined
  }
}

/** Name under which a file exports a symbol. */
function exportName(cx: Context, symbol: ts.Symbol): string {
  const file = symbol.declarations?.[0]?.getSourceFile()
  const module = file && cx.checker.getSymbolAtLocation(file)
  for (const exported of module ? cx.checker.getExportsOfModule(module) : []) {
    const target =
      exported.flags & ts.SymbolFlags.Alias ? cx.checker.getAliasedSymbol(exported) : exported
    if (target === symbol) return exported.name
  }
  return symbol.name
}

/** The variable that holds the exports of another file. */
function importName(cx: Context, file: string): string {
  let index = cx.imports.indexOf(file)
  if (index < 0) index = cx.imports.push(file) - 1
  const name = `$m${index}`
  cx.header.set(name, `${name}=$m[${index}]`)
  return name
}

export function lowerIdentifier(cx: Context, node: ts.Identifier): void {
  const text = textFor(cx, node)
  if (text === undefined) return
  const isShort = ts.isShorthandPropertyAssignment(node.parent)
  replace(cx, node.getStart(cx.file), node.end, isShort ? `${node.text}:${text}` : text)
}

/** `State.Idle` becomes its value; false when the node is no member of an enumeration. */
export function lowerEnumMember(cx: Context, node: ts.PropertyAccessExpression): boolean {
  const symbol = cx.checker.getSymbolAtLocation(node.name)
  const member = symbol && symbol.flags & ts.SymbolFlags.EnumMember && symbol.valueDeclaration
  if (!member || !ts.isEnumMember(member)) return false
  const value = Number(cx.checker.getConstantValue(member))
  replace(cx, node.expression.getStart(cx.file), node.expression.end, literalText(value, node))
  replace(cx, node.name.pos - 1, node.name.pos, '')
  replace(cx, node.name.getStart(cx.file), node.name.end, '')
  return true
}
