/** Reading members and elements of what a pointer points at. */
import ts from 'typescript'
import { LAYOUTS, type StructName } from '../../../shared/nt/layout'
import { fieldAccess, scalarSize } from '../types/c-types'
import { bare, referenceOf } from '../references'
import type { Shape } from '../shapes'
import { isLibrary } from '../typing'
import { around, before, replace, runtime, type Context } from './context'

/** Is a member of a structure, named by its path, a structure or group inside of it? */
function isEmbedded(struct: string, path: readonly string[]): boolean {
  if (!Object.hasOwn(LAYOUTS, struct)) return false
  const { fields } = LAYOUTS[struct as StructName]
  for (let length = path.length; length > 0; length--) {
    const prefix = path.slice(0, length).join('.')
    const field = fields.find((each) => each.path === prefix)
    if (!field) continue
    const access = fieldAccess(field)
    if (access.k !== 'struct' || field.count !== undefined) return false
    return length === path.length || isEmbedded(access.name, path.slice(length))
  }
  const group = `${path.join('.')}.`
  return fields.some((each) => each.path.startsWith(group))
}

/** The pointer that a chain of embedded members begins with, and the members' names. */
interface Chain {
  struct: string
  path: string[]
}

/** The chain that ends with this member, when all members but the last are embedded. */
export function chainOf(cx: Context, node: ts.PropertyAccessExpression): Chain | undefined {
  const path = [node.name.text]
  let root: ts.Expression = node.expression
  for (;;) {
    const shape = cx.typing.of(root)
    if (shape.k === 'pointer') {
      const owner = ownerOf(cx, root)
      if (!owner) return shape.struct === '' ? undefined : { struct: shape.struct, path }
    } else if (shape.k !== 'object') return undefined
    if (!ts.isPropertyAccessExpression(root)) return undefined
    path.unshift(root.name.text)
    root = root.expression
  }
}

/** The structure that an expression lies inside of as an embedded member; undefined when it is a pointer of its own. */
export function ownerOf(cx: Context, node: ts.Expression): Chain | undefined {
  if (!ts.isPropertyAccessExpression(node)) return undefined
  const chain = chainOf(cx, node)
  return chain && isEmbedded(chain.struct, chain.path) ? chain : undefined
}

/** Can the value of an expression be NULL? */
function mayBeNull(cx: Context, node: ts.Expression): boolean {
  const inner = bare(node)
  if (ts.isPropertyAccessExpression(inner)) {
    if (ownerOf(cx, inner)) return false
    const symbol = cx.checker.getSymbolAtLocation(inner.name)
    const declaration = symbol?.valueDeclaration
    // Arrays, and the byte views of a pointer, are members by value.
    const isByValue =
      declaration &&
      symbol &&
      isLibrary(symbol) &&
      ts.isPropertySignature(declaration) &&
      (declaration.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ReadonlyKeyword) ?? false)
    return !isByValue
  }
  const value = ts.isIdentifier(inner) ? constantValue(cx, inner) : inner
  if (!value || !ts.isCallExpression(value) || !ts.isIdentifier(value.expression)) return true
  const callee = referenceOf(cx.checker, value.expression)
  return !(
    callee.k === 'helper' &&
    (callee.name === 'local' || callee.name === 'RTL_CONSTANT_STRING')
  )
}

/** The value that a constant was declared with. */
function constantValue(cx: Context, node: ts.Identifier): ts.Expression | undefined {
  const declaration = cx.checker.getSymbolAtLocation(node)?.valueDeclaration
  if (!declaration || !ts.isVariableDeclaration(declaration) || !declaration.initializer)
    return undefined
  return ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const
    ? bare(declaration.initializer)
    : undefined
}

/** Name under which the runtime knows the view of address 0 for a pointer. */
function nullName(cx: Context, shape: Shape & { k: 'pointer' }): string {
  if (!shape.element) return shape.struct
  const element = cx.typing.ofType(shape.element)
  if (element.k === 'int') return `*${scalarSize(element.access)}`
  return element.k === 'function' ? '*8' : ''
}

/** Let the fault happen in simulated memory when an expression that is about to be followed is NULL. */
export function guardNull(cx: Context, node: ts.Expression): void {
  const shape = cx.typing.of(node)
  if (shape.k === 'any') around(cx, node, '(', `??${runtime(cx, '$null')}(""))`)
  else if (shape.k === 'pointer' && mayBeNull(cx, node))
    around(cx, node, '(', `??${runtime(cx, '$null')}(${JSON.stringify(nullName(cx, shape))}))`)
}

/** A member as it is compiled: the object in front of it and the name, joined with embedded members. */
export function memberOf(
  cx: Context,
  node: ts.PropertyAccessExpression,
): { object: ts.Expression; name: string } {
  const names = [node.name.text]
  let first = node
  while (isJoined(cx, first)) {
    first = first.expression as ts.PropertyAccessExpression
    names.unshift(first.name.text)
  }
  return { object: first.expression, name: names.join('$') }
}

/** `object.Member`, read or written in place. */
export function lowerMember(cx: Context, node: ts.PropertyAccessExpression): void {
  const object = node.expression
  if (isJoined(cx, node)) {
    // The member before is embedded: one accessor reads both.
    replace(cx, node.name.pos - 1, node.name.pos, '$')
    return
  }
  const shape = cx.typing.of(object)
  if (shape.k === 'pointer' || shape.k === 'any') guardNull(cx, object)
}

/** Is the member read together with the embedded one in front of it? */
export function isJoined(cx: Context, node: ts.PropertyAccessExpression): boolean {
  if (!canJoin(cx, node)) return false
  // An anonymous structure that is itself the value is reached step by step.
  let last = node
  for (let { parent } = node; ts.isPropertyAccessExpression(parent); parent = last.parent) {
    if (parent.expression !== last || !canJoin(cx, parent)) break
    last = parent
  }
  return cx.typing.of(last).k !== 'object'
}

function canJoin(cx: Context, node: ts.PropertyAccessExpression): boolean {
  const object = node.expression
  if (!ts.isPropertyAccessExpression(object)) return false
  // Only `A.B` as it stands: with blanks or comments between, the names cannot be joined.
  if (cx.file.text.slice(object.end, node.name.getStart(cx.file)) !== '.') return false
  const symbol = cx.checker.getSymbolAtLocation(node.name)
  if (!symbol || symbol.flags & ts.SymbolFlags.Method || isMemberOfPointer(symbol)) return false
  return ownerOf(cx, object) !== undefined
}

/** `add`, `u8` and so on, which every pointer has. */
function isMemberOfPointer(symbol: ts.Symbol): boolean {
  const parent = symbol.valueDeclaration?.parent
  return parent !== undefined && ts.isInterfaceDeclaration(parent) && parent.name.text === 'PVOID'
}

/** How the elements of an expression are reached. */
export type ElementKind = 'script' | 'view' | 'unknown'

export function elementKind(cx: Context, object: ts.Expression): ElementKind {
  const shape = cx.typing.of(object)
  if (shape.k === 'array' || shape.k === 'string') return 'script'
  return shape.k === 'pointer' ? 'view' : 'unknown'
}

/** Keep anything but an integer from choosing a member of a script array. */
export function guardIndex(cx: Context, index: ts.Expression): void {
  const { k } = cx.typing.of(index)
  if (k !== 'literal') around(cx, index, '(', ')>>>0')
}

/** `object[index]`, read. */
export function lowerElement(cx: Context, node: ts.ElementAccessExpression): void {
  const open = node.argumentExpression.pos - 1
  switch (elementKind(cx, node.expression)) {
    case 'script':
      guardIndex(cx, node.argumentExpression)
      return
    case 'view':
      guardNull(cx, node.expression)
      replace(cx, open, open + 1, '.$g(')
      replace(cx, node.end - 1, node.end, ')')
      return
    case 'unknown':
      replace(cx, open, open + 1, ',')
      replace(cx, node.end - 1, node.end, ')')
      before(cx, node, `${runtime(cx, '$get')}(`)
  }
}
