/** Counts over a result: how many of its files have each value of the fields people filter by. */
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { filesContract } from '../../../shared/contract/files'
import { countCommon, hasBit, idsOf, type Bits } from './index/bitset'
import type { Postings, TermRow } from './index/postings'

export type Facets = z.input<(typeof filesContract)['files.list']['output']>['facets']

const FIELDS = [
  ['verdict', 'Verdict'],
  ['known', 'Known as'],
  ['blocked', 'Blocked'],
  ['signature', 'Signature'],
  ['evidence', 'Evidence'],
  ['type', 'Driver type'],
  ['capability', 'Can do'],
  ['machine', 'Machine'],
  ['tag', 'Tag'],
  ['status', 'Status'],
  ['origin', 'Origin'],
] as const

/** Values of a field that are counted, most frequent on the whole shelf first. */
const CANDIDATES_MAX = 200
/** Values of a field that are shown. */
const SHOWN_MAX = 30
/** Below this many files they are looked at one by one. */
const FEW = 400

export function createFacets(
  db: Database,
  postings: Postings,
): (bits: Bits, total: number) => Facets {
  const candidates = db.prepare<[string, number], TermRow>(
    `SELECT id, value, coalesce(label, value) AS label, files FROM terms
     WHERE field = ? AND files > 0 ORDER BY files DESC, value LIMIT ?`,
  )
  /** Tags are free, so those of few files may not be among the most frequent. */
  const tagsOf = db.prepare<[string], { value: string; count: number }>(
    `SELECT tag.value AS value, count(*) AS count
     FROM json_each(?) AS id JOIN files f ON f.id = id.value, json_each(f.tags) AS tag
     GROUP BY tag.value ORDER BY count DESC, tag.value`,
  )

  return (bits, total) => {
    if (total === 0) return []
    const few = total <= FEW ? idsOf(bits) : null
    const count = (termId: number): number => {
      const files = postings.bits(termId)
      if (!few) return countCommon(bits, files)
      let has = 0
      for (const id of few) if (hasBit(files, id)) has++
      return has
    }
    return FIELDS.flatMap(([field, label]) => {
      const values =
        field === 'tag' && few
          ? tagsOf
              .all(JSON.stringify([...few]))
              .map(({ value, count: files }) => ({ value, label: value, count: files }))
          : candidates
              .all(field, CANDIDATES_MAX)
              .map((term) => ({
                value: term.label,
                label: term.label,
                count: count(term.id),
                term,
              }))
              .map(({ term, ...rest }) =>
                // A capability is asked for by its id and read by its name.
                field === 'capability' || field === 'known' ? { ...rest, value: term.value } : rest,
              )
      if (field === 'known' || field === 'blocked') {
        const has = postings.termId('has', field)
        const rest = total - (has === null ? 0 : count(has))
        values.push({ value: 'no', label: 'no', count: rest })
      }
      const shown = values
        .filter((value) => value.count > 0)
        .sort((a, b) => b.count - a.count)
        .slice(0, SHOWN_MAX)
      return shown.length > 0 ? [{ field, label, values: shown }] : []
    })
  }
}
