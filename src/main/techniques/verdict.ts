/** What became of a technique, in few words. */
import type { RunReport } from '../../shared/contract/model'
import type { MatrixVerdict } from '../../shared/contract/techniques'
import { hex } from '../../shared/nt/format'
import type { StatementResult } from '../../shared/statements'

/** Alerts that a cell of the matrix keeps. */
const ALERTS_KEPT = 3

/** Whether it ran, and every statement of its goal holds. */
export const hasWorked = (report: RunReport, goal: readonly StatementResult[]): boolean =>
  report.outcome !== 'compile-error' && goal.every(({ holds }) => holds)

/** The cell of the matrix. */
export function verdictOf({
  worked,
  report,
}: {
  worked: boolean
  report: RunReport
}): MatrixVerdict {
  const { outcome, bugcheck } = report
  const stop = outcome === 'bugcheck' && bugcheck ? hex(Number(bugcheck.code)) : null
  const alerts = [...new Set((report.alerts ?? []).map(({ text }) => text))].slice(0, ALERTS_KEPT)
  return { verdict: wordOf(worked, stop !== null, alerts.length > 0, outcome), stop, alerts }
}

function wordOf(
  worked: boolean,
  isStopped: boolean,
  isReported: boolean,
  outcome: RunReport['outcome'],
): MatrixVerdict['verdict'] {
  if (isStopped) return worked ? 'works, then stopped' : 'stopped'
  if (worked) return isReported ? 'reported' : 'works'
  return outcome === 'load-failed' ? 'not loaded' : 'fails'
}

/** A cell in words: `works`, `stopped, 0xBE`, `works, then 0x109`. */
export function verdictWords({ verdict, stop }: MatrixVerdict): string {
  if (verdict === 'stopped') return `stopped, ${stop}`
  if (verdict === 'works, then stopped') return `works, then ${stop}`
  return verdict
}
