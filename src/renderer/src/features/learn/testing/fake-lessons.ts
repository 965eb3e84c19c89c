/** Two lessons in memory. A driver passes when it holds the word that its solution has. */
import type { LessonProgress, OpenLesson } from '../../../../../shared/contract/lessons'
import type { ProjectFiles } from '../../../../../shared/contract/model'
import { fail, ok } from '../../../../../shared/errors'
import type { GradeReport } from '../../../../../shared/lessons/grade'

const SECTIONS = ['What it is', 'Predict', 'Run', 'See', 'Repair', 'Read on']

const lesson = (slug: string, title: string, files: ProjectFiles): Omit<OpenLesson, 'next'> => ({
  slug,
  title,
  part: 'A first driver',
  summary: `What ${title} is about.`,
  concepts: ['DriverEntry'],
  of: 3,
  progress: null,
  sections: SECTIONS.map((name) => ({ title: name, text: `About **${name}**.` })),
  predict: {
    question: 'What happens?',
    options: ['Nothing', 'Something'],
    answer: 2,
    because: 'Something always does.',
  },
  expect: 'bugcheck',
  run: { seed: 1, verifier: [], tables: false },
  files,
  editable: ['driver.ts'],
  rules: [],
  hints: ['Hint the first.', 'Hint the second.', 'Hint the third.'],
  checks: [
    { says: 'The machine keeps running', points: 2, hint: 'Complete it once.' },
    { says: 'Something is printed', points: 1, hint: 'Print it.' },
  ],
  links: [{ title: 'Windows', url: 'https://learn.microsoft.com/en-us/windows/' }],
})

/**
 * @param files     sources of the first lesson
 * @param outcomeOf how a run ended
 */
export function createFakeLessons(
  files: ProjectFiles,
  outcomeOf: (runId: string) => GradeReport['outcome'],
): Record<string, (input: never) => unknown> {
  const lessons = [
    lesson('15-complete-once', 'Complete once', files),
    lesson('16-device-stacks', 'Device stacks', files),
  ]
  const kept = new Map<string, LessonProgress>()
  const change = (slug: string, what: Partial<LessonProgress>): { progress: LessonProgress } => {
    const before = kept.get(slug) ?? {
      slug,
      predicted: null,
      hints: 0,
      attempts: 0,
      points: 0,
      of: 3,
      passedAt: null,
      solutionSeen: false,
      report: null,
      updatedAt: '2026-11-01T12:00:00.000Z',
    }
    const progress = { ...before, ...what }
    kept.set(slug, progress)
    return { progress }
  }
  const find = (slug: string): (typeof lessons)[number] =>
    lessons.find((each) => each.slug === slug)!
  return {
    'lessons.list': () =>
      ok({
        lessons: lessons.map((each) => ({ ...each, progress: kept.get(each.slug) ?? null })),
        problems: [],
        folder: null,
      }),
    'lessons.open': ({ slug }: { slug: string }) => {
      const next = lessons[lessons.indexOf(find(slug)) + 1]
      return ok({
        ...find(slug),
        progress: kept.get(slug) ?? null,
        next: next ? { slug: next.slug, title: next.title } : null,
      })
    },
    'lessons.check': ({ slug, runId }: { slug: string; runId: string }) => {
      const outcome = outcomeOf(runId)
      const passed = outcome === 'ok'
      const report: GradeReport = {
        schema: 'ring0-check/1',
        lesson: slug,
        title: find(slug).title,
        passed,
        points: passed ? 3 : 1,
        of: 3,
        checks: find(slug).checks.map((each, i) => ({
          ...each,
          holds: passed || i === 1,
          because: 'The run ended so.',
          seq: i === 1 ? 2 : null,
        })),
        outcome,
        summary: '',
        diagnostics: [],
      }
      const attempts = (kept.get(slug)?.attempts ?? 0) + 1
      const passedAt = passed ? '2026-11-01T12:00:00.000Z' : null
      return ok({ report, ...change(slug, { report, attempts, points: report.points, passedAt }) })
    },
    'lessons.progress': ({ slug, ...what }: { slug: string; predicted?: number; hints?: number }) =>
      ok(change(slug, what)),
    'lessons.solution': ({ slug }: { slug: string }) =>
      kept.get(slug)?.attempts
        ? ok({ files: find(slug).files, ...change(slug, { solutionSeen: true }) })
        : fail('bad-request', 'Run it first.', 'Press F5.'),
    'lessons.reset': ({ slug }: { slug: string }) => ok({ files: find(slug).files }),
    'lessons.link': () => ok({}),
    'lessons.folder': () => ok({ folder: null }),
  }
}
