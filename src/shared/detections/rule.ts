/** The form of a detection: Sigma's, over the trace of the lab or over its memory tables. */
import { z } from 'zod'
import { AnyMatch } from '../match'
import { TABLES, TABLE_NAMES, type TableName } from '../memory/tables'
import { ConditionError, parseCondition, readDuration, type Condition } from './condition'
import { namesIn, unknownNames } from './names'

const line = z.string().min(1).max(300)

export const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const
export type Level = (typeof LEVELS)[number]

const LogSource = z
  .strictObject({
    product: z.literal('ring0'),
    category: z
      .enum(['trace', 'memory'])
      .describe('trace: events as they happen; memory: rows of a memory table'),
    table: z
      .enum(TABLE_NAMES as [TableName, ...TableName[]])
      .optional()
      .describe(TABLE_NAMES.map((name) => `${name}: ${TABLES[name].about}`).join('\n')),
    when: z
      .enum(['before', 'after', 'appeared', 'vanished'])
      .optional()
      .describe('Which rows of the table: those at the end of the run when it is not said'),
  })
  .superRefine(({ category, table, when }, ctx) => {
    const fail = (path: string, message: string): void =>
      ctx.addIssue({ code: 'custom', path: [path], message })
    if (category === 'memory' && !table)
      fail('category', `memory wants a table: ${TABLE_NAMES.join(', ')}`)
    if (category === 'trace' && table) fail('table', 'a rule over the trace has no table')
    if (category === 'trace' && when) fail('when', 'a rule over the trace says no when')
  })

/** Searches by name, and the condition that puts them together. */
const Detection = z
  .object({
    condition: z.string().min(1).describe('How the searches are put together (docs/detections.md)'),
    timeframe: z
      .string()
      .optional()
      .describe('Simulated time in which a count is reached: 200ms, 5s, 2m'),
  })
  .catchall(AnyMatch)
  .superRefine((detection, ctx) => {
    const fail = (path: string, message: string): void =>
      ctx.addIssue({ code: 'custom', path: [path], message })
    const searches = searchesOf(detection)
    if (searches.size === 0) {
      ctx.addIssue({ code: 'custom', message: 'there is no search beside the condition' })
      return
    }
    const { timeframe } = detection
    if (timeframe !== undefined && readDuration(timeframe) === null)
      fail('timeframe', `'${timeframe}' is no time; write 200ms, 5s, 2m or 1h`)
    const condition = conditionOf(detection.condition)
    if (condition instanceof ConditionError) {
      fail(
        'condition',
        `${condition.message} (character ${condition.offset + 1}) ${condition.hint}`,
      )
      return
    }
    if (timeframe !== undefined && condition.kind === 'each')
      fail('timeframe', 'a timeframe goes with a count or a sequence')
    const names = [...searches.keys()]
    for (const name of unknownNames(condition, names))
      fail('condition', `there is no search '${name}'; there are ${names.join(', ')}`)
    const used = namesIn(condition, names)
    for (const name of names)
      if (!used.has(name)) fail(name, `the condition does not use '${name}'; use it or take it out`)
  })

const Inline = z.record(z.string(), z.unknown())

/** What has to raise an alarm, or must not. */
export const RuleTest = z
  .strictObject({
    name: line,
    raises: z.boolean(),
    events: z
      .array(Inline)
      .max(1000)
      .optional()
      .describe('Events in their order; seq and tick count up'),
    rows: z.array(Inline).max(1000).optional().describe('Rows of the table'),
    sample: z
      .string()
      .optional()
      .describe('A folder of samples/ that is run: techniques/ssdt-hook'),
  })
  .refine(
    ({ events, rows, sample }) => [events, rows, sample].filter((each) => each).length === 1,
    { message: 'a test has events, rows or a sample, and one of them only' },
  )
export type RuleTest = z.infer<typeof RuleTest>

export const Rule = z
  .strictObject({
    title: line,
    id: z
      .string()
      .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, { message: 'small letters, digits and single dashes' })
      .describe('Once among all rules'),
    status: z.enum(['experimental', 'test', 'stable']),
    description: z.string().min(1).max(2000),
    author: line.optional(),
    references: z.array(z.url()).max(20).default([]),
    tags: z
      .array(z.string().regex(/^[a-z0-9_-]+\.[a-z0-9._-]+$/, { message: 'like attack.t1014' }))
      .max(20)
      .default([])
      .describe('ATT&CK techniques and tactics: attack.t1014, attack.defense_evasion'),
    logsource: LogSource,
    detection: Detection,
    fields: z
      .array(z.string().min(1))
      .max(20)
      .optional()
      .describe('Fields that the alarm shows; those that the searches ask for when it is not said'),
    level: z.enum(LEVELS),
    falsepositives: z.array(line).max(20).default([]),
    tests: z.array(RuleTest).max(50).default([]),
  })
  .superRefine(({ logsource, detection, tests }, ctx) => {
    const isMemory = logsource.category === 'memory'
    const condition = conditionOf(detection.condition)
    if (isMemory && !(condition instanceof ConditionError) && condition.kind !== 'each')
      ctx.addIssue({
        code: 'custom',
        path: ['detection', 'condition'],
        message: 'rows of memory have no time: no count and no sequence',
      })
    tests.forEach(({ events, rows }, i) => {
      if (isMemory ? events : rows)
        ctx.addIssue({
          code: 'custom',
          path: ['tests', i],
          message: isMemory
            ? 'a rule over memory is tested with rows'
            : 'a rule over the trace is tested with events',
        })
    })
  })
export type Rule = z.infer<typeof Rule>

/** The searches of a detection, by name. */
export function searchesOf(detection: Record<string, unknown>): Map<string, AnyMatch> {
  const searches = new Map<string, AnyMatch>()
  for (const [name, search] of Object.entries(detection))
    if (name !== 'condition' && name !== 'timeframe') searches.set(name, search as AnyMatch)
  return searches
}

function conditionOf(text: string): Condition | ConditionError {
  try {
    return parseCondition(text)
  } catch (error) {
    if (error instanceof ConditionError) return error
    throw error
  }
}
