/** Reading one field by its dotted path, for grouping. */
import { canonical } from './value'

/**
 * The value at a dotted path in the form in which equal values are the same text.
 * @returns null when the field is empty, missing or no single value
 */
export function fieldAt(subject: unknown, path: readonly string[]): string | null {
  let value = subject
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null
    value = (value as Record<string, unknown>)[name]
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? canonical(value)
    : null
}
