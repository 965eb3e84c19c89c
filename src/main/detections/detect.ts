/** A driver folder run under the eyes of rules. */
import { DetectionRun, compileRule, type Alarm } from '../../shared/detections'
import type { RunReport, RunRequest } from '../../shared/contract/model'
import type { TraceEvent } from '../../shared/trace/event'
import { runProject } from '../lab/run'
import type { ReadRule } from './read'

export interface Detected {
  report: RunReport
  /** The gravest first. */
  alarms: Alarm[]
}

/** Run a request and put rules to it, to each event as it happens and to the memory tables. */
export async function detect(
  request: RunRequest,
  rules: readonly ReadRule[],
  onEvent?: (event: TraceEvent) => void,
): Promise<Detected> {
  const detection = new DetectionRun(rules.map(({ rule }) => compileRule(rule)))
  const { report } = await runProject(
    { ...request, trace: 'full', tables: true },
    {
      onEvent(event) {
        detection.event(event)
        onEvent?.(event)
      },
    },
  )
  const { before = null, after = null } = report.tables ?? {}
  detection.tables({ before, after })
  return { report, alarms: detection.finish() }
}
