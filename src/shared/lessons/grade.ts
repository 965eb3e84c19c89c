/** What became of the checks of a lesson: the document of `ring0 check --json`, and what Learn shows. */
import { z } from 'zod'
import { Diagnostic, RunReport } from '../contract/model'

export const CheckResult = z.object({
  says: z.string(),
  holds: z.boolean(),
  /** Why it holds or does not, in one sentence. */
  because: z.string(),
  /** Event that shows it; null where none does. */
  seq: z.number().nullable(),
  points: z.number(),
  /** What to try when it does not hold. */
  hint: z.string(),
})
export type CheckResult = z.infer<typeof CheckResult>

export const GradeReport = z.object({
  schema: z.literal('ring0-check/1'),
  lesson: z.string(),
  title: z.string(),
  passed: z.boolean(),
  points: z.number(),
  /** What can be had. */
  of: z.number(),
  checks: z.array(CheckResult),
  /** How the run ended. */
  outcome: RunReport.shape.outcome,
  /** The same in one line. */
  summary: z.string(),
  /** What the compiler said. */
  diagnostics: z.array(Diagnostic),
})
export type GradeReport = z.infer<typeof GradeReport>
