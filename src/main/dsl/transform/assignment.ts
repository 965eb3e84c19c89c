/** Assignments: wrapping to the type of the place, elements of memory, compound forms. */
import ts from 'typescript'
import { bare } from '../references'
import { isBigint, isNumeric, type Shape } from '../shapes'
import { elementKind, guardIndex, guardNull, memberOf, type ElementKind } from './access'
import {
  operandFrames,
  operation,
  operationShape,
  operatorOf,
  wrapFrame,
  wrapInto,
  zeroForNull,
} from './arithmetic'
import { isShared, point, pointAfterValue } from './points'
import { after, around, before, replace, runtime, temporary, type Context } from './context'

const K = ts.SyntaxKind

/** Compiles an expression; the parts of the transformation call each other through it. */
export type Visit = (cx: Context, node: ts.Node) => void

/** Is the value of an expression used by what stands around it? */
export function isUsed(node: ts.Expression): boolean {
  const { parent } = node
  if (ts.isExpressionStatement(parent) || ts.isVoidExpression(parent)) return false
  if (ts.isForStatement(parent)) return parent.condition === node
  if (ts.isParenthesizedExpression(parent)) return isUsed(parent)
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === K.CommaToken)
    return parent.right === node && isUsed(parent)
  return true
}

/** Is a member of something in simulated memory, whose setter wraps? */
function isViewMember(cx: Context, node: ts.PropertyAccessExpression): boolean {
  const { object } = memberOf(cx, node)
  return cx.typing.of(object).k === 'pointer' || isInsideView(cx, object)
}

/** An anonymous structure inside of a structure, `Irp.Tail.Overlay` as a value of its own. */
function isInsideView(cx: Context, node: ts.Expression): boolean {
  const inner = bare(node)
  if (!ts.isPropertyAccessExpression(inner) || cx.typing.of(inner).k !== 'object') return false
  return cx.typing.of(inner.expression).k === 'pointer' || isInsideView(cx, inner.expression)
}

/** Texts that read and write an element whose object and index are in variables. */
function elementTexts(cx: Context, kind: ElementKind, object: string, index: string) {
  switch (kind) {
    case 'script':
      return { read: `${object}[${index}]`, write: `${object}[${index}]=`, end: '' }
    case 'view':
      return { read: `${object}.$g(${index})`, write: `${object}.$s(${index},`, end: ')' }
    case 'unknown':
      return {
        read: `${runtime(cx, '$get')}(${object},${index})`,
        write: `${runtime(cx, '$set')}(${object},${index},`,
        end: ')',
      }
  }
}

/** Put the object and index of an element into variables: `($1=object,$2=index` ... `)`. */
function spillElement(
  cx: Context,
  visit: Visit,
  node: ts.ElementAccessExpression,
  kind: ElementKind,
): { read: string; write: string; end: string } {
  const object = temporary(cx)
  const index = temporary(cx)
  visit(cx, node.expression)
  visit(cx, node.argumentExpression)
  if (kind === 'view') guardNull(cx, node.expression)
  if (kind === 'script') guardIndex(cx, node.argumentExpression)
  const open = node.argumentExpression.pos - 1
  before(cx, node, `(${object}=`)
  replace(cx, open, open + 1, `,${index}=`)
  return elementTexts(cx, kind, object, index)
}

export function lowerAssignment(cx: Context, node: ts.BinaryExpression, visit: Visit): void {
  const target = node.left
  if (node.operatorToken.kind === K.EqualsToken) lowerPlain(cx, node, target, visit)
  else lowerCompound(cx, node, target, visit)
}

function lowerPlain(
  cx: Context,
  node: ts.BinaryExpression,
  target: ts.Expression,
  visit: Visit,
): void {
  const token = node.operatorToken
  const place = cx.typing.of(target)
  const value = cx.typing.of(node.right)
  if (ts.isElementAccessExpression(target)) {
    const kind = elementKind(cx, target.expression)
    visit(cx, target.expression)
    visit(cx, target.argumentExpression)
    visit(cx, node.right)
    if (kind === 'script') {
      guardIndex(cx, target.argumentExpression)
      wrapInto(cx, node.right, value, place)
      return
    }
    const open = target.argumentExpression.pos - 1
    if (!zeroForNull(cx, node.right, place) && isUsed(node)) wrapInto(cx, node.right, value, place)
    pointBeforeWrite(cx, node.right)
    replace(cx, target.end - 1, target.end, '')
    replace(cx, token.getStart(cx.file), token.end, ',')
    if (kind === 'view') {
      guardNull(cx, target.expression)
      replace(cx, open, open + 1, '.$s(')
    } else {
      replace(cx, open, open + 1, ',')
      before(cx, node, `${runtime(cx, '$set')}(`)
    }
    after(cx, node, ')')
    return
  }
  visit(cx, target)
  visit(cx, node.right)
  if (ts.isIdentifier(target)) {
    wrapInto(cx, node.right, value, place)
    if (isShared(cx, target)) pointBeforeWrite(cx, node.right)
  } else if (ts.isPropertyAccessExpression(target)) {
    // Setters of memory wrap by themselves; the value of the assignment has to be the wrapped one, too.
    if (!zeroForNull(cx, node.right, place) && (isUsed(node) || !isViewMember(cx, target)))
      wrapInto(cx, node.right, value, place)
    pointBeforeWrite(cx, node.right)
  }
}

/** The value is there, the write is still to come. */
function pointBeforeWrite(cx: Context, right: ts.Expression): void {
  if (cx.points) pointAfterValue(cx, right, temporary(cx))
}

/** The old value was read, the right side is to come: `old + (point, right)`. */
function pointBeforeRight(cx: Context, right: ts.Expression): void {
  const text = point(cx, right)
  if (text) around(cx, right, `(${text}`, ')')
}

/** Whether the place of an assignment is one that other processors reach. */
function isSharedPlace(cx: Context, target: ts.Expression): boolean {
  return cx.points && (!ts.isIdentifier(target) || isShared(cx, target))
}

/** Texts of `old operator (right)` around the right side, in the range of the place. */
function computation(
  cx: Context,
  operator: ts.SyntaxKind,
  place: Shape,
  right: Shape,
  old: string,
): { start: string; end: string; isNative: boolean } {
  const written = operation(cx, operator, place, right)
  const wrap =
    place.k === 'int'
      ? wrapFrame(cx, operationShape(operator, place, right), place.access)
      : { start: '', end: '' }
  if (!written) return { start: `${old}+(`, end: ')', isNative: true }
  const operands = operandFrames(cx, operator, place, right)
  const left = `${operands.left.start}${old}${operands.left.end}`
  return {
    start: `${wrap.start}${written.start}${left}${written.operator}(${operands.right.start}`,
    end: `${operands.right.end})${written.end}${wrap.end}`,
    isNative: !written.start && !wrap.start && written.operator === ts.tokenToString(operator),
  }
}

/** May the script's own compound assignment be left to a setter of memory? */
function setterDoes(operator: ts.SyntaxKind, place: Shape, right: Shape): boolean {
  const same = (isNumeric(place) && isNumeric(right)) || (isBigint(place) && isBigint(right))
  if (!same) return false
  switch (operator) {
    case K.PlusToken:
    case K.MinusToken:
    case K.AmpersandToken:
    case K.BarToken:
    case K.CaretToken:
      return true
    case K.LessThanLessThanToken:
      return isNumeric(place)
    default:
      return false
  }
}

function lowerCompound(
  cx: Context,
  node: ts.BinaryExpression,
  target: ts.Expression,
  visit: Visit,
): void {
  const token = node.operatorToken
  const operator = operatorOf(token.kind)
  if (operator === undefined) return
  const place = cx.typing.of(target)
  const right = cx.typing.of(node.right)
  const put = (text: string): void => replace(cx, token.getStart(cx.file), token.end, text)
  const isOpen = isSharedPlace(cx, target)
  if (ts.isElementAccessExpression(target)) {
    const kind = elementKind(cx, target.expression)
    const { read, write, end } = spillElement(cx, visit, target, kind)
    visit(cx, node.right)
    if (isOpen) pointBeforeRight(cx, node.right)
    const sum = computation(cx, operator, place, right, read)
    replace(cx, target.end - 1, target.end, '')
    put(`,${write}${sum.start}`)
    after(cx, node, `${sum.end}${end})`)
    return
  }
  visit(cx, target)
  visit(cx, node.right)
  if (isOpen) pointBeforeRight(cx, node.right)
  if (ts.isPropertyAccessExpression(target)) {
    if (!isUsed(node) && isViewMember(cx, target) && setterDoes(operator, place, right)) return
    const { object, name } = memberOf(cx, target)
    const variable = temporary(cx)
    const sum = computation(cx, operator, place, right, `${variable}.${name}`)
    around(cx, object, `(${variable}=`, ')')
    put(`=${sum.start}`)
    after(cx, node, sum.end)
    return
  }
  const sum = computation(cx, operator, place, right, target.getText(cx.file))
  if (sum.isNative) return
  put(`=${sum.start}`)
  after(cx, node, sum.end)
}

/** `++` and `--`. */
export function lowerStep(
  cx: Context,
  node: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression,
  visit: Visit,
): void {
  const isPrefix = ts.isPrefixUnaryExpression(node)
  const isPlus = node.operator === K.PlusPlusToken
  const target = node.operand
  const place = cx.typing.of(target)
  const tokenStart = isPrefix ? node.getStart(cx.file) : node.end - 2
  const put = (text: string): void => replace(cx, tokenStart, tokenStart + 2, text)
  const operator = isPlus ? K.PlusToken : K.MinusToken
  const one: Shape = { k: 'literal', value: isBigint(place) ? 1n : 1 }
  const between = isSharedPlace(cx, target) ? point(cx, node) : ''
  const unit = isBigint(place) ? '1n' : '1'
  const step = (old: string): string => {
    const sum = computation(cx, operator, place, one, old)
    return `${sum.start}${between}${unit}${sum.end}`
  }
  const used = isUsed(node)
  const wraps = place.k === 'int' && place.access !== 'handle'

  if (ts.isElementAccessExpression(target)) {
    const kind = elementKind(cx, target.expression)
    if (kind === 'script' && !wraps && !between) {
      visit(cx, target)
      return
    }
    const { read, write, end } = spillElement(cx, visit, target, kind)
    const old = temporary(cx)
    const close = target.end - 1
    const sign = isPlus ? '++' : '--'
    // `++` on a variable works for numbers and bigints alike.
    let text: string
    if (used && !isPrefix) {
      const fresh = temporary(cx)
      text = `,${fresh}=${old}=${read},${between}${sign}${fresh},${write}${wrapped(cx, place, fresh)}${end},${old})`
    } else
      text = `,${old}=${read},${between}${sign}${old},${write}${wrapped(cx, place, old)}${end})`
    replace(cx, close, close + 1, text)
    put('')
    return
  }
  visit(cx, target)
  if (between && !used && (!ts.isIdentifier(target) || !wraps)) {
    // `p.x++` to `p.x+=(point,1)`: read, point, write.
    put('')
    return after(cx, node, `${isPlus ? '+' : '-'}=(${between}${unit})`)
  }
  if (ts.isPropertyAccessExpression(target)) {
    const isView = !between && isViewMember(cx, target)
    if (!between && (!wraps || (isView && !used) || (isView && !isPrefix))) return
    if (isView && place.k === 'int') {
      const frame = wrapFrame(cx, isBigint(place) ? { k: 'bigint' } : { k: 'number' }, place.access)
      around(cx, node, frame.start, frame.end)
      return
    }
    const { object, name } = memberOf(cx, target)
    const owner = temporary(cx)
    put('')
    if (used && !isPrefix) {
      const old = temporary(cx)
      around(cx, object, `(${owner}=`, ')')
      around(cx, node, `(${old}=`, `,${owner}.${name}=${step(old)},${old})`)
    } else {
      around(cx, object, `(${owner}=`, ')')
      around(cx, node, '(', `=${step(`${owner}.${name}`)})`)
    }
    return
  }
  if (!wraps && !between) return
  const name = target.getText(cx.file)
  put('')
  if (used && !isPrefix) {
    const old = temporary(cx)
    around(cx, node, `(${old}=`, `,${name}=${step(old)},${old})`)
  } else if (used) around(cx, node, '(', `=${step(name)})`)
  else after(cx, node, `=${step(name)}`)
}

/** A variable's text, in the range of the place. */
function wrapped(cx: Context, place: Shape, text: string): string {
  if (place.k !== 'int') return text
  const frame = wrapFrame(cx, isBigint(place) ? { k: 'bigint' } : { k: 'number' }, place.access)
  return `${frame.start}${text}${frame.end}`
}
