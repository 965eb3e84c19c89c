import { describe, expect, it } from 'vitest'
import { KMUTANT, KSEMAPHORE, KTHREAD, KWAIT_BLOCK } from '../../../shared/nt/generated/offsets'
import {
  STATUS_ABANDONED_WAIT_0,
  STATUS_INVALID_PARAMETER_1,
  STATUS_MUTANT_NOT_OWNED,
  STATUS_SEMAPHORE_LIMIT_EXCEEDED,
  STATUS_SUCCESS,
  STATUS_TIMEOUT,
} from '../../../shared/nt/generated/ntstatus'
import type { Ptr } from '../mm/memory'
import { NtException } from '../stop'
import { toyDriver, scratch, stopOf } from '../testing/toy-driver'
import type { Code, DriverApi } from '../testing/machine'

const NOTIFICATION = 0
const SYNCHRONIZATION = 1
const WAIT_ALL = 0
const WAIT_ANY = 1
const MS = 10_000n

function* event(d: DriverApi, type: number, state: boolean): Code<Ptr> {
  const at = scratch(d, 24)
  yield* d.ddi('KeInitializeEvent', at, type, state)
  return at
}

function* wait(d: DriverApi, object: Ptr, timeout: bigint | null = 0n): Code<number> {
  return yield* d.ddi('KeWaitForSingleObject', object, 0, 0, false, timeout)
}

function* waitMany(
  d: DriverApi,
  objects: Ptr[],
  type: number,
  timeout: bigint | null,
  blocks: Ptr | null = null,
): Code<number> {
  const array = scratch(d, objects.length * 8)
  objects.forEach((object, i) => d.k.memory.setPtr(array + i * 8, object))
  return yield* d.ddi(
    'KeWaitForMultipleObjects',
    objects.length,
    array,
    type,
    0,
    0,
    false,
    timeout,
    blocks,
  )
}

/** Start a system thread; its object, referenced. */
function* thread(d: DriverApi, name: string, context: number = 0): Code<Ptr> {
  const handle = d.out()
  expect(yield* d.ddi('PsCreateSystemThread', handle, 0, null, 0, null, d.fn(name), context)).toBe(
    STATUS_SUCCESS,
  )
  const object = d.k.ob.resolveHandle(Number(handle.value), 0, null, 0).object!
  d.k.ob.reference(object.address)
  yield* d.ddi('ZwClose', Number(handle.value))
  return object.address
}

/** The status that a call raises. */
function* raised(call: Code<number>): Code<number | null> {
  try {
    yield* call
  } catch (error) {
    if (error instanceof NtException) return error.code
    throw error
  }
  return null
}

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

describe('events', () => {
  it('initialisation writes type, size, state and an empty wait list', () => {
    clean(
      toyDriver(function* (d) {
        const { memory } = d.k
        const at = yield* event(d, NOTIFICATION, false)
        expect([memory.u8(at), memory.u8(at + 2), memory.i32(at + 4)]).toEqual([0, 6, 0])
        expect([memory.ptr(at + 8), memory.ptr(at + 16)]).toEqual([at + 8, at + 8])
        expect(memory.u8(yield* event(d, SYNCHRONIZATION, false))).toBe(1)
      }),
    )
  })

  it('KeSetEvent and KeResetEvent return the former state', () => {
    clean(
      toyDriver(function* (d) {
        const at = yield* event(d, NOTIFICATION, false)
        expect(yield* d.ddi('KeSetEvent', at, 0, false)).toBe(0)
        expect(yield* d.ddi('KeSetEvent', at, 0, false)).not.toBe(0)
        expect(yield* d.ddi('KeResetEvent', at)).toBe(1)
        expect(yield* d.ddi('KeResetEvent', at)).toBe(0)
        yield* d.ddi('KeSetEvent', at, 0, false)
        yield* d.ddi('KeClearEvent', at)
        expect(yield* d.ddi('KeReadStateEvent', at)).toBe(0)
      }),
    )
  })

  it('a notification event stays set, a synchronisation event is used up', () => {
    clean(
      toyDriver(function* (d) {
        const notification = yield* event(d, NOTIFICATION, true)
        expect(yield* wait(d, notification)).toBe(STATUS_SUCCESS)
        expect(yield* wait(d, notification)).toBe(STATUS_SUCCESS)
        const synchronization = yield* event(d, SYNCHRONIZATION, true)
        expect(yield* wait(d, synchronization)).toBe(STATUS_SUCCESS)
        expect(yield* wait(d, synchronization)).toBe(STATUS_TIMEOUT)
      }),
    )
  })

  it('KePulseEvent returns the former state and leaves the event clear', () => {
    clean(
      toyDriver(function* (d) {
        const at = yield* event(d, NOTIFICATION, true)
        expect(yield* d.ddi('KePulseEvent', at, 0, false)).toBe(1)
        expect(yield* d.ddi('KeReadStateEvent', at)).toBe(0)
        expect(yield* d.ddi('KePulseEvent', at, 0, false)).toBe(0)
      }),
    )
  })

  it('KePulseEvent lets those go that wait at that moment', () => {
    const woken: number[] = []
    clean(
      toyDriver(
        function* (d) {
          const at = yield* event(d, NOTIFICATION, false)
          const threads = [yield* thread(d, 'Waiter', at), yield* thread(d, 'Waiter', at)]
          yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
          yield* d.ddi('KePulseEvent', at, 0, false)
          expect(yield* waitMany(d, threads, WAIT_ALL, null)).toBe(STATUS_SUCCESS)
          expect(yield* d.ddi('KeReadStateEvent', at)).toBe(0)
        },
        {
          *Waiter(d, at) {
            woken.push(yield* wait(d, at!, null))
          },
        },
      ),
    )
    expect(woken).toEqual([STATUS_SUCCESS, STATUS_SUCCESS])
  })

  it('a synchronisation event lets one waiter go for each signal, first come first served', () => {
    const order: string[] = []
    clean(
      toyDriver(
        function* (d) {
          const at = yield* event(d, SYNCHRONIZATION, false)
          const one = yield* thread(d, 'One', at)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
          const two = yield* thread(d, 'Two', at)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
          yield* d.ddi('KeSetEvent', at, 0, false)
          yield* wait(d, one, null)
          expect(order).toEqual(['one'])
          expect(yield* wait(d, two, 0n)).toBe(STATUS_TIMEOUT)
          yield* d.ddi('KeSetEvent', at, 0, false)
          yield* wait(d, two, null)
        },
        {
          *One(d, at) {
            yield* wait(d, at!, null)
            order.push('one')
          },
          *Two(d, at) {
            yield* wait(d, at!, null)
            order.push('two')
          },
        },
      ),
    )
    expect(order).toEqual(['one', 'two'])
  })

  it('links a wait block of the waiting thread into the event', () => {
    clean(
      toyDriver(
        function* (d) {
          const { memory } = d.k
          const at = yield* event(d, NOTIFICATION, false)
          const waiter = yield* thread(d, 'Waiter', at)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
          const block = memory.ptr(at + 8)
          expect(block).toBe(waiter + KTHREAD.WaitBlock)
          expect(memory.ptr(block + KWAIT_BLOCK.Thread)).toBe(waiter)
          expect(memory.ptr(block + KWAIT_BLOCK.Object)).toBe(at)
          expect(memory.u8(waiter + KTHREAD.State)).toBe(5)
          yield* d.ddi('KeSetEvent', at, 0, false)
          expect(memory.ptr(at + 8)).toBe(at + 8)
          yield* wait(d, waiter, null)
        },
        {
          *Waiter(d, at) {
            yield* wait(d, at!, null)
          },
        },
      ),
    )
  })

  it('loses its waiters when it is initialised while they wait', () => {
    const machine = toyDriver(
      function* (d) {
        const at = yield* event(d, NOTIFICATION, false)
        const waiter = yield* thread(d, 'Waiter', at)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
        yield* d.ddi('KeInitializeEvent', at, NOTIFICATION, false)
        yield* d.ddi('KeSetEvent', at, 0, false)
        yield* wait(d, waiter, null)
      },
      {
        *Waiter(d, at) {
          yield* wait(d, at!, null)
        },
      },
    )
    expect(machine.k.ended).toMatchObject({ outcome: 'hang' })
  })

  it('stops with 0x139 when the list of waiters was overwritten', () => {
    const machine = toyDriver(
      function* (d) {
        const at = yield* event(d, NOTIFICATION, false)
        yield* thread(d, 'Waiter', at)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
        d.k.memory.setPtr(d.k.memory.ptr(at + 8) + 8, scratch(d, 16))
        yield* d.ddi('KeSetEvent', at, 0, false)
      },
      {
        *Waiter(d, at) {
          yield* wait(d, at!, null)
        },
      },
    )
    expect(stopOf(machine)).toMatchObject({
      code: '0x139',
      parameters: ['0x3', '0x0', '0x0', '0x0'],
    })
  })

  it('stops with 0x0A for an event that was never initialised', () => {
    const machine = toyDriver(function* (d) {
      yield* wait(d, scratch(d, 24), null)
    })
    expect(stopOf(machine)).toMatchObject({ code: '0xA' })
    expect(machine.bugCheck!.parameters.slice(1, 3)).toEqual([2n, 0n])
  })

  it('stops with 0x0A for an event in paged pool', () => {
    let at = 0
    const machine = toyDriver(function* (d) {
      at = d.k.pool.allocate(64, 'Test', { paged: true, system: true })
      yield* d.ddi('KeInitializeEvent', at, NOTIFICATION, false)
      yield* d.ddi('KeSetEvent', at, 0, false)
    })
    expect(machine.bugCheck).toMatchObject({ code: 0x0a })
    expect(machine.bugCheck!.parameters[0]).toBe(machine.k.memory.address(at))
  })

  it('VR-LOCK-PAGEABLE: the verifier finds it at the initialisation', () => {
    const machine = toyDriver(
      function* (d) {
        const at = d.k.pool.allocate(64, 'Test', { paged: true, system: true })
        yield* d.ddi('KeInitializeEvent', at, NOTIFICATION, false)
      },
      {},
      { verifier: ['security'] },
    )
    expect(stopOf(machine)).toMatchObject({ code: '0xC4' })
    expect(machine.bugCheck!.parameters[0]).toBe(0xe1n)
  })
})

describe('waits for several objects', () => {
  it('WaitAny takes the first of two set events only', () => {
    clean(
      toyDriver(function* (d) {
        const a = yield* event(d, SYNCHRONIZATION, true)
        const b = yield* event(d, SYNCHRONIZATION, true)
        expect(yield* waitMany(d, [a, b], WAIT_ANY, null)).toBe(0)
        expect(yield* d.ddi('KeReadStateEvent', a)).toBe(0)
        expect(yield* d.ddi('KeReadStateEvent', b)).toBe(1)
        expect(yield* waitMany(d, [a, b], WAIT_ANY, null)).toBe(1)
      }),
    )
  })

  it('WaitAll takes nothing until it can take everything', () => {
    clean(
      toyDriver(function* (d) {
        const a = yield* event(d, SYNCHRONIZATION, true)
        const b = yield* event(d, SYNCHRONIZATION, false)
        expect(yield* waitMany(d, [a, b], WAIT_ALL, 0n)).toBe(STATUS_TIMEOUT)
        expect(yield* d.ddi('KeReadStateEvent', a)).toBe(1)
        yield* d.ddi('KeSetEvent', b, 0, false)
        expect(yield* waitMany(d, [a, b], WAIT_ALL, 0n)).toBe(STATUS_SUCCESS)
        expect(yield* d.ddi('KeReadStateEvent', a)).toBe(0)
        expect(yield* d.ddi('KeReadStateEvent', b)).toBe(0)
      }),
    )
  })

  it('a blocked WaitAll ends when the last object is set, and WaitAny names the object', () => {
    const results: number[] = []
    clean(
      toyDriver(
        function* (d) {
          const a = yield* event(d, SYNCHRONIZATION, false)
          const b = yield* event(d, SYNCHRONIZATION, false)
          const c = yield* event(d, SYNCHRONIZATION, false)
          const array = scratch(d, 24)
          ;[a, b, c].forEach((item, i) => d.k.memory.setPtr(array + i * 8, item))
          const all = yield* thread(d, 'All', array)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
          yield* d.ddi('KeSetEvent', b, 0, false)
          yield* d.ddi('KeSetEvent', a, 0, false)
          expect(yield* wait(d, all, 0n)).toBe(STATUS_TIMEOUT)
          expect(yield* d.ddi('KeReadStateEvent', a)).toBe(1)
          yield* d.ddi('KeSetEvent', c, 0, false)
          yield* wait(d, all, null)
          const any = yield* thread(d, 'Any', array)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
          yield* d.ddi('KeSetEvent', c, 0, false)
          yield* wait(d, any, null)
          for (const item of [a, b, c])
            expect(d.k.memory.ptr(item + 8), 'no wait block is left').toBe(item + 8)
        },
        {
          *All(d, array) {
            results.push(
              yield* d.ddi(
                'KeWaitForMultipleObjects',
                3,
                array!,
                WAIT_ALL,
                0,
                0,
                false,
                null,
                null,
              ),
            )
          },
          *Any(d, array) {
            results.push(
              yield* d.ddi(
                'KeWaitForMultipleObjects',
                3,
                array!,
                WAIT_ANY,
                0,
                0,
                false,
                null,
                null,
              ),
            )
          },
        },
      ),
    )
    expect(results).toEqual([0, 2])
  })

  it('stops with 0x0C for more than three objects without a block array, and for more than 64', () => {
    for (const [count, blocks] of [
      [4, null],
      [65, 1],
    ] as const) {
      const machine = toyDriver(function* (d) {
        const objects: Ptr[] = []
        for (let i = 0; i < count; i++) objects.push(yield* event(d, NOTIFICATION, true))
        yield* waitMany(d, objects, WAIT_ANY, 0n, blocks === null ? null : scratch(d, 65 * 48))
      })
      expect(stopOf(machine)).toMatchObject({ code: '0xC' })
    }
  })

  it('waits for up to 64 objects with a block array', () => {
    clean(
      toyDriver(
        function* (d) {
          const objects: Ptr[] = []
          for (let i = 0; i < 64; i++) objects.push(yield* event(d, SYNCHRONIZATION, false))
          yield* thread(d, 'Setter', objects[63])
          expect(
            yield* waitMany(d, objects, WAIT_ANY, null, scratch(d, 64 * KWAIT_BLOCK.SIZE)),
          ).toBe(63)
          expect(yield* waitMany(d, [], WAIT_ANY, 0n)).toBe(STATUS_INVALID_PARAMETER_1)
        },
        {
          *Setter(d, at) {
            yield* d.ddi('KeSetEvent', at!, 0, false)
          },
        },
      ),
    )
  })

  it('waits twice for one object', () => {
    clean(
      toyDriver(
        function* (d) {
          const at = yield* event(d, SYNCHRONIZATION, false)
          yield* thread(d, 'Setter', at)
          expect(yield* waitMany(d, [at, at], WAIT_ANY, null)).toBe(0)
          expect(d.k.memory.ptr(at + 8)).toBe(at + 8)
        },
        {
          *Setter(d, at) {
            yield* d.ddi('KeSetEvent', at!, 0, false)
          },
        },
      ),
    )
  })
})

describe('time-outs', () => {
  it('relative and absolute ones end a wait at their tick', () => {
    clean(
      toyDriver(function* (d) {
        const at = yield* event(d, NOTIFICATION, false)
        const start = d.k.tick
        expect(yield* wait(d, at, -20n * MS)).toBe(STATUS_TIMEOUT)
        expect(d.k.tick - start).toBeGreaterThanOrEqual(200_000)
        expect(d.k.tick - start).toBeLessThan(200_100)
        const now = d.out()
        yield* d.ddi('KeQuerySystemTime', now)
        expect(yield* wait(d, at, BigInt(now.value) + 5n * MS)).toBe(STATUS_TIMEOUT)
        expect(d.k.tick - start).toBeGreaterThanOrEqual(250_000)
        expect(yield* wait(d, at, BigInt(now.value) - 1n), 'a time in the past').toBe(
          STATUS_TIMEOUT,
        )
        expect(d.k.memory.ptr(at + 8)).toBe(at + 8)
      }),
    )
  })

  it('a signal before the time-out cancels it', () => {
    const machine = toyDriver(
      function* (d) {
        const at = yield* event(d, SYNCHRONIZATION, false)
        yield* thread(d, 'Setter', at)
        expect(yield* wait(d, at, -10_000n * MS)).toBe(STATUS_SUCCESS)
        expect(d.k.tick).toBeLessThan(10_000_000)
        expect(d.k.timers.nextTimer).toBe(Infinity)
      },
      {
        *Setter(d, at) {
          yield* d.ddi('KeSetEvent', at!, 0, false)
        },
      },
    )
    clean(machine)
    const [signal] = machine.of('object.signaled')
    expect(machine.of('wait.ended').some((ended) => ended.cause === signal!.seq)).toBe(true)
  })

  it('KeDelayExecutionThread sleeps for its interval', () => {
    clean(
      toyDriver(function* (d) {
        const start = d.k.tick
        expect(yield* d.ddi('KeDelayExecutionThread', 0, false, -50n * MS)).toBe(STATUS_SUCCESS)
        expect(d.k.tick - start).toBeGreaterThanOrEqual(500_000)
        expect(yield* d.ddi('KeDelayExecutionThread', 0, false, 0n)).toBe(STATUS_SUCCESS)
      }),
    )
  })
})

describe('mutexes', () => {
  it('counts what its owner does, and keeps others out until the last release', () => {
    const seen: number[] = []
    clean(
      toyDriver(
        function* (d) {
          const at = scratch(d, KMUTANT.SIZE)
          yield* d.ddi('KeInitializeMutex', at, 0)
          for (let i = 0; i < 10; i++) expect(yield* wait(d, at)).toBe(STATUS_SUCCESS)
          yield* wait(d, yield* thread(d, 'Try', at), null)
          for (let i = -9; i < 0; i++) {
            expect((yield* d.ddi('KeReleaseMutex', at, false)) | 0).toBe(i)
            yield* wait(d, yield* thread(d, 'Try', at), null)
          }
          expect((yield* d.ddi('KeReleaseMutex', at, false)) | 0).toBe(0)
          yield* wait(d, yield* thread(d, 'Try', at), null)
        },
        {
          *Try(d, at) {
            const status = yield* wait(d, at!)
            seen.push(status)
            if (status === STATUS_SUCCESS) yield* d.ddi('KeReleaseMutex', at!, false)
          },
        },
      ),
    )
    expect(seen).toEqual([...Array<number>(10).fill(STATUS_TIMEOUT), STATUS_SUCCESS])
  })

  it('releasing a mutex of nobody raises STATUS_MUTANT_NOT_OWNED and leaves it free', () => {
    clean(
      toyDriver(function* (d) {
        const at = scratch(d, KMUTANT.SIZE)
        yield* d.ddi('KeInitializeMutex', at, 0)
        expect(yield* raised(d.ddi('KeReleaseMutex', at, false))).toBe(STATUS_MUTANT_NOT_OWNED)
        expect(yield* d.ddi('KeReadStateMutex', at)).toBe(1)
      }),
    )
  })

  it('disables normal kernel APCs while it is owned', () => {
    clean(
      toyDriver(function* (d) {
        const at = scratch(d, KMUTANT.SIZE)
        yield* d.ddi('KeInitializeMutex', at, 0)
        expect(yield* d.ddi('KeAreApcsDisabled')).toBe(0)
        yield* wait(d, at, null)
        expect(yield* d.ddi('KeAreApcsDisabled')).toBe(1)
        yield* d.ddi('KeReleaseMutex', at, false)
        expect(yield* d.ddi('KeAreApcsDisabled')).toBe(0)
      }),
    )
  })

  it('passes from hand to hand', () => {
    const order: string[] = []
    clean(
      toyDriver(
        function* (d) {
          const at = scratch(d, KMUTANT.SIZE)
          yield* d.ddi('KeInitializeMutex', at, 0)
          yield* wait(d, at, null)
          const other = yield* thread(d, 'Other', at)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
          order.push('release')
          yield* d.ddi('KeReleaseMutex', at, false)
          expect(d.k.memory.ptr(at + KMUTANT.OwnerThread)).toBe(other)
          expect(yield* wait(d, at, null)).toBe(STATUS_SUCCESS)
          order.push('again')
          yield* d.ddi('KeReleaseMutex', at, false)
          yield* wait(d, other, null)
        },
        {
          *Other(d, at) {
            yield* wait(d, at!, null)
            order.push('other')
            yield* d.ddi('KeReleaseMutex', at!, false)
          },
        },
      ),
    )
    expect(order).toEqual(['release', 'other', 'again'])
  })

  it('an abandoned mutant says so to the next owner, once', () => {
    clean(
      toyDriver(
        function* (d) {
          const at = scratch(d, KMUTANT.SIZE)
          d.k.dispatcher.initializeMutant(at, false)
          const owner = yield* thread(d, 'Owner', at)
          expect(yield* wait(d, owner, null)).toBe(STATUS_SUCCESS)
          expect(yield* wait(d, at, null)).toBe(STATUS_ABANDONED_WAIT_0)
          expect(yield* wait(d, at, null), 'the second time it is its own').toBe(STATUS_SUCCESS)
          yield* d.ddi('KeReleaseMutex', at, false)
          yield* d.ddi('KeReleaseMutex', at, false)
          expect(yield* d.ddi('KeReadStateMutex', at)).toBe(1)
        },
        {
          *Owner(d, at) {
            yield* wait(d, at!, null)
          },
        },
      ),
    )
  })

  it('0x20: a thread that ends while it owns a mutex', () => {
    const machine = toyDriver(
      function* (d) {
        const at = scratch(d, KMUTANT.SIZE)
        yield* d.ddi('KeInitializeMutex', at, 0)
        yield* wait(d, yield* thread(d, 'Owner', at), null)
      },
      {
        *Owner(d, at) {
          yield* wait(d, at!, null)
        },
      },
    )
    expect(stopOf(machine)).toEqual({ code: '0x20', parameters: ['0x0', '0xFFFF', '0x0', '0x0'] })
  })
})

describe('semaphores', () => {
  it('counts, limits, and returns the former count', () => {
    clean(
      toyDriver(function* (d) {
        const at = scratch(d, KSEMAPHORE.SIZE)
        yield* d.ddi('KeInitializeSemaphore', at, 0, 5)
        expect(yield* wait(d, at)).toBe(STATUS_TIMEOUT)
        expect(yield* d.ddi('KeReleaseSemaphore', at, 0, 1, false)).toBe(0)
        expect(yield* wait(d, at)).toBe(STATUS_SUCCESS)
        expect(yield* d.ddi('KeReleaseSemaphore', at, 0, 2, false)).toBe(0)
        expect(yield* d.ddi('KeReleaseSemaphore', at, 0, 1, false)).toBe(2)
        expect(yield* raised(d.ddi('KeReleaseSemaphore', at, 0, 3, false))).toBe(
          STATUS_SEMAPHORE_LIMIT_EXCEEDED,
        )
        expect(yield* d.ddi('KeReadStateSemaphore', at)).toBe(3)
      }),
    )
  })

  it('lets as many waiters go as it is released by', () => {
    let done = 0
    clean(
      toyDriver(
        function* (d) {
          const at = scratch(d, KSEMAPHORE.SIZE)
          yield* d.ddi('KeInitializeSemaphore', at, 0, 10)
          for (let i = 0; i < 3; i++) yield* thread(d, 'Waiter', at)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
          yield* d.ddi('KeReleaseSemaphore', at, 0, 2, false)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
          expect(done).toBe(2)
          yield* d.ddi('KeReleaseSemaphore', at, 0, 1, false)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -MS)
          expect(done).toBe(3)
          expect(yield* d.ddi('KeReadStateSemaphore', at)).toBe(0)
        },
        {
          *Waiter(d, at) {
            yield* wait(d, at!, null)
            done++
          },
        },
      ),
    )
  })
})

describe('waits where waiting is not allowed', () => {
  it('0xB8: a DPC waits', () => {
    const machine = toyDriver(
      function* (d) {
        const dpc = scratch(d, 64)
        yield* d.ddi('KeInitializeDpc', dpc, d.fn('Dpc'), yield* event(d, NOTIFICATION, false))
        yield* d.ddi('KeInsertQueueDpc', dpc, null, null)
      },
      {
        *Dpc(d, _dpc, at) {
          yield* wait(d, at!, null)
        },
      },
    )
    expect(stopOf(machine)).toMatchObject({ code: '0xB8' })
  })

  it('VR-IRQL-WAIT: a wait with a time-out at DISPATCH_LEVEL', () => {
    const machine = toyDriver(
      function* (d) {
        const at = yield* event(d, NOTIFICATION, true)
        yield* d.ddi('KeRaiseIrql', 2, d.out())
        yield* wait(d, at, 0n)
        yield* wait(d, at, -1n)
      },
      {},
      { verifier: ['VR-IRQL-WAIT'] },
    )
    expect(machine.bugCheck).toMatchObject({ code: 0xc4, rule: 'VR-IRQL-WAIT' })
    expect(machine.bugCheck!.parameters.slice(0, 2)).toEqual([0x3bn, 2n])
  })

  it('VR-LOCK-USERWAIT-STACK: a UserMode wait for an object on the stack', () => {
    const machine = toyDriver(
      function* (d) {
        const at = d.k.thread.stackLimit + 0x100
        yield* d.ddi('KeInitializeEvent', at, NOTIFICATION, true)
        expect(yield* d.ddi('KeWaitForSingleObject', at, 0, 0, false, null)).toBe(0)
        yield* d.ddi('KeWaitForSingleObject', at, 0, 1, false, null)
      },
      {},
      { verifier: ['VR-LOCK-USERWAIT-STACK'] },
    )
    expect(machine.bugCheck).toMatchObject({ code: 0xc4, rule: 'VR-LOCK-USERWAIT-STACK' })
  })

  it('VR-IRQL-SETEVENT: Wait TRUE above APC_LEVEL', () => {
    const machine = toyDriver(
      function* (d) {
        const at = yield* event(d, NOTIFICATION, true)
        yield* d.ddi('KeRaiseIrql', 2, d.out())
        yield* d.ddi('KeSetEvent', at, 0, true)
      },
      {},
      { verifier: ['VR-IRQL-SETEVENT'] },
    )
    expect(machine.bugCheck!.parameters.slice(0, 2)).toEqual([0x80n, 2n])
  })
})
