/** Statements put to a run: in one pass over its events, then to its end and its memory tables. */
import type { TraceEvent } from '../trace/event'
import type { TablesOfRun } from '../memory/tables'
import { judgeOutcome, judgeTable, type Ending } from './rows'
import type { Statement } from './schema'
import { counting, following, forbidding, ordering, type Tracker, type Verdict } from './tracker'

export interface StatementResult extends Verdict {
  says: string
}

/** What is known at the end that is no event. */
export interface RunEnd {
  /** As in the report; taken from `run.ended` when it is missing. */
  outcome?: string
  tables?: TablesOfRun | null
}

/**
 * Statements while a run goes on: `event` for each event in its order, then `finish` once. What is
 * kept grows with the statements, and with the rows of events that share a value, not with the events.
 */
export class StatementRun {
  private readonly trackers: (Tracker | null)[]
  private readonly byType = new Map<string, Tracker[]>()
  private readonly always: Tracker[] = []
  private ending: Ending = { outcome: null, code: null, seq: null }

  constructor(private readonly statements: readonly Statement[]) {
    this.trackers = statements.map(trackerOf)
    for (const tracker of this.trackers) {
      if (!tracker) continue
      if (tracker.types === null) this.always.push(tracker)
      else
        for (const type of new Set(tracker.types)) {
          const known = this.byType.get(type)
          if (known) known.push(tracker)
          else this.byType.set(type, [tracker])
        }
    }
  }

  event(event: TraceEvent): void {
    const trackers = this.byType.get(event.t)
    if (trackers) for (const tracker of trackers) tracker.event(event)
    for (const tracker of this.always) tracker.event(event)
    switch (event.t) {
      case 'run.ended':
        this.ending = { ...this.ending, outcome: event.outcome, seq: this.ending.seq ?? event.seq }
        break
      case 'machine.rebooted':
        this.ending = { outcome: null, code: null, seq: null }
        break
      case 'bugcheck':
      case 'verifier.stop':
        this.ending = { ...this.ending, code: event.code, seq: event.seq }
        break
      default:
    }
  }

  /** The results, in the order of the statements. */
  finish({ outcome, tables = null }: RunEnd = {}): StatementResult[] {
    const ending = outcome === undefined ? this.ending : { ...this.ending, outcome }
    return this.statements.map((statement, i) => ({
      says: statement.says,
      ...(this.trackers[i]?.finish() ?? judge(statement, ending, tables)),
    }))
  }
}

function trackerOf(statement: Statement): Tracker | null {
  if ('event' in statement) return counting(statement.event, statement.count)
  if ('never' in statement) return forbidding(statement.never)
  if ('order' in statement) return ordering(statement.order, statement.same)
  if ('each' in statement)
    return following(statement.each, statement.then, statement.same, statement.atLeast)
  return null
}

function judge(statement: Statement, ending: Ending, tables: TablesOfRun | null): Verdict {
  if ('table' in statement) return judgeTable(statement, tables)
  if ('outcome' in statement) return judgeOutcome(statement, ending)
  throw new Error('a statement about events has a tracker')
}

/** A run that is over. */
export interface WholeRun extends RunEnd {
  events: Iterable<TraceEvent>
}

/** Put statements to a run that is over. */
export function evaluate(
  statements: readonly Statement[],
  { events, ...end }: WholeRun,
): StatementResult[] {
  const run = new StatementRun(statements)
  for (const event of events) run.event(event)
  return run.finish(end)
}
