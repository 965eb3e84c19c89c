import { describe, expect, it } from 'vitest'
import type { EventBody, TraceEvent } from '../../../../shared/trace/event'
import { sequenceOf } from './sequence'

const trace = (bodies: (EventBody & { driver?: string })[]): TraceEvent[] =>
  bodies.map((body, i) => ({
    seq: i + 1,
    tick: i,
    cpu: 0,
    irql: 0,
    thread: 1,
    process: 4,
    ...body,
  }))

const created: EventBody = {
  t: 'irp.created',
  irp: 1,
  address: '0xFFFF9A0100003060',
  major: 3,
  minor: 0,
  ioctl: null,
  stackCount: 2,
  by: 'I/O manager',
  inputLength: 0,
  outputLength: 16,
}
const sent = (to: string, location: number): EventBody => ({
  t: 'irp.sent',
  irp: 1,
  device: '0x1',
  deviceName: null,
  to,
  major: 3,
  minor: 0,
  location,
})
const completed = (by: string): EventBody => ({
  t: 'irp.completed',
  irp: 1,
  by,
  status: '0x00000000',
  information: 0,
  location: 1,
})

const lines = (bodies: (EventBody & { driver?: string })[]): string[] =>
  sequenceOf(trace(bodies)).messages.map(
    (message) => `${message.kind} ${message.from} -> ${message.to}: ${message.label}`,
  )

describe('sequenceOf', () => {
  it('shows a packet going down through a filter and up through its completion routine', () => {
    expect(
      lines([
        created,
        sent('filter', 2),
        { ...sent('toy', 1), driver: 'filter' },
        { ...completed('toy'), driver: 'toy' },
        { t: 'irp.completion', irp: 1, to: 'filter', location: 2, result: '0x00000000' },
        { t: 'irp.finished', irp: 1, status: '0x00000000', information: 0 },
      ]),
    ).toEqual([
      'down application -> I/O manager: READ',
      'down I/O manager -> filter: IRP 1',
      'down filter -> toy: IRP 1',
      'up toy -> I/O manager: STATUS_SUCCESS',
      'up I/O manager -> filter: completion routine',
      'up I/O manager -> application: STATUS_SUCCESS',
    ])
  })

  it('tells a pending packet and its cancellation apart', () => {
    expect(
      lines([
        created,
        sent('toy', 1),
        { t: 'irp.pended', irp: 1, location: 1, driver: 'toy' },
        {
          t: 'routine.returned',
          kind: 'dispatch',
          name: 'ToyRead',
          result: '0x00000103',
          irp: 1,
          driver: 'toy',
        },
        { t: 'irp.cancelled', irp: 1, routine: true },
      ]).slice(2),
    ).toEqual([
      'note toy -> toy: pending',
      'return toy -> I/O manager: returns STATUS_PENDING',
      'cancel I/O manager -> toy: cancel',
    ])
  })

  it('marks a second completion, and not one after STATUS_MORE_PROCESSING_REQUIRED', () => {
    const kinds = (bodies: EventBody[]): string[] =>
      sequenceOf(trace(bodies)).messages.map((message) => message.kind)
    expect(kinds([completed('toy'), completed('toy')])).toEqual(['up', 'again'])
    expect(
      kinds([
        completed('toy'),
        {
          t: 'irp.completion',
          irp: 1,
          to: 'filter',
          location: 2,
          result: 'STATUS_MORE_PROCESSING_REQUIRED',
        },
        completed('filter'),
      ]),
    ).toEqual(['up', 'up', 'up'])
  })

  it('adds the completion that ended the machine to the packet it was about', () => {
    const events = trace([created, sent('toy', 1), completed('toy')])
    const again = sequenceOf(events, { seq: 9, firstSeq: 3 }).messages.at(-1)
    expect(again).toMatchObject({ seq: 9, kind: 'again', from: 'toy', to: 'I/O manager' })
    expect(sequenceOf(events, { seq: 9, firstSeq: 7 }).messages.at(-1)!.kind).toBe('up')
  })

  it('names the actors in the order in which the packet met them', () => {
    expect(
      sequenceOf(trace([created, sent('b', 2), { ...sent('a', 1), driver: 'b' }])).actors,
    ).toEqual(['application', 'I/O manager', 'b', 'a'])
  })
})
