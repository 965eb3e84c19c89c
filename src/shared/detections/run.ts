/** Rules put to a run: to each event as it comes, to the memory tables at the end. */
import { fieldAt } from '../match'
import { appeared, type Row, type TableName, type TablesOfRun } from '../memory/tables'
import type { TraceEvent } from '../trace/event'
import { EVIDENCE_MAX, eventAlarm, rowAlarm, type Alarm } from './alarm'
import type { CompiledRule } from './compile'
import type { GroupField } from './condition'
import { LEVELS } from './rule'

/** One rule on its way through the events: those that an alarm rests on, the last of them this one. */
interface Watcher {
  see(event: TraceEvent): { seqs: number[]; group: string } | null
}

/** Different alarms of one rule that are kept; what comes after is counted with the last one. */
const ALARMS_MAX = 100
/** Groups that one rule remembers; those seen first are forgotten first. */
const GROUPS_MAX = 100_000
const FORGOTTEN_AT_ONCE = GROUPS_MAX / 10

export class DetectionRun {
  private readonly byType = new Map<string, number[]>()
  private readonly always: number[] = []
  private readonly watchers: (Watcher | null)[]
  private readonly alarms: Map<string, Alarm>[]
  /** The last alarm of each rule, with which those are counted that are too many. */
  private readonly newest: Alarm[] = []

  constructor(private readonly rules: readonly CompiledRule[]) {
    this.alarms = rules.map(() => new Map<string, Alarm>())
    this.watchers = rules.map((rule, i) => {
      if (rule.rule.logsource.category !== 'trace') return null
      if (rule.types === null) this.always.push(i)
      else
        for (const type of new Set(rule.types)) {
          const known = this.byType.get(type)
          if (known) known.push(i)
          else this.byType.set(type, [i])
        }
      return watcherOf(rule)
    })
  }

  event(event: TraceEvent): void {
    const rules = this.byType.get(event.t)
    if (rules) for (const i of rules) this.see(i, event)
    for (const i of this.always) this.see(i, event)
  }

  private see(i: number, event: TraceEvent): void {
    const found = this.watchers[i]?.see(event)
    if (!found) return
    const { seqs, group } = found
    this.add(i, `${event.driver ?? ''}\u0000${group}`, event.seq, () =>
      eventAlarm(this.rules[i]!, event, seqs),
    )
  }

  private add(i: number, key: string, seq: number | null, make: () => Alarm): void {
    const alarms = this.alarms[i]!
    const known = alarms.get(key) ?? (alarms.size >= ALARMS_MAX ? this.newest[i] : undefined)
    if (!known) {
      const alarm = make()
      alarms.set(key, alarm)
      this.newest[i] = alarm
      return
    }
    known.times++
    if (seq !== null && known.seqs.length < EVIDENCE_MAX) known.seqs.push(seq)
  }

  /** Put the rules over memory to the tables of the run. */
  tables(tables: TablesOfRun): void {
    this.rules.forEach((compiled, i) => {
      const { category, table, when = 'after' } = compiled.rule.logsource
      const [fits] = compiled.steps
      if (category !== 'memory' || !table || !fits) return
      for (const [number, row] of rowsOf(tables, table, when).entries())
        if (fits(row)) this.add(i, String(number), null, () => rowAlarm(compiled, table, row))
    })
  }

  /** All alarms: the gravest rules first, in each the order in which they were raised. */
  finish(): Alarm[] {
    return this.rules
      .map((compiled, i) => ({ compiled, alarms: [...this.alarms[i]!.values()] }))
      .sort((a, b) => gravity(b.compiled) - gravity(a.compiled))
      .flatMap(({ alarms }) => alarms)
  }
}

const gravity = ({ rule }: CompiledRule): number => LEVELS.indexOf(rule.level)

function rowsOf(
  { before, after }: TablesOfRun,
  table: TableName,
  when: 'before' | 'after' | 'appeared' | 'vanished',
): readonly Row[] {
  const [old, now] = [before?.[table] ?? [], after?.[table] ?? []]
  if (when === 'before') return old
  if (when === 'after') return now
  return when === 'appeared' ? appeared(old, now) : appeared(now, old)
}

function watcherOf({ condition, steps, within }: CompiledRule): Watcher {
  switch (condition.kind) {
    case 'each':
      return { see: (event) => (steps[0]!(event) ? { seqs: [event.seq], group: '' } : null) }
    case 'count':
      return new Counter(steps[0]!, condition, within)
    case 'sequence':
      return new Sequence(steps, condition.by, within)
  }
}

/**
 * Values of the fields that events are grouped by; null when one is missing. `other`: the step before or
 * behind, whose events have to have the same; what one of the two has no field for does not count.
 */
function grouping(
  by: readonly GroupField[],
): (event: TraceEvent, step: number, other?: number) => string | null {
  const fields = by.map((paths) => paths.map((path) => path.split('.')))
  return (event, step, other = step) => {
    let group = ''
    for (const paths of fields) {
      const pathOf = (of: number): string[] => paths[Math.min(of, paths.length - 1)]!
      const path = pathOf(step)
      if (path[0] === '*' || pathOf(other)[0] === '*') {
        group += '*\u0000'
        continue
      }
      const value = fieldAt(event, path)
      if (value === null) return null
      group += `${value}\u0000`
    }
    return group
  }
}

/** The oldest go in one look: a map that lost its first entries is slow to find the next one. */
function remember<T>(groups: Map<string, T>, key: string, value: T): void {
  if (!groups.has(key) && groups.size >= GROUPS_MAX) {
    let left = FORGOTTEN_AT_ONCE
    for (const oldest of groups.keys()) {
      if (left-- === 0) break
      groups.delete(oldest)
    }
  }
  groups.set(key, value)
}

/** So many events, or different values of a field, in a stretch of time; then the count begins anew. */
class Counter implements Watcher {
  /** Of each group, what counts now: by its value, in the order of the times. */
  private readonly groups = new Map<string, Map<string, { seq: number; tick: number }>>()
  private readonly groupOf: ReturnType<typeof grouping>
  private readonly path: string[] | null

  constructor(
    private readonly fits: (event: TraceEvent) => boolean,
    private readonly condition: { field: string | null; by: GroupField[]; atLeast: number },
    private readonly within: number | null,
  ) {
    this.groupOf = grouping(condition.by)
    this.path = condition.field?.split('.') ?? null
  }

  see(event: TraceEvent): { seqs: number[]; group: string } | null {
    if (!this.fits(event)) return null
    const group = this.groupOf(event, 0)
    const value = this.path ? fieldAt(event, this.path) : ''
    if (group === null || value === null) return null
    const { within } = this
    const { seq, tick } = event
    const seen = this.groups.get(group) ?? new Map<string, { seq: number; tick: number }>()
    if (within !== null)
      for (const [key, each] of seen) {
        if (each.tick >= tick - within) break
        seen.delete(key)
      }
    // A value that comes again counts once, at its last time.
    const key = this.path ? value : String(seq)
    seen.delete(key)
    seen.set(key, { seq, tick })
    if (seen.size < this.condition.atLeast) {
      remember(this.groups, group, seen)
      return null
    }
    this.groups.delete(group)
    return { seqs: [...seen.values()].map((each) => each.seq), group }
  }
}

/** Events one after the other, in a stretch of time. */
class Sequence implements Watcher {
  /** What a step and the next one have in common, by the steps that were made: the row that began last. */
  private readonly groups = new Map<string, ({ seqs: number[]; start: number } | undefined)[]>()
  private readonly groupOf: ReturnType<typeof grouping>

  constructor(
    private readonly steps: readonly ((event: TraceEvent) => boolean)[],
    by: readonly GroupField[],
    private readonly within: number | null,
  ) {
    this.groupOf = grouping(by)
  }

  see(event: TraceEvent): { seqs: number[]; group: string } | null {
    // From the last step to the first, so that one event makes one step.
    for (let step = this.steps.length - 1; step >= 0; step--) {
      if (!this.steps[step]!(event)) continue
      const group = this.groupOf(event, step)
      if (group === null) continue
      const link = step === 0 ? null : this.groupOf(event, step, step - 1)
      const before =
        step === 0
          ? { seqs: [], start: event.tick }
          : link === null
            ? undefined
            : this.groups.get(link)?.[step - 1]
      if (!before || (this.within !== null && event.tick - before.start > this.within)) continue
      const row = { seqs: [...before.seqs, event.seq], start: before.start }
      if (step === this.steps.length - 1) {
        if (link !== null) this.groups.delete(link)
        return { seqs: row.seqs, group }
      }
      const next = this.groupOf(event, step, step + 1)
      if (next === null) continue
      const rows = this.groups.get(next) ?? []
      rows[step] = row
      remember(this.groups, next, rows)
    }
    return null
  }
}
