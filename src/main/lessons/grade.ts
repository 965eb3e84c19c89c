/** Grading: run what was handed in as the lesson says, and put its statements to the run. */
import type { ProjectFiles, RunRequest } from '../../shared/contract/model'
import type { GradeReport } from '../../shared/lessons/grade'
import { filesWith, statementsOf, wantsTables, type Lesson } from '../../shared/lessons/lesson'
import { StatementRun } from '../../shared/statements'
import { runProject } from '../lab/run'
import { gradeOf } from './grade-of'
import { judge } from './judge'
import { EVENTS_MAX, triesHere } from './tries-here'

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
  const files = filesWith(lesson, handed)
  const statements = new StatementRun(statementsOf(lesson))
  const { report } = await runProject(requestOf(lesson, files), {
    limits: { events: EVENTS_MAX },
    onEvent: (event) => statements.event(event),
  })
  const results = statements.finish({ outcome: report.outcome, tables: report.tables ?? null })
  const judged = await judge(lesson, files, results, triesHere)
  if (!judged.ok) throw new Error(judged.error.message)
  return gradeOf(lesson, report, judged.value)
}
