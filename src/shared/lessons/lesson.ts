/**
 * The form of a lesson: the front matter of `lesson.md`, and what is made of it. docs/lessons.md
 * tells authors about the same fields; a test holds the two together.
 */
import { z } from 'zod'
import { ProcessorCount, RunReport, type ProjectFiles } from '../contract/model'
import type { Statement } from '../statements'
import { Check } from './check'

/** Name of a lesson's folder: its number, which is its place in the order, and words. */
export const LessonSlug = z
  .string()
  .max(80)
  .regex(/^\d{2,3}(-[a-z0-9]+)+$/, 'a folder of a lesson is named 07-like-this')

/** Any sentence or two that is shown: short enough to fit beside the editor. */
const Sentence = z.string().min(5).max(600)

export const LessonLink = z.strictObject({
  title: z.string().min(3).max(120),
  url: z.url({ protocol: /^https$/ }).max(500),
})

export const LessonHeader = z.strictObject({
  title: z.string().min(3).max(80),
  /** Heading under which the lesson is listed. */
  part: z.string().min(3).max(60),
  /** Place among all lessons; the number in front of the folder's name by default. */
  order: z.number().int().min(0).max(10_000).optional(),
  summary: Sentence,
  concepts: z.array(z.string().min(2).max(60)).min(1).max(12),
  /** How the lesson runs. */
  run: z
    .strictObject({
      seed: z.number().int().default(1),
      /** Presets and rules of Driver Verifier. */
      verifier: z.array(z.string()).default([]),
      processors: ProcessorCount.optional(),
    })
    .default({ seed: 1, verifier: [] }),
  /** How the start ends. Everything but `ok` is announced as part of the exercise. */
  expect: RunReport.shape.outcome.default('ok'),
  predict: z
    .strictObject({
      question: Sentence,
      options: z.array(z.string().min(1).max(200)).min(2).max(6),
      /** Which option is right, counted from 1. */
      answer: z.number().int().min(1),
      because: Sentence,
    })
    .refine(({ answer, options }) => answer <= options.length, {
      path: ['answer'],
      message: 'there are fewer options than that; they are counted from 1',
    }),
  /** What the student edits; everything else of the folder is shown and stays as it is. */
  files: z.array(z.string().max(260)).min(1).max(20),
  hints: z.array(Sentence).length(3, 'there are three hints, each nearer to the solution'),
  checks: z.array(Check).min(1).max(20),
  links: z.array(LessonLink).min(1).max(12),
  /** Folder of the lesson that follows, where that is not the next in order. */
  next: LessonSlug.optional(),
})
export type LessonHeader = z.output<typeof LessonHeader>

/** The `##` headings of a lesson's text, in this order; the fifth is one of two. */
export const SECTIONS = [
  ['What it is'],
  ['Predict'],
  ['Run'],
  ['See'],
  ['Repair', 'Extend'],
  ['Read on'],
] as const

export interface LessonSection {
  title: string
  /** Markdown without the heading. */
  text: string
}

export interface Lesson extends Omit<LessonHeader, 'order'> {
  slug: string
  order: number
  sections: LessonSection[]
  /** What the student finds: the folder without `lesson.md` and `solution/`. */
  start: ProjectFiles
  /** The files of `solution/`, by the names they replace. */
  solution: ProjectFiles
}

/** What all checks of a lesson are worth together. */
export const pointsOf = (lesson: Pick<Lesson, 'checks'>): number =>
  lesson.checks.reduce((sum, { points }) => sum + points, 0)

/**
 * What a lesson says of a run; the other checks are about what the student wrote.
 * @param scenario  file of the folder; that of `scenario.json` when it is left out
 */
export const statementsOf = (lesson: Pick<Lesson, 'checks'>, scenario?: string): Statement[] =>
  lesson.checks.flatMap((check) =>
    'statement' in check && check.in === scenario ? [check.statement] : [],
  )

/** Whether a run of the lesson has to read the memory tables. */
export const wantsTables = (lesson: Pick<Lesson, 'checks'>): boolean =>
  statementsOf(lesson).some((statement) => 'table' in statement)

/** Files that the lesson pane does not show: variants that a detector has to find unseen. */
export const HIDDEN = 'hidden/'

/** The files that a student sees. */
export const shownFiles = (files: ProjectFiles): ProjectFiles =>
  Object.fromEntries(Object.entries(files).filter(([name]) => !name.startsWith(HIDDEN)))

/** The start with what was handed in for the files that may be edited; nothing else of it counts. */
export function filesWith(
  lesson: Pick<Lesson, 'start' | 'files'>,
  handed: ProjectFiles,
): ProjectFiles {
  const files = { ...lesson.start }
  for (const name of lesson.files) if (Object.hasOwn(handed, name)) files[name] = handed[name]!
  return files
}
