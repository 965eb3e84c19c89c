/** A technique, or its twin, run under the eyes of the detections, and what came of it. */
import type { RunReport } from '../../shared/contract/model'
import type { Alarm } from '../../shared/detections'
import { StatementRun, type StatementResult } from '../../shared/statements'
import type { Technique } from '../../shared/techniques/technique'
import { ALERT_MARK } from '../../shared/defences'
import type { TraceEvent } from '../../shared/trace/event'
import { detect } from '../detections/detect'
import type { ReadRule } from '../detections/read'
import { requestOf, type TechniqueRunOptions } from './request'
import { hasWorked } from './verdict'

export interface TechniqueRun {
  /** Every statement of the goal holds. */
  worked: boolean
  goal: StatementResult[]
  alarms: Alarm[]
  report: RunReport
}

/** Who names what is hidden does not unhide it: what defences say is no part of a goal. */
const isAlert = (event: TraceEvent): boolean =>
  'text' in event && typeof event.text === 'string' && event.text.startsWith(ALERT_MARK)

/** Run it, and put its goal and the rules to what happened. */
export async function runTechnique(
  technique: Technique,
  rules: readonly ReadRule[],
  options: TechniqueRunOptions = {},
): Promise<TechniqueRun> {
  const statements = new StatementRun(options.twin ? technique.twin.goal : technique.goal)
  const { report, alarms } = await detect(requestOf(technique, options), rules, (event) => {
    if (!isAlert(event)) statements.event(event)
  })
  const goal = statements.finish({ outcome: report.outcome, tables: report.tables ?? null })
  return { worked: hasWorked(report, goal), goal, alarms, report }
}
