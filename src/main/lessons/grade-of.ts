/** What a lesson's checks say about a run that is over. Needs neither compiler nor kernel. */
import type { RunReport } from '../../shared/contract/model'
import type { GradeReport } from '../../shared/lessons/grade'
import { pointsOf, type Lesson } from '../../shared/lessons/lesson'
import { summaryOf } from '../lab/summary'
import type { Judged } from './judge'

/** The report, from how the run ended and what became of the checks. */
export function gradeOf(
  lesson: Lesson,
  report: RunReport,
  { results, diagnostics }: Judged,
): GradeReport {
  const isCompiled = report.outcome !== 'compile-error'
  const checks = lesson.checks.map(({ points, hint }, i) => {
    const { says, holds, because, seq } = results[i]!
    // Of a run that did not begin nothing can be said, also not that something did not happen.
    return isCompiled
      ? { says, holds, because, seq, points, hint }
      : { says, holds: false, because: 'The driver was not compiled.', seq: null, points, hint }
  })
  const passed = checks.every(({ holds }) => holds)
  return {
    schema: 'ring0-check/1',
    lesson: lesson.slug,
    title: lesson.title,
    passed,
    points: checks.reduce((sum, { holds, points }) => sum + (holds ? points : 0), 0),
    of: pointsOf(lesson),
    checks,
    outcome: report.outcome,
    summary: summaryOf(report),
    diagnostics: [...report.diagnostics, ...diagnostics],
  }
}
