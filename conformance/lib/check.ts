/* What a driver says about an assertion: one line for each value that was looked at. */
import { DbgPrint } from 'wdm'
import type { BOOLEAN, PVOID } from 'wdm'

/** Say whether `actual` is the number that is asserted. */
export function Equal(id: string, what: string, actual: number, expected: number): void {
  if (actual === expected) DbgPrint('%s holds: %s\n', id, what)
  else DbgPrint('%s FAILS: %s: 0x%I64X instead of 0x%I64X\n', id, what, actual, expected)
}

/** The same for pointers. */
export function Same(id: string, what: string, actual: PVOID, expected: PVOID): void {
  if (actual === expected) DbgPrint('%s holds: %s\n', id, what)
  else DbgPrint('%s FAILS: %s: %p instead of %p\n', id, what, actual, expected)
}

/** Say whether a condition is met. */
export function Holds(id: string, what: string, condition: BOOLEAN): void {
  if (condition) DbgPrint('%s holds: %s\n', id, what)
  else DbgPrint('%s FAILS: %s\n', id, what)
}

/** Say that the next thing has to stop the machine, with this code and this first parameter. */
export function Stops(id: string, code: number, parameter: number | bigint): void {
  DbgPrint('%s stops: 0x%I64X 0x%I64X\n', id, code, parameter)
}

/** The same with the first two parameters. */
export function StopsWith(id: string, code: number, first: bigint, second: bigint): void {
  DbgPrint('%s stops: 0x%I64X 0x%I64X 0x%I64X\n', id, code, first, second)
}
