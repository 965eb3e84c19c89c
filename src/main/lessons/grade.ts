/** Grading: run what was handed in as the lesson says, and put its statements to the run. */
import type { ProjectFiles, RunReport, RunRequest } from '../../shared/contract/model'
import type { GradeReport } from '../../shared/lessons/grade'
import { filesWith, pointsOf, type Lesson } from '../../shared/lessons/lesson'
import { StatementRun, type StatementResult } from '../../shared/statements'
import { runProject, summaryOf } from '../lab/run'

/** A lesson's run is short; one without end is stopped long before it is boring. */
const EVENTS_MAX = 1_000_000

/** The run that a lesson asks for; the same in the window and in the terminal. */
export function requestOf(lesson: Pick<Lesson, 'run'>, files: ProjectFiles): RunRequest {
  const { seed, verifier, processors } = lesson.run
  return {
    files,
    seed,
    verifier,
    trace: 'full',
    ...(processors === undefined ? {} : { processors }),
  }
}

/**
 * Grade a hand-in.
 * @param handed  its files; what the lesson does not let students edit is taken from the lesson
 */
export async function grade(lesson: Lesson, handed: ProjectFiles): Promise<GradeReport> {
  const statements = new StatementRun(lesson.checks.map(({ statement }) => statement))
  const { report } = await runProject(requestOf(lesson, filesWith(lesson, handed)), {
    limits: { events: EVENTS_MAX },
    onEvent: (event) => statements.event(event),
  })
  return gradeOf(lesson, report, statements.finish({ outcome: report.outcome }))
}

/** The report, from how the run ended and what became of the statements. */
export function gradeOf(
  lesson: Lesson,
  report: RunReport,
  results: readonly StatementResult[],
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
    diagnostics: report.diagnostics,
  }
}
