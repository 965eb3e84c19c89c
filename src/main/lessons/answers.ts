/** Answers that a student wrote down as YAML, held against the right ones. */
import type { AnswersAsk } from '../../shared/lessons/check'
import { canonical, type MatchValue } from '../../shared/match'
import type { StatementResult } from '../../shared/statements'
import { readYaml } from '../yaml-text/read'

/** Whether all fields that a check asks for are right. Which of them is wrong is said, not what is right. */
export function judgeAnswers(ask: AnswersAsk, text: string): StatementResult {
  const told = (holds: boolean, because: string): StatementResult => ({
    says: ask.says,
    holds,
    because,
    seq: null,
  })
  const [read] = readYaml(text)
  if (!read) return told(false, `${ask.answers} is empty.`)
  if ('mistakes' in read) {
    const [{ line, message }] = read.mistakes as [(typeof read.mistakes)[number]]
    return told(false, `${ask.answers}:${line} ${message}`)
  }
  const given = read.value
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return told(false, `${ask.answers} has no fields: write field: answer.`)
  for (const [field, right] of Object.entries(ask.are)) {
    const answer = at(given, field)
    if (answer === undefined || answer === null || answer === '')
      return told(false, `${field} has no answer yet.`)
    if (!isSame(answer, right)) return told(false, `${field} is not right.`)
  }
  return told(true, `Right: ${Object.keys(ask.are).join(', ')}.`)
}

function at(given: unknown, path: string): unknown {
  let value = given
  for (const name of path.split('.'))
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined
  return value
}

/** One value, or a list in any order of exactly these; numbers as numbers, text without case. */
function isSame(answer: unknown, right: MatchValue | MatchValue[]): boolean {
  if (Array.isArray(answer) !== Array.isArray(right)) return false
  const wanted = new Set([right].flat().map(formOf))
  const given = new Set([answer].flat().map(formOf))
  return given.size === wanted.size && [...given].every((form) => wanted.has(form))
}

const formOf = (value: unknown): string =>
  typeof value === 'string'
    ? canonical(/^\d+$/.test(value.trim()) ? Number(value) : value.trim())
    : typeof value === 'number' || typeof value === 'boolean'
      ? canonical(value)
      : // Fields, dates and the like: no plain value is equal to them.
        `(${typeof value})`
