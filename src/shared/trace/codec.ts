/** Events as text: one JSON object a line, keys sorted, so that equal runs give equal bytes. */
import type { TraceEvent } from './event'

/** The line of one event, with its line feed. */
export function eventLine(event: TraceEvent): string {
  return sorted(event) + '\n'
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${sorted(field)}`)
  return `{${fields.join(',')}}`
}
