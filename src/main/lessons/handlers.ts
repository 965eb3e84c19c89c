/** Learn behind the contract: lessons from disk, runs from the lab, progress from the catalogue. */
import type { lessonsContract, LessonProgress, LessonSummary } from '../../shared/contract/lessons'
import type { RunReport } from '../../shared/contract/model'
import type { Handlers } from '../../shared/contract/table'
import { fail, ok, type Result } from '../../shared/errors'
import type { GradeReport } from '../../shared/lessons/grade'
import {
  filesWith,
  pointsOf,
  shownFiles,
  statementsOf,
  wantsTables,
  type Lesson,
} from '../../shared/lessons/lesson'
import type { Statement, StatementResult } from '../../shared/statements'
import { gradeOf } from './grade-of'
import { judge, rulesOf, type Trials } from './judge'
import { lessonAfter, readLibrary, type Library } from './library'

export type LessonHandlers = Handlers<typeof lessonsContract>

/** What is kept between two starts of the app. */
export interface ProgressStore {
  all(): LessonProgress[]
  get(slug: string): LessonProgress | null
  change(
    slug: string,
    change: { predicted?: number; hints?: number; solutionSeen?: boolean },
  ): LessonProgress
  checked(slug: string, report: GradeReport): LessonProgress
  forgetFiles(slug: string): void
}

export interface LessonOptions {
  /** Where lessons are: what ships, then what was added. */
  folders: readonly string[]
  /** The folder that the user chose. */
  chosen: {
    get(): string | null
    set(folder: string | null): void
    /** Ask for one; null when the user thought better of it. */
    ask(): Promise<string | null>
  }
  progress: ProgressStore
  /** Put statements to a run that the lab holds. */
  evaluate(
    runId: string,
    statements: Statement[],
  ): Promise<Result<{ results: StatementResult[]; report: RunReport }>>
  /** Runs of the lesson's folder that its checks ask for beside the one that is shown. */
  tries: Trials
  /** Open an address outside of the app. */
  openOutside(url: string): Promise<void>
}

export function createLessonHandlers(options: LessonOptions): LessonHandlers {
  const { progress, chosen } = options
  let library: Library | null = null
  /** Folders are read anew for each list: a teacher writes while the app is open. */
  const read = (): Library =>
    (library = readLibrary([...options.folders, ...[chosen.get() ?? []].flat()]))
  const find = (slug: string): Lesson | undefined =>
    (library ?? read()).lessons.find((lesson) => lesson.slug === slug)
  const withLesson = <T>(slug: string, use: (lesson: Lesson) => T): T | Result<never> => {
    const lesson = find(slug)
    return lesson
      ? use(lesson)
      : fail(
          'not-found',
          `There is no lesson ${slug}.`,
          'It may have been taken away. Open another.',
        )
  }
  const summary = (lesson: Lesson, kept: LessonProgress | null): LessonSummary => ({
    slug: lesson.slug,
    title: lesson.title,
    part: lesson.part,
    summary: lesson.summary,
    concepts: lesson.concepts,
    of: pointsOf(lesson),
    progress: kept,
  })

  return {
    'lessons.list'() {
      const { lessons, problems } = read()
      const kept = new Map(progress.all().map((each) => [each.slug, each]))
      return ok({
        lessons: lessons.map((lesson) => summary(lesson, kept.get(lesson.slug) ?? null)),
        problems: problems.map(
          ({ file, line, message, hint }) => `${file}:${line} ${message} ${hint}`,
        ),
        folder: chosen.get(),
      })
    },

    'lessons.open': ({ slug }) =>
      withLesson(slug, (lesson) => {
        const { sections, predict, expect, run, hints, links } = lesson
        const after = lessonAfter(lesson, library?.lessons ?? [])
        const next = after === null ? undefined : find(after)
        return ok({
          ...summary(lesson, progress.get(slug)),
          sections,
          predict,
          expect,
          run: { ...run, tables: wantsTables(lesson) },
          files: shownFiles(lesson.start),
          editable: lesson.files,
          rules: [...rulesOf(lesson)],
          hints,
          checks: lesson.checks.map(({ says, points, hint }) => ({ says, points, hint })),
          links,
          next: next ? { slug: next.slug, title: next.title } : null,
        })
      }),

    'lessons.check': async ({ slug, runId, files }) =>
      withLesson(slug, async (lesson) => {
        const evaluated = await options.evaluate(runId, statementsOf(lesson))
        if (!evaluated.ok) return evaluated
        const { results, report: ended } = evaluated.value
        const judged = await judge(lesson, filesWith(lesson, files), results, options.tries)
        if (!judged.ok) return judged
        const report = gradeOf(lesson, ended, judged.value)
        return ok({ report, progress: progress.checked(slug, report) })
      }),

    'lessons.progress': ({ slug, predicted, hints }) =>
      withLesson(slug, () =>
        ok({
          progress: progress.change(slug, {
            ...(predicted === undefined ? {} : { predicted }),
            ...(hints === undefined ? {} : { hints }),
          }),
        }),
      ),

    'lessons.solution': ({ slug }) =>
      withLesson(slug, (lesson) => {
        if ((progress.get(slug)?.attempts ?? 0) === 0)
          return fail(
            'bad-request',
            'The solution is shown after the first attempt.',
            'Run the lesson once, as it is.',
          )
        return ok({
          files: lesson.solution,
          progress: progress.change(slug, { solutionSeen: true }),
        })
      }),

    'lessons.reset': ({ slug }) =>
      withLesson(slug, (lesson) => {
        progress.forgetFiles(slug)
        return ok({ files: shownFiles(lesson.start) })
      }),

    'lessons.folder': async ({ choose }) => {
      if (!choose) chosen.set(null)
      else {
        const folder = await chosen.ask()
        if (folder !== null) {
          const found = readLibrary([folder])
          if (found.lessons.length === 0 && found.problems.length === 0)
            return fail(
              'file-invalid',
              `${folder} holds no lesson.`,
              'A lesson is a folder with lesson.md; choose it, or the folder of such folders.',
            )
          chosen.set(folder)
        }
      }
      read()
      return ok({ folder: chosen.get() })
    },

    'lessons.link': async ({ slug, url }) =>
      withLesson(slug, async (lesson) => {
        if (!addressesOf(lesson).has(url))
          return fail('bad-request', 'The lesson has no such link.', 'Copy the address instead.')
        await options.openOutside(url)
        return ok({})
      }),
  }
}

/** Addresses of a lesson that may be opened: its links, and those of its text. */
const addressesOf = ({ links, sections }: Lesson): Set<string> =>
  new Set([
    ...links.map(({ url }) => url),
    ...sections.flatMap(({ text }) => [...text.matchAll(ADDRESS)].map(([, url]) => url!)),
  ])

const ADDRESS = /\]\((https:\/\/[^\s)]{1,500})\)/g
