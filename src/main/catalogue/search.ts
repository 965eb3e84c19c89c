/** From the query line's terms to SQL. Every value is a parameter; the SQL text is fixed pieces. */
import type { QueryTerm } from '../../shared/query'

export interface Condition {
  sql: string
  params: string[]
}

export interface SearchPlan {
  /** To be joined by AND; the sample is `s`. */
  where: Condition[]
  /** One FTS5 expression of all words that must be there, for rank and snippets; or null. */
  match: string | null
}

/** Trigrams need three characters; shorter words are looked for by LIKE. */
const TRIGRAM = 3

/** A text as an FTS5 string: no operator, column name or wildcard of FTS5 has a meaning in it. */
export const ftsString = (text: string): string => `"${text.replaceAll('"', '""')}"`

/** A text as a LIKE pattern that matches it anywhere, with `\` as the escape. */
export const likePattern = (text: string): string =>
  `%${text.replace(/[\\%_]/g, (character) => `\\${character}`)}%`

const isLong = (text: string): boolean => [...text].length >= TRIGRAM

/** How the last run of sample `s` ended, or NULL. */
export const LAST_OUTCOME = `(
  SELECT outcome FROM runs WHERE sample_id = s.id ORDER BY started_at DESC, rowid DESC LIMIT 1
)`

const COLUMN: Record<'status' | 'origin' | 'outcome', string> = {
  status: 's.status',
  origin: 's.origin',
  outcome: `coalesce(${LAST_OUTCOME}, 'none')`,
}

/**
 * @param terms    as `parseQuery` gives them
 * @param without  a field to leave out, for counting what its other values would give
 */
export function planSearch(
  terms: readonly QueryTerm[],
  without: QueryTerm['field'] = null,
): SearchPlan {
  const where: Condition[] = [{ sql: 's.deleted_at IS NULL', params: [] }]
  const matches: string[] = []
  for (const term of terms) {
    if (term.field === 'tag') {
      where.push({
        sql: `s.id ${term.negated ? 'NOT IN' : 'IN'} (SELECT sample_id FROM sample_tags WHERE tag = ?)`,
        params: [term.value],
      })
    } else if (term.field === null) {
      if (isLong(term.value) && !term.negated) matches.push(ftsString(term.value))
      where.push(wordCondition(term))
    }
  }
  for (const field of ['status', 'origin', 'outcome'] as const) {
    if (field === without) continue
    const asked = terms.filter((term) => term.field === field)
    const wanted = asked.filter((term) => !term.negated).map((term) => term.value)
    const unwanted = asked.filter((term) => term.negated).map((term) => term.value)
    if (wanted.length > 0)
      where.push({ sql: `${COLUMN[field]} IN (${placeholders(wanted)})`, params: wanted })
    if (unwanted.length > 0)
      where.push({ sql: `${COLUMN[field]} NOT IN (${placeholders(unwanted)})`, params: unwanted })
  }
  return { where, match: matches.length > 0 ? matches.join(' AND ') : null }
}

function wordCondition(term: QueryTerm): Condition {
  const sign = term.negated ? 'NOT IN' : 'IN'
  if (isLong(term.value))
    return {
      sql: `s.id ${sign} (SELECT rowid FROM samples_fts WHERE samples_fts MATCH ?)`,
      params: [ftsString(term.value)],
    }
  const pattern = likePattern(term.value)
  const columns = ['title', 'summary', 'tags', 'notes', 'sources']
  return {
    sql: `s.id ${sign} (SELECT rowid FROM samples_fts WHERE ${columns
      .map((column) => `${column} LIKE ? ESCAPE '\\'`)
      .join(' OR ')})`,
    params: columns.map(() => pattern),
  }
}

const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join(', ')
