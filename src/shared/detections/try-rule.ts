/** The tests that a rule brings along, as far as they need no run. */
import type { Row } from '../memory/tables'
import type { TraceEvent } from '../trace/event'
import type { Alarm } from './alarm'
import type { CompiledRule } from './compile'
import type { RuleTest } from './rule'
import { DetectionRun } from './run'

/** A test that does not end as it says. */
export interface FailedTest {
  rule: string
  test: string
  because: string
}

/** Put the events or rows of a test to its rule; null for a test that needs a run of a sample. */
export function tryInline(compiled: CompiledRule, test: RuleTest): FailedTest | null {
  const run = new DetectionRun([compiled])
  test.events?.forEach((event, i) => run.event(completed(event, i)))
  const { table } = compiled.rule.logsource
  if (test.rows && table) {
    const rows = test.rows as Row[]
    // The rows stand where the rule looks.
    const { when = 'after' } = compiled.rule.logsource
    const isOld = when === 'before' || when === 'vanished'
    run.tables({
      before: { [table]: isOld ? rows : [] },
      after: { [table]: isOld ? [] : rows },
    })
  }
  return verdictOf(compiled, test, run.finish())
}

/** Whether the alarms are what a test says. */
export function verdictOf(
  { rule }: CompiledRule,
  test: RuleTest,
  alarms: readonly Alarm[],
): FailedTest | null {
  const [alarm] = alarms.filter((each) => each.rule === rule.id)
  if ((alarm !== undefined) === test.raises) return null
  const because = alarm
    ? `It must raise no alarm, and raised one. ${alarm.because}`
    : 'It has to raise an alarm, and raised none.'
  return { rule: rule.id, test: test.name, because }
}

/** What every event has, where a test does not say it. */
function completed(event: Record<string, unknown>, i: number): TraceEvent {
  const base = { seq: i + 1, tick: i, cpu: 0, irql: 0, thread: 8, process: 4 }
  return { ...base, ...event } as TraceEvent
}
