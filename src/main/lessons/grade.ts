/** Grading: run what was handed in as the lesson says, and put its statements to the run. */
import type { ProjectFiles, RunRequest } from '../../shared/contract/model'
import type { GradeReport } from '../../shared/lessons/grade'
import { filesWith, wantsTables, type Lesson } from '../../shared/lessons/lesson'
import { StatementRun } from '../../shared/statements'
import { runProject } from '../lab/run'
import { gradeOf } from './grade-of'

/** A lesson's run is short; one without end is stopped long before it is boring. */
const EVENTS_MAX = 1_000_000

/** The run that a lesson asks for; the same in the window and in the terminal. */
export function requestOf(lesson: Pick<Lesson, 'run' | 'checks'>, files: ProjectFiles): RunRequest {
  const { seed, verifier, processors } = lesson.run
  return {
    files,
    seed,
    verifier,
    trace: 'full',
    ...(processors === undefined ? {} : { processors }),
    ...(wantsTables(lesson) ? { tables: true } : {}),
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
  const end = { outcome: report.outcome, tables: report.tables ?? null }
  return gradeOf(lesson, report, statements.finish(end))
}
