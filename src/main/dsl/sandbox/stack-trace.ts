/** Places in driver code from QuickJS stack traces: `    at name (file:line:column)` lines. */
import type { SourcePlace } from '../../../shared/trace/event'

/** Name under which a module is evaluated: unique within a sandbox, even if two drivers have a `driver.ts`. */
export function evaluationName(unit: number, file: string): string {
  return `${unit}!${file}`
}

/** Innermost place in driver code, null when the trace has none. */
export function placeInDriverCode(stack: string): SourcePlace | null {
  for (const line of stack.split('\n')) {
    const match = /(?:\(|\bat )\d+!(.+?):(\d+)(?::(\d+))?\)?$/.exec(line)
    if (!match) continue
    const place: SourcePlace = { file: match[1]!, line: Number(match[2]) }
    if (match[3] !== undefined) place.column = Number(match[3])
    return place
  }
  return null
}
