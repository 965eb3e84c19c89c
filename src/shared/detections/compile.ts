/** A rule made into functions: what fits, which kinds of event it wants to see, what an alarm shows. */
import {
  compileAny,
  compileMatch,
  eventTypesOf,
  matchWords,
  readKey,
  type AnyMatch,
  type Matcher,
} from '../match'
import { parseCondition, readDuration, type Condition, type Expression } from './condition'
import { expressionsOf, namesFor } from './names'
import { searchesOf, type Rule } from './rule'

export interface CompiledRule {
  rule: Rule
  condition: Condition
  /** One for each step of a sequence, else one. */
  steps: Matcher[]
  /** In words, which searches make an event or row fit the last step. */
  because(subject: unknown): string
  /** Kinds of event that can fit a step; null for all. */
  types: string[] | null
  /** Simulated time of the condition in units of 100 ns; null for any. */
  within: number | null
  /** Paths of the fields that an alarm shows. */
  fields: string[]
}

/** Fields that an alarm shows of a rule that does not say it. */
const FIELDS_MAX = 6

/** Compile a rule that the schema accepted. */
export function compileRule(rule: Rule): CompiledRule {
  const searches = searchesOf(rule.detection)
  const condition = parseCondition(rule.detection.condition)
  const compiled = new Map([...searches].map(([name, match]) => [name, compileAny(match)]))
  const expressions = expressionsOf(condition)
  const types = expressions.map((expression) => typesOf(expression, searches))
  const { timeframe } = rule.detection
  const within = condition.kind === 'sequence' ? condition.within : null
  return {
    rule,
    condition,
    steps: expressions.map((expression) => matcherOf(expression, compiled)),
    because: (subject) => wordsOf(expressions.at(-1)!, searches, subject, true).join('; '),
    types: types.includes(null) ? null : types.flatMap((each) => each ?? []),
    within: within ?? (timeframe === undefined ? null : readDuration(timeframe)),
    fields: rule.fields ?? fieldsOf([...searches.values()]),
  }
}

function matcherOf(expression: Expression, searches: ReadonlyMap<string, Matcher>): Matcher {
  switch (expression.kind) {
    case 'name':
      return searches.get(expression.name)!
    case 'not': {
      const inner = matcherOf(expression.of, searches)
      return (subject) => !inner(subject)
    }
    case 'and':
      return every(expression.of.map((part) => matcherOf(part, searches)))
    case 'or':
      return some(expression.of.map((part) => matcherOf(part, searches)))
    case 'some':
      return some(named(expression.pattern, searches))
    case 'all':
      return every(named(expression.pattern, searches))
  }
}

/** What the searches say that make an expression `wanted`. Alarms are few: matches are compiled anew. */
function wordsOf(
  expression: Expression,
  searches: ReadonlyMap<string, AnyMatch>,
  subject: unknown,
  wanted: boolean,
): string[] {
  const ofSearch = (name: string): string[] => {
    const matches = [searches.get(name)!].flat()
    const fitting = matches.find((match) => compileMatch(match)(subject))
    if ((fitting !== undefined) !== wanted) return []
    return [fitting ? matchWords(fitting) : `not: ${matchWords(matches)}`]
  }
  switch (expression.kind) {
    case 'name':
      return ofSearch(expression.name)
    case 'not':
      return wordsOf(expression.of, searches, subject, !wanted)
    case 'and':
    case 'or':
      return expression.of.flatMap((part) => wordsOf(part, searches, subject, wanted))
    case 'some':
    case 'all':
      return namesFor(expression.pattern, [...searches.keys()]).flatMap(ofSearch)
  }
}

const named = (pattern: string, searches: ReadonlyMap<string, Matcher>): Matcher[] =>
  namesFor(pattern, [...searches.keys()]).map((name) => searches.get(name)!)

const every =
  (parts: readonly Matcher[]): Matcher =>
  (subject) =>
    parts.every((part) => part(subject))

const some =
  (parts: readonly Matcher[]): Matcher =>
  (subject) =>
    parts.some((part) => part(subject))

/** Kinds of event that can fit an expression; null for any. */
function typesOf(expression: Expression, searches: ReadonlyMap<string, AnyMatch>): string[] | null {
  const all = [...searches.keys()]
  const of = (name: string): string[] | null => eventTypesOf(searches.get(name)!)
  switch (expression.kind) {
    case 'name':
      return of(expression.name)
    case 'not':
      return null
    case 'and':
      return narrowest(expression.of.map((part) => typesOf(part, searches)))
    case 'or':
      return union(expression.of.map((part) => typesOf(part, searches)))
    case 'some':
      return union(namesFor(expression.pattern, all).map(of))
    case 'all':
      return narrowest(namesFor(expression.pattern, all).map(of))
  }
}

function union(parts: readonly (string[] | null)[]): string[] | null {
  return parts.includes(null) ? null : parts.flatMap((types) => types ?? [])
}

/** All have to fit, so the kinds of any one of them are enough. */
function narrowest(parts: readonly (string[] | null)[]): string[] | null {
  let found: string[] | null = null
  for (const types of parts)
    if (types && (found === null || types.length < found.length)) found = types
  return found
}

function fieldsOf(searches: readonly AnyMatch[]): string[] {
  const fields = new Set<string>()
  for (const match of searches.flat())
    for (const text of Object.keys(match)) {
      const key = readKey(text)
      if (typeof key !== 'string' && !key.negated && key.path.join('.') !== 't')
        fields.add(key.path.join('.'))
    }
  return [...fields].slice(0, FIELDS_MAX)
}
