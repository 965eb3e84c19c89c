import { describe, expect, test } from 'vitest'
import type { EventBody, TraceEvent } from '../trace/event'
import { Statement, StatementRun, evaluate, type RunEnd } from '.'

/** Events from their bodies, numbered from 1. */
function trace(...bodies: EventBody[]): TraceEvent[] {
  const base = { cpu: 0, irql: 0, thread: 8, process: 4 }
  return bodies.map((body, i): TraceEvent => ({ ...base, seq: i + 1, tick: i, ...body }))
}

const acquired = (lock: string): EventBody => ({ t: 'lock.acquired', lock, kind: 'spin' })
const released = (lock: string): EventBody => ({ t: 'lock.released', lock, kind: 'spin' })
const printed = (text: string): EventBody => ({ t: 'dbgprint', text })

function judge(statement: unknown, events: TraceEvent[], end: RunEnd = {}): unknown[] {
  const [result] = evaluate([Statement.parse(statement)], { events, ...end })
  return [result?.holds, result?.seq, result?.because]
}

describe('an event', () => {
  const events = trace(printed('a'), printed('b'), printed('a'))
  const says = 'It is printed'
  test.each([
    [{ text: 'a' }, undefined, [true, 1, 'It happened twice (text is a).']],
    [{ text: 'c' }, undefined, [false, null, 'No event has text is c.']],
    [{ text: 'a' }, 2, [true, 1, 'It happened twice (text is a).']],
    [{ text: 'a' }, 1, [false, 3, 'It happened twice, wanted is exactly 1 (text is a).']],
    [{ text: 'b' }, { min: 2 }, [false, 2, 'It happened once, wanted is at least 2 (text is b).']],
    [{ text: 'c' }, { max: 1 }, [true, null, 'No event with text is c.']],
    [{ t: 'dbgprint' }, { min: 1, max: 3 }, [true, 1, 'It happened 3 times (t is dbgprint).']],
    [
      [{ text: 'c' }, { text: 'b' }],
      undefined,
      [true, 2, 'It happened once (text is c; or text is b).'],
    ],
  ])('%j, %j', (event, count, result) => {
    expect(judge({ says, event, ...(count === undefined ? {} : { count }) }, events)).toEqual(
      result,
    )
  })
})

test('what must never happen is shown where it first did', () => {
  const says = 'No lock'
  const never = { t: 'lock.acquired' }
  expect(judge({ says, never }, trace(printed('x')))).toEqual([
    true,
    null,
    'No event has t is lock.acquired.',
  ])
  expect(judge({ says, never }, trace(printed('x'), acquired('A'), acquired('B')))).toEqual([
    false,
    2,
    'It happened twice, first in event 2 (t is lock.acquired).',
  ])
})

describe('an order', () => {
  const order = [{ t: 'lock.acquired' }, { t: 'dbgprint' }, { t: 'lock.released' }]
  const says = 'It prints under the lock'

  test('holds with other events between', () => {
    const events = trace(printed('0'), acquired('A'), acquired('B'), printed('1'), released('A'))
    expect(judge({ says, order }, events)).toEqual([
      true,
      5,
      'They happened in this order: events 2, 4, 5.',
    ])
  })

  test('says what did not come, and after which event', () => {
    expect(judge({ says, order }, trace(printed('1'), acquired('A'), released('A')))).toEqual([
      false,
      2,
      'After event 2 no event has t is dbgprint.',
    ])
    expect(judge({ says, order }, [])).toEqual([
      false,
      null,
      'The first of them did not happen: no event has t is lock.acquired.',
    ])
  })

  test('keeps rows of different values apart', () => {
    const pair = [{ t: 'lock.acquired' }, { t: 'lock.released' }]
    const crossed = trace(acquired('A'), released('B'))
    expect(judge({ says, order: pair }, crossed)[0]).toBe(true)
    expect(judge({ says, order: pair, same: ['lock'] }, crossed).slice(0, 2)).toEqual([false, 1])
    const both = trace(acquired('A'), acquired('B'), released('B'))
    expect(judge({ says, order: pair, same: ['lock'] }, both).slice(0, 2)).toEqual([true, 3])
  })

  test('takes a field that has another name in the second event', () => {
    const named = [{ t: 'dbgprint' }, { t: 'lock.acquired' }]
    const same = [['text', 'lock']]
    expect(judge({ says, order: named, same }, trace(printed('A'), acquired('B')))[0]).toBe(false)
    expect(judge({ says, order: named, same }, trace(printed('0x0A'), acquired('0xA')))[0]).toBe(
      true,
    )
  })

  test('needs one event for each step', () => {
    const twice = [{ t: 'dbgprint' }, { t: 'dbgprint' }]
    expect(judge({ says, order: twice }, trace(printed('1')))[0]).toBe(false)
    expect(judge({ says, order: twice }, trace(printed('1'), printed('2')))[0]).toBe(true)
  })
})

describe('each ... then', () => {
  const statement = {
    says: 'Every lock is given back',
    each: { t: 'lock.acquired' },
    then: { t: 'lock.released' },
    same: ['lock'],
  }
  test('holds when each is followed', () => {
    const events = trace(acquired('A'), acquired('B'), released('B'), released('A'))
    expect(judge(statement, events)).toEqual([true, 4, 'It happened twice, followed each time.'])
  })

  test('names the first that is not', () => {
    const events = trace(acquired('A'), released('A'), acquired('B'), acquired('A'))
    expect(judge(statement, events)).toEqual([
      false,
      3,
      'Event 3 is not followed by one with t is lock.released.',
    ])
  })

  test('needs an event, unless it is said that none is fine', () => {
    expect(judge(statement, [])).toEqual([
      false,
      null,
      'There are 0 events with t is lock.acquired, wanted is at least 1.',
    ])
    expect(judge({ ...statement, atLeast: 0 }, [])[0]).toBe(true)
  })
})

describe('an outcome', () => {
  const crash = trace(
    { t: 'bugcheck', code: '0x000000D1', name: '', parameters: ['0x0', '0x2', '0x0', '0x0'] },
    { t: 'run.ended', outcome: 'bugcheck', summary: '' },
  )
  test.each([
    [{ outcome: 'bugcheck' }, true],
    [{ outcome: ['ok', 'bugcheck'], code: 0xd1 }, true],
    [{ outcome: 'bugcheck', code: '0xD1' }, true],
    [{ outcome: 'bugcheck', code: 'DRIVER_IRQL_NOT_LESS_OR_EQUAL' }, true],
    [{ outcome: 'bugcheck', code: '0xA' }, false],
    [{ outcome: 'ok' }, false],
  ])('%j: %s', (outcome, holds) => {
    const [found, seq, because] = judge({ says: 'It stops', ...outcome }, crash)
    expect([found, seq]).toEqual([holds, 1])
    expect(because).toBe('The run ended with bugcheck 0x000000D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL.')
  })

  test('is what the report says, when there is one', () => {
    expect(judge({ says: 'Leak', outcome: 'leak' }, [], { outcome: 'leak' })[0]).toBe(true)
    expect(judge({ says: 'Fine', outcome: 'ok' }, [])).toEqual([
      false,
      null,
      'The run did not end.',
    ])
  })
})

describe('a table', () => {
  const before = {
    ssdt: [
      { index: 1, symbol: 'NtClose' },
      { index: 2, symbol: 'NtOpenProcess' },
    ],
  }
  const after = {
    ssdt: [
      { index: 1, symbol: 'NtClose' },
      { index: 2, symbol: 'Hook' },
    ],
  }
  const tables = { before, after }
  test.each([
    [{ rows: { symbol: 'Hook' } }, true],
    [{ rows: { symbol: 'Hook' }, when: 'before' }, false],
    [{ rows: { symbol: 'Hook' }, when: 'before', count: 0 }, true],
    [{ rows: { 'index|gte': 1 }, when: 'appeared', count: 1 }, true],
    [{ rows: { symbol: 'NtOpenProcess' }, when: 'vanished' }, true],
    [{ rows: { symbol: 'NtClose' }, when: 'vanished' }, false],
  ])('%j: %s', (asked, holds) => {
    expect(judge({ says: 'The table', table: 'ssdt', ...asked }, [], { tables })[0]).toBe(holds)
  })

  test('says what is missing', () => {
    const statement = { says: 'The table', table: 'sdt', rows: { a: 1 } }
    expect(judge(statement, [], { tables })[2]).toBe("There is no table 'sdt'; there are ssdt.")
    expect(judge(statement, [])[2]).toBe('The memory tables were not taken in this run.')
    const ssdt = { says: 'The table', table: 'ssdt', rows: { symbol: 'x' }, count: { min: 2 } }
    expect(judge(ssdt, [], { tables })[2]).toBe(
      'No rows of ssdt at the end, wanted is at least 2 (symbol is x).',
    )
  })
})

describe('a statement that is wrong', () => {
  test.each([
    [{ says: 'x' }, '', 'a statement says one of: event, never'],
    [{ says: 'x', event: { t: 'a' }, never: { t: 'a' } }, '', 'cannot stand in one statement'],
    [{ event: { t: 'a' } }, 'says', 'expected string'],
    [{ says: 'x', event: { 't|x': 'a' } }, 'event.t|x', "'x' is no modifier"],
    [{ says: 'x', order: [{ t: 'a' }] }, 'order', '>=2'],
    [{ says: 'x', event: { t: 'a' }, counts: 1 }, '', '"counts"'],
    [{ says: 'x', event: { t: 'a' }, count: {} }, 'count', 'say min, max or both'],
    ['x', '', 'a statement says one of'],
  ])('%j is refused at "%s"', (statement, place, words) => {
    const issue = Statement.safeParse(statement).error?.issues[0]
    expect(issue?.path.join('.')).toBe(place)
    expect(issue?.message).toContain(words)
  })
})

test('a long run goes through in one pass', () => {
  const run = new StatementRun(
    [
      {
        says: 'a',
        order: [
          { t: 'dbgprint', text: 'first' },
          { t: 'dbgprint', text: 'last' },
        ],
      },
      { says: 'b', each: { t: 'lock.acquired' }, then: { t: 'lock.released' }, same: ['lock'] },
    ].map((statement) => Statement.parse(statement)),
  )
  const [first, last, lock, unlock] = trace(
    printed('first'),
    printed('last'),
    acquired('A'),
    released('A'),
  )
  run.event(first!)
  for (let i = 0; i < 20_000; i++) {
    run.event(lock!)
    run.event(unlock!)
  }
  run.event(last!)
  expect(run.finish().map(({ holds }) => holds)).toEqual([true, true])
})
