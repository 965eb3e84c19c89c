/** After a bug check: the callbacks of drivers, and what every processor was at. */
import { describe, expect, it } from 'vitest'
import {
  KBUGCHECK_CALLBACK_RECORD as RECORD,
  KBUGCHECK_REASON_CALLBACK_RECORD as REASON,
  KBUGCHECK_SECONDARY_DUMP_DATA as SECONDARY,
} from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import type { Code, DriverApi } from '../testing/machine'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'

function* register(d: DriverApi, name: string, text = 'abc'): Code<Ptr> {
  const record = scratch(d, RECORD.SIZE)
  const buffer = scratch(d, 8)
  for (let i = 0; i < text.length; i++) d.k.memory.setU8(buffer + i, text.charCodeAt(i))
  const component = scratch(d, 8)
  d.k.memory.setU8(component, 0x54)
  yield* d.ddi('KeInitializeCallbackRecord', record)
  expect(
    yield* d.ddi('KeRegisterBugCheckCallback', record, d.fn(name), buffer, text.length, component),
  ).toBe(1)
  return record
}

describe('bug check callbacks', () => {
  it('run at HIGH_LEVEL after the stop, and what they leave is kept', () => {
    const seen: number[][] = []
    const machine = toyDriver(
      function* (d) {
        yield* register(d, 'Callback')
        yield* d.ddi('KeBugCheckEx', 0xe2, 1n, 2n, 3n, 4n)
        seen.push([-1])
      },
      {
        *Callback(d, _buffer, length = 0) {
          seen.push([length, yield* d.ddi('KeGetCurrentIrql')])
        },
      },
    )
    expect(stopOf(machine)?.code).toBe('0xE2')
    expect(seen).toEqual([[3, 15]])
    expect(machine.k.bugChecks.data).toEqual([
      { component: 'T', routine: 'toy!Callback', data: '616263' },
    ])
    const order = machine.events.map((event) => event.t)
    expect(order.lastIndexOf('routine.called')).toBeGreaterThan(order.indexOf('bugcheck'))
    expect(machine.of('bugcheck')).toHaveLength(1)
  })

  it('a record is registered once, and not after it was taken back', () => {
    let runs = 0
    const machine = toyDriver(
      function* (d) {
        const record = yield* register(d, 'Callback')
        expect(yield* d.ddi('KeRegisterBugCheckCallback', record, d.fn('Callback'), 0, 0, 0)).toBe(
          0,
        )
        expect(yield* d.ddi('KeDeregisterBugCheckCallback', record)).toBe(1)
        expect(yield* d.ddi('KeDeregisterBugCheckCallback', record)).toBe(0)
        yield* d.ddi('KeBugCheck', 0xe2)
      },
      {
        *Callback() {
          runs++
        },
      },
    )
    expect([stopOf(machine)?.code, runs]).toEqual(['0xE2', 0])
  })

  it('a damaged record is passed over', () => {
    const ran: string[] = []
    toyDriver(
      function* (d) {
        const record = yield* register(d, 'One')
        yield* register(d, 'Two')
        d.k.memory.setPtr(record + RECORD.CallbackRoutine, d.fn('Two'))
        yield* d.ddi('KeBugCheck', 0xe2)
      },
      {
        *One() {
          ran.push('one')
        },
        *Two() {
          ran.push('two')
        },
      },
    )
    expect(ran).toEqual(['two'])
  })

  it.each<[string, (d: DriverApi) => Code]>([
    [
      'stops the machine again',
      function* (d) {
        yield* d.ddi('KeBugCheck', 0x1)
      },
    ],
    [
      'waits',
      function* (d) {
        yield* d.ddi('KeDelayExecutionThread', 0, 0, -1000n)
      },
    ],
    [
      'touches memory that is not there',
      function* (d) {
        yield* d.ddi('RtlZeroMemory', 0x10, 8)
      },
    ],
    [
      'never ends',
      function* (d) {
        for (;;) yield* d.ddi('KeStallExecutionProcessor', 1_000_000)
      },
    ],
  ])('one that %s is the last, and the first stop counts', (_, body) => {
    let after = 0
    let record: Ptr = 0
    const machine = toyDriver(
      function* (d) {
        record = yield* register(d, 'Bad')
        yield* register(d, 'Good')
        yield* d.ddi('KeBugCheck', 0xe2)
      },
      {
        Bad: body,
        *Good() {
          after++
        },
      },
      { limits: { ddiCalls: 5000 } },
    )
    expect([stopOf(machine)?.code, after]).toEqual(['0xE2', 0])
    expect(machine.of('bugcheck')).toHaveLength(1)
    // BufferIncomplete.
    expect(machine.k.memory.u8(record + RECORD.State)).toBe(4)
  })

  it('a callback with a reason adds to the dump', () => {
    const machine = toyDriver(
      function* (d) {
        const record = scratch(d, REASON.SIZE)
        yield* d.ddi('KeRegisterBugCheckReasonCallback', record, d.fn('Callback'), 2, 0)
        yield* d.ddi('KeBugCheck', 0xe2)
      },
      {
        *Callback(d, reason, _record, data = 0, length = 0) {
          const { memory } = d.k
          expect([reason, length]).toEqual([2, SECONDARY.SIZE])
          const buffer = memory.ptr(data + SECONDARY.InBuffer)
          memory.setU8(buffer, 0x42)
          memory.setPtr(data + SECONDARY.OutBuffer, buffer)
          memory.setU32(data + SECONDARY.OutBufferLength, 1)
        },
      },
    )
    expect(machine.k.bugChecks.data).toEqual([
      { component: '', routine: 'toy!Callback', data: '42' },
    ])
  })

  it('the stop knows what every processor was at', () => {
    const machine = toyDriver(
      function* (d) {
        yield* d.ddi('PsCreateSystemThread', d.out(), 0x1fffff, 0, 0, null, d.fn('Busy'), 0)
        yield* d.ddi('KeDelayExecutionThread', 0, 0, -5000n)
        for (let i = 0; i < 100; i++) yield* d.ddi('KeGetCurrentIrql')
        yield* d.ddi('KeBugCheck', 0xe2)
      },
      {
        *Busy(d) {
          for (;;) yield* d.ddi('KeGetCurrentIrql')
        },
      },
      { processors: 2 },
    )
    const stacks = machine.k.stopRecord.processors.map(({ number, stack }) => [
      number,
      stack.map(({ frame }) => frame).find((frame) => frame.startsWith('toy!')),
    ])
    expect(stacks.map(([, frame]) => frame).toSorted()).toEqual(['toy!Busy', 'toy!DriverEntry'])
  })
})

it('an NMI callback is registered and taken back', () => {
  const machine = toyDriver(
    function* (d) {
      const handle = yield* d.ddi('KeRegisterNmiCallback', d.fn('Nmi'), 0)
      expect(yield* d.ddi('KeDeregisterNmiCallback', handle)).toBe(0)
      expect(yield* d.ddi('KeDeregisterNmiCallback', 0x1400000)).toBe(0xc0000008)
    },
    {
      *Nmi() {
        return 0
      },
    },
  )
  expect(machine.k.ended).toBe('done')
})
