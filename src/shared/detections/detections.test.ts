import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Row } from '../memory/tables'
import type { TraceEvent } from '../trace/event'
import {
  ConditionError,
  DetectionRun,
  Rule,
  compileRule,
  parseCondition,
  readDuration,
  ruleJsonSchema,
  type Alarm,
} from '.'

type Fields = Record<string, unknown>

const HEAD = {
  title: 'A rule',
  id: 'a-rule',
  status: 'test',
  description: 'What it finds.',
  logsource: { product: 'ring0', category: 'trace' },
  level: 'high',
}

const ruleOf = (detection: Fields, more: Fields = {}): Rule =>
  Rule.parse({ ...HEAD, detection, ...more })

/** The alarms of one rule over events, of which only what matters is given. */
function alarms(detection: Fields, events: Fields[]): Alarm[] {
  const run = new DetectionRun([compileRule(ruleOf(detection))])
  const base = { tick: 0, cpu: 0, irql: 0, thread: 8, process: 4 }
  events.forEach((event, i) =>
    run.event({ ...base, seq: i + 1, ...event } as unknown as TraceEvent),
  )
  return run.finish()
}

const seqsOf = (found: Alarm[]): number[][] => found.map(({ seqs }) => seqs)

describe('a condition', () => {
  const a = { t: 'a' }
  const b = { n: 1 }
  const c = { n: 2 }
  test.each<[string, Fields, number[]]>([
    ['a and b', { a, b }, [1]],
    ['a or c', { a, c }, [1, 2, 3]],
    ['a and not b', { a, b }, [2]],
    ['not (a or c) or b', { a, b, c }, [1, 4]],
    ['a and (b or c)', { a, b, c }, [1, 2]],
    ['1 of them', { a, b, c }, [1, 2, 3]],
    ['all of them', { a, b, c }, []],
    ['a and not 1 of x*', { a, xb: b, xd: { n: 3 } }, [2]],
    ['all of x*', { xa: a, xb: b }, [1]],
    ['not not a and b', { a, b }, [1]],
  ])('%s', (condition, searches, seqs) => {
    const events = [
      { t: 'a', n: 1 },
      { t: 'a', n: 2 },
      { t: 'b', n: 2 },
      { t: 'b', n: 3 },
    ]
    const found = alarms({ ...searches, condition }, events)
    expect(found.flatMap((alarm) => alarm.seqs)).toEqual(seqs)
  })

  test.each([
    ['a and', 5, 'ends too early'],
    ['a b', 2, "'b' is left over"],
    ['(a', 2, "')' is missing"],
    ['a ?', 2, "'?' cannot stand here"],
    ['a | sum() > 1', 4, 'Only count'],
    ['a | count() by x', 16, 'A bound is missing'],
    ['a | count() > many', 14, 'whole number'],
    ['a then b within soon', 16, 'A time is missing'],
    ['a then b then c by x=y', 22, 'names 2 fields for 3 steps'],
    ['a then b then c by x=*=y', 24, 'first or last steps'],
    ['a then b by *', 13, 'first or last steps'],
    [`a then b by ${'x='.repeat(60)}*=x`, 135, 'first or last steps'],
    ['and', 0, "'and' is no name"],
    [Array(21).fill('a').join(' then '), 140, 'too many steps'],
  ])('%s is refused at %i', (text, offset, words) => {
    const error = (() => {
      try {
        parseCondition(text)
        return null
      } catch (thrown) {
        return thrown as ConditionError
      }
    })()
    expect(error).toBeInstanceOf(ConditionError)
    expect(error?.message).toContain(words)
    expect(error?.offset).toBe(offset)
    expect(error?.hint).not.toBe('')
  })

  test('of any text is read or refused', () => {
    const words = fc.constantFrom(
      'a',
      'and',
      'or',
      'not',
      '(',
      ')',
      '1',
      'of',
      'x*',
      '|',
      'count',
      '>',
      '3',
      'then',
      'by',
      '"',
      '  ',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((all) => all.join(' ')),
        ),
        (text) => {
          try {
            parseCondition(text)
          } catch (error) {
            expect(error).toBeInstanceOf(ConditionError)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('reads times', () => {
    expect(['1us', '2ms', '5s', '1m', '1h'].map(readDuration)).toEqual([
      10, 20_000, 50_000_000, 600_000_000, 36_000_000_000,
    ])
    expect(readDuration('5')).toBeNull()
  })
})

describe('a count', () => {
  const open = (process: number, tick: number, name = 'x'): Fields => ({
    t: 'open',
    process,
    tick,
    name,
  })
  const detection = {
    opened: { t: 'open' },
    condition: 'opened | count() by process > 2',
    timeframe: '1ms',
  }

  test('is reached by one group in time, and begins anew', () => {
    const events = [1, 2, 3, 4, 5, 6].map((tick) => open(8, tick))
    expect(alarms(detection, events)).toMatchObject([{ times: 2, seqs: [1, 2, 3, 6] }])
  })

  test('is not reached by several groups, or too slowly', () => {
    expect(alarms(detection, [open(1, 0), open(2, 0), open(1, 1), open(2, 1)])).toEqual([])
    expect(alarms(detection, [open(1, 0), open(1, 1), open(1, 20_000)])).toEqual([])
    expect(
      seqsOf(alarms(detection, [open(1, 0), open(1, 9_000), open(1, 11_000), open(1, 12_000)])),
    ).toEqual([[2, 3, 4]])
  })

  test('counts different values', () => {
    const names = { opened: { t: 'open' }, condition: 'opened | count(name) >= 3' }
    expect(
      alarms(
        names,
        ['a', 'b', 'a', 'a'].map((name) => open(1, 0, name)),
      ),
    ).toEqual([])
    expect(
      seqsOf(
        alarms(
          names,
          ['a', 'b', 'a', 'c'].map((name) => open(1, 0, name)),
        ),
      ),
    ).toEqual([[2, 3, 4]])
  })
})

describe('a sequence', () => {
  const detection = {
    a: { t: 'a' },
    b: { t: 'b' },
    c: { t: 'c' },
    condition: 'a then b then c within 1ms by id=id=target',
  }
  const at = (t: string, tick: number, fields: Fields): Fields => ({ t, tick, ...fields })

  test('is found among other events, with its evidence', () => {
    const events = [
      at('a', 0, { id: 1 }),
      at('a', 1, { id: 2 }),
      at('b', 2, { id: 1 }),
      at('c', 3, { target: '0x1' }),
    ]
    expect(alarms(detection, events)).toMatchObject([{ seq: 4, seqs: [1, 3, 4] }])
  })

  test('is not found out of order, for another value, or too late', () => {
    expect(
      alarms(detection, [at('b', 0, { id: 1 }), at('a', 1, { id: 1 }), at('c', 2, { target: 1 })]),
    ).toEqual([])
    expect(
      alarms(detection, [at('a', 0, { id: 1 }), at('b', 1, { id: 2 }), at('c', 2, { target: 1 })]),
    ).toEqual([])
    expect(
      alarms(detection, [
        at('a', 0, { id: 1 }),
        at('b', 1, { id: 1 }),
        at('c', 20_000, { target: 1 }),
      ]),
    ).toEqual([])
  })

  test('takes the beginning that came last', () => {
    const events = [
      at('a', 0, { id: 1 }),
      at('a', 15_000, { id: 1 }),
      at('b', 15_001, { id: 1 }),
      at('c', 20_000, { target: 1 }),
    ]
    expect(seqsOf(alarms(detection, events))).toEqual([[2, 3, 4]])
  })

  test('ties later steps by a field that the first ones lack', () => {
    const tied = { ...detection, condition: 'a then b then c by id=id=target, *=to=driver' }
    const steps = (to: string, driver: string): Fields[] => [
      at('a', 0, { id: 1 }),
      at('b', 1, { id: 1, to: 'other' }),
      at('b', 2, { id: 1, to }),
      at('c', 3, { target: 1, driver }),
    ]
    expect(seqsOf(alarms(tied, steps('toy', 'toy')))).toEqual([[1, 3, 4]])
    expect(alarms(tied, steps('toy', 'watch'))).toEqual([])
  })

  test('ties earlier steps by a field that the last one lacks', () => {
    const tied = { ...detection, condition: 'a then b then c by id=process=*, *=to=driver' }
    const steps = (process: number, driver: string): Fields[] => [
      at('a', 0, { id: 1 }),
      at('b', 1, { process, to: 'toy' }),
      at('c', 2, { process: 4, driver }),
    ]
    expect(seqsOf(alarms(tied, steps(1, 'toy')))).toEqual([[1, 2, 3]])
    expect(alarms(tied, steps(2, 'toy'))).toEqual([])
    expect(alarms(tied, steps(1, 'watch'))).toEqual([])
  })

  test('needs an event for each step', () => {
    const twice = { a: { t: 'a' }, condition: 'a then a' }
    expect(alarms(twice, [{ t: 'a' }])).toEqual([])
    expect(seqsOf(alarms(twice, [{ t: 'a' }, { t: 'a' }]))).toEqual([[1, 2]])
  })
})

describe('alarms', () => {
  test('say what the searches say that fit', () => {
    const detection = {
      a: [
        { t: 'a', id: 1 },
        { t: 'a', 'id|gt': 4 },
      ],
      b: { driver: 'good' },
      c: { t: 'c' },
      condition: '(a or c) and not b',
    }
    expect(alarms(detection, [{ t: 'a', id: 7, driver: 'toy' }])).toMatchObject([
      { because: 'Event 1: a by toy: t is a, id > 4; not: driver is good.' },
    ])
  })

  test('of one driver are one, with how often', () => {
    const detection = { a: { t: 'a' }, condition: 'a' }
    const events = [
      { t: 'a', driver: 'x', at: { file: 'driver.ts', line: 3 } },
      { t: 'a', driver: 'y' },
      { t: 'a', driver: 'x' },
    ]
    expect(alarms(detection, events)).toMatchObject([
      { driver: 'x', seq: 1, seqs: [1, 3], times: 2, at: { line: 3 } },
      { driver: 'y', seq: 2, times: 1 },
    ])
  })

  test('do not grow without bound', () => {
    const events = Array.from({ length: 500 }, (_, i) => ({ t: 'a', driver: `d${i}` }))
    const found = alarms({ a: { t: 'a' }, condition: 'a' }, events)
    expect(found.length).toBe(100)
    expect(found.reduce((sum, { times }) => sum + times, 0)).toBe(500)
  })

  test('show the fields of the searches, or those that the rule names', () => {
    const detection = { a: { t: 'a', 'args.Length|gt': 4, 'x|not': 1 }, condition: 'a' }
    const events = [{ t: 'a', args: { Length: 5 }, n: 7 }]
    expect(alarms(detection, events)[0]?.shows).toEqual({ 'args.Length': 5 })
    const run = new DetectionRun([compileRule(ruleOf(detection, { fields: ['n', 'none'] }))])
    run.event({ seq: 1, ...events[0] } as unknown as TraceEvent)
    expect(run.finish()[0]?.shows).toEqual({ n: 7 })
  })

  test('of the gravest rule come first', () => {
    const rules = (['low', 'critical', 'medium'] as const).map((level) =>
      compileRule(ruleOf({ a: { t: 'a' }, condition: 'a' }, { level, id: level })),
    )
    const run = new DetectionRun(rules)
    run.event({ seq: 1, t: 'a' } as unknown as TraceEvent)
    expect(run.finish().map(({ rule }) => rule)).toEqual(['critical', 'medium', 'low'])
  })
})

describe('a rule over memory', () => {
  const before: Row[] = [{ index: 1, inKernel: true }]
  const after: Row[] = [
    { index: 1, inKernel: false, module: 'toy' },
    { index: 2, inKernel: true },
  ]
  const run = (when?: string): Alarm[] => {
    const logsource = {
      product: 'ring0',
      category: 'memory',
      table: 'ssdt',
      ...(when ? { when } : {}),
    }
    const rule = ruleOf({ a: { 'index|exists': true }, condition: 'a' }, { logsource })
    const detection = new DetectionRun([compileRule(rule)])
    detection.event({ seq: 1, t: 'a', index: 1 } as unknown as TraceEvent)
    detection.tables({ before: { ssdt: before }, after: { ssdt: after } })
    return detection.finish()
  }

  test('looks at the rows it says', () => {
    const indexes = (when?: string): unknown[] => run(when).map(({ row }) => row?.['index'])
    expect(indexes()).toEqual([1, 2])
    expect(indexes('before')).toEqual([1])
    expect(indexes('appeared')).toEqual([1, 2])
    expect(indexes('vanished')).toEqual([1])
  })

  test('names the module', () => {
    expect(run()[0]).toMatchObject({ table: 'ssdt', driver: 'toy', seq: null })
  })

  test('is silent where no tables were taken', () => {
    const rule = ruleOf(
      { a: { 'index|exists': true }, condition: 'a' },
      { logsource: { product: 'ring0', category: 'memory', table: 'ssdt' } },
    )
    const detection = new DetectionRun([compileRule(rule)])
    detection.tables({ before: null, after: null })
    expect(detection.finish()).toEqual([])
  })
})

describe('a rule that is wrong', () => {
  const detection = { a: { t: 'a' }, condition: 'a' }
  test.each<[Fields, string, string]>([
    [{ detection: { condition: 'a' } }, 'detection', 'no search'],
    [{ detection: { a: { t: 'a' }, condition: 'b' } }, 'detection.condition', "no search 'b'"],
    [
      { detection: { a: { t: 'a' }, b: { t: 'b' }, condition: 'a' } },
      'detection.b',
      'does not use',
    ],
    [
      { detection: { a: { 't|is': 'a' }, condition: 'a' } },
      'detection.a.t|is',
      "'is' is no modifier",
    ],
    [{ detection: { ...detection, condition: 'a and' } }, 'detection.condition', 'character 6'],
    [
      { detection: { ...detection, timeframe: '5s' } },
      'detection.timeframe',
      'a count or a sequence',
    ],
    [{ detection: { ...detection, timeframe: 'soon' } }, 'detection.timeframe', 'no time'],
    [
      { logsource: { product: 'ring0', category: 'memory' } },
      'logsource.category',
      'wants a table',
    ],
    [
      { logsource: { product: 'ring0', category: 'trace', table: 'ssdt' } },
      'logsource.table',
      'no table',
    ],
    [
      {
        logsource: { product: 'ring0', category: 'memory', table: 'ssdt' },
        detection: { ...detection, condition: 'a then a' },
      },
      'detection.condition',
      'no time',
    ],
    [{ id: 'A rule' }, 'id', 'small letters'],
    [{ tags: ['rootkit'] }, 'tags.0', 'like attack.t1014'],
    [{ tests: [{ name: 'x', raises: true }] }, 'tests.0', 'events, rows or a sample'],
    [{ tests: [{ name: 'x', raises: true, rows: [] }] }, 'tests.0', 'tested with events'],
  ])('%j is refused at %s', (more, place, words) => {
    const { error } = Rule.safeParse({ ...HEAD, detection, ...more })
    const found = error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    expect(found?.some((each) => each.startsWith(`${place}: `) && each.includes(words))).toBe(true)
  })
})

test('the JSON Schema asks for what a rule must have, and knows the tables', () => {
  const schema = ruleJsonSchema() as { required: string[]; properties: Record<string, unknown> }
  expect(schema.required).toEqual([
    'title',
    'id',
    'status',
    'description',
    'logsource',
    'detection',
    'level',
  ])
  expect(JSON.stringify(schema.properties['logsource'])).toContain('minifilters')
})
