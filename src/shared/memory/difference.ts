/** What the kernel shows: the difference between the memory tables before and after. */
import { TABLES, TABLE_NAMES, type MemoryTables, type Row, type TableName } from './tables'

/** A row of one thing with other values than before. */
export interface ChangedRow {
  before: Row
  after: Row
  /** Fields with another value. */
  fields: string[]
}

/** What changed in one table; tables without a change are left out. */
export interface TableDifference {
  table: TableName
  appeared: Row[]
  vanished: Row[]
  changed: ChangedRow[]
}

/** Compare two readings of a machine's memory, table by table in the order of `TABLES`. */
export function diffTables(before: MemoryTables, after: MemoryTables): TableDifference[] {
  return TABLE_NAMES.map((table) => diff(table, before[table] ?? [], after[table] ?? [])).filter(
    ({ appeared, vanished, changed }) => appeared.length + vanished.length + changed.length > 0,
  )
}

function diff(table: TableName, before: readonly Row[], after: readonly Row[]): TableDifference {
  const { key } = TABLES[table]
  const keyOf = (row: Row): string => JSON.stringify(key.map((field) => row[field] ?? null))
  /** Rows of one key, in their order: two registrations of one routine are two rows. */
  const old = new Map<string, Row[]>()
  for (const row of before) {
    const known = old.get(keyOf(row))
    if (known) known.push(row)
    else old.set(keyOf(row), [row])
  }
  const result: TableDifference = { table, appeared: [], vanished: [], changed: [] }
  for (const row of after) {
    const was = old.get(keyOf(row))?.shift()
    if (!was) {
      result.appeared.push(row)
      continue
    }
    const fields = Object.keys({ ...was, ...row }).filter(
      (field) => JSON.stringify(was[field]) !== JSON.stringify(row[field]),
    )
    if (fields.length > 0) result.changed.push({ before: was, after: row, fields })
  }
  for (const rows of old.values()) result.vanished.push(...rows)
  return result
}
