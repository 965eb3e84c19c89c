/** Arithmetic on values: numbers are computed, pointers moved, control codes get an operation more. */
import { extend, type Operator } from './expression'
import { constant, isMovable, moved, type Known, type Value } from './value'

/**
 * A 32-bit result, or a 64-bit one as far as a number holds it. What is computed from changeable
 * memory is as uncertain as that.
 */
function computed(number: number, size: number, ...from: Value[]): Known {
  const value = size <= 4 ? number >>> 0 : number
  if (!Number.isSafeInteger(value)) return undefined
  const isChangeable = from.some((input) => input.kind === 'constant' && input.isChangeable)
  return isChangeable ? { kind: 'constant', number: value, isChangeable } : constant(value)
}

function withOperation(value: Known, operator: Operator, operand: number): Known {
  if (value?.kind !== 'code') return undefined
  const expression = extend(value.expression, operator, operand)
  return expression && { kind: 'code', expression }
}

/** left + right. */
export function sum(left: Known, right: Known, size: number): Known {
  if (left === undefined || right === undefined) return undefined
  if (left.kind === 'constant') return addNumber(right, left, left.number, size)
  if (right.kind === 'constant') return addNumber(left, right, right.number, size)
  // A relative entry of a jump table and the address it counts from.
  if (left.kind === 'lookup' && right.kind === 'address' && left.base === null) {
    return { ...left, base: right.number }
  }
  if (right.kind === 'lookup' && left.kind === 'address' && right.base === null) {
    return { ...right, base: left.number }
  }
  return undefined
}

function addNumber(value: Value, from: Value, number: number, size: number): Known {
  if (value.kind === 'code') return withOperation(value, 'add', number)
  if (value.kind === 'constant') return computed(value.number + number, size, value, from)
  return isMovable(value) ? moved(value, value.number + signed(number, size)) : undefined
}

/** Offsets are small; in a 32-bit register a negative one looks large. */
function signed(number: number, size: number): number {
  return size <= 4 ? number | 0 : number
}

/** left - right. */
export function difference(left: Known, right: Known, size: number): Known {
  if (left === undefined || right === undefined) return undefined
  if (right.kind === 'constant') return addNumber(left, right, -right.number, size)
  if (right.kind === 'code' && left.kind === 'constant') {
    return sum(withOperation(right, 'neg', 0), left, size)
  }
  if (isMovable(left) && isMovable(right) && left.kind === right.kind) {
    return computed(left.number - right.number, size, left, right)
  }
  return undefined
}

const bitwise: Readonly<Record<string, (left: number, right: number) => number>> = {
  and: (left, right) => left & right,
  or: (left, right) => left | right,
  xor: (left, right) => left ^ right,
}

/** `and`, `or`, `xor`. */
export function logical(name: string, left: Known, right: Known, size: number): Known {
  if (left === undefined || right === undefined) return undefined
  if (left.kind === 'bit' && name === 'and') {
    const bits = maskOf(right)
    return bits === null ? undefined : { ...left, mask: left.mask & bits }
  }
  if (right.kind !== 'constant') {
    return left.kind === 'constant' ? logical(name, right, left, size) : undefined
  }
  const mask = right.number
  if (left.kind === 'code') {
    if (name === 'or') return undefined
    return withOperation(left, name === 'and' ? 'and' : 'xor', mask)
  }
  // Aligning the stack pointer: the slots keep their distances.
  if (left.kind === 'stack' && name === 'and' && mask < 0) return left
  if (left.kind !== 'constant') return undefined
  const is32 = size <= 4 || (left.number >= 0 && left.number <= 0x7fff_ffff && mask >= 0)
  if (!is32) return undefined
  return computed((bitwise[name]?.(left.number, mask) ?? 0) >>> 0, 4, left, right)
}

/** A number of 64 bits; null for other values. */
export function maskOf(value: Known): bigint | null {
  if (value?.kind === 'wide') return BigInt.asUintN(64, value.wide)
  return value?.kind === 'constant' ? BigInt.asUintN(64, BigInt(value.number)) : null
}

/** Shifts and rotations by a constant, and 1 shifted by something computed from the code. */
export function shifted(name: string, value: Known, count: Known, size: number): Known {
  if (
    name === 'shl' &&
    value?.kind === 'constant' &&
    value.number === 1 &&
    count?.kind === 'code'
  ) {
    const mask = BigInt.asUintN(size * 8, -1n)
    return { kind: 'bit', expression: count.expression, mask }
  }
  if (value === undefined || count?.kind !== 'constant') return undefined
  const bits = count.number & (size === 8 ? 63 : 31)
  if (value.kind === 'code') {
    if (name === 'shl') return withOperation(value, 'shl', bits)
    if (name === 'shr') return withOperation(value, 'shr', bits)
    if (size !== 4) return undefined
    if (name === 'ror') return withOperation(value, 'ror', bits)
    return name === 'rol' ? withOperation(value, 'ror', 32 - bits) : undefined
  }
  if (value.kind !== 'constant') return undefined
  if (name === 'shl' || name === 'sal') return computed(value.number * 2 ** bits, size, value)
  if (name !== 'shr' || value.number < 0) return undefined
  return computed(Math.floor(value.number / 2 ** bits), size, value)
}

export function negated(value: Known, size: number): Known {
  if (value?.kind === 'constant') return computed(-value.number, size, value)
  return withOperation(value, 'neg', 0)
}

export function inverted(value: Known, size: number): Known {
  if (value?.kind === 'constant') return computed(-value.number - 1, size, value)
  return withOperation(value, 'xor', 0xffff_ffff)
}

/** The low bytes of a value, as a narrower read sees them. */
export function narrowed(value: Known, size: number): Known {
  if (value === undefined || size >= 8) return value
  if (value.kind === 'constant') {
    if (size >= 4) return { ...value, number: value.number >>> 0 }
    return { ...value, number: (value.number & (size === 1 ? 0xff : 0xffff)) >>> 0 }
  }
  if (value.kind === 'bit')
    return size >= 4 ? { ...value, mask: value.mask & 0xffff_ffffn } : undefined
  if (size >= 4) return value
  return withOperation(value, 'and', size === 1 ? 0xff : 0xffff)
}
