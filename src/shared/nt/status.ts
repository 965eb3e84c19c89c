/**
 * The severity tests of ntdef.h. A status is an unsigned 32-bit number here, as in the tables and the trace; signed values
 * are accepted too.
 */

/** Success or informational: what a driver tests after a call. */
export const NT_SUCCESS = (status: number): boolean => (status | 0) >= 0

/** Severity informational, 0x40000000 to 0x7FFFFFFF. */
export const NT_INFORMATION = (status: number): boolean => status >>> 30 === 1

/** Severity warning, 0x80000000 to 0xBFFFFFFF. Not a success, but buffered data is still copied back. */
export const NT_WARNING = (status: number): boolean => status >>> 30 === 2

/** Severity error, 0xC0000000 to 0xFFFFFFFF. */
export const NT_ERROR = (status: number): boolean => status >>> 30 === 3

/** The two severity bits in words. */
export type NtSeverity = 'success' | 'informational' | 'warning' | 'error'

const severities = ['success', 'informational', 'warning', 'error'] as const

/** Severity of a status. */
export function ntSeverity(status: number): NtSeverity {
  return severities[(status >>> 30) as 0 | 1 | 2 | 3]
}
