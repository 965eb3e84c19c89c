/** Which searches a condition speaks of. */
import type { Condition, Expression } from './condition'

/** The names that a pattern stands for. */
export function namesFor(pattern: string, names: readonly string[]): string[] {
  if (pattern === 'them') return [...names]
  if (!pattern.endsWith('*')) return names.filter((name) => name === pattern)
  const start = pattern.slice(0, -1)
  return names.filter((name) => name.startsWith(start))
}

/** Expressions of a condition, each tried on one event. */
export function expressionsOf(condition: Condition): Expression[] {
  return condition.kind === 'sequence' ? condition.steps : [condition.of]
}

function* parts(expression: Expression): Generator<string> {
  switch (expression.kind) {
    case 'name':
      yield expression.name
      break
    case 'not':
      yield* parts(expression.of)
      break
    case 'and':
    case 'or':
      for (const part of expression.of) yield* parts(part)
      break
    case 'some':
    case 'all':
      yield expression.pattern
  }
}

const patternsIn = (condition: Condition): string[] =>
  expressionsOf(condition).flatMap((expression) => [...parts(expression)])

/** Searches that a condition uses. */
export function namesIn(condition: Condition, names: readonly string[]): Set<string> {
  return new Set(patternsIn(condition).flatMap((pattern) => namesFor(pattern, names)))
}

/** Names and patterns that stand for no search. */
export function unknownNames(condition: Condition, names: readonly string[]): string[] {
  return patternsIn(condition).filter((pattern) => namesFor(pattern, names).length === 0)
}
