/**
 * Statements: what has to be true of a run, as data. Lessons check a solution with them, techniques
 * say with them what they reach, so that any way that leads there counts.
 */
import { z } from 'zod'
import { AnyMatch, Match } from '../match'
import { oneOf } from '../match/one-of'

const says = z.string().min(1).max(300).describe('What the statement says, as a sentence')
const times = z.number().int().min(0)

/** How often: exactly, or at least and at most. */
export const Count = z.union([
  times,
  z
    .strictObject({ min: times.optional(), max: times.optional() })
    .refine((count) => count.min !== undefined || count.max !== undefined, {
      message: 'say min, max or both',
    }),
])
export type Count = z.infer<typeof Count>

/** A field that has one value in all events of a row of events; a list names it for each of them. */
const Same = z
  .array(z.union([z.string().min(1), z.array(z.string().min(1)).min(2)]))
  .min(1)
  .max(8)
export type Same = z.infer<typeof Same>

const EventStatement = z.strictObject({
  says,
  event: AnyMatch.describe('An event that happened'),
  count: Count.optional().describe('How often; at least once when it is not said'),
})
const NeverStatement = z.strictObject({
  says,
  never: AnyMatch.describe('An event that did not happen'),
})
const OrderStatement = z.strictObject({
  says,
  order: z.array(Match).min(2).max(50).describe('Events that happened in this order'),
  same: Same.optional().describe('Fields that have one value in all of them'),
})
const EachStatement = z.strictObject({
  says,
  each: AnyMatch.describe('Each such event is followed by one that fits `then`'),
  then: AnyMatch,
  same: Same.optional().describe('Fields that have one value in both'),
  atLeast: times
    .optional()
    .describe('How many such events there have to be; 1 when it is not said'),
})
const OutcomeStatement = z.strictObject({
  says,
  outcome: z
    .union([z.string(), z.array(z.string()).min(1)])
    .describe('How the run ended: ok, bugcheck, verifier-stop, leak, hang, limit, load-failed'),
  code: z
    .union([z.string(), z.number()])
    .optional()
    .describe('Bug check code as a number, as 0x text, or by its name'),
})
const TableStatement = z.strictObject({
  says,
  table: z.string().min(1).describe('A memory table: ssdt, modules, processes ...'),
  rows: AnyMatch.describe('Rows that are in it'),
  count: Count.optional().describe('How many; at least one when it is not said'),
  when: z
    .enum(['before', 'after', 'appeared', 'vanished'])
    .optional()
    .describe(
      'before the drivers were loaded; after, at the end, before they are unloaded (when it is not ' +
        'said); appeared and vanished: rows of one that are not in the other',
    ),
})

const MEMBERS = {
  event: EventStatement,
  never: NeverStatement,
  order: OrderStatement,
  each: EachStatement,
  outcome: OutcomeStatement,
  table: TableStatement,
} as const
const KINDS = Object.keys(MEMBERS) as (keyof typeof MEMBERS)[]

export const Statement = oneOf(
  z.union([
    EventStatement,
    NeverStatement,
    OrderStatement,
    EachStatement,
    OutcomeStatement,
    TableStatement,
  ]),
  (value) => {
    const kinds =
      typeof value === 'object' && value !== null
        ? KINDS.filter((kind) => Object.hasOwn(value, kind))
        : []
    if (kinds.length === 1) return MEMBERS[kinds[0]!]
    return kinds.length === 0
      ? `a statement says one of: ${KINDS.join(', ')}`
      : `${kinds.join(' and ')} cannot stand in one statement; make it ${kinds.length} of them`
  },
)
export type Statement = z.infer<typeof Statement>

/** Statements of a lesson or a technique. */
export const Statements = z.array(Statement).max(200)
