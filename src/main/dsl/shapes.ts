/**
 * The C type of an expression, and what C's rules make of two of them: operands are widened to 32
 * bits, unsigned wins, and the result wraps. A value without a C type (a plain `number`) never wraps.
 */
import type ts from 'typescript'
import type { ScalarAccess } from './types/c-types'

export type Shape =
  /** C integer of this name. */
  | { k: 'int'; access: ScalarAccess; name: string }
  /** A number or bigint whose value is known. */
  | { k: 'literal'; value: number | bigint }
  | { k: 'number' }
  | { k: 'bigint' }
  | { k: 'boolean' }
  | { k: 'string' }
  /** `struct` is the structure's name, empty when it is not known; `element` belongs to POINTER and ARRAY. */
  | { k: 'pointer'; struct: string; element?: ts.Type }
  | { k: 'function' }
  /** A script array. */
  | { k: 'array' }
  | { k: 'object' }
  | { k: 'null' }
  | { k: 'any' }

export const NUMBER: Shape = { k: 'number' }
export const BIGINT: Shape = { k: 'bigint' }
export const BOOLEAN: Shape = { k: 'boolean' }
export const STRING: Shape = { k: 'string' }
export const ANY: Shape = { k: 'any' }
export const ULONG: Shape = { k: 'int', access: 'u32', name: 'ULONG' }
export const LONG: Shape = { k: 'int', access: 'i32', name: 'LONG' }

/** Is the integer one of 64 bits, a bigint? */
export function isWide(access: ScalarAccess): boolean {
  return access === 'u64' || access === 'i64'
}

/** Does a value of this shape hold a number (not a bigint) for sure? */
export function isNumeric(shape: Shape): boolean {
  switch (shape.k) {
    case 'number':
      return true
    case 'int':
      return !isWide(shape.access)
    case 'literal':
      return typeof shape.value === 'number'
    default:
      return false
  }
}

/** Does a value of this shape hold a bigint for sure? */
export function isBigint(shape: Shape): boolean {
  switch (shape.k) {
    case 'bigint':
      return true
    case 'int':
      return isWide(shape.access)
    case 'literal':
      return typeof shape.value === 'bigint'
    default:
      return false
  }
}

/** Can `===` of the script compare a value of this shape? */
export function isPlain(shape: Shape): boolean {
  return isNumeric(shape) || isBigint(shape) || shape.k === 'boolean' || shape.k === 'string'
}

/** Largest and smallest value of an integer type of up to 32 bits. */
const RANGES: Partial<Record<ScalarAccess, readonly [min: number, max: number]>> = {
  u8: [0, 0xff],
  bool: [0, 0xff],
  i8: [-0x80, 0x7f],
  u16: [0, 0xffff],
  i16: [-0x8000, 0x7fff],
  u32: [0, 0xffff_ffff],
  i32: [-0x8000_0000, 0x7fff_ffff],
}

function rangeOf(shape: Shape): readonly [min: number, max: number] | undefined {
  if (shape.k === 'int') return RANGES[shape.access]
  if (shape.k === 'literal' && typeof shape.value === 'number') return [shape.value, shape.value]
  return shape.k === 'boolean' ? [0, 1] : undefined
}

/** Is every value of this shape also one of the integer type, so that nothing has to wrap? */
export function fits(shape: Shape, access: ScalarAccess): boolean {
  if (access === 'handle') return true
  if (shape.k === 'int' && shape.access === access) return true
  if (isWide(access)) {
    if (shape.k !== 'literal' || typeof shape.value !== 'bigint') return false
    const { value } = shape
    return (access === 'u64' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) === value
  }
  if (shape.k === 'boolean') return false
  const from = rangeOf(shape)
  const to = RANGES[access]
  return from !== undefined && to !== undefined && from[0] >= to[0] && from[1] <= to[1]
}

/** Is the value of this shape never negative and below 2^31, so that bit operations leave it as it is? */
export function isSmallUnsigned(shape: Shape): boolean {
  const range = rangeOf(shape)
  return range !== undefined && range[0] >= 0 && range[1] <= 0x7fff_ffff
}

/** Is the value of this shape never negative? */
export function isUnsigned(shape: Shape): boolean {
  const range = rangeOf(shape)
  return range !== undefined && range[0] >= 0
}

/** What an arithmetic operator does to its result. */
export type Wrap = 'u32' | 'i32' | 'u64' | 'i64' | null

export interface Arithmetic {
  result: Shape
  wrap: Wrap
}

const PLAIN: Arithmetic = { result: NUMBER, wrap: null }

/** The result of `+ - * / %` on two integers, by C's rules. */
export function arithmetic(operator: '+' | '-' | '*' | '/' | '%', a: Shape, b: Shape): Arithmetic {
  if (isBigint(a) || isBigint(b)) return wideArithmetic(a, b)
  if (!isNumeric(a) || !isNumeric(b)) {
    if (operator === '+' && (a.k === 'string' || b.k === 'string'))
      return { result: STRING, wrap: null }
    return {
      result: operator === '+' ? ANY : a.k === 'any' || b.k === 'any' ? ANY : NUMBER,
      wrap: null,
    }
  }
  if (a.k === 'number' || b.k === 'number' || (a.k === 'literal' && b.k === 'literal')) return PLAIN
  if ((a.k === 'int' && a.access === 'handle') || (b.k === 'int' && b.access === 'handle'))
    return PLAIN
  const unsigned = promotes(a) || promotes(b)
  const result = unsigned ? ULONG : LONG
  if (!unsigned && operator !== '*' && isShort(a) && isShort(b)) return { result, wrap: null }
  return { result, wrap: unsigned ? 'u32' : 'i32' }
}

/** Does this operand make the other one unsigned? */
function promotes(shape: Shape): boolean {
  if (shape.k === 'int') return shape.access === 'u32'
  return shape.k === 'literal' && typeof shape.value === 'number' && shape.value > 0x7fff_ffff
}

/** So small that a sum of two cannot overflow 32 bits. */
function isShort(shape: Shape): boolean {
  const range = rangeOf(shape)
  return range !== undefined && range[0] >= -0x1000_0000 && range[1] <= 0x1000_0000
}

function wideArithmetic(a: Shape, b: Shape): Arithmetic {
  const typed = a.k === 'int' ? a : b.k === 'int' ? b : undefined
  if (!typed || a.k === 'bigint' || b.k === 'bigint' || a.k === 'any' || b.k === 'any')
    return { result: isBigint(a) && isBigint(b) ? BIGINT : ANY, wrap: null }
  const unsigned = [a, b].some((each) => each.k === 'int' && each.access === 'u64')
  return {
    result: { ...typed, access: unsigned ? 'u64' : 'i64' },
    wrap: unsigned ? 'u64' : 'i64',
  }
}

/** Shape of `a operator b` for bit operations. */
export function bitsShape(a: Shape, b: Shape): Shape {
  if (isNumeric(a) && isNumeric(b)) return ULONG
  if (isBigint(a) && isBigint(b)) return wideArithmetic(a, b).result
  return ANY
}

/** Shape of `a >> b` and `a >>> b`. */
export function shiftShape(a: Shape, isLogical: boolean): Shape {
  if (isUnsigned(a) || isBigint(a)) return a.k === 'literal' ? ULONG : a
  if (a.k === 'int') return isLogical ? ULONG : LONG
  return a.k === 'any' ? ANY : NUMBER
}
