import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EventBody, TraceEvent } from './event'
import { TimelineIndex, timeline } from './fold-timeline'

function trace(bodies: (EventBody & { thread?: number; irql?: number })[]): TraceEvent[] {
  return bodies.map((body, i) => ({
    seq: i + 1,
    tick: i * 10,
    cpu: 0,
    irql: 0,
    thread: 1,
    process: 4,
    ...body,
  }))
}

const call = (name: string, irp?: number): EventBody => ({
  t: 'routine.called',
  kind: 'dispatch',
  name,
  args: {},
  ...(irp === undefined ? {} : { irp }),
})
const back = (name: string, result = '0x00000000'): EventBody => ({
  t: 'routine.returned',
  kind: 'dispatch',
  name,
  result,
})
const packet = (irp: number): EventBody => ({
  t: 'irp.created',
  irp,
  address: '0xFFFF9A0100003060',
  major: 14,
  minor: 0,
  ioctl: '0x00222000',
  stackCount: 1,
  by: 'I/O manager',
  inputLength: 0,
  outputLength: 0,
})
const completed = (irp: number): EventBody => ({
  t: 'irp.completed',
  irp,
  by: 'toy',
  status: '0x00000000',
  information: 0,
  location: 1,
})
const finished = (irp: number): EventBody => ({
  t: 'irp.finished',
  irp,
  status: '0xC0000010',
  information: 0,
})

describe('timeline', () => {
  it('nests calls of one thread in rows and names their result', () => {
    const { spans } = timeline(
      trace([call('Upper', 1), call('Lower', 1), back('Lower'), back('Upper', '0xC0000001')]),
    )
    expect(spans).toEqual([
      {
        lane: 'code',
        from: 1,
        to: 4,
        label: 'Upper',
        detail: 'Upper for IRP 1: STATUS_UNSUCCESSFUL',
        depth: 0,
        kind: 'routine',
        irp: 1,
      },
      {
        lane: 'code',
        from: 2,
        to: 3,
        label: 'Lower',
        detail: 'Lower for IRP 1: STATUS_SUCCESS',
        depth: 1,
        kind: 'routine',
        irp: 1,
      },
    ])
  })

  it('closes routines that an exception unwound together with the one that returned', () => {
    const { spans } = timeline(trace([call('Outer'), call('Inner'), back('Outer')]))
    expect(spans.map((span) => [span.label, span.to])).toEqual([
      ['Outer', 3],
      ['Inner', 3],
    ])
  })

  it('leaves spans open that are open at the end', () => {
    const { spans, marks } = timeline(
      trace([
        call('Dispatch'),
        {
          t: 'bugcheck',
          code: '0x00000044',
          name: 'MULTIPLE_IRP_COMPLETE_REQUESTS',
          parameters: ['0x0', '0x0', '0x0', '0x0'],
        },
      ]),
    )
    expect(spans[0]!.to).toBeNull()
    expect(marks).toEqual([
      {
        lane: 'code',
        seq: 2,
        kind: 'bugcheck',
        label: 'MULTIPLE_IRP_COMPLETE_REQUESTS (0x00000044)',
      },
    ])
  })

  it('marks a packet that is completed twice', () => {
    const once = timeline(trace([packet(1), completed(1), finished(1)]))
    const twice = timeline(trace([packet(1), completed(1), completed(1)]))
    expect(once.spans[0]!.bad).toBeUndefined()
    expect(once.spans[0]!.detail).toBe(
      'IRP 1 IRP_MJ_DEVICE_CONTROL 0x00222000: STATUS_INVALID_DEVICE_REQUEST',
    )
    expect(twice.spans[0]!.bad).toBe(true)
  })

  it('marks the packet that a bug check 0x44 is about, though it is freed', () => {
    const { spans } = timeline(
      trace([
        packet(1),
        completed(1),
        finished(1),
        { t: 'irp.freed', irp: 1 },
        { ...packet(2), address: '0xFFFF9A0100005000' } as EventBody,
        {
          t: 'bugcheck',
          code: '0x00000044',
          name: 'MULTIPLE_IRP_COMPLETE_REQUESTS',
          parameters: ['0xFFFF9A0100003060', '0x0', '0x0', '0x0'],
        },
      ]),
    )
    expect(spans.map((span) => span.bad ?? false)).toEqual([true, false])
  })

  it('blames packets that are open when the run hangs', () => {
    const { spans } = timeline(
      trace([packet(1), finished(1), packet(2), { t: 'hang.found', reason: 'IRP 2' }]),
    )
    expect(spans.map((span) => span.bad ?? false)).toEqual([false, true])
  })

  it('keeps the level before a window', () => {
    const events = trace([
      { t: 'dbgprint', text: 'a' },
      { t: 'irql.changed', from: 0, to: 2, reason: 'KeRaiseIrql' },
      { t: 'dbgprint', text: 'b', irql: 2 },
      { t: 'dbgprint', text: 'c', irql: 2 },
      { t: 'irql.changed', from: 2, to: 0, reason: 'KeLowerIrql', irql: 2 },
    ])
    expect(timeline(events, 3, 5).irql).toEqual([
      { seq: 3, level: 2 },
      { seq: 5, level: 0 },
    ])
    expect(timeline(events).irql).toEqual([
      { seq: 1, level: 0 },
      { seq: 2, level: 2 },
      { seq: 5, level: 0 },
    ])
  })

  it('answers the same for every window however the events arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('call', 'back', 'irp', 'done', 'alloc', 'raise'), {
          maxLength: 300,
        }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 10, max: 60 }),
        (words, a, b, width) => {
          let irp = 0
          let level = 0
          const events = trace(
            words.map((word): EventBody => {
              switch (word) {
                case 'call':
                  return call('Dispatch')
                case 'back':
                  return back('Dispatch')
                case 'irp':
                  return packet(++irp)
                case 'done':
                  return finished(irp)
                case 'alloc':
                  return { t: 'pool.allocated', block: '0x1', bytes: 8, tag: 'Toy1', pool: 'paged' }
                default:
                  return {
                    t: 'irql.changed',
                    from: level,
                    to: (level = (level + 1) % 3),
                    reason: 'test',
                  }
              }
            }),
          )
          const [from, to] = [Math.min(a, b), Math.max(a, b)]
          const window = timeline(events, from, to, width)
          const end = Math.min(to, events.length)
          for (const span of window.spans) {
            expect(span.from).toBeLessThanOrEqual(Math.max(from, end))
            expect(span.to ?? events.length).toBeGreaterThanOrEqual(Math.min(from, end))
          }
          // Rows hold one span at a time.
          const rows = new Map<string, number>()
          for (const span of window.spans) {
            if (span.depth === 15) continue
            const row = `${span.lane} ${span.depth}`
            expect(span.from).toBeGreaterThanOrEqual(rows.get(row) ?? 0)
            rows.set(row, span.to ?? events.length)
          }
          for (const mark of window.marks) {
            expect(mark.seq).toBeGreaterThanOrEqual(from)
            expect(mark.seq).toBeLessThanOrEqual(to)
          }
          expect(window.irql.map((item) => item.seq)).toEqual(
            window.irql.map((item) => item.seq).toSorted((x, y) => x - y),
          )
        },
      ),
      { numRuns: 150 },
    )
  })

  it('thins a long run to about the asked width and keeps every problem', () => {
    const index = new TimelineIndex()
    let seq = 0
    const push = (body: EventBody): void =>
      index.push({
        seq: ++seq,
        tick: seq,
        cpu: 0,
        irql: seq % 50 === 0 ? 2 : 0,
        thread: 1,
        process: 4,
        ...body,
      })
    for (let i = 1; i <= 20_000; i++) {
      push(packet(i))
      push(call('ToyDeviceControl', i))
      push({ t: 'pool.allocated', block: '0x1', bytes: 16, tag: 'Toy1', pool: 'nonpaged' })
      push({ t: 'pool.freed', block: '0x1', bytes: 16, tag: 'Toy1', pool: 'nonpaged' })
      push(completed(i))
      if (i === 10_000)
        push({ t: 'exception.raised', code: '0xC0000005', address: null, access: null })
      push(back('ToyDeviceControl'))
      push(finished(i))
      push({ t: 'irp.freed', irp: i })
    }
    const window = index.query(1, index.total, 300)
    expect(window.spans.length).toBeLessThan(700)
    expect(window.marks.length).toBeLessThan(700)
    expect(window.irql.length).toBeLessThan(700)
    expect(window.spans.some((span) => span.kind === 'many')).toBe(true)
    expect(window.marks.filter((mark) => mark.kind === 'exception')).toHaveLength(1)
    // Looked at closely, the same run shows each packet.
    const close = index.query(80_001, 80_016, 300)
    expect(close.spans.filter((span) => span.kind === 'irp').length).toBeGreaterThanOrEqual(2)
    expect(index.problem(1, 1)).toBe(window.marks.find((mark) => mark.kind === 'exception')!.seq)
    expect(index.problem(index.total, 1)).toBeNull()
  })
})
