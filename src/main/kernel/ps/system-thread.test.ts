import { describe, expect, it } from 'vitest'
import { CLIENT_ID, ETHREAD } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INVALID_HANDLE,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  STATUS_TIMEOUT,
} from '../../../shared/nt/generated/ntstatus'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'
import type { Code, DriverApi } from '../testing/machine'
import { threadsStartedIn } from './system-thread'

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

/** Start a thread; its object, referenced by a handle that stays open. */
function* start(d: DriverApi, name: string, context = 0): Code<number> {
  const handle = d.out()
  const status = yield* d.ddi(
    'PsCreateSystemThread',
    handle,
    0x1fffff,
    null,
    0,
    null,
    d.fn(name),
    context,
  )
  expect(status).toBe(STATUS_SUCCESS)
  return d.k.ob.resolveHandle(Number(handle.value), 0, d.k.ob.types.Thread, 0).object!.address
}

describe('system threads', () => {
  it('run their routine with its context at PASSIVE_LEVEL in the System process', () => {
    const seen: unknown[] = []
    const machine = toyDriver(
      function* (d) {
        const context = scratch(d, 16)
        const thread = yield* start(d, 'Thread', context)
        expect(d.k.memory.ptr(thread + ETHREAD.StartAddress)).toBe(d.fn('Thread'))
        expect(yield* d.ddi('PsIsSystemThread', thread)).toBe(1)
        expect(yield* d.ddi('KeWaitForSingleObject', thread, 0, 0, false, null)).toBe(0)
        expect(seen).toEqual([context, 0, 4, thread])
        expect(yield* d.ddi('KeWaitForSingleObject', thread, 0, 0, false, 0n), 'for good').toBe(0)
      },
      {
        *Thread(d, context) {
          seen.push(
            context,
            yield* d.ddi('KeGetCurrentIrql'),
            yield* d.ddi('PsGetCurrentProcessId'),
            yield* d.ddi('KeGetCurrentThread'),
          )
        },
      },
    )
    clean(machine)
    expect(machine.of('thread.exited').map((event) => event.status)).toContain('0x00000000')
    const called = machine.of('routine.called').find((event) => event.kind === 'thread')
    const created = machine.of('ddi.called').find((event) => event.name === 'PsCreateSystemThread')
    expect(called!.cause).toBe(created!.seq)
  })

  it('PsTerminateSystemThread ends a thread at once, with its status', () => {
    let after = false
    const machine = toyDriver(
      function* (d) {
        const thread = yield* start(d, 'Thread')
        yield* d.ddi('KeWaitForSingleObject', thread, 0, 0, false, null)
      },
      {
        *Thread(d) {
          yield* d.ddi('PsTerminateSystemThread', 0xc0000001)
          after = true
        },
      },
    )
    clean(machine)
    expect(after).toBe(false)
    expect(machine.of('thread.exited')[0]!.status).toBe('0xC0000001')
  })

  it('PsTerminateSystemThread does nothing for a thread that is none', () => {
    clean(
      toyDriver(function* (d) {
        expect(yield* d.ddi('PsTerminateSystemThread', 0)).toBe(STATUS_INVALID_PARAMETER)
      }),
    )
  })

  it('writes the CLIENT_ID, and refuses a process handle that is none', () => {
    clean(
      toyDriver(
        function* (d) {
          const id = scratch(d, CLIENT_ID.SIZE)
          yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, 0, id, d.fn('Thread'), 0)
          expect(d.k.memory.u64(id)).toBe(4n)
          const thread = d.k.scheduler.byId(Number(d.k.memory.u64(id + 8)))!
          expect(yield* d.ddi('PsGetThreadId', thread.address)).toBe(thread.id)
          const create = d.ddi(
            'PsCreateSystemThread',
            d.out(),
            0,
            null,
            0x7770,
            null,
            d.fn('Thread'),
            0,
          )
          expect(yield* create).toBe(STATUS_INVALID_HANDLE)
        },
        { *Thread() {} },
      ),
    )
  })

  it('higher priorities run first', () => {
    const order: string[] = []
    clean(
      toyDriver(
        function* (d) {
          const low = yield* start(d, 'Low')
          const high = yield* start(d, 'High')
          expect(yield* d.ddi('KeSetPriorityThread', high, 9)).toBe(8)
          expect(yield* d.ddi('KeQueryPriorityThread', high)).toBe(9)
          yield* d.ddi('KeWaitForSingleObject', low, 0, 0, false, null)
          yield* d.ddi('KeWaitForSingleObject', high, 0, 0, false, null)
        },
        {
          *Low() {
            order.push('low')
          },
          *High() {
            order.push('high')
          },
        },
      ),
    )
    expect(order).toEqual(['high', 'low'])
  })

  it('are found by their start address while they live', () => {
    clean(
      toyDriver(
        function* (d) {
          const event = scratch(d, 24)
          yield* d.ddi('KeInitializeEvent', event, 0, false)
          const thread = yield* start(d, 'Thread', event)
          const routine = d.fn('Thread')
          const found = (): number[] =>
            [...threadsStartedIn(d.k, routine, routine + 1)].map((item) => item.address)
          expect(found()).toEqual([thread])
          yield* d.ddi('KeSetEvent', event, 0, false)
          yield* d.ddi('KeWaitForSingleObject', thread, 0, 0, false, null)
          expect(found()).toEqual([])
        },
        {
          *Thread(d, event) {
            yield* d.ddi('KeWaitForSingleObject', event!, 0, 0, false, null)
          },
        },
      ),
    )
  })

  it('0x20: ends in a critical region; VR-LOCK-THREAD-EXIT: with a lock', () => {
    const region = toyDriver(
      function* (d) {
        const thread = yield* start(d, 'Thread')
        yield* d.ddi('KeWaitForSingleObject', thread, 0, 0, false, null)
      },
      {
        *Thread(d) {
          yield* d.ddi('KeEnterCriticalRegion')
          yield* d.ddi('PsTerminateSystemThread', 0)
        },
      },
    )
    expect(stopOf(region)).toEqual({ code: '0x20', parameters: ['0x0', '0xFFFF', '0x0', '0x0'] })
    const lock = toyDriver(
      function* (d) {
        const mutex = scratch(d, 56)
        yield* d.ddi('ExInitializeFastMutex', mutex)
        yield* start(d, 'Thread', mutex)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -10_000n)
      },
      {
        *Thread(d, mutex) {
          yield* d.ddi('ExAcquireFastMutex', mutex!)
        },
      },
      { verifier: ['deadlock'] },
    )
    expect(lock.bugCheck).toMatchObject({ code: 0xc4, rule: 'VR-LOCK-THREAD-EXIT' })
    expect(lock.bugCheck!.parameters[0]).toBe(0x100an)
  })

  it('a thread that waits for ever keeps nobody else from running', () => {
    clean(
      toyDriver(
        function* (d) {
          const event = scratch(d, 24)
          yield* d.ddi('KeInitializeEvent', event, 0, false)
          const thread = yield* start(d, 'Thread', event)
          expect(yield* d.ddi('KeWaitForSingleObject', thread, 0, 0, false, -1_000_000n)).toBe(
            STATUS_TIMEOUT,
          )
        },
        {
          *Thread(d, event) {
            yield* d.ddi('KeWaitForSingleObject', event!, 0, 0, false, null)
          },
        },
      ),
    )
  })
})
