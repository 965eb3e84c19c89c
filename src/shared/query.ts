/**
 * The query line of the catalogue: text to terms and back.
 *
 *     double completion          both words, anywhere in a sample
 *     "complete once"            these words in this order
 *     tag:memory status:crashing a field and its value; quote values with spaces
 *     -word  -tag:x              without
 *
 * Words match inside longer ones (`Complete` finds `IoCompleteRequest`) and in any case. Terms are
 * joined by AND, several values of `status`, `origin` and `outcome` by OR, since a sample has only
 * one of each. Inside quotes `""` stands for a quote. Any text is a query: what cannot be
 * understood is said in `problems` and left out.
 */
import {
  formatToken,
  listed,
  readTokens,
  toggleToken,
  wordAtCursor,
  type Completion,
  type QueryLanguage,
} from './query-tokens'

export type { Completion }

export const QUERY_FIELDS = ['tag', 'status', 'origin', 'outcome'] as const
export type QueryField = (typeof QUERY_FIELDS)[number]

/** The values a field takes; tags are free. `none` is a sample that was never run. */
export const FIELD_VALUES: Record<Exclude<QueryField, 'tag'>, readonly string[]> = {
  status: ['draft', 'working', 'crashing', 'fixed', 'reference'],
  origin: ['bundled', 'user', 'imported'],
  outcome: [
    'ok',
    'compile-error',
    'load-failed',
    'bugcheck',
    'verifier-stop',
    'leak',
    'hang',
    'limit',
    'none',
  ],
}

export interface QueryTerm {
  /** `null` for words searched everywhere. */
  field: QueryField | null
  value: string
  negated: boolean
  /** Where the term stands in the text, end exclusive. */
  from: number
  to: number
}

export interface ParsedQuery {
  terms: QueryTerm[]
  /** What was not understood, in words, in the order of the text. */
  problems: string[]
}

const LANGUAGE: QueryLanguage<QueryField> = { fields: QUERY_FIELDS, compared: [] }

/** Read a query. Never throws; see the head of this file for the language. */
export function parseQuery(text: string): ParsedQuery {
  const terms: QueryTerm[] = []
  const problems: string[] = []
  for (const { field, value, negated, from, to } of readTokens(text, LANGUAGE, problems)) {
    const isFree = field === null || field === 'tag'
    if (!isFree && !FIELD_VALUES[field].includes(value.toLowerCase())) {
      problems.push(`There is no ${field} “${value}”. It is one of ${listed(FIELD_VALUES[field])}.`)
      continue
    }
    terms.push({ field, value: isFree ? value : value.toLowerCase(), negated, from, to })
  }
  return { terms, problems }
}

/** Write one term so that `parseQuery` reads the same term. */
export const formatTerm = (term: Pick<QueryTerm, 'field' | 'value' | 'negated'>): string =>
  formatToken(term)

/** Write a whole query. */
export const formatQuery = (terms: Pick<QueryTerm, 'field' | 'value' | 'negated'>[]): string =>
  terms.map(formatTerm).join(' ')

const sameValue = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** Whether the query asks for this value of a field: what a facet's check mark shows. */
export const hasTerm = (text: string, field: QueryField, value: string): boolean =>
  parseQuery(text).terms.some(
    (term) => term.field === field && !term.negated && sameValue(term.value, value),
  )

/**
 * Put a field's value into the query, or take it out when it is there. The rest of what was typed
 * stays as it is.
 */
export const toggleTerm = (text: string, field: QueryField, value: string): string =>
  toggleToken(
    text,
    parseQuery(text).terms.filter((term) => term.field === field && sameValue(term.value, value)),
    field,
    value,
  )

/**
 * What could be typed at the cursor: fields while a word is begun, values after a colon.
 * @param tags   the tags in use, with how often
 */
export function completeQuery(
  text: string,
  cursor: number,
  tags: readonly { tag: string; count: number }[],
): { from: number; completions: Completion[] } {
  const { from, sign, typed, ...word } = wordAtCursor(text, cursor, LANGUAGE)
  if (word.field === null) {
    if (typed === '' || typed.startsWith('"')) return { from, completions: [] }
    const fields = QUERY_FIELDS.filter((name) => name.startsWith(typed.toLowerCase()))
    const matching = tags.filter(({ tag }) => tag.toLowerCase().startsWith(typed.toLowerCase()))
    return {
      from,
      completions: [
        ...fields.map((name) => ({
          insert: `${sign}${name}:`,
          label: `${name}:`,
          detail: FIELD_HELP[name],
        })),
        ...matching.slice(0, 5).map((item) => tagCompletion(item, sign)),
      ],
    }
  }
  const field = QUERY_FIELDS.find((name) => name === word.field)
  const begun = word.value.toLowerCase()
  if (field === undefined) return { from, completions: [] }
  if (field === 'tag')
    return {
      from,
      completions: tags
        .filter(({ tag }) => tag.toLowerCase().includes(begun))
        .slice(0, 12)
        .map((item) => tagCompletion(item, sign)),
    }
  return {
    from,
    completions: FIELD_VALUES[field]
      .filter((value) => value.startsWith(begun))
      .map((value) => ({
        insert: `${sign}${field}:${value} `,
        label: `${field}:${value}`,
        detail: '',
      })),
  }
}

const FIELD_HELP: Record<QueryField, string> = {
  tag: 'samples with a tag',
  status: 'draft, working, crashing, fixed, reference',
  origin: 'shipped, your own, imported',
  outcome: 'how the last run ended',
}

const tagCompletion = (
  { tag, count }: { tag: string; count: number },
  sign: string,
): Completion => ({
  insert: `${sign}${formatTerm({ field: 'tag', value: tag, negated: false })} `,
  label: `tag:${tag}`,
  detail: count === 1 ? '1 sample' : `${count} samples`,
})
