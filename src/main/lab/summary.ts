/** A run in one line. Alone in its file: who shows lists needs no compiler and no kernel. */
import type { RunReport } from '../../shared/contract/model'

/** One line about a run, for lists. */
export function summaryOf(report: RunReport): string {
  switch (report.outcome) {
    case 'ok':
      return `${report.stats.requests} ${report.stats.requests === 1 ? 'request' : 'requests'}, no problem`
    case 'bugcheck':
    case 'verifier-stop':
      return `${report.bugcheck?.code} ${report.bugcheck?.name}`
    case 'leak':
      return report.leaks
        .map((leak) => `${leak.count} ${leak.kind}${leak.tag ? ` '${leak.tag}'` : ''}`)
        .join(', ')
    case 'compile-error':
      return report.diagnostics[0]?.message ?? 'does not compile'
    default:
      return report.reason ?? report.outcome
  }
}
