/** What a rule found. */
import type { Cell, Row, TableName } from '../memory/tables'
import type { SourcePlace, TraceEvent } from '../trace/event'
import type { CompiledRule } from './compile'
import type { Level } from './rule'

export interface Alarm {
  /** Id of the rule. */
  rule: string
  title: string
  level: Level
  tags: string[]
  /** How often, by the same driver and in the same group. */
  times: number
  /** The event that raised it first; null for a row of memory. */
  seq: number | null
  /** The events that it rests on, in their order; the first ones when there are many. */
  seqs: number[]
  /** Simulated time of that event in units of 100 ns. */
  tick: number | null
  /** Service name of the driver whose code it was, or the module that a row leads to. */
  driver: string | null
  at: SourcePlace | null
  table: TableName | null
  row: Row | null
  /** The fields that tell what happened. */
  shows: Record<string, Cell>
  /** In words, why. */
  because: string
}

/** Events that are kept with one alarm. */
export const EVIDENCE_MAX = 20

/** An alarm about events; the last of them raised it. */
export function eventAlarm(compiled: CompiledRule, event: TraceEvent, seqs: number[]): Alarm {
  const evidence = seqs.slice(0, EVIDENCE_MAX)
  const shows = shown(event, compiled.fields)
  const name = 'name' in event && typeof event.name === 'string' ? ` ${event.name}` : ''
  const who = event.driver ? ` by ${event.driver}` : ''
  const others = seqs.length > 1 ? ` after events ${seqs.slice(0, -1).slice(0, 5).join(', ')}` : ''
  return {
    ...headOf(compiled),
    seq: event.seq,
    seqs: evidence,
    tick: event.tick,
    driver: event.driver ?? null,
    at: event.at ?? null,
    table: null,
    row: null,
    shows,
    because: `Event ${event.seq}: ${event.t}${name}${who}${others}: ${compiled.because(event)}.`,
  }
}

/** An alarm about a row of a memory table. */
export function rowAlarm(compiled: CompiledRule, table: TableName, row: Row): Alarm {
  const named = table === 'modules' ? row['name'] : null
  const driver = [named, row['module'], row['leadsToModule'], row['driver']].find(
    (value) => typeof value === 'string' && value !== '',
  )
  const who = typeof driver === 'string' ? `, ${driver}` : ''
  return {
    ...headOf(compiled),
    seq: null,
    seqs: [],
    tick: null,
    driver: typeof driver === 'string' ? driver : null,
    at: null,
    table,
    row,
    shows: shown(row, compiled.fields),
    because: `A row of ${table}${who}: ${compiled.because(row)}.`,
  }
}

function headOf({
  rule,
}: CompiledRule): Pick<Alarm, 'rule' | 'title' | 'level' | 'tags' | 'times'> {
  const { id, title, level, tags } = rule
  return { rule: id, title, level, tags, times: 1 }
}

function shown(subject: object, fields: readonly string[]): Record<string, Cell> {
  const shows: Record<string, Cell> = {}
  for (const field of fields) {
    let value: unknown = subject
    for (const name of field.split('.'))
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Record<string, unknown>)[name]
          : undefined
    if (isCell(value)) shows[field] = value
  }
  return shows
}

function isCell(value: unknown): value is Cell {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string')
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}
