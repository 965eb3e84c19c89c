/* What a program says about an assertion: one line for each value that was looked at. */
import { printf } from 'win32'

/** Say whether `actual` is the number that is asserted. */
export function Equal(id: string, what: string, actual: number, expected: number): void {
  if (actual === expected) printf('%s holds: %s\n', id, what)
  else printf('%s FAILS: %s: 0x%I64X instead of 0x%I64X\n', id, what, actual, expected)
}

/** Say whether a condition is met. */
export function Holds(id: string, what: string, condition: boolean): void {
  if (condition) printf('%s holds: %s\n', id, what)
  else printf('%s FAILS: %s\n', id, what)
}
