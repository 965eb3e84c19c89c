/**
 * The query line of the driver files: text to terms and back.
 *
 *     import:MmMapIoSpace -signed tag:byovd type:wfp compiled>2022 ioctl:0x80102040 "free text"
 *
 * Words are looked for in names, versions, signers, paths, devices, tags, notes, imports and
 * exports, inside longer ones too. `field:value` asks one field (`file-query-fields.ts`); `*` stands
 * for any characters. A bare hash finds the file whatever hash of it that is. Terms are joined by
 * AND, several values of a field that a file has only once by OR. `signed` and `unsigned` alone
 * mean `is:signed`; in quotes they are words. Any text is a query: what cannot be understood is said
 * in `problems` and left out.
 */
import { FILE_FIELDS, FILE_FIELD_NAMES, HAS_VALUES, type FileField } from './file-query-fields'
import { dateRange, ioctlCodes, numberRange, type NumberRange } from './file-query-values'
import {
  formatToken,
  listed,
  readTokens,
  wordAtCursor,
  type QueryLanguage,
  type QueryToken,
  type WordAtCursor,
} from './query-tokens'

export { FILE_FIELDS, FILE_FIELD_NAMES, type FileField } from './file-query-fields'

/** What a file must have. Texts are in lower case. */
export type FileMatch =
  | { kind: 'text'; text: string }
  /** One of these values, exactly. */
  | { kind: 'values'; field: FileField; values: string[] }
  /** A value with these texts in this order; open ends match anything. */
  | { kind: 'pattern'; field: FileField; pattern: string }
  | { kind: 'hash'; field: FileField | null; hash: string }
  /** `from` <= number < `to`: seconds since 1970, bytes, bits per byte, or a count. */
  | ({ kind: 'range'; field: FileField } & NumberRange)

export interface FileTerm {
  field: FileField | null
  /** As it was typed. */
  value: string
  match: FileMatch
  negated: boolean
  /** Where the term stands in the text, end exclusive. */
  from: number
  to: number
}

export interface ParsedFileQuery {
  terms: FileTerm[]
  /** What was not understood, in words, in the order of the text. */
  problems: string[]
}

const COMPARED = FILE_FIELD_NAMES.filter(
  (name) =>
    FILE_FIELDS[name].takes === 'date' ||
    FILE_FIELDS[name].takes === 'number' ||
    FILE_FIELDS[name].counted === true,
)
const LANGUAGE: QueryLanguage<FileField> = { fields: FILE_FIELD_NAMES, compared: COMPARED }

const HASH = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/
/** A hash with spaces or colons in it, maybe with its kind before it, and nothing else. */
const SPACED_HASH =
  /^\s*(?:(?:md5|sha-?1|sha-?256|imphash|authentihash)(?:\s*[:=]\s*|\s+))?([0-9a-f][0-9a-f\s:-]*)$/i

/** Read a query. Never throws; see the head of this file for the language. */
export function parseFileQuery(text: string): ParsedFileQuery {
  const hash = spacedHash(text)
  if (hash !== null)
    return {
      terms: [
        {
          field: null,
          value: hash,
          match: { kind: 'hash', field: null, hash },
          negated: false,
          from: 0,
          to: text.length,
        },
      ],
      problems: [],
    }
  const terms: FileTerm[] = []
  const problems: string[] = []
  for (const token of readTokens(text, LANGUAGE, problems)) {
    const term = toTerm(token)
    if (typeof term === 'string') problems.push(term)
    else terms.push(term)
  }
  return { terms, problems }
}

function spacedHash(text: string): string | null {
  // A field or a hash as they should be, and several hashes, are terms like others.
  if (/^\s*(?:[a-z0-9]+:)?[0-9a-f]+\s*$/i.test(text)) return null
  const found = SPACED_HASH.exec(text)?.[1]?.trim().toLowerCase()
  if (found === undefined) return null
  const [first = '', ...rest] = found.split(/\s+/)
  if (HASH.test(first)) return rest.length === 0 ? first : null
  const hash = found.replace(/[\s:-]+/g, '')
  return HASH.test(hash) ? hash : null
}

/** Not signed is unsigned: a file that nobody has read is neither. */
function sign(value: 'signed' | 'unsigned', negated: boolean): string {
  return (value === 'signed') === negated ? 'unsigned' : 'signed'
}

/** The term, or what is wrong with it in words. */
function toTerm(token: QueryToken<FileField>): FileTerm | string {
  const { field, negated, from, to } = token
  const value = fold(token.value)
  const term = (match: FileMatch, flip = false): FileTerm => ({
    field: field ?? (match.kind === 'values' ? match.field : null),
    value: token.value,
    match,
    negated: negated !== flip,
    from,
    to,
  })
  if (field === null) {
    if (HASH.test(value)) return term({ kind: 'hash', field: null, hash: value })
    if (!token.isQuoted && (value === 'signed' || value === 'unsigned'))
      return {
        ...term({ kind: 'values', field: 'is', values: [sign(value, negated)] }),
        negated: false,
      }
    const words = searchText(value)
    return words === ''
      ? `“${token.value}” has no letter and no digit, so it was left out.`
      : term({ kind: 'text', text: words })
  }
  const rule = FILE_FIELDS[field]
  if (token.operator !== ':' || rule.takes === 'date' || rule.takes === 'number')
    return compared(token, value, term)
  if (rule.counted === true && /^\d+$/.test(value)) return compared(token, value, term)
  const isYesOrNo = field === 'known' || field === 'blocked'
  if (rule.optional === true && (value === '*' || (isYesOrNo && value === 'yes')))
    return term({ kind: 'values', field: 'has', values: [field] })
  if (rule.optional === true && (value === 'none' || (isYesOrNo && value === 'no')))
    return term({ kind: 'values', field: 'has', values: [field] }, true)
  switch (rule.takes) {
    case 'hash': {
      const digits = value.replace(/^0x|[\s:-]/g, '')
      return /^[0-9a-f]{2,128}\*?$/.test(digits)
        ? term({ kind: 'hash', field, hash: digits })
        : `“${token.value}” is not a hash: ${field}: takes hexadecimal digits.`
    }
    case 'code': {
      if (value.includes('*')) return term({ kind: 'pattern', field, pattern: value })
      const codes = ioctlCodes(value)
      return codes.length > 0
        ? term({ kind: 'values', field, values: codes })
        : `“${token.value}” is not a control code. Write it as 0x80102040, in decimal, or as "CTL_CODE(0x8010, 0x810, 0, 0)".`
    }
    case 'text':
      return term({
        kind: 'pattern',
        field,
        pattern: value.includes('*') ? value : `*${value}*`,
      })
    default: {
      if (value.includes('*')) return term({ kind: 'pattern', field, pattern: value })
      const spelled = rule.aliases?.[value] ?? value
      const among = field === 'has' ? HAS_VALUES : rule.values
      if (among !== undefined && !among.includes(spelled))
        // The verbs among the fields read badly as nouns.
        return field === 'is' || field === 'has'
          ? `“${field}:” does not take “${token.value}”. It takes ${listed(among)}.`
          : `There is no ${field} “${token.value}”. It is one of ${listed(among)}.`
      return term({ kind: 'values', field, values: [spelled] })
    }
  }
}

function compared(
  token: QueryToken<FileField>,
  value: string,
  term: (match: FileMatch, flip?: boolean) => FileTerm,
): FileTerm | string {
  const field = token.field!
  if (token.operator === ':' && (value === '*' || value === 'none'))
    return term({ kind: 'range', field, from: null, to: null }, value === 'none')
  const isDate = FILE_FIELDS[field].takes === 'date'
  const range = (isDate ? dateRange : numberRange)(value, token.operator)
  if (range) return term({ kind: 'range', field, ...range })
  return isDate
    ? `“${token.value}” is not a date: write 2022, 2022-03 or 2022-03-17.`
    : `“${token.value}” is not a number${field === 'size' ? ': write 20480, 20kb or 1.5mb' : ''}.`
}

/** The one form in which texts are kept and compared: lower case, single spaces, no controls. */
export const fold = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[\s\p{Cc}\p{Cs}]+/gu, ' ')
    .trim()

/** A folded text without what is no letter or digit at its ends: `\device\foo` is `device\foo`. */
export const searchText = (folded: string): string =>
  folded.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')

export interface FileClause {
  /** A file must meet one of these. */
  any: FileTerm[]
  negated: boolean
}

/** Terms joined as the language wants it: clauses by AND, the terms in each by OR. */
export function clausesOf(terms: readonly FileTerm[]): FileClause[] {
  const clauses: FileClause[] = []
  const groups = new Map<string, FileClause>()
  for (const term of terms) {
    const key = groupOf(term)
    const group = key === null ? undefined : groups.get(key)
    if (group) {
      group.any.push(term)
      continue
    }
    const clause = { any: [term], negated: term.negated }
    clauses.push(clause)
    if (key !== null) groups.set(key, clause)
  }
  return clauses
}

function groupOf(term: FileTerm): string | null {
  if (term.negated) return null
  if (term.field === null) return term.match.kind === 'hash' ? 'hash' : null
  // `has:pdb` that was written as `pdb:*` belongs to what else is asked of pdb.
  return FILE_FIELDS[term.field].several === 'any' ? term.field : null
}

/** Write one term so that `parseFileQuery` reads it again. */
export const formatFileTerm = (field: FileField | null, value: string, negated = false): string =>
  formatToken({ field, value, negated })

export const fileWordAtCursor = (text: string, cursor: number): WordAtCursor =>
  wordAtCursor(text, cursor, LANGUAGE)
