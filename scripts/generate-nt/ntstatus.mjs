// ntstatus.json and extra-ntstatus.json -> ntstatus.ts

import { exportedConstants, fail, hex32, literal, quote, shorthandTable } from './emit.mjs'

/**
 * All statuses, the reference table first; names are unique. `mappings` of the second file gives statuses of the first a
 * Win32 error where they have none.
 */
export function allStatuses(table, extra) {
  const added = new Map(extra.mappings.map(({ status, win32 }) => [status, win32]))
  const seen = new Set()
  const statuses = [...table.statuses, ...extra.statuses].map((status) => {
    const { name, value } = status
    if (seen.has(name)) fail(`status ${name} is listed twice`)
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) fail(`${name}: bad value`)
    if (added.has(name) && status.win32) fail(`${name} is mapped twice`)
    seen.add(name)
    return { ...status, win32: status.win32 ?? added.get(name) }
  })
  for (const name of added.keys()) if (!seen.has(name)) fail(`mapping of unknown status ${name}`)
  return statuses
}

/** ntstatus.ts: constants, the table by name, and facts by value. */
export function renderNtstatus(table, extra) {
  const statuses = allStatuses(table, extra)
  const constants = exportedConstants(
    statuses.map(({ name, value }) => [name, value]),
    hex32,
  )
  const names = statuses.map(({ name }) => name)
  const facts = statuses.map(({ name, meaning, win32 }) => {
    const mapped = win32 ? `, ${literal(win32.name)}, ${win32.value}` : ''
    return `  [${name}, ${quote(name)}, ${quote(meaning)}${mapped}],\n`
  })
  return `${constants}
${shorthandTable('NTSTATUS', names, 'Status values by name, unsigned 32 bits.')}
/** Names of the statuses in the table. */
export type NtStatusName = keyof typeof NTSTATUS

/** One row of the table: value, name, meaning, Win32 error name and code where a mapping is known. */
export type NtStatusRow = readonly [
  value: number,
  name: NtStatusName,
  meaning: string,
  win32Name?: string,
  win32Code?: number,
]

/** Rows in table order; where two names share a value the primary name comes first. */
export const NTSTATUS_ROWS: readonly NtStatusRow[] = [
${facts.join('')}]
`
}
