/**
 * What facets and links do with the query line as text: put a field's value in, turn it round, take
 * it out. The language itself is `shared/file-query.ts`.
 */
import {
  FILE_FIELD_NAMES,
  fold,
  formatFileTerm,
  parseFileQuery,
  type FileField,
} from '../../../../shared/file-query'

export type TermState = 'off' | 'on' | 'excluded'

interface AskedValue {
  value: string
  isExcluded: boolean
  /** Where the term stands in the text, end exclusive. */
  from: number
  to: number
}

const isField = (name: string): name is FileField =>
  (FILE_FIELD_NAMES as readonly string[]).includes(name)

/** The values of a field that a query names, as they were typed. */
export const askedValues = (text: string, field: string): AskedValue[] =>
  parseFileQuery(text)
    // A comparison asks for no value: `evidence>0` is no filter that could be ticked.
    .terms.filter((term) => term.field === field && term.match.kind !== 'range')
    // The minus sign as it was typed: `known:no` is a term that is negated by its value.
    .map(({ value, from, to }) => ({ value, from, to, isExcluded: text[from] === '-' }))

const valuesLike = (text: string, field: string, value: string): AskedValue[] =>
  askedValues(text, field).filter((asked) => fold(asked.value) === fold(value))

/** `tag:byovd`, `-signer:"Example Co."`. A name that is no field is searched as words. */
export const termText = (field: string, value: string, isExcluded = false): string =>
  formatFileTerm(isField(field) ? field : null, value, isExcluded)

/** Whether a query asks for a field's value, or asks for all without it. */
export function termState(text: string, field: string, value: string): TermState {
  const asked = valuesLike(text, field, value)
  if (asked.some(({ isExcluded }) => isExcluded)) return 'excluded'
  return asked.length > 0 ? 'on' : 'off'
}

/** Bring a field's value into the wanted state; the rest of what was typed stays as it is. */
export function withTerm(text: string, field: string, value: string, state: TermState): string {
  let rest = text
  for (const { from, to } of valuesLike(text, field, value).toReversed())
    rest = rest.slice(0, from) + rest.slice(to)
  rest = rest.replace(/ {2,}/g, ' ').trim()
  if (state === 'off') return rest
  return `${rest} ${termText(field, value, state === 'excluded')}`.trim()
}
