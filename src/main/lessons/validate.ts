/**
 * What a text cannot tell about a lesson: its start is not solved yet and ends as announced, its
 * solution holds. `ring0 lesson check` says it to authors, a test to the lessons that ship.
 */
import { VERIFIER_PRESETS, isVerifierName } from '../kernel/verifier/verifier'
import type { GradeReport } from '../../shared/lessons/grade'
import type { Lesson } from '../../shared/lessons/lesson'
import type { TextProblem } from '../yaml-text/front-matter'
import { grade } from './grade'
import { LESSON_FILE } from './read'

export interface Validation {
  problems: TextProblem[]
  /** How the start and the solution fare; null when neither was run. */
  start: GradeReport | null
  solution: GradeReport | null
}

/** Run a lesson's start and its solution, and say what keeps it from being one. */
export async function validateLesson(lesson: Lesson): Promise<Validation> {
  const problems: TextProblem[] = []
  const problem = (message: string, hint: string, file = LESSON_FILE, line = 1): void =>
    void problems.push({ file, line, message, hint })
  const unknown = lesson.run.verifier.find((name) => !isVerifierName(name))
  if (unknown !== undefined) {
    const known = Object.keys(VERIFIER_PRESETS).join(', ')
    problem(`run.verifier: '${unknown}' is not known.`, `Known are ${known}, and rules (VR-...).`)
    return { problems, start: null, solution: null }
  }
  const start = await grade(lesson, {})
  if (start.passed)
    problem(
      'The start passes all checks already.',
      'Add a check that only the solution passes, or take something out of the start.',
    )
  if (start.outcome !== lesson.expect)
    problem(
      `expect: the start ends with ${start.outcome} (${start.summary}), not with ${lesson.expect}.`,
      `Write expect: ${start.outcome}, or change the start.`,
    )
  const solution = await grade(lesson, lesson.solution)
  for (const { severity, file, line, message, hint } of solution.diagnostics)
    if (severity === 'error') {
      const place = lesson.files.includes(file) ? `solution/${file}` : file
      problem(`The solution does not compile: ${message}`, hint, place, line)
    }
  if (solution.outcome !== 'compile-error')
    for (const check of solution.checks)
      if (!check.holds)
        problem(`The solution does not pass '${check.says}'. ${check.because}`, check.hint)
  return { problems, start, solution }
}
