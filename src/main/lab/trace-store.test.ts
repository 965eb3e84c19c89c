import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EventBody, SourcePlace, TraceEvent } from '../../shared/trace/event'
import { foldAll } from '../../shared/trace/fold'
import { TraceStore } from './trace-store'

const PLACES: readonly SourcePlace[] = [
  { file: 'driver.ts', line: 10, column: 3 },
  { file: 'driver.ts', line: 20, column: 5 },
  { file: 'queue.ts', line: 10, column: 1 },
]
const COUNT = 9_500

/** The life of packets and blocks, and a line of output now and then. */
function bodyOf(seq: number): EventBody {
  const irp = Math.ceil(seq / 5)
  const block = `0xFFFF9A01${(irp % 40).toString(16).padStart(8, '0')}`
  switch (seq % 5) {
    case 1:
      return {
        t: 'irp.created',
        irp,
        address: block,
        major: 14,
        minor: 0,
        ioctl: null,
        stackCount: 1,
        by: 'I/O manager',
        inputLength: 4,
        outputLength: 8,
      }
    case 2:
      return { t: 'pool.allocated', block, bytes: 16, tag: 'Test', pool: 'paged' }
    case 3:
      return irp % 7 === 0
        ? { t: 'dbgprint', text: `packet ${irp}, naïve ☃` }
        : { t: 'irp.pended', irp, location: 1 }
    case 4:
      return { t: 'pool.freed', block, bytes: 16, tag: 'Test', pool: 'paged' }
    default:
      return { t: 'irp.freed', irp }
  }
}

const events = Array.from({ length: COUNT }, (_, i): TraceEvent => {
  const seq = i + 1
  const at = PLACES[seq % 4]
  return {
    seq,
    tick: seq * 3,
    cpu: 0,
    irql: seq % 3,
    thread: 8,
    process: 4,
    ...bodyOf(seq),
    ...(at ? { at } : {}),
    ...(seq > 1 ? { cause: seq - 1 } : {}),
  }
})

function filled(): TraceStore {
  const store = new TraceStore()
  for (const event of events) store.push(event)
  return store
}

const store = filled()
const step = fc.integer({ min: 1, max: COUNT })

test('every event comes back as it went in', () => {
  expect(store.count).toBe(COUNT)
  expect([...store.all()]).toEqual(events)
  fc.assert(fc.property(step, (seq) => void expect(store.event(seq)).toEqual(events[seq - 1])))
  expect(store.event(COUNT + 1)).toBeUndefined()
})

test('a range is what lies between, whatever it was packed in', () => {
  fc.assert(
    fc.property(
      step,
      fc.integer({ min: 0, max: 2500 }),
      (from, length) =>
        void expect(store.range(from, from + length)).toEqual(
          events.slice(from - 1, from + length),
        ),
    ),
    { numRuns: 30 },
  )
})

test('the state at a step is the fold of the events before, in any order of asking', () => {
  fc.assert(
    fc.property(step, (at) => void expect(store.state(at)).toEqual(foldAll(events, at))),
    { numRuns: 30 },
  )
})

test('a state that was given is not spoiled by the next ones', () => {
  const fresh = filled()
  const kept = structuredClone(fresh.state(4001))
  fresh.state(4002)
  fresh.state(9000)
  expect(fresh.state(4001)).toEqual(kept)
})

test('packets, lines and output are found by their index', () => {
  expect(store.ofIrp(70)).toEqual(events.filter((event) => 'irp' in event && event.irp === 70))
  const line = events.filter(({ at }) => at?.file === 'driver.ts' && at.line === 20)
  expect(store.lineSteps('driver.ts', 20)).toEqual(line.map(({ seq }) => seq).slice(0, 5000))
  expect(store.lineSteps('queue.ts', 20)).toEqual([])
  const { total, lines } = store.console(1, 1)
  expect(total).toBe(events.filter(({ t }) => t === 'dbgprint').length)
  expect(lines).toEqual([{ seq: 68, kind: 'dbgprint', text: 'packet 14, naïve ☃' }])
})

test('equal lines of different place objects are one line', () => {
  const small = new TraceStore()
  for (const event of events.slice(0, 40))
    small.push(event.at ? { ...event, at: { ...event.at } } : event)
  expect(small.lineSteps('driver.ts', 10)).toEqual(
    events
      .slice(0, 40)
      .filter(({ at }) => at === PLACES[0])
      .map(({ seq }) => seq),
  )
})
