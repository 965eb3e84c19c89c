/** Calls: of routines of Windows, of functions of the project, of helpers of the language. */
import ts from 'typescript'
import { LAYOUTS, type StructName } from '../../../shared/nt/layout'
import { DDIS } from '../../kernel/ddi/index'
import { scalarSize, TYPE_VALUES } from '../types/c-types'
import { bare, referenceOf } from '../references'
import { guardNull, ownerOf } from './access'
import { wrapInto } from './arithmetic'
import type { Visit } from './assignment'
import { callKind } from './call-kind'
import { after, around, before, replace, runtime, temporary, type Context } from './context'
import { multiCharacter } from './multi-character'

export function lowerCall(cx: Context, node: ts.CallExpression, visit: Visit): void {
  const kind = callKind(cx.typing, node)
  switch (kind.k) {
    case 'routine':
      return lowerRoutine(cx, node, kind.name, kind.callee, visit)
    case 'helper':
      return lowerHelper(cx, node, kind.name, kind.callee, visit)
    case 'native':
      visit(cx, node.expression)
      return visitArguments(cx, node, visit)
    case 'direct': {
      visit(cx, node.expression)
      visitArguments(cx, node, visit)
      wrapArguments(cx, node)
      if (!cx.plain.has(kind.target)) delegate(cx, node)
      return
    }
    case 'method': {
      const { callee } = kind
      visit(cx, callee.expression)
      visitArguments(cx, node, visit)
      replace(cx, callee.name.pos - 1, callee.name.pos, ',')
      replace(cx, callee.name.getStart(cx.file), callee.name.end, JSON.stringify(callee.name.text))
      listArguments(cx, node)
      before(cx, node, `${runtime(cx, '$method')}(${cx.ids.location(cx.file, node)},`)
      return delegate(cx, node)
    }
    case 'value':
      visit(cx, node.expression)
      visitArguments(cx, node, visit)
      wrapArguments(cx, node)
      listArguments(cx, node)
      before(cx, node, `${runtime(cx, '$call')}(${cx.ids.location(cx.file, node)},`)
      return delegate(cx, node)
  }
}

/** Let a call that may suspend do so. */
function delegate(cx: Context, node: ts.CallExpression): void {
  if (isStatement(node)) before(cx, node, 'yield* ')
  else around(cx, node, '(yield* ', ')')
}

function isStatement(node: ts.Expression): boolean {
  return ts.isExpressionStatement(node.parent)
}

function visitArguments(cx: Context, node: ts.CallExpression, visit: Visit): void {
  for (const argument of node.arguments) visit(cx, argument)
}

/** `f(a, b)` to `f,[a, b])`. */
function listArguments(cx: Context, node: ts.CallExpression): void {
  replace(cx, node.arguments.pos - 1, node.arguments.pos, ',[')
  replace(cx, node.end - 1, node.end, '])')
}

/** Bring arguments into the range of the parameters, as C does. */
function wrapArguments(cx: Context, node: ts.CallExpression): void {
  const parameters = cx.checker.getResolvedSignature(node)?.getParameters() ?? []
  node.arguments.forEach((argument, i) => {
    const parameter = parameters[i]
    const declaration = parameter?.valueDeclaration
    if (!parameter || ts.isSpreadElement(argument)) return
    if (declaration && ts.isParameter(declaration) && declaration.dotDotDotToken) return
    const place = cx.typing.ofType(cx.checker.getTypeOfSymbol(parameter))
    wrapInto(cx, argument, cx.typing.of(argument), place)
  })
}

// --- routines ----------------------------------------------------------------------------------------

function lowerRoutine(
  cx: Context,
  node: ts.CallExpression,
  name: string,
  callee: ts.Identifier,
  visit: Visit,
): void {
  visit(cx, callee)
  visitArguments(cx, node, visit)
  const params = Object.entries(DDIS[name]?.params ?? {})
  node.arguments.forEach((argument, i) => {
    const [, type] = params[i] ?? []
    if (type?.k !== 'u32') return
    const value = multiCharacter(cx.checker.getTypeAtLocation(argument))
    if (value !== undefined) around(cx, argument, '(', `,${value})`)
  })
  const location = cx.ids.location(cx.file, node)
  cx.text.appendLeft(node.arguments.pos, node.arguments.length > 0 ? `${location},` : `${location}`)
  const S = runtime(cx, '$S')
  if (isStatement(node)) after(cx, node, `===${S}&&(yield)`)
  else {
    cx.header.set('$t', '$t')
    around(cx, node, '(($t=', `)===${S}?yield:$t)`)
  }
}

/** Macros of the headers without arguments, and what they stand for. */
const MACROS: Readonly<Record<string, string>> = {
  PAGED_CODE: 'void 0',
  NtCurrentProcess: '(-1)',
  NtCurrentThread: '(-2)',
  ZwCurrentProcess: '(-1)',
  ZwCurrentThread: '(-2)',
}

// --- helpers -----------------------------------------------------------------------------------------

function lowerHelper(
  cx: Context,
  node: ts.CallExpression,
  name: string,
  callee: ts.Identifier,
  visit: Visit,
): void {
  const rename = (text: string): void => replace(cx, callee.getStart(cx.file), callee.end, text)
  const addArgument = (text: string): void => {
    const comma = node.arguments.length > 0 && !node.arguments.hasTrailingComma
    cx.text.appendLeft(node.end - 1, comma ? `,${text}` : text)
  }
  if (name === 'addressof') return lowerAddress(cx, node, rename, visit)
  if (name === 'sizeof' || name === 'CTL_CODE') {
    const value = name === 'sizeof' ? sizeOf(cx, node) : controlCode(cx, node)
    if (value !== undefined && !node.getText(cx.file).includes('\n'))
      return replace(cx, node.getStart(cx.file), node.end, String(value))
  }
  const macro = Object.hasOwn(MACROS, name) ? MACROS[name] : undefined
  if (macro !== undefined) {
    // Every line stays where it is.
    const lines = node.getText(cx.file).split('\n').length - 1
    return replace(cx, node.getStart(cx.file), node.end, macro + '\n'.repeat(lines))
  }
  visitArguments(cx, node, visit)
  switch (name) {
    case 'out':
      rename(runtime(cx, '$out'))
      return addArgument(initialOut(cx, node))
    case 'local': {
      const slot = temporary(cx)
      cx.scope.usesLocal = true
      rename(runtime(cx, '$local'))
      addArgument(slot)
      return around(cx, node, `(${slot}=`, ')')
    }
    case 'NT_SUCCESS':
      rename('((')
      return after(cx, node, '|0)>=0)')
    case 'NT_INFORMATION':
    case 'NT_WARNING':
    case 'NT_ERROR':
      rename('((')
      return after(cx, node, `>>>30)===${{ NT_INFORMATION: 1, NT_WARNING: 2, NT_ERROR: 3 }[name]})`)
    case 'GetExceptionCode':
      rename(runtime(cx, '$code'))
      return addArgument(cx.scope.caught.at(-1) ?? 'null')
    case 'UNREFERENCED_PARAMETER':
      return rename('void ')
    default:
      cx.header.set(callee.text, `${callee.text}=$rt.$lang.${name}`)
  }
}

/** What an out parameter holds before a routine has filled it. */
function initialOut(cx: Context, node: ts.CallExpression): string {
  const value = cx.checker.getTypeAtLocation(node).getProperty('value')
  const shape = value && cx.typing.ofType(cx.checker.getTypeOfSymbol(value))
  switch (shape?.k) {
    case 'int':
      return shape.access === 'u64' || shape.access === 'i64' ? '0n' : '0'
    case 'number':
      return '0'
    case 'bigint':
      return '0n'
    default:
      return 'null'
  }
}

/** `addressof(object.Field)` to `$addr(object, "Field")`. */
function lowerAddress(
  cx: Context,
  node: ts.CallExpression,
  rename: (text: string) => void,
  visit: Visit,
): void {
  const [place] = node.arguments
  rename(runtime(cx, '$addr'))
  if (!place) return
  if (ts.isElementAccessExpression(place)) {
    visit(cx, place.expression)
    visit(cx, place.argumentExpression)
    guardNull(cx, place.expression)
    const open = place.argumentExpression.pos - 1
    replace(cx, open, open + 1, ',')
    return replace(cx, place.end - 1, place.end, '')
  }
  if (!ts.isPropertyAccessExpression(place)) return visit(cx, place)
  const parts = [place]
  for (let first = place; ownerOf(cx, first.expression) || isGroupMember(cx, first.expression);) {
    first = first.expression as ts.PropertyAccessExpression
    parts.unshift(first)
  }
  const [first] = parts
  if (!first) return
  visit(cx, first.expression)
  guardNull(cx, first.expression)
  const path = parts.map(({ name }) => name.text).join('.')
  for (const part of parts) {
    replace(cx, part.name.pos - 1, part.name.pos, part === first ? ',' : '')
    replace(
      cx,
      part.name.getStart(cx.file),
      part.name.end,
      part === first ? JSON.stringify(path) : '',
    )
  }
}

function isGroupMember(cx: Context, node: ts.Expression): boolean {
  return ts.isPropertyAccessExpression(node) && cx.typing.of(node).k === 'object'
}

/** Size of a type of Windows, known when the driver is compiled. */
function sizeOf(cx: Context, node: ts.CallExpression): number | undefined {
  const [argument] = node.arguments
  const type = argument && bare(argument)
  const reference = type && ts.isIdentifier(type) ? referenceOf(cx.checker, type) : undefined
  const value = reference?.k === 'type' ? TYPE_VALUES.get(reference.name) : undefined
  switch (value?.k) {
    case 'scalar':
      return scalarSize(value.access)
    case 'struct':
      return LAYOUTS[value.name].size
    case 'pointer':
    case 'function':
      return 8
    default:
      break
  }
  // A variable that points at a structure of Windows.
  const shape = type && ts.isIdentifier(type) ? cx.typing.of(type) : undefined
  if (shape?.k !== 'pointer' || !Object.hasOwn(LAYOUTS, shape.struct)) return undefined
  return LAYOUTS[shape.struct as StructName].size
}

/** A control code whose four parts are known when the driver is compiled. */
function controlCode(cx: Context, node: ts.CallExpression): number | undefined {
  const parts = node.arguments.map((argument) => cx.typing.of(argument))
  const [type, code, method, access] = parts.map((part) =>
    part.k === 'literal' && typeof part.value === 'number' ? part.value : undefined,
  )
  if (type === undefined || code === undefined || method === undefined || access === undefined)
    return undefined
  return ((type << 16) | (access << 14) | (code << 2) | method) >>> 0
}
