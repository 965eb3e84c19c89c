/** Operators on integers, as C means them. Operands are compiled already when these run. */
import ts from 'typescript'
import type { ScalarAccess } from '../types/c-types'
import {
  arithmetic,
  bitsShape,
  fits,
  isBigint,
  isNumeric,
  isPlain,
  isSmallUnsigned,
  isUnsigned,
  isWide,
  shiftShape,
  type Shape,
  type Wrap,
} from '../shapes'
import { bare } from '../references'
import { after, around, replace, runtime, type Context } from './context'

const K = ts.SyntaxKind

/** Text around an operand or operation. */
export interface Frame {
  start: string
  end: string
}

const NOTHING: Frame = { start: '', end: '' }

/** How a binary operation is written: `start left operator right end`. */
export interface Operation extends Frame {
  operator: string
}

/** What brings a value into the range of an integer type. The value stands between as it is. */
export function wrapFrame(cx: Context, shape: Shape, access: ScalarAccess): Frame {
  if (fits(shape, access)) return NOTHING
  const unknown = !isPlain(shape) || (isBigint(shape) && !isWide(access))
  if (isWide(access)) {
    const wrap = runtime(cx, access === 'u64' ? '$u64' : '$i64')
    if (isBigint(shape)) return { start: `${wrap}(`, end: ')' }
    return { start: `${wrap}(${runtime(cx, '$big')}(`, end: '))' }
  }
  const start = unknown ? `(${runtime(cx, '$num')}(` : '(('
  switch (access) {
    case 'u8':
    case 'bool':
      return { start, end: ')&255)' }
    case 'i8':
      return { start, end: ')<<24>>24)' }
    case 'u16':
      return { start, end: ')&65535)' }
    case 'i16':
      return { start, end: ')<<16>>16)' }
    case 'u32':
      return { start, end: ')>>>0)' }
    case 'i32':
      return { start, end: ')|0)' }
    default:
      return NOTHING
  }
}

function finish(cx: Context, wrap: Wrap): Frame {
  switch (wrap) {
    case 'u32':
      return { start: '(', end: '>>>0)' }
    case 'i32':
      return { start: '(', end: '|0)' }
    case 'u64':
      return { start: `${runtime(cx, '$u64')}(`, end: ')' }
    case 'i64':
      return { start: `${runtime(cx, '$i64')}(`, end: ')' }
    case null:
      return NOTHING
  }
}

/** The script's operators for a compound assignment such as `+=`; undefined for others. */
export function operatorOf(assignment: ts.SyntaxKind): ts.SyntaxKind | undefined {
  switch (assignment) {
    case K.PlusEqualsToken:
      return K.PlusToken
    case K.MinusEqualsToken:
      return K.MinusToken
    case K.AsteriskEqualsToken:
      return K.AsteriskToken
    case K.SlashEqualsToken:
      return K.SlashToken
    case K.PercentEqualsToken:
      return K.PercentToken
    case K.AmpersandEqualsToken:
      return K.AmpersandToken
    case K.BarEqualsToken:
      return K.BarToken
    case K.CaretEqualsToken:
      return K.CaretToken
    case K.LessThanLessThanEqualsToken:
      return K.LessThanLessThanToken
    case K.GreaterThanGreaterThanEqualsToken:
      return K.GreaterThanGreaterThanToken
    case K.GreaterThanGreaterThanGreaterThanEqualsToken:
      return K.GreaterThanGreaterThanGreaterThanToken
    default:
      return undefined
  }
}

/** How `left operator right` is computed; undefined for operators that this is not about. */
export function operation(
  cx: Context,
  operator: ts.SyntaxKind,
  left: Shape,
  right: Shape,
): Operation | undefined {
  switch (operator) {
    case K.PlusToken:
      return { operator: '+', ...finish(cx, arithmetic('+', left, right).wrap) }
    case K.MinusToken:
      return { operator: '-', ...finish(cx, arithmetic('-', left, right).wrap) }
    case K.AsteriskToken:
      return product(cx, left, right)
    case K.SlashToken:
      return quotient(cx, left, right)
    case K.PercentToken:
      if (isNonZero(right) && agree(left, right)) return { operator: '%', ...NOTHING }
      return called(runtime(cx, '$mod'))
    case K.AmpersandToken:
      return bits(cx, '&', left, right, isSmallUnsigned(left) || isSmallUnsigned(right))
    case K.BarToken:
      return bits(cx, '|', left, right, isSmallUnsigned(left) && isSmallUnsigned(right))
    case K.CaretToken:
      return bits(cx, '^', left, right, isSmallUnsigned(left) && isSmallUnsigned(right))
    case K.LessThanLessThanToken: {
      const shift = bits(cx, '<<', left, right, false)
      if (!isBigint(left) || !isBigint(right)) return shift
      return { operator: '<<', ...finish(cx, arithmetic('+', left, left).wrap) }
    }
    case K.GreaterThanGreaterThanToken:
      if (isUnsigned(left) && isNumeric(right)) return { operator: '>>>', ...NOTHING }
      if (
        (isBigint(left) && isBigint(right)) ||
        (left.k === 'int' && isNumeric(left) && isNumeric(right))
      )
        return { operator: '>>', ...NOTHING }
      return called(runtime(cx, '$shr'))
    case K.GreaterThanGreaterThanGreaterThanToken:
      return { operator: '>>>', ...NOTHING }
    default:
      return undefined
  }
}

/** Shape of the result of such an operation. */
export function operationShape(operator: ts.SyntaxKind, left: Shape, right: Shape): Shape {
  switch (operator) {
    case K.PlusToken:
      return arithmetic('+', left, right).result
    case K.MinusToken:
      return arithmetic('-', left, right).result
    case K.AsteriskToken:
      return arithmetic('*', left, right).result
    case K.SlashToken:
      return arithmetic('/', left, right).result
    case K.PercentToken:
      return arithmetic('%', left, right).result
    case K.GreaterThanGreaterThanToken:
      return shiftShape(left, false)
    case K.GreaterThanGreaterThanGreaterThanToken:
      return shiftShape(left, true)
    default:
      return bitsShape(left, right)
  }
}

function called(helper: string): Operation {
  return { start: `${helper}(`, operator: ',', end: ')' }
}

function agree(left: Shape, right: Shape): boolean {
  return (isNumeric(left) && isNumeric(right)) || (isBigint(left) && isBigint(right))
}

function isNonZero(shape: Shape): boolean {
  return shape.k === 'literal' && shape.value !== 0 && shape.value !== 0n
}

function product(cx: Context, left: Shape, right: Shape): Operation {
  const { wrap } = arithmetic('*', left, right)
  // A product of two 32-bit integers is not exact as a number.
  if (wrap === 'u32') return { start: `(${runtime(cx, '$imul')}(`, operator: ',', end: ')>>>0)' }
  if (wrap === 'i32') return called(runtime(cx, '$imul'))
  return { operator: '*', ...finish(cx, wrap) }
}

function quotient(cx: Context, left: Shape, right: Shape): Operation {
  if (!isNonZero(right) || !agree(left, right)) {
    const { wrap } = arithmetic('/', left, right)
    const inner = called(runtime(cx, '$div'))
    // Only -2^31 / -1 leaves the range.
    if (wrap !== 'i32' && wrap !== 'i64') return inner
    const outer = finish(cx, wrap)
    return { start: outer.start + inner.start, operator: ',', end: inner.end + outer.end }
  }
  if (isBigint(left)) return { operator: '/', ...NOTHING }
  const { wrap } = arithmetic('/', left, right)
  return wrap === null ? called(runtime(cx, '$div')) : { operator: '/', ...finish(cx, wrap) }
}

function bits(cx: Context, operator: string, left: Shape, right: Shape, small: boolean): Operation {
  if (isBigint(left) && isBigint(right)) {
    const { wrap } = arithmetic('+', left, right)
    // Only operands of different signs leave the range.
    const isInRange = wrap === null || (fits(left, wrap) && fits(right, wrap))
    return { operator, ...(isInRange ? NOTHING : finish(cx, wrap)) }
  }
  if (!isNumeric(left) || !isNumeric(right))
    return { start: `${runtime(cx, '$bit')}("${operator}",`, operator: ',', end: ')' }
  return small ? { operator, ...NOTHING } : { start: '((', operator, end: ')>>>0)' }
}

/** Write a binary operation of arithmetic; false when the node is none. */
export function lowerArithmetic(cx: Context, node: ts.BinaryExpression): boolean {
  const token = node.operatorToken
  const left = cx.typing.of(node.left)
  const right = cx.typing.of(node.right)
  const written = operation(cx, token.kind, left, right)
  if (!written) return false
  const operands = operandFrames(cx, token.kind, left, right)
  if (operands.left.start) around(cx, node.left, operands.left.start, operands.left.end)
  if (operands.right.start) around(cx, node.right, operands.right.start, operands.right.end)
  if (written.operator !== token.getText(cx.file))
    replace(cx, token.getStart(cx.file), token.end, written.operator)
  if (written.start) around(cx, node, written.start, written.end)
  return true
}

/** `-x` and `~x`. */
export function lowerUnary(cx: Context, node: ts.PrefixUnaryExpression): void {
  const shape = cx.typing.of(node.operand)
  if (node.operator === K.MinusToken) {
    if (shape.k === 'literal') return
    const { wrap } = arithmetic('-', { k: 'literal', value: isBigint(shape) ? 0n : 0 }, shape)
    const frame = finish(cx, wrap)
    if (frame.start) around(cx, node, frame.start, frame.end)
  } else if (node.operator === K.TildeToken) {
    if (isBigint(shape)) {
      if (shape.k !== 'int') return
      const frame = finish(cx, shape.access === 'u64' ? 'u64' : 'i64')
      around(cx, node, frame.start, frame.end)
    } else if (isNumeric(shape)) around(cx, node, '(', '>>>0)')
    else {
      replace(cx, node.getStart(cx.file), node.getStart(cx.file) + 1, `${runtime(cx, '$bit')}("~",`)
      after(cx, node, ')')
    }
  }
}

/** `< <= > >=`: C compares as unsigned when one side is; a status is a signed number in C. */
export function lowerOrder(cx: Context, node: ts.BinaryExpression): void {
  const left = cx.typing.of(node.left)
  const right = cx.typing.of(node.right)
  if (isStatus(left) || isStatus(right)) {
    for (const [side, shape] of [
      [node.left, left],
      [node.right, right],
    ] as const)
      if (!fits(shape, 'i32')) around(cx, side, '((', ')|0)')
    return
  }
  unify(cx, node.left, left, right)
  unify(cx, node.right, right, left)
}

function isStatus(shape: Shape): boolean {
  return shape.k === 'int' && shape.name === 'NTSTATUS'
}

/** What makes a signed operand unsigned when the other one is. */
function unifyFrame(cx: Context, own: Shape, other: Shape): Frame {
  if (own.k === 'int' && own.access === 'i64' && other.k === 'int' && other.access === 'u64')
    return { start: `${runtime(cx, '$u64')}(`, end: ')' }
  const otherUnsigned =
    (other.k === 'int' && other.access === 'u32') ||
    (own.k === 'int' &&
      other.k === 'literal' &&
      typeof other.value === 'number' &&
      other.value > 0x7fff_ffff)
  if (!otherUnsigned || isUnsigned(own) || !isNumeric(own) || own.k === 'number') return NOTHING
  if (own.k === 'int' && own.access === 'handle') return NOTHING
  return { start: '((', end: ')>>>0)' }
}

function unify(cx: Context, side: ts.Expression, own: Shape, other: Shape): void {
  const { start, end } = unifyFrame(cx, own, other)
  if (start) around(cx, side, start, end)
}

/**
 * What has to be done to the operands before they are combined: only a quotient depends on whether
 * they are signed.
 */
export function operandFrames(
  cx: Context,
  operator: ts.SyntaxKind,
  left: Shape,
  right: Shape,
): { left: Frame; right: Frame } {
  if (operator !== K.SlashToken && operator !== K.PercentToken)
    return { left: NOTHING, right: NOTHING }
  return { left: unifyFrame(cx, left, right), right: unifyFrame(cx, right, left) }
}

/** `=== !== == !=`: pointers are equal when their addresses are. */
export function lowerEquality(cx: Context, node: ts.BinaryExpression): void {
  const left = cx.typing.of(node.left)
  const right = cx.typing.of(node.right)
  const token = node.operatorToken
  const isNegative =
    token.kind === K.ExclamationEqualsEqualsToken || token.kind === K.ExclamationEqualsToken
  const put = (operator: string): void => replace(cx, token.getStart(cx.file), token.end, operator)
  if (isNull(node.left) || isNull(node.right)) {
    zeroForNull(cx, node.left, right)
    zeroForNull(cx, node.right, left)
    // What was never assigned is as good as NULL.
    put(isNegative ? '!=' : '==')
  } else if (isPlain(left) && isPlain(right)) {
    unify(cx, node.left, left, right)
    unify(cx, node.right, right, left)
    const mixed =
      (left.k === 'boolean') !== (right.k === 'boolean') || isBigint(left) !== isBigint(right)
    if (mixed) put(isNegative ? '!=' : '==')
  } else if ((left.k === 'array' || left.k === 'object') && left.k === right.k) {
    // Script objects are compared by identity.
  } else {
    put(',')
    around(
      cx,
      node,
      isNegative ? `(!${runtime(cx, '$eq')}(` : `${runtime(cx, '$eq')}(`,
      isNegative ? '))' : ')',
    )
  }
}

/** Is an expression NULL as it is written? */
function isNull(expression: ts.Expression): boolean {
  const node = bare(expression)
  return (
    node.kind === K.NullKeyword ||
    (ts.isIdentifier(node) && (node.text === 'NULL' || node.text === 'undefined'))
  )
}

/** C's NULL is 0 where an integer is: a handle, for instance. */
export function zeroForNull(cx: Context, node: ts.Expression, place: Shape): boolean {
  if (!isNull(node) || (!isNumeric(place) && !isBigint(place))) return false
  around(cx, node, '(', isBigint(place) ? ',0n)' : ',0)')
  return true
}

/** Bring a compiled expression into the range of an integer type. */
export function wrapInto(cx: Context, node: ts.Expression, shape: Shape, target: Shape): void {
  if (zeroForNull(cx, node, target) || target.k !== 'int') return
  const { start, end } = wrapFrame(cx, shape, target.access)
  if (!start) return
  around(cx, node, start, end)
}
