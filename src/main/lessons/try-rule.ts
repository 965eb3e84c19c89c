/** A rule of a hand-in put to runs, in the process that asks: the terminal and tests. */
import { ok } from '../../shared/errors'
import { detect } from '../detections/detect'
import { readRules } from '../detections/read'
import type { Tried, TryRule } from './judge'
import { asDiagnostic, noRule } from './rule-mistakes'

export const tryRule: TryRule = async ({ file, text }, requests) => {
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
