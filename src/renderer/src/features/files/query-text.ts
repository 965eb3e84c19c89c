/**
 * Terms of a query line as text, for what the window does with them: facets put terms in and take
 * them out. What the terms mean is main's business (`files.list` says what it did not understand).
 *
 *     word  "two words"  field:value  field:"two words"  field>2022  -field:value
 */

export interface TextTerm {
  /** Lower case; null for words searched everywhere. */
  field: string | null
  /** `:`, `=`, `<`, `>`, `<=`, `>=`; empty for words. */
  operator: string
  value: string
  negated: boolean
  /** Where the term stands in the text, end exclusive. */
  from: number
  to: number
}

export type TermState = 'off' | 'on' | 'excluded'

const TERM = /(-?)(?:([a-z][\w-]*)(:|<=|>=|<|>|=))?("(?:[^"]|"")*"?|[^\s"]\S*)/giu

/** Cut a query into its terms. Any text is a query. */
export function termsOf(text: string): TextTerm[] {
  return [...text.matchAll(TERM)].map((match) => {
    const [whole, minus = '', field, operator = '', raw = ''] = match
    const value = raw.startsWith('"') ? raw.slice(1).replace(/"$/, '').replaceAll('""', '"') : raw
    return {
      field: field?.toLowerCase() ?? null,
      operator,
      value,
      negated: minus === '-',
      from: match.index,
      to: match.index + whole.length,
    }
  })
}

/** `tag:byovd`, `-signer:"Example Co."`. */
export function termText(field: string, value: string, negated = false): string {
  const isPlain = /^[^\s"]+$/.test(value)
  const text = isPlain ? value : `"${value.replaceAll('"', '""')}"`
  return `${negated ? '-' : ''}${field}:${text}`
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

const termsFor = (text: string, field: string, value: string): TextTerm[] =>
  termsOf(text).filter(
    (term) => term.field === field && term.operator === ':' && same(term.value, value),
  )

/** Whether a query asks for a field's value, or asks for all without it. */
export function termState(text: string, field: string, value: string): TermState {
  const terms = termsFor(text, field, value)
  if (terms.some((term) => term.negated)) return 'excluded'
  return terms.length > 0 ? 'on' : 'off'
}

/** Bring a field's value into the wanted state; the rest of what was typed stays as it is. */
export function withTerm(text: string, field: string, value: string, state: TermState): string {
  let rest = text
  for (const term of termsFor(text, field, value).toReversed())
    rest = rest.slice(0, term.from) + rest.slice(term.to)
  rest = rest.replace(/ {2,}/g, ' ').trim()
  if (state === 'off') return rest
  return `${rest} ${termText(field, value, state === 'excluded')}`.trim()
}
