/** NTSTATUS values with their names, meanings and Win32 errors. The constants themselves are exported from here too. */

import { hex32 } from './format'
import { NTSTATUS, NTSTATUS_ROWS, type NtStatusName, type NtStatusRow } from './generated/ntstatus'
import { ERROR_MR_MID_NOT_FOUND, WIN32_ERRORS } from './generated/win32-errors'
import { ntSeverity, type NtSeverity } from './status'

export * from './generated/ntstatus'

/** What is known about a status value. */
export interface NtStatusInfo {
  readonly value: number
  /** Primary name, or eight hexadecimal digits for a value outside the table. */
  readonly name: string
  readonly severity: NtSeverity
  /** Bits 16 to 27. */
  readonly facility: number
  /** Bits 0 to 15. */
  readonly code: number
  /** One sentence; absent for a value outside the table. */
  readonly meaning?: string
  /** The error GetLastError shows, where the mapping is known. */
  readonly win32?: { readonly name: string; readonly value: number }
}

// Built at the first question, so that importing a constant costs nothing.
let rowsByValue: ReadonlyMap<number, NtStatusRow> | undefined

function rowOf(status: number): NtStatusRow | undefined {
  // Later entries win in a Map, and the primary name is the first of those that share a value.
  rowsByValue ??= new Map([...NTSTATUS_ROWS].reverse().map((row) => [row[0], row]))
  return rowsByValue.get(status >>> 0)
}

/** Name of a status, `STATUS_PENDING`; eight hexadecimal digits for one outside the table. */
export function statusName(status: number): string {
  return rowOf(status)?.[1] ?? hex32(status)
}

/** Value of a status name, unsigned 32 bits. */
export function statusValue(name: string): number | undefined {
  return Object.hasOwn(NTSTATUS, name) ? NTSTATUS[name as NtStatusName] : undefined
}

/** Everything known about a status value; the parts of the value are there for unknown ones too. */
export function statusInfo(status: number): NtStatusInfo {
  const value = status >>> 0
  const row = rowOf(value)
  const parts = {
    value,
    name: row?.[1] ?? hex32(value),
    severity: ntSeverity(value),
    facility: (value >>> 16) & 0xfff,
    code: value & 0xffff,
  }
  if (!row) return parts
  const [, , meaning, name, code] = row
  if (name === undefined || code === undefined) return { ...parts, meaning }
  return { ...parts, meaning, win32: { name, value: code } }
}

/**
 * RtlNtStatusToDosError: what GetLastError gives after a call that failed with this status.
 *
 * A status with the customer bit (29) is its own error code, 0xD... counts as 0xC..., and a status that wraps a Win32
 * error (0xC001xxxx, 0x8007xxxx) gives that error. All others come from the table.
 * @returns the Win32 error; 317 ERROR_MR_MID_NOT_FOUND when the status has no mapping
 */
export function win32FromStatus(status: number): number {
  let value = status >>> 0
  if (value & 0x20000000) return value
  if (value >>> 28 === 0xd) value = (value & ~0x10000000) >>> 0
  const mapped = rowOf(value)?.[4]
  if (mapped !== undefined) return mapped
  const high = value >>> 16
  return high === 0xc001 || high === 0x8007 ? value & 0xffff : ERROR_MR_MID_NOT_FOUND
}

let errorNames: ReadonlyMap<number, string> | undefined

/** Name of a Win32 error, `ERROR_INVALID_FUNCTION`; the decimal number for one outside the table. */
export function win32Name(code: number): string {
  errorNames ??= new Map(
    Object.entries(WIN32_ERRORS)
      .reverse()
      .map(([name, value]) => [value, name]),
  )
  return errorNames.get(code) ?? String(code)
}
