/** What could be typed at the cursor of the query line: fields, then values that occur. */
import type { Database } from 'better-sqlite3'
import {
  FILE_FIELDS,
  FILE_FIELD_NAMES,
  fileWordAtCursor,
  fold,
  formatFileTerm,
  type FileField,
} from '../../../shared/file-query'
import { HAS_VALUES } from '../../../shared/file-query-fields'
import type { Completion } from '../../../shared/query-tokens'
import { likeOf } from './search'
import { INDEX_FIELDS } from './terms'

const SHOWN_MAX = 12
/** Values looked at; of more than these the first ones in the alphabet count. */
const LOOKED_AT_MAX = 4000

interface Value {
  label: string
  value: string
  files: number
}

export function createCompletion(
  db: Database,
): (text: string, cursor: number) => { from: number; completions: Completion[] } {
  const beginning = db.prepare<[string, string, string, number, number], Value>(
    `SELECT value, label, files FROM (
       SELECT value, coalesce(label, value) AS label, files FROM terms
       WHERE field = ? AND value >= ? AND value < ? LIMIT ?)
     WHERE files > 0 ORDER BY files DESC, value LIMIT ?`,
  )
  const inside = db.prepare<[string, string, number, number], Value>(
    `SELECT value, label, files FROM (
       SELECT value, coalesce(label, value) AS label, files FROM terms
       WHERE field = ? AND value LIKE ? ESCAPE '\\' LIMIT ?)
     WHERE files > 0 ORDER BY files DESC, value LIMIT ?`,
  )

  function valuesOf(field: string, begun: string): Value[] {
    const first = beginning.all(field, begun, `${begun}\u{10ffff}`, LOOKED_AT_MAX, SHOWN_MAX)
    if (first.length === SHOWN_MAX || begun === '') return first
    const seen = new Set(first.map((value) => value.value))
    const more = inside
      .all(field, likeOf(`*${begun}*`), LOOKED_AT_MAX, SHOWN_MAX)
      .filter((value) => !seen.has(value.value))
    return [...first, ...more].slice(0, SHOWN_MAX)
  }

  const completion = (
    field: FileField,
    { label, value, files }: Value,
    sign: string,
  ): Completion => {
    // A capability is asked for by its id and read by its name.
    const asked = field === 'capability' || field === 'known' ? value : label
    const count = `${files.toLocaleString('en-US')} ${files === 1 ? 'file' : 'files'}`
    return {
      insert: `${sign}${formatFileTerm(field, asked)} `,
      label: `${field}:${asked}`,
      detail: asked === label ? count : `${label}, ${count}`,
    }
  }

  return (text, cursor) => {
    const { from, sign, typed, field: name, value } = fileWordAtCursor(text, cursor)
    const begun = fold(name === null ? typed : value)
    if (name === null) {
      if (begun === '' || typed.startsWith('"')) return { from, completions: [] }
      const fields = FILE_FIELD_NAMES.filter((field) => field.startsWith(begun)).map((field) => ({
        insert: `${sign}${field}:`,
        label: `${field}:`,
        detail: FILE_FIELDS[field].help,
      }))
      const among = (['tag', 'import', 'capability'] as const).flatMap((field) =>
        beginning
          .all(field, begun, `${begun}\u{10ffff}`, LOOKED_AT_MAX, 5)
          .map((item) => completion(field, item, sign)),
      )
      return { from, completions: [...fields, ...among].slice(0, SHOWN_MAX) }
    }
    const field = FILE_FIELD_NAMES.find((each) => each === name)
    if (field === undefined) return { from, completions: [] }
    if (field === 'has')
      return {
        from,
        completions: HAS_VALUES.filter((each) => each.startsWith(begun)).map((each) => ({
          insert: `${sign}has:${each} `,
          label: `has:${each}`,
          detail: '',
        })),
      }
    const found = (INDEX_FIELDS[field] ?? [field]).flatMap((each) => valuesOf(each, begun))
    const offered = new Map(found.map((item) => [item.value, item]))
    // Values that no file has yet are named too: they say what the field takes.
    for (const each of FILE_FIELDS[field].values ?? [])
      if (each.startsWith(begun) && !offered.has(each))
        offered.set(each, { value: each, label: each, files: 0 })
    return {
      from,
      completions: [...offered.values()]
        .slice(0, SHOWN_MAX)
        .map((item) => completion(field, item, sign)),
    }
  }
}
