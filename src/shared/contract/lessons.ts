/** Learn: the lessons on disk, and how far the student is in them. */
import { z } from 'zod'
import { GradeReport } from '../lessons/grade'
import { LessonLink, LessonSlug } from '../lessons/lesson'
import { ProjectFiles, RunReport } from './model'
import { call } from './table'

/** What is kept of one lesson. What was typed is a draft with the key `lesson:SLUG`. */
export const LessonProgress = z.object({
  slug: z.string(),
  /** Option that was predicted, counted from 1. */
  predicted: z.number().nullable(),
  /** Hints that were asked for. */
  hints: z.number(),
  /** Runs that were checked. */
  attempts: z.number(),
  /** Best result so far. */
  points: z.number(),
  of: z.number(),
  passedAt: z.string().nullable(),
  solutionSeen: z.boolean(),
  /** Of the last run that was checked. */
  report: GradeReport.nullable(),
  updatedAt: z.string(),
})
export type LessonProgress = z.infer<typeof LessonProgress>

export const LessonSummary = z.object({
  slug: z.string(),
  title: z.string(),
  part: z.string(),
  summary: z.string(),
  concepts: z.array(z.string()),
  /** What can be had. */
  of: z.number(),
  progress: LessonProgress.nullable(),
})
export type LessonSummary = z.infer<typeof LessonSummary>

export const OpenLesson = LessonSummary.extend({
  sections: z.array(z.object({ title: z.string(), text: z.string() })),
  predict: z.object({
    question: z.string(),
    options: z.array(z.string()),
    answer: z.number(),
    because: z.string(),
  }),
  expect: RunReport.shape.outcome,
  run: z.object({
    seed: z.number(),
    verifier: z.array(z.string()),
    processors: z.number().optional(),
    /** Whether a check asks about the memory tables. */
    tables: z.boolean(),
  }),
  /** The start; `editable` names what the student may change of it. */
  files: ProjectFiles,
  editable: z.array(z.string()),
  /** Files that hold detection rules. */
  rules: z.array(z.string()),
  hints: z.array(z.string()),
  checks: z.array(z.object({ says: z.string(), points: z.number(), hint: z.string() })),
  links: z.array(LessonLink),
  next: z.object({ slug: z.string(), title: z.string() }).nullable(),
})
export type OpenLesson = z.infer<typeof OpenLesson>

const Slug = z.object({ slug: LessonSlug })
const Kept = z.object({ progress: LessonProgress })

export const lessonsContract = {
  /** Every lesson in its order. `problems` are lines about folders that are none. */
  'lessons.list': call(
    z.object({}),
    z.object({
      lessons: z.array(LessonSummary),
      problems: z.array(z.string()),
      /** Folder of lessons that the user added; null for none. */
      folder: z.string().nullable(),
    }),
  ),
  'lessons.open': call(Slug, OpenLesson),
  /** Put the lesson's checks to a run that is open and to the files that ran; keep the result. */
  'lessons.check': call(
    Slug.extend({ runId: z.string().max(64), files: ProjectFiles }),
    z.object({ report: GradeReport, progress: LessonProgress }),
  ),
  /** Keep what the student did beside running. */
  'lessons.progress': call(
    Slug.extend({
      predicted: z.number().int().min(1).max(6).optional(),
      hints: z.number().int().min(0).max(3).optional(),
    }),
    Kept,
  ),
  /** The solved files; after the first attempt only. */
  'lessons.solution': call(Slug, Kept.extend({ files: ProjectFiles })),
  /** Forget what was typed; `files` is the start. Points and prediction stay. */
  'lessons.reset': call(Slug, z.object({ files: ProjectFiles })),
  /** Ask the user for a folder of lessons that are listed as well, or forget it. */
  'lessons.folder': call(
    z.object({ choose: z.boolean() }),
    z.object({ folder: z.string().nullable() }),
  ),
  /** Open an address of the lesson, of its links or its text, outside of the app; no other is opened. */
  'lessons.link': call(Slug.extend({ url: z.string().max(500) }), z.object({})),
}
