/**
 * What a lesson asks for. Most of it is said of the run, as statements; of a rule that the student
 * writes it is said where that has to raise an alarm and where not, of answers what is right.
 */
import { z } from 'zod'
import { MatchValue } from '../match'
import { Statement } from '../statements'

const says = z.string().min(1).max(300)
const file = z.string().min(1).max(260)

/** A detection rule that the student writes, tried on runs of the lesson. */
const RuleAsk = z.strictObject({
  says,
  /** File with the rule. */
  rule: file.regex(/\.ya?ml$/, 'the file of a rule ends with .yaml'),
  /**
   * Runs in which it has to raise an alarm, each a scenario file of the lesson's folder. There is one
   * at least: a rule that says nothing is right about honest drivers, and worth nothing.
   */
  raises: z.array(file).min(1).max(20),
  /** Runs in which it must not. */
  quiet: z.array(file).max(20).default([]),
})
export type RuleAsk = z.output<typeof RuleAsk>

/** Questions that the student answers in a YAML file, or what a JSON file has to say. */
const AnswersAsk = z.strictObject({
  says,
  /** File with the answers. */
  answers: file.regex(/\.(ya?ml|json)$/, 'the file of answers ends with .yaml or .json'),
  /** The right ones by their fields, paths with dots; a list is any order of exactly these. */
  are: z
    .record(z.string().min(1).max(60), z.union([MatchValue, z.array(MatchValue).min(1).max(50)]))
    .refine((are) => Object.keys(are).length > 0, { message: 'name at least one field' }),
})
export type AnswersAsk = z.output<typeof AnswersAsk>

/** One thing that has to hold at the end, what it is worth, what to try. */
export type LessonCheck = { says: string; points: number; hint: string } & (
  | {
      statement: Statement
      /** Scenario file of the folder, when it is another run than that of scenario.json. */
      in?: string
    }
  | { rule: RuleAsk }
  | { answers: AnswersAsk }
)

/** A statement, about the run or about another one of the folder. */
const StatementAsk = z.record(z.string(), z.unknown()).transform((value, ctx) => {
  const { in: where, ...rest } = value
  const statement = Statement.safeParse(rest)
  const scenario = file.optional().safeParse(where)
  for (const issue of statement.error?.issues ?? []) ctx.addIssue({ ...issue, code: 'custom' })
  for (const issue of scenario.error?.issues ?? [])
    ctx.addIssue({ ...issue, code: 'custom', path: ['in'] })
  if (!statement.success || !scenario.success) return z.NEVER
  const elsewhere = scenario.data === undefined ? {} : { in: scenario.data }
  return { says: statement.data.says, statement: statement.data, ...elsewhere }
})

const CheckExtras = z.object({
  points: z.number().int().min(1).max(100).default(1),
  hint: z.string().min(5).max(500),
})

/** Those who ask know nothing of points and hints, so a check is taken apart before it is parsed. */
export const Check = z.record(z.string(), z.unknown()).transform((check, ctx): LessonCheck => {
  const { points, hint, ...rest } = check
  const extras = CheckExtras.safeParse({ points, hint })
  const asked =
    'rule' in rest
      ? RuleAsk.transform((rule) => ({ says: rule.says, rule })).safeParse(rest)
      : 'answers' in rest
        ? AnswersAsk.transform((answers) => ({ says: answers.says, answers })).safeParse(rest)
        : StatementAsk.safeParse(rest)
  for (const { error } of [extras, asked])
    for (const issue of error?.issues ?? []) ctx.addIssue({ ...issue, code: 'custom' })
  if (!extras.success || !asked.success) return z.NEVER
  return { ...asked.data, ...extras.data }
})

/** Files that a check speaks of, by the field that names them. */
export function filesNamedBy(check: LessonCheck): { edited: string[]; read: string[] } {
  if ('rule' in check)
    return { edited: [check.rule.rule], read: [...check.rule.raises, ...check.rule.quiet] }
  if ('answers' in check) return { edited: [check.answers.answers], read: [] }
  return { edited: [], read: check.in === undefined ? [] : [check.in] }
}
