/** A Match in words, for sentences about why a statement holds or a rule raised an alarm. */
import type { AnyMatch, Match, MatchValue } from './match'

const WORDS: Record<string, string> = {
  '': 'is',
  not: 'is not',
  contains: 'contains',
  startswith: 'begins with',
  endswith: 'ends with',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  bits: 'has the bits',
  fieldref: 'is the same as',
}

/** Values of a long list that are named. */
const NAMED_MAX = 5

/** `t is ddi.called, name begins with Zw or Nt`. */
export function matchWords(match: AnyMatch): string {
  return Array.isArray(match) ? match.map(oneWords).join('; or ') : oneWords(match)
}

function oneWords(match: Match): string {
  return Object.entries(match).map(keyWords).join(', ')
}

function keyWords([key, wanted]: [string, MatchValue | MatchValue[]]): string {
  const [field, ...modifiers] = key.split('|')
  const values = Array.isArray(wanted) ? wanted : [wanted]
  if (modifiers.includes('exists')) {
    const there = (values[0] === true) !== modifiers.includes('not')
    return `${field} is ${there ? 'there' : 'not there'}`
  }
  const named = values
    .slice(0, NAMED_MAX)
    .map((value) => (value === null ? 'empty' : String(value)))
  if (values.length > NAMED_MAX) named.push(`${values.length - NAMED_MAX} more`)
  const operator = modifiers.find((modifier) => modifier !== 'not' && modifier in WORDS)
  const negated = modifiers.includes('not')
  const verb = operator
    ? `${negated ? 'not: ' : ''}${WORDS[operator]}`
    : WORDS[negated ? 'not' : '']
  return `${field} ${verb} ${named.join(modifiers.includes('all') ? ' and ' : ' or ')}`
}
