/**
 * Memory tables: what a memory analyst reads out of the machine, as plain rows. Addresses are `0x`
 * texts as in the trace. `src/main/kernel/dbg/tables` takes them.
 */

/** A field of a row. */
export type Cell = string | number | boolean | null | string[]
export type Row = Readonly<Record<string, Cell>>

/** Rows by the name of their table: `ssdt`, `modules`, `processes` ... */
export type MemoryTables = Readonly<Record<string, readonly Row[]>>

/** Rows of `after` that are not in `before`, value by value. */
export function appeared(before: readonly Row[], after: readonly Row[]): Row[] {
  const known = new Set(before.map(rowText))
  return after.filter((row) => !known.has(rowText(row)))
}

function rowText(row: Row): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))
}
