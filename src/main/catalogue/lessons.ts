/** Progress in lessons: one row for each that was touched. What was typed is a draft. */
import type { Database } from 'better-sqlite3'
import type { LessonProgress } from '../../shared/contract/lessons'
import { GradeReport } from '../../shared/lessons/grade'
import type { DraftStore } from './drafts'

/** What can be changed; the rest follows from it. */
export type LessonChange = Partial<Pick<LessonProgress, 'predicted' | 'hints' | 'solutionSeen'>>

export interface LessonStore {
  all(): LessonProgress[]
  get(slug: string): LessonProgress | null
  /** Change a row, making it when it is not there. */
  change(slug: string, change: LessonChange): LessonProgress
  /** Keep what became of a run: one attempt more, the best points, the first time that it passed. */
  checked(slug: string, report: GradeReport): LessonProgress
  /** Forget what was typed. */
  forgetFiles(slug: string): void
}

interface Row {
  slug: string
  predicted: number | null
  hints: number
  attempts: number
  points: number
  points_of: number
  passed_at: string | null
  solution_seen: number
  report: string | null
  updated_at: string
}

export function createLessonStore(db: Database, drafts: DraftStore, now: () => Date): LessonStore {
  const select = db.prepare<[], Row>('SELECT * FROM lesson_progress ORDER BY slug')
  const find = db.prepare<[string], Row>('SELECT * FROM lesson_progress WHERE slug = ?')
  const put = db.prepare(`
    INSERT OR REPLACE INTO lesson_progress (slug, predicted, hints, attempts, points, points_of,
      passed_at, solution_seen, report, updated_at)
    VALUES (@slug, @predicted, @hints, @attempts, @points, @of, @passedAt, @solutionSeen, @report,
      @updatedAt)
  `)
  const get = (slug: string): LessonProgress | null => {
    const row = find.get(slug)
    return row ? progressOf(row) : null
  }
  const save = (progress: LessonProgress): LessonProgress => {
    const kept = { ...progress, updatedAt: now().toISOString() }
    put.run({
      ...kept,
      solutionSeen: Number(kept.solutionSeen),
      report: kept.report && JSON.stringify(kept.report),
    })
    return kept
  }
  const present = (slug: string): LessonProgress => get(slug) ?? { ...UNTOUCHED, slug }
  return {
    all: () => select.all().map(progressOf),
    get,
    change: (slug, change) => save({ ...present(slug), ...change }),
    checked(slug, report) {
      const before = present(slug)
      // Points of a lesson that has changed since are not comparable.
      const isBetter = report.of !== before.of || report.points >= before.points
      return save({
        ...before,
        attempts: before.attempts + 1,
        ...(isBetter ? { points: report.points, of: report.of } : {}),
        passedAt: before.passedAt ?? (report.passed ? now().toISOString() : null),
        report,
      })
    },
    forgetFiles: (slug) => drafts.discard(`lesson:${slug}`),
  }
}

const UNTOUCHED: Omit<LessonProgress, 'slug'> = {
  predicted: null,
  hints: 0,
  attempts: 0,
  points: 0,
  of: 0,
  passedAt: null,
  solutionSeen: false,
  report: null,
  updatedAt: '',
}

function progressOf(row: Row): LessonProgress {
  return {
    slug: row.slug,
    predicted: row.predicted,
    hints: row.hints,
    attempts: row.attempts,
    points: row.points,
    of: row.points_of,
    passedAt: row.passed_at,
    solutionSeen: row.solution_seen === 1,
    report: reportOf(row.report),
    updatedAt: row.updated_at,
  }
}

/** A report that an older version wrote in another form is forgotten; the points are not. */
function reportOf(text: string | null): GradeReport | null {
  if (text === null) return null
  const parsed = GradeReport.safeParse(JSON.parse(text))
  return parsed.success ? parsed.data : null
}
