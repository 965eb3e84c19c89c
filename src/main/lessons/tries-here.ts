/** Runs that are not that of the lesson, in the process that asks: the terminal and tests. */
import { ok } from '../../shared/errors'
import { detect } from '../detections/detect'
import { readRules } from '../detections/read'
import { StatementRun } from '../../shared/statements'
import { runProject } from '../lab/run'
import type { Trials, Tried, TryRule, TryStatements } from './judge'
import { asDiagnostic, noRule } from '../../shared/lessons/rule-mistakes'

/** A lesson's run is short; one without end is stopped long before it is boring. */
export const EVENTS_MAX = 1_000_000

const rule: TryRule = async ({ file, text }, requests) => {
  const { rules, problems } = readRules(file, text)
  const told = rules.length === 0 && problems.length === 0 ? [noRule(file)] : problems
  if (told.length > 0) return ok({ mistakes: told.map(asDiagnostic), runs: [] })
  const runs: Tried[] = []
  for (const request of requests) {
    const { report, alarms } = await detect(request, rules)
    runs.push({ outcome: report.outcome, alarm: alarms[0]?.because ?? null })
  }
  return ok({ mistakes: [], runs })
}

const statements: TryStatements = async (request, asked) => {
  const run = new StatementRun(asked)
  const { report } = await runProject(request, {
    limits: { events: EVENTS_MAX },
    onEvent: (event) => run.event(event),
  })
  return ok(run.finish({ outcome: report.outcome, tables: report.tables ?? null }))
}

export const triesHere: Trials = { rule, statements }
