/** What one statement remembers while the events of a run go by. */
import {
  compileAny,
  eventTypesOf,
  fieldAt,
  matchWords,
  type AnyMatch,
  type Matcher,
} from '../match'
import type { TraceEvent } from '../trace/event'
import type { Count, Same } from './schema'

/** Whether a statement holds, and why. */
export interface Verdict {
  holds: boolean
  /** The event that shows it; null when none does. */
  seq: number | null
  because: string
}

export interface Tracker {
  /** Kinds of event that it wants to see; null for all. */
  types: string[] | null
  event(event: TraceEvent): void
  finish(): Verdict
}

/** What stands between the values of several fields; no value holds one. */
const SEPARATOR = '\u0000'

/** `twice`, for sentences. */
export function timesWords(count: number): string {
  if (count === 0) return 'never'
  if (count === 1) return 'once'
  return count === 2 ? 'twice' : `${count} times`
}

/** Bounds of a count; at least one when none is given. */
export function bounds(count: Count | undefined): { min: number; max: number } {
  if (count === undefined) return { min: 1, max: Infinity }
  if (typeof count === 'number') return { min: count, max: count }
  return { min: count.min ?? 0, max: count.max ?? Infinity }
}

/** `at least 2`, `exactly 1`, `2 to 4`. */
export function countWords({ min, max }: { min: number; max: number }): string {
  if (min === max) return `exactly ${min}`
  if (max === Infinity) return `at least ${min}`
  return min === 0 ? `at most ${max}` : `${min} to ${max}`
}

/** Events that fit, counted. */
export function counting(match: AnyMatch, count: Count | undefined): Tracker {
  const fits = compileAny(match)
  const wanted = bounds(count)
  let found = 0
  let first: number | null = null
  /** The event that was one too many. */
  let excess: number | null = null
  return {
    types: eventTypesOf(match),
    event(event) {
      if (!fits(event)) return
      found++
      first ??= event.seq
      if (found > wanted.max) excess ??= event.seq
    },
    finish() {
      const holds = found >= wanted.min && found <= wanted.max
      const what = matchWords(match)
      const seq = excess ?? first
      if (holds)
        return found === 0
          ? { holds, seq, because: `No event with ${what}.` }
          : { holds, seq, because: `It happened ${timesWords(found)} (${what}).` }
      if (found === 0) return { holds, seq, because: `No event has ${what}.` }
      const because = `It happened ${timesWords(found)}, wanted is ${countWords(wanted)} (${what}).`
      return { holds, seq, because }
    },
  }
}

/** An event that must not happen. */
export function forbidding(match: AnyMatch): Tracker {
  const fits = compileAny(match)
  let found = 0
  let seq: number | null = null
  return {
    types: eventTypesOf(match),
    event(event) {
      if (!fits(event)) return
      found++
      seq ??= event.seq
    },
    finish: () => ({
      holds: found === 0,
      seq,
      because:
        found === 0
          ? `No event has ${matchWords(match)}.`
          : `It happened ${timesWords(found)}, first in event ${seq} (${matchWords(match)}).`,
    }),
  }
}

/** Reads the fields that events of one row share: `step` is the place in the row. */
function sharing(same: Same | undefined): (event: TraceEvent, step: number) => string | null {
  const fields = (same ?? []).map((field) =>
    (Array.isArray(field) ? field : [field]).map((path) => path.split('.')),
  )
  return (event, step) => {
    let key = ''
    for (const paths of fields) {
      const value = fieldAt(event, paths[Math.min(step, paths.length - 1)]!)
      if (value === null) return null
      key += value + SEPARATOR
    }
    return key
  }
}

/** Kinds of event of several matches; null when one of them admits all. */
function typesOf(matches: readonly AnyMatch[]): string[] | null {
  const all = matches.map(eventTypesOf)
  return all.includes(null) ? null : all.flatMap((types) => types ?? [])
}

/** Events one after the other, each row of them with values of its own for the shared fields. */
export function ordering(order: readonly AnyMatch[], same: Same | undefined): Tracker {
  const steps: Matcher[] = order.map(compileAny)
  const keyOf = sharing(same)
  const rows = new Map<string, number[]>()
  let whole: number[] | null = null
  let longest: number[] = []
  return {
    types: typesOf(order),
    event(event) {
      if (whole) return
      for (const [step, fits] of steps.entries()) {
        // A row without shared fields is alone: only its next step is of interest.
        if (!same && step !== longest.length) continue
        if (!fits(event)) continue
        const key = keyOf(event, step)
        if (key === null) continue
        let row = rows.get(key)
        if (!row && step === 0) rows.set(key, (row = []))
        if (row?.length !== step) continue
        row.push(event.seq)
        if (row.length > longest.length) longest = row
        if (row.length === steps.length) whole = row
        return
      }
    },
    finish() {
      if (whole)
        return {
          holds: true,
          seq: whole.at(-1) ?? null,
          because: `They happened in this order: events ${whole.join(', ')}.`,
        }
      const missing = matchWords(order[longest.length]!)
      const seq = longest.at(-1) ?? null
      return {
        holds: false,
        seq,
        because:
          seq === null
            ? `The first of them did not happen: no event has ${missing}.`
            : `After event ${seq} no ${same ? 'such ' : ''}event has ${missing}.`,
      }
    },
  }
}

/** Each event of one kind is followed by one of another. */
export function following(
  each: AnyMatch,
  then: AnyMatch,
  same: Same | undefined,
  atLeast = 1,
): Tracker {
  const asks = compileAny(each)
  const answers = compileAny(then)
  const keyOf = sharing(same)
  /** Events without an answer yet, by the values they share with it. */
  const open = new Map<string, number>()
  let found = 0
  let last: number | null = null
  return {
    types: typesOf([each, then]),
    event(event) {
      if (answers(event)) {
        const key = keyOf(event, 1)
        if (key !== null && open.delete(key)) last = event.seq
      }
      if (!asks(event)) return
      found++
      const key = keyOf(event, 0) ?? `${SEPARATOR}${event.seq}`
      if (!open.has(key)) open.set(key, event.seq)
    },
    finish() {
      const [seq] = open.values()
      if (seq !== undefined) {
        const because = `Event ${seq} is not followed by one with ${matchWords(then)}.`
        return { holds: false, seq, because }
      }
      if (found < atLeast) {
        const because = `There are ${found} events with ${matchWords(each)}, wanted is at least ${atLeast}.`
        return { holds: false, seq: null, because }
      }
      const because =
        found === 0
          ? `No event has ${matchWords(each)}, so none lacks what follows.`
          : `It happened ${timesWords(found)}, followed each time.`
      return { holds: true, seq: last, because }
    },
  }
}
