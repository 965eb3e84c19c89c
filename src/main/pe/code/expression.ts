/**
 * What compilers compute from a control code before they compare it: a chain of 32-bit operations
 * with constants (`sub eax, 222000h`, `ror eax, 2`, `and eax, -5`). Run forwards it gives the index
 * of a jump table; run backwards, from the number it is compared with, the codes meant.
 */

export type Operator = 'add' | 'xor' | 'and' | 'ror' | 'shr' | 'shl' | 'neg'

export interface Operation {
  readonly operator: Operator
  readonly operand: number
}

/** Operations in the order in which they are done; empty for the code itself. */
export type Expression = readonly Operation[]

/** A chain this long computes something else than a comparison. */
const LENGTH_MAX = 12
/** Comparisons that stand for more codes than this are about a field, not about codes. */
const SOLUTIONS_MAX = 4

/** The expression with one more operation; undefined when it gets too long. */
export function extend(
  expression: Expression,
  operator: Operator,
  operand: number,
): Expression | undefined {
  const value = operand >>> 0
  const last = expression.at(-1)
  if (operator === 'add' || operator === 'xor') {
    if (value === 0) return expression
    if (last?.operator === operator) {
      const joined =
        operator === 'add' ? (last.operand + value) >>> 0 : (last.operand ^ value) >>> 0
      const head = expression.slice(0, -1)
      return joined === 0 ? head : [...head, { operator, operand: joined }]
    }
  }
  if (operator === 'ror' && value % 32 === 0) return expression
  if (operator === 'and' && value === 0xffff_ffff) return expression
  return expression.length >= LENGTH_MAX ? undefined : [...expression, { operator, operand: value }]
}

/** A text that is equal for equal expressions. */
export function keyOf(expression: Expression): string {
  let key = ''
  for (const { operator, operand } of expression) key += `${operator}${operand},`
  return key
}

const rotate = (value: number, right: number): number =>
  ((value >>> (right & 31)) | (value << ((32 - right) & 31))) >>> 0

/** Bits of a word that are set, as numbers of one bit. */
function bitsOf(word: number): number[] {
  return Array.from({ length: 32 }, (_, bit) => (1 << bit) >>> 0).filter(
    (bit) => (word & bit) !== 0,
  )
}

/**
 * All codes for which the expression gives `result`.
 * @returns unsigned numbers; empty when there are none, null when there are too many to be meant
 */
export function solve(expression: Expression, result: number): number[] | null {
  let values = [result >>> 0]
  for (let index = expression.length - 1; index >= 0; index--) {
    const { operator, operand } = expression[index]
    // What a shift to the left threw away is unknown: it scales an index and is compared with nothing.
    if (operator === 'shl') return null
    if (operator === 'add') values = values.map((value) => (value - operand) >>> 0)
    else if (operator === 'xor') values = values.map((value) => (value ^ operand) >>> 0)
    else if (operator === 'neg') values = values.map((value) => -value >>> 0)
    else if (operator === 'ror') values = values.map((value) => rotate(value, 32 - (operand & 31)))
    else {
      // Bits that `and` and `shr` threw away can be either.
      const lost = operator === 'and' ? bitsOf(~operand >>> 0) : bitsOf(2 ** (operand & 31) - 1)
      if (values.length * 2 ** lost.length > SOLUTIONS_MAX) return null
      values =
        operator === 'and'
          ? values.filter((value) => (value & ~operand) === 0)
          : values.filter((value) => value < 2 ** (32 - operand)).map((value) => value << operand)
      for (const bit of lost) values = values.flatMap((value) => [value, (value | bit) >>> 0])
    }
  }
  return values.map((value) => value >>> 0)
}
