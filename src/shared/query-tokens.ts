/**
 * What the query lines have in common: words, `"quoted words"`, `-negation` and `field:value`.
 * `query.ts` (toy drivers) and `file-query.ts` (driver files) say which fields there are and what
 * their values mean.
 */

export interface QueryToken<Field extends string> {
  /** `null` for words searched everywhere. */
  field: Field | null
  /** What stands between field and value: `:`, or a comparison where the language has them. */
  operator: QueryOperator
  value: string
  isQuoted: boolean
  negated: boolean
  /** Where the token stands in the text, end exclusive. */
  from: number
  to: number
}

export type QueryOperator = ':' | '>' | '<' | '>=' | '<='

export interface QueryLanguage<Field extends string> {
  /** Every name that may stand before an operator, in the order a message lists them. */
  fields: readonly Field[]
  /** Fields that may be followed by `<`, `>`, `<=`, `>=`. */
  compared: readonly Field[]
}

const SPACE = /[\s\p{Cc}]/u

/**
 * Read the tokens of a text. Never throws.
 * @param problems  gets what was not understood, in words, in the order of the text; the caller may
 *                  add its own while it takes the tokens
 */
export function* readTokens<Field extends string>(
  text: string,
  language: QueryLanguage<Field>,
  problems: string[],
): Generator<QueryToken<Field>> {
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
    const prefix = /^([A-Za-z][A-Za-z0-9]*)(:|[<>]=?)/.exec(text.slice(at, at + 40))
    let field: Field | null = null
    let operator: QueryOperator = ':'
    if (prefix) {
      const found = prefixField(prefix[1]!.toLowerCase(), prefix[2] as QueryOperator, language)
      if (found !== null) {
        field = found
        operator = prefix[2] as QueryOperator
        at += prefix[0].length
      }
    }
    const isQuoted = !atEnd() && text[at] === '"'
    const value = (isQuoted ? readQuoted() : atEnd() ? '' : readBare())
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim()
    if (prefix?.[2] === ':' && field === null)
      problems.push(
        `“${prefix[1]}:” is not a field, so it was searched as text. Fields are ${listed(language.fields)}.`,
      )
    if (value === '') {
      problems.push(
        field
          ? `“${field}${operator}” at column ${from + 1} needs a value.`
          : `The quotes at column ${from + 1} are empty.`,
      )
      continue
    }
    yield { field, operator, value, isQuoted, negated, from, to: at }
  }
}

function prefixField<Field extends string>(
  name: string,
  operator: QueryOperator,
  language: QueryLanguage<Field>,
): Field | null {
  const among = operator === ':' ? language.fields : language.compared
  return among.find((field) => field === name) ?? null
}

/** Write one token so that `readTokens` reads the same one, in any language. */
export function formatToken(token: {
  field: string | null
  operator?: QueryOperator
  value: string
  negated: boolean
  isQuoted?: boolean
}): string {
  const needsQuotes =
    token.isQuoted === true ||
    /[\s"]/.test(token.value) ||
    (token.field === null &&
      (/^[A-Za-z][A-Za-z0-9]*[:<>]/.test(token.value) || token.value.startsWith('-')))
  const value = needsQuotes ? `"${token.value.replaceAll('"', '""')}"` : token.value
  const field = token.field === null ? '' : `${token.field}${token.operator ?? ':'}`
  return `${token.negated ? '-' : ''}${field}${value}`
}

/**
 * Put a field's value into a query, or take it out when it is there. The rest of what was typed
 * stays as it is.
 * @param present  the tokens of this field and value, in the order of the text
 */
export function toggleToken(
  text: string,
  present: readonly { negated: boolean; from: number; to: number }[],
  field: string,
  value: string,
): string {
  const isOn = present.some((token) => !token.negated)
  let rest = text
  for (const token of present.toReversed()) rest = rest.slice(0, token.from) + rest.slice(token.to)
  rest = rest.replace(/ {2,}/g, ' ').trim()
  if (isOn) return rest
  return `${rest} ${formatToken({ field, value, negated: false })}`.trim()
}

export interface WordAtCursor {
  /** Where the word under the cursor begins; it ends at the cursor. */
  from: number
  /** `-` or nothing. */
  sign: string
  /** What was typed so far, without the sign. */
  typed: string
  /** The part before the colon, in lower case; `null` while there is none. */
  field: string | null
  /** The part after the colon, without an opening quote. */
  value: string
}

/** The word that is being typed; inside an open quote it begins at its field. */
export function wordAtCursor<Field extends string>(
  text: string,
  cursor: number,
  language: QueryLanguage<Field>,
): WordAtCursor {
  const wordBefore = (place: number): number => {
    let from = place
    while (from > 0 && !SPACE.test(text[from - 1]!)) from--
    return from
  }
  let from = wordBefore(cursor)
  const problems: string[] = []
  for (const token of readTokens(text.slice(0, cursor), language, problems)) void token
  if (problems.some((it) => it.includes('not closed')))
    from = wordBefore(text.lastIndexOf('"', cursor - 1))
  const word = text.slice(from, cursor)
  const sign = word.startsWith('-') ? '-' : ''
  const typed = word.slice(sign.length)
  const colon = typed.indexOf(':')
  return {
    from,
    sign,
    typed,
    field: colon < 0 ? null : typed.slice(0, colon).toLowerCase(),
    value: typed.slice(colon + 1).replace(/^"/, ''),
  }
}

export interface Completion {
  /** What replaces the text from `from` to the cursor. */
  insert: string
  label: string
  detail: string
}

/** `a, b and c`. */
export const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`
