/** Conditions of branches, conditional moves and set instructions, decided where both sides are known. */
import type { Comparison } from './state'
import type { Value } from './value'

const all = ['e', 'ne', 'a', 'ae', 'b', 'be', 'g', 'ge', 'l', 'le', 's', 'ns'] as const
export type Condition = (typeof all)[number]

const opposites: Readonly<Record<Condition, Condition>> = {
  e: 'ne',
  ne: 'e',
  a: 'be',
  ae: 'b',
  b: 'ae',
  be: 'a',
  g: 'le',
  ge: 'l',
  l: 'ge',
  le: 'g',
  s: 'ns',
  ns: 's',
}

/** By mnemonic: `je`, `cmovne`, `seta`. */
const byMnemonic = new Map<string, Condition>(
  ['j', 'cmov', 'set'].flatMap((stem) => all.map((word) => [stem + word, word] as const)),
)

/** The condition in a mnemonic: `je`, `cmovne`, `seta`; null for others, such as parity. */
export function conditionOf(mnemonic: string): Condition | null {
  return byMnemonic.get(mnemonic) ?? null
}

export function opposite(condition: Condition): Condition {
  return opposites[condition]
}

/** Does the condition hold? Undefined where the two sides are not both known for certain. */
export function decide(condition: Condition, comparison: Comparison): boolean | undefined {
  const { left, right, kind, size } = comparison
  if (kind === 'bit' || left === undefined || right === undefined) return undefined
  if (!isCertain(left) || !isCertain(right) || left.kind !== right.kind) return undefined
  const is32 = left.kind === 'constant' && size <= 4
  const signedLeft = is32 ? left.number | 0 : left.number
  const signedRight = is32 ? right.number | 0 : right.number
  const unsignedLeft = is32 ? left.number >>> 0 : left.number
  const unsignedRight = is32 ? right.number >>> 0 : right.number
  switch (condition) {
    case 'e':
      return signedLeft === signedRight
    case 'ne':
      return signedLeft !== signedRight
    case 's':
      return signedLeft - signedRight < 0
    case 'ns':
      return signedLeft - signedRight >= 0
    case 'g':
      return signedLeft > signedRight
    case 'ge':
      return signedLeft >= signedRight
    case 'l':
      return signedLeft < signedRight
    case 'le':
      return signedLeft <= signedRight
    default:
  }
  if (kind === 'result') return undefined
  if (condition === 'a') return unsignedLeft > unsignedRight
  if (condition === 'ae') return unsignedLeft >= unsignedRight
  return condition === 'b' ? unsignedLeft < unsignedRight : unsignedLeft <= unsignedRight
}

function isCertain(value: Value): value is Extract<Value, { readonly number: number }> {
  return 'number' in value && !(value.kind === 'constant' && value.isChangeable)
}
