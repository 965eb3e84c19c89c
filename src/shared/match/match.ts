/**
 * The matcher: what lessons, techniques and detections ask of an event or of a row of a table.
 *
 *     { t: 'ddi.called', 'name|startswith': ['Zw', 'Nt'], 'args.Length|gt': 64 }
 *
 * All keys must hold; a list means any of its values. A field is a path with dots; a list on the way,
 * or at its end, means any of its elements. `0x` text equals the number, whatever its leading zeros,
 * and so does decimal text; a name of the headers (`STATUS_ACCESS_DENIED`, `IRP_MJ_READ`) equals its
 * value. Text compares without case. `null` is a field that is empty or missing.
 */
import { z } from 'zod'
import { fieldAt } from './field'
import { oneOf } from './one-of'
import { canonical, headerValue, magnitude } from './value'

export const MODIFIERS = {
  contains: 'the text is part of the value',
  startswith: 'the value begins with the text',
  endswith: 'the value ends with the text',
  gt: 'greater than',
  gte: 'greater than or equal',
  lt: 'less than',
  lte: 'less than or equal',
  bits: 'all these bits are set',
  fieldref: 'the same as another field',
  exists: 'whether the field is there and not empty: true or false',
  not: 'the opposite of the rest; holds for a missing field too',
  cased: 'upper and lower case are different',
  all: 'all values of the list, not any',
} as const
export type Modifier = keyof typeof MODIFIERS

const OPERATORS = [
  'contains',
  'startswith',
  'endswith',
  'gt',
  'gte',
  'lt',
  'lte',
  'bits',
  'fieldref',
  'exists',
] as const
type Operator = (typeof OPERATORS)[number]

export const MatchValue = z.union([z.string(), z.number(), z.boolean(), z.null()])
export type MatchValue = z.infer<typeof MatchValue>

/** Values of a list, keys of an object: enough for a list of hashes, too few to stall anything. */
const VALUES_MAX = 10_000
const KEYS_MAX = 50

/** A Match as it is written; what is wrong with a key is said at that key. */
export const Match = z
  .record(
    z.string().min(1).max(200),
    z.union([MatchValue, z.array(MatchValue).min(1).max(VALUES_MAX)], {
      error: 'a text, a number, true, false, null, or a list of them',
    }),
    { error: 'fields and the values they must have' },
  )
  .superRefine((match, ctx) => {
    const keys = Object.keys(match)
    if (keys.length === 0)
      ctx.addIssue({ code: 'custom', message: 'name at least one field, or it fits everything' })
    if (keys.length > KEYS_MAX)
      ctx.addIssue({ code: 'custom', message: `at most ${KEYS_MAX} fields` })
    for (const key of keys) {
      const problem = problemOf(key, match[key])
      if (problem) ctx.addIssue({ code: 'custom', path: [key], message: problem })
    }
  })
export type Match = z.infer<typeof Match>

const MatchList = z.array(Match).min(1).max(100)

/** One Match, or a list of which any has to hold. */
export const AnyMatch = oneOf(z.union([Match, MatchList]), (value) =>
  Array.isArray(value) ? MatchList : Match,
)
export type AnyMatch = z.infer<typeof AnyMatch>

/** Does this event or row fit? */
export type Matcher = (subject: unknown) => boolean

/** A `field.path|modifier` taken apart. */
export interface Key {
  path: string[]
  operator: Operator | null
  negated: boolean
  cased: boolean
  all: boolean
}

/** Take a key apart; a sentence about what is wrong with it. */
export function readKey(text: string): Key | string {
  const [field = '', ...modifiers] = text.split('|')
  const path = field.split('.')
  if (path.includes('')) return `'${text}' names no field; write field or field.part`
  const key: Key = { path, operator: null, negated: false, cased: false, all: false }
  for (const modifier of modifiers) {
    if (modifier === 'not') key.negated = true
    else if (modifier === 'cased') key.cased = true
    else if (modifier === 'all') key.all = true
    else {
      const operator = OPERATORS.find((name) => name === modifier)
      if (!operator)
        return `'${modifier}' is no modifier; known are ${Object.keys(MODIFIERS).join(', ')}`
      if (key.operator) return `'${key.operator}' and '${operator}' cannot stand together`
      key.operator = operator
    }
  }
  return key
}

function problemOf(text: string, wanted: unknown): string | null {
  const key = readKey(text)
  if (typeof key === 'string') return key
  const values = Array.isArray(wanted) ? (wanted as unknown[]) : [wanted]
  switch (key.operator) {
    case 'exists':
      return values.length === 1 && typeof values[0] === 'boolean'
        ? null
        : 'exists takes true or false'
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
    case 'bits':
      return values.every((value) => magnitudeOf(value) !== null)
        ? null
        : `${key.operator} takes a number, or text like '0x1000'`
    case 'fieldref':
      return values.every((value) => typeof value === 'string' && value !== '')
        ? null
        : 'fieldref takes the name of a field'
    case 'contains':
    case 'startswith':
    case 'endswith':
      return values.every((value) => value !== null && value !== '')
        ? null
        : `${key.operator} takes text that is not empty`
    case null:
      return null
  }
}

/** Make a Match into a function; keys are read and values prepared once. */
export function compileMatch(match: Match): Matcher {
  const tests = Object.entries(match).map(([text, wanted]) => {
    const key = readKey(text)
    if (typeof key === 'string') throw new Error(key)
    return testOf(key, Array.isArray(wanted) ? wanted : [wanted])
  })
  if (tests.length === 1) return tests[0]!
  return (subject) => {
    for (const test of tests) if (!test(subject)) return false
    return true
  }
}

/** Make a Match, or a list of which any has to hold, into a function. */
export function compileAny(match: AnyMatch): Matcher {
  if (!Array.isArray(match)) return compileMatch(match)
  const matchers = match.map(compileMatch)
  return (subject) => matchers.some((matcher) => matcher(subject))
}

/** Kinds of event that can fit at all; null when any kind can. What looks at many events sorts by it. */
export function eventTypesOf(match: AnyMatch): string[] | null {
  const types: string[] = []
  for (const one of Array.isArray(match) ? match : [match]) {
    const wanted = Object.hasOwn(one, 't') ? one['t'] : undefined
    if (wanted === undefined) return null
    for (const type of Array.isArray(wanted) ? wanted : [wanted]) {
      if (typeof type !== 'string') return null
      types.push(type.toLowerCase())
    }
  }
  return types
}

function testOf(key: Key, wanted: readonly MatchValue[]): Matcher {
  const { path, negated } = key
  if (key.operator === 'fieldref') {
    const others = wanted.map((name) => String(name).split('.'))
    return (subject) => others.some((other) => isSame(subject, path, other)) !== negated
  }
  const one = valueTest(key, wanted)
  const [first] = path
  if (path.length === 1)
    return (subject) => reaches(fieldOf(subject, first!), path, 1, one) !== negated
  return (subject) => reaches(subject, path, 0, one) !== negated
}

function isSame(subject: unknown, path: readonly string[], other: readonly string[]): boolean {
  const wanted = fieldAt(subject, other)
  return (
    wanted !== null &&
    reaches(subject, path, 0, (value) => isScalar(value) && canonical(value) === wanted)
  )
}

function fieldOf(subject: unknown, name: string): unknown {
  return typeof subject === 'object' && subject !== null && Object.hasOwn(subject, name)
    ? (subject as Record<string, unknown>)[name]
    : undefined
}

/** Follow a path; where lists lie on it, any element may lead to a value that passes. */
function reaches(
  subject: unknown,
  path: readonly string[],
  from: number,
  test: (value: unknown) => boolean,
): boolean {
  if (from === path.length)
    return Array.isArray(subject) && subject.length > 0 ? subject.some(test) : test(subject)
  const name = path[from]!
  if (Array.isArray(subject) && !/^\d+$/.test(name))
    return subject.some((element) => reaches(element, path, from, test))
  return reaches(fieldOf(subject, name), path, from + 1, test)
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0)

function valueTest(key: Key, wanted: readonly MatchValue[]): (value: unknown) => boolean {
  if (key.operator === 'exists') return (value) => !isEmpty(value) === wanted[0]
  if (key.operator === null && !key.all) return equality(wanted, key.cased)
  const tests = wanted.map((value) => comparison(key, value))
  return key.all
    ? (value) => tests.every((test) => test(value))
    : (value) => tests.some((test) => test(value))
}

function equality(wanted: readonly MatchValue[], cased: boolean): (value: unknown) => boolean {
  const admitsEmpty = wanted.includes(null)
  const texts = new Set<string>()
  for (const value of wanted) {
    if (value === null) continue
    texts.add(canonical(value, cased))
    // Altitudes and the like are decimal text.
    if (typeof value === 'number') texts.add(String(value))
    const named = typeof value === 'string' ? headerValue(value) : undefined
    if (named !== undefined) texts.add(`0x${named.toString(16)}`)
  }
  return (value) => {
    if (isEmpty(value)) return admitsEmpty
    return isScalar(value) && texts.has(canonical(value, cased))
  }
}

function comparison({ operator, cased }: Key, wanted: MatchValue): (value: unknown) => boolean {
  if (operator === null) return equality([wanted], cased)
  if (operator === 'contains' || operator === 'startswith' || operator === 'endswith') {
    const text = cased ? String(wanted) : String(wanted).toLowerCase()
    return (value) => {
      if (!isScalar(value)) return false
      const found = cased ? String(value) : String(value).toLowerCase()
      if (operator === 'contains') return found.includes(text)
      return operator === 'startswith' ? found.startsWith(text) : found.endsWith(text)
    }
  }
  if (operator === 'bits') {
    const mask = bitsOf(magnitudeOf(wanted)) ?? 0n
    return (value) => {
      const found = bitsOf(magnitude(value))
      return found !== null && (found & mask) === mask
    }
  }
  const bound = magnitudeOf(wanted) ?? Number.NaN
  return (value) => {
    const found = magnitude(value)
    if (found === null) return false
    if (operator === 'gt') return found > bound
    if (operator === 'gte') return found >= bound
    return operator === 'lt' ? found < bound : found <= bound
  }
}

function bitsOf(value: number | bigint | null): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  return value
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function magnitudeOf(value: unknown): number | bigint | null {
  return (typeof value === 'string' ? headerValue(value) : undefined) ?? magnitude(value)
}
