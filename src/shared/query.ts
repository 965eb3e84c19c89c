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

const SPACE = /[\s\p{Cc}]/u
const isField = (name: string): name is QueryField =>
  (QUERY_FIELDS as readonly string[]).includes(name)

/** Read a query. Never throws; see the head of this file for the language. */
export function parseQuery(text: string): ParsedQuery {
  const terms: QueryTerm[] = []
  const problems: string[] = []
  let at = 0

  const atEnd = (): boolean => at >= text.length
  const isSpaceHere = (): boolean => SPACE.test(text[at]!)

  const readQuoted = (): string => {
    const from = at++
    let value = ''
    for (;;) {
      if (atEnd()) {
        problems.push(`The quote at column ${from + 1} is not closed.`)
        return value
      }
      if (text[at] === '"') {
        if (text[at + 1] !== '"') break
        at++
      }
      value += text[at++]
    }
    at++
    return value
  }
  const readBare = (): string => {
    const from = at
    while (!atEnd() && !isSpaceHere()) at++
    return text.slice(from, at)
  }

  while (!atEnd()) {
    if (isSpaceHere()) {
      at++
      continue
    }
    const from = at
    const negated = text[at] === '-'
    if (negated) {
      at++
      if (atEnd() || isSpaceHere()) {
        problems.push(`The minus sign at column ${from + 1} needs a word right after it.`)
        continue
      }
    }
    const prefix = /^([A-Za-z]+):/.exec(text.slice(at, at + 40))
    const name = prefix?.[1]?.toLowerCase() ?? ''
    let field: QueryField | null = null
    if (prefix && isField(name)) {
      field = name
      at += prefix[0].length
    }
    const value = (!atEnd() && text[at] === '"' ? readQuoted() : atEnd() ? '' : readBare())
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim()
    if (prefix && !field)
      problems.push(
        `“${prefix[1]}:” is not a field, so it was searched as text. Fields are ${listed(QUERY_FIELDS)}.`,
      )
    if (value === '') {
      problems.push(
        field
          ? `“${field}:” at column ${from + 1} needs a value.`
          : `The quotes at column ${from + 1} are empty.`,
      )
      continue
    }
    if (field && field !== 'tag' && !FIELD_VALUES[field].includes(value.toLowerCase())) {
      problems.push(`There is no ${field} “${value}”. It is one of ${listed(FIELD_VALUES[field])}.`)
      continue
    }
    terms.push({
      field,
      value: field && field !== 'tag' ? value.toLowerCase() : value,
      negated,
      from,
      to: at,
    })
  }
  return { terms, problems }
}

/** Write one term so that `parseQuery` reads the same term. */
export function formatTerm(term: Pick<QueryTerm, 'field' | 'value' | 'negated'>): string {
  const needsQuotes =
    /[\s"]/.test(term.value) ||
    (term.field === null && (/^[A-Za-z]+:/.test(term.value) || term.value.startsWith('-')))
  const value = needsQuotes ? `"${term.value.replaceAll('"', '""')}"` : term.value
  return `${term.negated ? '-' : ''}${term.field ? `${term.field}:` : ''}${value}`
}

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
export function toggleTerm(text: string, field: QueryField, value: string): string {
  const present = parseQuery(text).terms.filter(
    (term) => term.field === field && sameValue(term.value, value),
  )
  const isOn = present.some((term) => !term.negated)
  let rest = text
  for (const term of present.toReversed()) rest = rest.slice(0, term.from) + rest.slice(term.to)
  rest = rest.replace(/ {2,}/g, ' ').trim()
  if (isOn) return rest
  return `${rest} ${formatTerm({ field, value, negated: false })}`.trim()
}

export interface Completion {
  /** What replaces the text from `from` to the cursor. */
  insert: string
  label: string
  detail: string
}

/**
 * What could be typed at the cursor: fields while a word is begun, values after a colon.
 * @param tags   the tags in use, with how often
 */
export function completeQuery(
  text: string,
  cursor: number,
  tags: readonly { tag: string; count: number }[],
): { from: number; completions: Completion[] } {
  let from = cursor
  while (from > 0 && !SPACE.test(text[from - 1]!)) from--
  // Inside an open quote the word begins at its field.
  const quoteOpen = parseQuery(text.slice(0, cursor)).problems.some((it) =>
    it.includes('not closed'),
  )
  if (quoteOpen) {
    const quote = text.lastIndexOf('"', cursor - 1)
    from = quote
    while (from > 0 && !SPACE.test(text[from - 1]!)) from--
  }
  const word = text.slice(from, cursor)
  const sign = word.startsWith('-') ? '-' : ''
  const typed = word.slice(sign.length)
  const colon = typed.indexOf(':')
  if (colon < 0) {
    if (typed === '' || typed.startsWith('"')) return { from, completions: [] }
    const fields = QUERY_FIELDS.filter((field) => field.startsWith(typed.toLowerCase()))
    const matching = tags.filter(({ tag }) => tag.toLowerCase().startsWith(typed.toLowerCase()))
    return {
      from,
      completions: [
        ...fields.map((field) => ({
          insert: `${sign}${field}:`,
          label: `${field}:`,
          detail: FIELD_HELP[field],
        })),
        ...matching.slice(0, 5).map((item) => tagCompletion(item, sign)),
      ],
    }
  }
  const field = typed.slice(0, colon).toLowerCase()
  const begun = typed
    .slice(colon + 1)
    .replace(/^"/, '')
    .toLowerCase()
  if (!isField(field)) return { from, completions: [] }
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

const listed = (words: readonly string[]): string =>
  `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`
