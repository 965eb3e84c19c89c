/** What is wrong with YAML and with its values, in words for those who write it by hand. */
import type { ErrorCode } from 'yaml'
import type { z } from 'zod'

const QUOTES = 'Texts with a colon, a hash, a star or a backtick in front go into quotes.'

const HINTS: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'Indent by spaces.',
  BAD_INDENT:
    'Fields of one thing begin at the same column, what belongs to them further right; each { and [ is closed.',
  MISSING_CHAR: `Close each quote, { and [. ${QUOTES}`,
}

/** What to do about a mistake that the reader of YAML finds. */
export const yamlHint = (code: ErrorCode): string => HINTS[code] ?? QUOTES

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'fields',
  record: 'fields',
}

/**
 * What is wrong with a value; the message of the schema where that says it well.
 * @param whole  what the issue's path leads into
 */
export function issueWords(issue: z.core.$ZodIssue, whole: unknown): string {
  const isMissing = valueAt(whole, issue.path) === undefined
  if (issue.code === 'invalid_value') {
    const all = issue.values.map(String).join(', ')
    const words = issue.values.length === 1 ? all : `one of ${all}`
    return isMissing ? `it is missing; ${words}` : `it has to be ${words}`
  }
  if (issue.code === 'invalid_type') {
    const kind = KINDS[issue.expected]
    if (isMissing) return kind === undefined ? 'it is missing' : `it is missing; it wants ${kind}`
    if (kind !== undefined) return `it wants ${kind}`
  }
  return isMissing ? 'it is missing' : issue.message
}

function valueAt(whole: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    whole,
  )
}
