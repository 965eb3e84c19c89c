import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KDPC, KTIMER } from '../../../shared/nt/generated/offsets'
import { STATUS_SUCCESS, STATUS_TIMEOUT } from '../../../shared/nt/generated/ntstatus'
import type { Ptr } from '../mm/memory'
import { toyDriver, scratch, stopOf } from '../testing/toy-driver'
import type { Code, DriverApi } from '../testing/machine'
import { BOOT_TIME } from './time'

const MS = 10_000n

function* timer(d: DriverApi, type = 0): Code<Ptr> {
  const at = scratch(d, KTIMER.SIZE)
  yield* d.ddi('KeInitializeTimerEx', at, type)
  return at
}

function* dpc(d: DriverApi, name: string, context: Ptr = 0): Code<Ptr> {
  const at = scratch(d, KDPC.SIZE)
  yield* d.ddi('KeInitializeDpc', at, d.fn(name), context)
  return at
}

function* wait(d: DriverApi, object: Ptr, timeout: bigint | null = 0n): Code<number> {
  return yield* d.ddi('KeWaitForSingleObject', object, 0, 0, false, timeout)
}

function* sleep(d: DriverApi, milliseconds: bigint): Code<void> {
  yield* d.ddi('KeDelayExecutionThread', 0, false, -milliseconds * MS)
}

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

describe('timers', () => {
  it('a notification timer stays signalled once its time has come', () => {
    clean(
      toyDriver(function* (d) {
        const at = yield* timer(d)
        expect(d.k.memory.u8(at)).toBe(8)
        expect(yield* d.ddi('KeSetTimer', at, -20n * MS, null)).toBe(0)
        expect(yield* wait(d, at)).toBe(STATUS_TIMEOUT)
        expect(yield* wait(d, at, -1000n * MS)).toBe(STATUS_SUCCESS)
        expect(yield* wait(d, at)).toBe(STATUS_SUCCESS)
        expect(yield* d.ddi('KeReadStateTimer', at)).toBe(1)
      }),
    )
  })

  it('a synchronisation timer lets one waiter go', () => {
    clean(
      toyDriver(function* (d) {
        const at = yield* timer(d, 1)
        expect(d.k.memory.u8(at)).toBe(9)
        yield* d.ddi('KeSetTimer', at, -MS, null)
        expect(yield* wait(d, at, null)).toBe(STATUS_SUCCESS)
        expect(yield* wait(d, at)).toBe(STATUS_TIMEOUT)
      }),
    )
  })

  it('a cancelled timer neither signals nor queues its DPC; an idle one cannot be cancelled', () => {
    let ran = 0
    clean(
      toyDriver(
        function* (d) {
          const at = yield* timer(d)
          expect(yield* d.ddi('KeCancelTimer', at)).toBe(0)
          yield* d.ddi('KeSetTimer', at, -5n * MS, yield* dpc(d, 'Dpc'))
          expect(yield* d.ddi('KeCancelTimer', at)).toBe(1)
          expect(yield* d.ddi('KeCancelTimer', at)).toBe(0)
          yield* sleep(d, 20n)
          expect(yield* wait(d, at)).toBe(STATUS_TIMEOUT)
        },
        {
          *Dpc() {
            ran++
          },
        },
      ),
    )
    expect(ran).toBe(0)
  })

  it('queues its DPC at DISPATCH_LEVEL when it comes due while every thread waits', () => {
    const levels: number[] = []
    const machine = toyDriver(
      function* (d) {
        const at = yield* timer(d)
        yield* d.ddi('KeSetTimer', at, -5n * MS, yield* dpc(d, 'Dpc', 0))
        yield* sleep(d, 20n)
        expect(d.k.tick).toBeGreaterThan(200_000)
      },
      {
        *Dpc(d) {
          levels.push(yield* d.ddi('KeGetCurrentIrql'))
          expect(d.k.tick).toBeLessThan(60_000)
        },
      },
    )
    clean(machine)
    expect(levels).toEqual([2])
    const [set] = machine.of('timer.set')
    const [expired] = machine.of('timer.expired')
    const [queued] = machine.of('dpc.queued')
    const called = machine.of('routine.called').find((event) => event.kind === 'dpc')
    expect([expired!.cause, queued!.cause, called!.cause]).toEqual([
      set!.seq,
      expired!.seq,
      queued!.seq,
    ])
  })

  it('a periodic timer fires until it is cancelled, without drift', () => {
    const ticks: number[] = []
    clean(
      toyDriver(
        function* (d) {
          const at = yield* timer(d)
          const start = d.k.tick
          yield* d.ddi('KeSetTimerEx', at, -10n * MS, 10, yield* dpc(d, 'Dpc'))
          yield* sleep(d, 55n)
          expect(yield* d.ddi('KeCancelTimer', at)).toBe(1)
          yield* sleep(d, 55n)
          expect(ticks.map((tick) => Math.round((tick - start) / 10_000))).toEqual([
            10, 20, 30, 40, 50,
          ])
        },
        {
          *Dpc(d) {
            ticks.push(d.k.tick)
          },
        },
      ),
    )
  })

  it('setting an armed timer again replaces its time', () => {
    clean(
      toyDriver(function* (d) {
        const at = yield* timer(d)
        expect(yield* d.ddi('KeSetTimer', at, -5n * MS, null)).toBe(0)
        expect(yield* d.ddi('KeSetTimer', at, -50n * MS, null)).toBe(1)
        expect(yield* wait(d, at, -20n * MS)).toBe(STATUS_TIMEOUT)
        expect(yield* wait(d, at, -40n * MS)).toBe(STATUS_SUCCESS)
      }),
    )
  })

  it('a due time that is over fires at once; absolute times are system times', () => {
    clean(
      toyDriver(function* (d) {
        const at = yield* timer(d)
        yield* d.ddi('KeSetTimer', at, 1n, null)
        expect(yield* wait(d, at)).toBe(STATUS_SUCCESS)
        const now = d.out()
        yield* d.ddi('KeQuerySystemTime', now)
        yield* d.ddi('KeSetTimer', at, BigInt(now.value) + 5n * MS, null)
        expect(yield* wait(d, at, -4n * MS)).toBe(STATUS_TIMEOUT)
        expect(yield* wait(d, at, -4n * MS)).toBe(STATUS_SUCCESS)
      }),
    )
  })

  it('does not fire while the processor stays at DISPATCH_LEVEL', () => {
    const order: string[] = []
    clean(
      toyDriver(
        function* (d) {
          const at = yield* timer(d)
          yield* d.ddi('KeSetTimer', at, -MS, yield* dpc(d, 'Dpc'))
          const old = d.out()
          yield* d.ddi('KeRaiseIrql', 2, old)
          yield* d.ddi('KeStallExecutionProcessor', 5000)
          order.push('lower')
          yield* d.ddi('KeLowerIrql', Number(old.value))
          order.push('after')
        },
        {
          *Dpc() {
            order.push('dpc')
          },
        },
      ),
    )
    expect(order).toEqual(['lower', 'dpc', 'after'])
  })

  it('any set of timers fires in the order of their times, cancelled ones never', () => {
    const one = fc.record({ due: fc.integer({ min: 1, max: 40 }), cancelled: fc.boolean() })
    fc.assert(
      fc.property(fc.array(one, { maxLength: 10 }), (plan) => {
        const fired: number[] = []
        clean(
          toyDriver(
            function* (d) {
              const start = BigInt(d.k.tick) + 1_000n
              const timers: Ptr[] = []
              for (const [i, { due }] of plan.entries()) {
                const at = yield* timer(d)
                // Absolute times, so that the time that setting takes does not count.
                const when = BOOT_TIME + start + BigInt(due) * 1_000n
                yield* d.ddi('KeSetTimer', at, when, yield* dpc(d, 'Dpc', scratch(d, 8 * (i + 1))))
                timers.push(at)
                d.k.memory.setU32(d.k.memory.ptr(d.k.memory.ptr(at + KTIMER.Dpc) + 0x20), i)
              }
              for (const [i, { cancelled }] of plan.entries())
                if (cancelled) yield* d.ddi('KeCancelTimer', timers[i]!)
              yield* sleep(d, 100n)
            },
            {
              *Dpc(d, _dpc, context) {
                fired.push(d.k.memory.u32(context!))
              },
            },
          ),
        )
        const expected = plan
          .map(({ due, cancelled }, i) => ({ due, cancelled, i }))
          .filter(({ cancelled }) => !cancelled)
          .sort((a, b) => a.due - b.due || a.i - b.i)
          .map(({ i }) => i)
        expect(fired).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  it('0x0A: the memory of an armed timer is gone when it comes due', () => {
    const machine = toyDriver(function* (d) {
      const at = yield* d.ddi('ExAllocatePoolWithTag', 0, KTIMER.SIZE, 0x74736554)
      yield* d.ddi('KeInitializeTimer', at)
      yield* d.ddi('KeSetTimer', at, -MS, null)
      d.k.memory.decommit(at & ~0xfff, 1)
      yield* sleep(d, 5n)
    })
    expect(stopOf(machine)).toMatchObject({ code: '0xA' })
  })

  it('says which armed timers lie in a range, and which lead into one', () => {
    clean(
      toyDriver(
        function* (d) {
          const at = yield* timer(d)
          const routine = d.fn('Dpc')
          expect(d.k.timers.armedIn(at, at + 64)).toBe(0)
          yield* d.ddi('KeSetTimer', at, -50n * MS, yield* dpc(d, 'Dpc'))
          expect(d.k.timers.armedIn(at - 16, at + 1)).toBe(at)
          expect(d.k.timers.armedIn(at + 1, at + 64)).toBe(0)
          expect([...d.k.timers.armedInto(routine, routine + 1)]).toEqual([at])
          expect([...d.k.timers.armedInto(routine + 1, routine + 2)]).toEqual([])
          yield* d.ddi('KeCancelTimer', at)
        },
        { *Dpc() {} },
      ),
    )
  })
})
