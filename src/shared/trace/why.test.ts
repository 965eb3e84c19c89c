import { describe, expect, it } from 'vitest'
import type { EventBody, TraceEvent } from './event'
import { sentence, why, type WhySource } from './why'

type Draft = EventBody & Pick<Partial<TraceEvent>, 'cause' | 'at' | 'driver'>

function source(bodies: Draft[]): WhySource {
  const events = bodies.map((body, i): TraceEvent => ({
    seq: i + 1,
    tick: i,
    cpu: 0,
    irql: 0,
    thread: 1,
    process: 4,
    ...body,
  }))
  return {
    event: (seq) => events[seq - 1],
    irp: (irp) =>
      events.filter((event) => 'irp' in event && event.irp === irp).map((event) => event.seq),
    freed: (address, seq) =>
      events.findLast(
        (event) => event.t === 'pool.freed' && event.block === address && event.seq < seq,
      )?.seq,
  }
}

const complete = (line: number, cause: number): Draft => ({
  t: 'irp.completed',
  irp: 3,
  by: 'toy',
  status: '0x00000000',
  information: 0,
  location: 1,
  at: { file: 'driver.ts', line },
  cause,
})

describe('why', () => {
  it('walks causes from the first to the event', () => {
    const run = source([
      { t: 'routine.called', kind: 'dispatch', name: 'ToyRead', args: {}, irp: 3 },
      { t: 'dbgprint', text: 'unrelated\n' },
      {
        t: 'ddi.called',
        name: 'IoCompleteRequest',
        args: { PriorityBoost: 0 },
        driver: 'toy',
        cause: 1,
      },
      complete(11, 3),
    ])
    expect(why(run, 4)).toEqual([
      { seq: 1, text: 'ToyRead was called with IRP 3.' },
      { seq: 3, text: 'toy called IoCompleteRequest(PriorityBoost 0).' },
      { seq: 4, text: 'toy completed IRP 3 with STATUS_SUCCESS (driver.ts line 11).' },
    ])
  })

  it('adds the first completion to a repeated one and to its bug check', () => {
    const run = source([
      { t: 'routine.called', kind: 'dispatch', name: 'ToyRead', args: {}, irp: 3 },
      complete(11, 1),
      complete(12, 1),
      {
        t: 'bugcheck',
        code: '0x00000044',
        name: 'MULTIPLE_IRP_COMPLETE_REQUESTS',
        parameters: ['0x0', '0x0', '0x0', '0x0'],
        cause: 3,
      },
    ])
    const chain = why(run, 4)
    expect(chain.map((reason) => reason.seq)).toEqual([1, 2, 3, 4])
    expect(chain[2]!.text).toContain('It was completed at #2 by driver.ts line 11 already')
    expect(chain[3]!.text).toBe('Bug check 0x44 MULTIPLE_IRP_COMPLETE_REQUESTS.')
  })

  it('adds the free before a use of the same block', () => {
    const run = source([
      {
        t: 'pool.freed',
        block: '0xFFFF9A0100004000',
        bytes: 32,
        tag: 'Toy1',
        pool: 'nonpaged',
        at: { file: 'driver.ts', line: 8 },
      },
      { t: 'dbgprint', text: 'x' },
      {
        t: 'bugcheck',
        code: '0x00000050',
        name: 'PAGE_FAULT_IN_NONPAGED_AREA',
        parameters: ['0xFFFF9A0100004000', '0x0', '0x0', '0x0'],
      },
    ])
    expect(why(run, 3).map((reason) => reason.seq)).toEqual([1, 3])
  })

  it('tells the way of a call in one sentence', () => {
    const hop = (name: string, cause?: number): Draft => ({
      t: 'hop',
      layer: 'Nt',
      name,
      detail: '',
      mode: 'kernel',
      ...(cause === undefined ? {} : { cause }),
    })
    const run = source([
      hop('KERNEL32!ReadFile'),
      hop('ntdll!NtReadFile', 1),
      hop('nt!NtReadFile', 2),
      complete(11, 3),
    ])
    expect(why(run, 4).map((reason) => reason.text)).toEqual([
      'KERNEL32!ReadFile led to ntdll!NtReadFile, nt!NtReadFile.',
      'toy completed IRP 3 with STATUS_SUCCESS (driver.ts line 11).',
    ])
    // The step that is asked about stays a reason of its own.
    expect(why(run, 3).map((reason) => reason.seq)).toEqual([1, 3])
  })

  it.each([
    ['0x000000D1', { t: 'irql.changed', from: 0, to: 2, reason: 'KeAcquireSpinLock' }],
    ['0x0000003B', { t: 'exception.raised', code: '0xC0000005', address: null, access: 'write' }],
  ] as const)('adds what %s follows from', (code, before) => {
    const run = source([
      before,
      { t: 'dbgprint', text: 'x' },
      { t: 'bugcheck', code, name: 'NAME', parameters: ['0x0', '0x0', '0x0', '0x0'] },
    ])
    expect(why(run, 3).map((reason) => reason.seq)).toEqual([1, 3])
  })

  it('survives a circle and an unknown event', () => {
    const run = source([
      { t: 'dbgprint', text: 'a', cause: 2 },
      { t: 'dbgprint', text: 'b', cause: 1 },
    ])
    expect(why(run, 2).map((reason) => reason.seq)).toEqual([1, 2])
    expect(why(run, 9)).toEqual([])
  })

  it('ends each sentence with one full stop', () => {
    const bodies: EventBody[] = [
      { t: 'run.ended', outcome: 'ok', summary: 'The driver was unloaded.' },
      { t: 'irql.changed', from: 0, to: 2, reason: 'KeAcquireSpinLock' },
      { t: 'leak.found', kind: 'pool', tag: 'Toy1', bytes: 64, count: 2 },
      { t: 'exception.raised', code: '0xC0000005', address: '0x0000000000000018', access: 'write' },
    ]
    for (const body of bodies)
      expect(
        sentence({ seq: 1, tick: 0, cpu: 0, irql: 0, thread: 1, process: 4, ...body }),
      ).toMatch(/[^.]\.$/)
  })
})
