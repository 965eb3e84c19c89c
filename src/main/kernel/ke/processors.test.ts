/** Several processors: what they do to each other, and what keeps them apart. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  GROUP_AFFINITY,
  KDPC,
  KEVENT,
  KLOCK_QUEUE_HANDLE,
} from '../../../shared/nt/generated/offsets'
import type { KernelOptions } from '../options'
import type { Ptr } from '../mm/memory'
import type { Code, DriverApi, DriverFunction, TestMachine } from '../testing/machine'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'

const clean = (machine: TestMachine): void => expect(machine.k.ended).toBe('done')
const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1)

/** Start a system thread per function and wait for all of them. */
function* together(d: DriverApi, names: readonly string[], context: Ptr = 0): Code<void> {
  const threads: Ptr[] = []
  for (const name of names) {
    const handle = d.out()
    yield* d.ddi('PsCreateSystemThread', handle, 0x1fffff, 0, 0, null, d.fn(name), context)
    const object = d.k.ob.resolveHandle(Number(handle.value), 0, null, 0).object!
    threads.push(object.address)
  }
  for (const thread of threads) yield* d.ddi('KeWaitForSingleObject', thread, 0, 0, 0, null)
}

/** A counter that two threads add to, `rounds` times each; between read and write other code may run. */
function counting(
  options: Partial<KernelOptions>,
  guard: { enter(d: DriverApi): Code<void>; leave(d: DriverApi): Code<void> },
  rounds = 10,
): { machine: TestMachine; count: number } {
  let counter: Ptr = 0
  const worker: DriverFunction = function* (d) {
    for (let i = 0; i < rounds; i++) {
      yield* guard.enter(d)
      const old = d.k.memory.u32(counter)
      yield* d.ddi('KeGetCurrentProcessorNumber')
      d.k.memory.setU32(counter, old + 1)
      yield* guard.leave(d)
    }
  }
  let count = 0
  const machine = toyDriver(
    function* (d) {
      counter = scratch(d, 4)
      yield* together(d, ['One', 'Two'])
      count = d.k.memory.u32(counter)
    },
    { One: worker, Two: worker },
    options,
  )
  return { machine, count }
}

/** Raising the IRQL keeps others away from one processor, and from no other. */
const raise = {
  *enter(d: DriverApi): Code<void> {
    yield* d.ddi('KeRaiseIrql', 2, d.out())
  },
  *leave(d: DriverApi): Code<void> {
    yield* d.ddi('KeLowerIrql', 0)
  },
}

function spinning(): typeof raise {
  let lock: Ptr = 0
  return {
    *enter(d) {
      lock ||= scratch(d, 8)
      yield* d.ddi('KeAcquireSpinLock', lock, d.out())
    },
    *leave(d) {
      yield* d.ddi('KeReleaseSpinLock', lock, 0)
    },
  }
}

function queued(): typeof raise {
  let lock: Ptr = 0
  const handles = new Map<number, Ptr>()
  const handle = (d: DriverApi): Ptr => {
    const { id } = d.k.thread
    const at = handles.get(id) ?? scratch(d, KLOCK_QUEUE_HANDLE.SIZE)
    handles.set(id, at)
    return at
  }
  return {
    *enter(d) {
      lock ||= scratch(d, 8)
      yield* d.ddi('KeAcquireInStackQueuedSpinLock', lock, handle(d))
    },
    *leave(d) {
      yield* d.ddi('KeReleaseInStackQueuedSpinLock', handle(d))
    },
  }
}

describe('two processors at once', () => {
  it('events say which processor they happened on', () => {
    const { machine } = counting({ seed: 2, processors: 2 }, raise)
    clean(machine)
    expect(new Set(machine.events.map((event) => event.cpu))).toEqual(new Set([0, 1]))
    expect(machine.of('run.started')[0]?.processors).toBe(2)
  })

  it('the IRQL guards a counter on one processor and not on two', () => {
    for (const seed of SEEDS) expect(counting({ seed }, raise).count).toBe(20)
    const counts = SEEDS.map((seed) => counting({ seed, processors: 2 }, raise).count)
    expect(counts.some((count) => count < 20)).toBe(true)
  })

  it('the same seed gives the same events, another one another order', () => {
    const order = (seed: number): string =>
      JSON.stringify(counting({ seed, processors: 3 }, spinning()).machine.events)
    expect(order(7)).toBe(order(7))
    expect(new Set(SEEDS.slice(0, 5).map(order)).size).toBe(5)
  })

  it.each([
    ['spin lock', spinning],
    ['queued spin lock', queued],
  ])('a %s lets one processor in at a time, whatever the seed', (_, guard) => {
    let contended = 0
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.integer({ min: 2, max: 8 }),
        (seed, processors) => {
          const { machine, count } = counting({ seed, processors }, guard())
          expect([machine.k.ended, count]).toEqual(['done', 20])
          contended += machine.of('lock.contended').length
        },
      ),
      { numRuns: 25, seed: 1 },
    )
    expect(contended).toBeGreaterThan(5)
  })

  it('the cancel spin lock and interlocked lists are locks as well', () => {
    const cancel = {
      *enter(d: DriverApi): Code<void> {
        yield* d.ddi('IoAcquireCancelSpinLock', d.out())
      },
      *leave(d: DriverApi): Code<void> {
        yield* d.ddi('IoReleaseCancelSpinLock', 0)
      },
    }
    for (const seed of SEEDS) expect(counting({ seed, processors: 2 }, cancel).count).toBe(20)
  })

  it('a lock that its holder never gives back stops the machine that waits for it', () => {
    const machine = toyDriver(
      function* (d) {
        const lock = scratch(d, 8)
        yield* together(d, ['Holder', 'Asker'], lock)
      },
      {
        *Holder(d, lock = 0) {
          yield* d.ddi('KeAcquireSpinLock', lock, d.out())
          yield* d.ddi('KeLowerIrql', 0)
        },
        *Asker(d, lock = 0) {
          yield* d.ddi('KeDelayExecutionThread', 0, 0, -100_000n)
          yield* d.ddi('KeAcquireSpinLock', lock, d.out())
        },
      },
      { processors: 2 },
    )
    expect(stopOf(machine)?.code).toBe('0x133')
    expect(machine.bugCheck?.what).toMatch(/spun too long .* acquired it/)
  })

  it('a lock that the asker holds itself stops the machine at once', () => {
    const machine = toyDriver(
      function* (d) {
        const lock = scratch(d, 8)
        yield* d.ddi('KeAcquireSpinLock', lock, d.out())
        yield* d.ddi('KeAcquireSpinLock', lock, d.out())
      },
      {},
      { processors: 2 },
    )
    expect(stopOf(machine)?.code).toBe('0x133')
    expect(machine.k.tick).toBeLessThan(10_000)
  })

  it('a timer comes due on another processor while one stays at DISPATCH_LEVEL', () => {
    let signalled = false
    clean(
      toyDriver(
        function* (d) {
          yield* together(d, ['High', 'Sleeper'])
        },
        {
          *High(d) {
            yield* d.ddi('KeRaiseIrql', 2, d.out())
            // Ends only if the other thread wakes up meanwhile.
            while (!signalled) yield* d.ddi('KeStallExecutionProcessor', 10)
            yield* d.ddi('KeLowerIrql', 0)
          },
          *Sleeper(d) {
            yield* d.ddi('KeDelayExecutionThread', 0, 0, -1000n)
            signalled = true
          },
        },
        { processors: 2 },
      ),
    )
  })
})

describe('DPCs and processors', () => {
  function* dpc(d: DriverApi, target: number | null): Code<Ptr> {
    const at = scratch(d, KDPC.SIZE)
    yield* d.ddi('KeInitializeDpc', at, d.fn('Dpc'), 0)
    if (target !== null) yield* d.ddi('KeSetTargetProcessorDpc', at, target)
    return at
  }

  it('a DPC runs on the processor that it is bound to', () => {
    for (const seed of SEEDS) {
      const ran: number[] = []
      const machine = toyDriver(
        function* (d) {
          for (const target of [0, 1, 2, 1]) {
            yield* d.ddi('KeInsertQueueDpc', yield* dpc(d, target), 0, 0)
            yield* d.ddi('KeFlushQueuedDpcs')
          }
        },
        {
          *Dpc(d) {
            ran.push(yield* d.ddi('KeGetCurrentProcessorNumber'))
          },
        },
        { seed, processors: 3 },
      )
      clean(machine)
      expect(ran).toEqual([0, 1, 2, 1])
    }
  })

  it('without a target it runs where it was queued', () => {
    for (const seed of SEEDS) {
      const machine = toyDriver(
        function* (d) {
          yield* d.ddi('KeRaiseIrql', 2, d.out())
          const here = yield* d.ddi('KeGetCurrentProcessorNumber')
          yield* d.ddi('KeInsertQueueDpc', yield* dpc(d, null), here, 0)
          yield* d.ddi('KeLowerIrql', 0)
        },
        {
          *Dpc(d, _dpc, _context, here) {
            expect(yield* d.ddi('KeGetCurrentProcessorNumber')).toBe(here)
          },
        },
        { seed, processors: 4 },
      )
      clean(machine)
    }
  })

  it('one insertion runs once, and a DPC queued again may run on two processors at once', () => {
    let overlapped = false
    for (const seed of SEEDS) {
      let running = 0
      let runs = 0
      let inserted = 0
      const machine = toyDriver(
        function* (d) {
          const at = yield* dpc(d, 1)
          for (let i = 0; i < 12; i++) {
            yield* d.ddi('KeSetTargetProcessorDpc', at, i % 2)
            inserted += yield* d.ddi('KeInsertQueueDpc', at, 0, 0)
          }
          yield* d.ddi('KeFlushQueuedDpcs')
          expect(runs).toBe(inserted)
        },
        {
          *Dpc(d) {
            runs++
            if (++running > 1) overlapped = true
            for (let i = 0; i < 30; i++) yield* d.ddi('KeGetCurrentIrql')
            running--
          },
        },
        { seed, processors: 2 },
      )
      clean(machine)
    }
    expect(overlapped).toBe(true)
  })

  it('KeSetTargetProcessorDpcEx refuses processors that are not there', () => {
    clean(
      toyDriver(
        function* (d) {
          const at = yield* dpc(d, null)
          const number = scratch(d, 4)
          d.k.memory.setU8(number + 2, 1)
          expect(yield* d.ddi('KeSetTargetProcessorDpcEx', at, number)).toBe(0)
          d.k.memory.setU8(number + 2, 2)
          expect(yield* d.ddi('KeSetTargetProcessorDpcEx', at, number)).toBe(0xc000000d)
        },
        { *Dpc() {} },
        { processors: 2 },
      ),
    )
  })

  it('KeFlushQueuedDpcs waits for a DPC that another processor has begun', () => {
    for (const seed of SEEDS) {
      let done = false
      clean(
        toyDriver(
          function* (d) {
            yield* d.ddi('KeInsertQueueDpc', yield* dpc(d, 1), 0, 0)
            yield* d.ddi('KeFlushQueuedDpcs')
            expect(done).toBe(true)
          },
          {
            *Dpc(d) {
              for (let i = 0; i < 20; i++) yield* d.ddi('KeGetCurrentIrql')
              done = true
            },
          },
          { seed, processors: 2 },
        ),
      )
    }
  })
})

describe('all processors', () => {
  it('KeIpiGenericCall runs on each of them at IPI_LEVEL, all at the same time', () => {
    for (const seed of SEEDS) {
      const ran: number[] = []
      let inside = 0
      let most = 0
      const machine = toyDriver(
        function* (d) {
          expect(yield* d.ddi('KeIpiGenericCall', d.fn('Worker'), 0x1400000)).toBeLessThan(4)
          expect(ran.toSorted()).toEqual([0, 1, 2, 3])
          expect(yield* d.ddi('KeGetCurrentIrql')).toBe(0)
        },
        {
          *Worker(d, argument) {
            expect([argument, yield* d.ddi('KeGetCurrentIrql')]).toEqual([0x1400000, 14])
            most = Math.max(most, ++inside)
            for (let i = 0; i < 40; i++) yield* d.ddi('KeGetCurrentIrql')
            inside--
            const number = yield* d.ddi('KeGetCurrentProcessorNumber')
            ran.push(number)
            return number
          },
        },
        { seed, processors: 4 },
      )
      clean(machine)
      expect(most).toBeGreaterThan(1)
    }
  })

  it('two broadcasts at the same time go one after the other', () => {
    for (const seed of SEEDS) {
      let runs = 0
      clean(
        toyDriver(
          function* (d) {
            yield* together(d, ['One', 'Two'])
            expect(runs).toBe(6)
          },
          {
            *One(d) {
              yield* d.ddi('KeIpiGenericCall', d.fn('Worker'), 0)
            },
            *Two(d) {
              yield* d.ddi('KeIpiGenericCall', d.fn('Worker'), 0)
            },
            *Worker(d) {
              yield* d.ddi('KeGetCurrentIrql')
              runs++
            },
          },
          { seed, processors: 3 },
        ),
      )
    }
  })

  it('a broadcast interrupts a processor that spins for a lock', () => {
    for (const seed of SEEDS) {
      clean(
        toyDriver(
          function* (d) {
            yield* together(d, ['Holder', 'Asker'], scratch(d, 8))
          },
          {
            *Holder(d, lock = 0) {
              yield* d.ddi('KeAcquireSpinLock', lock, d.out())
              for (let i = 0; i < 10; i++) yield* d.ddi('KeGetCurrentIrql')
              yield* d.ddi('KeIpiGenericCall', d.fn('Worker'), 0)
              yield* d.ddi('KeReleaseSpinLock', lock, 0)
            },
            *Asker(d, lock = 0) {
              yield* d.ddi('KeAcquireSpinLock', lock, d.out())
              yield* d.ddi('KeReleaseSpinLock', lock, 0)
            },
            *Worker() {},
          },
          { seed, processors: 2 },
        ),
      )
    }
  })

  it('0x101: a processor at HIGH_LEVEL takes no interrupts', () => {
    const machine = toyDriver(
      function* (d) {
        yield* together(d, ['Deaf', 'Caller'])
      },
      {
        *Deaf(d) {
          yield* d.ddi('KeRaiseIrql', 15, d.out())
          for (;;) yield* d.ddi('KeGetCurrentIrql')
        },
        *Caller(d) {
          yield* d.ddi('KeDelayExecutionThread', 0, 0, -1000n)
          yield* d.ddi('KeIpiGenericCall', d.fn('Worker'), 0)
        },
        *Worker() {},
      },
      { processors: 2, limits: { dispatchTicks: 20_000 } },
    )
    // Who loses patience first depends on who was first.
    expect(['0x101', '0x133']).toContain(stopOf(machine)?.code)
  })

  it('a thread runs on the processors that it is bound to', () => {
    for (const seed of SEEDS) {
      clean(
        toyDriver(
          function* (d) {
            for (const number of [1, 0, 2]) {
              yield* d.ddi('KeSetSystemAffinityThread', BigInt(1 << number))
              for (let i = 0; i < 5; i++)
                expect(yield* d.ddi('KeGetCurrentProcessorNumber')).toBe(number)
            }
            expect(yield* d.ddi64('KeSetSystemAffinityThreadEx', 6n)).toBe(4n)
            yield* d.ddi('KeRevertToUserAffinityThreadEx', 0n)
            expect(yield* d.ddi64('KeSetSystemAffinityThreadEx', 1n)).toBe(0n)
            yield* d.ddi('KeRevertToUserAffinityThread')
            const [now, old] = [scratch(d, GROUP_AFFINITY.SIZE), scratch(d, GROUP_AFFINITY.SIZE)]
            d.k.memory.setU64(now, 2n)
            yield* d.ddi('KeSetSystemGroupAffinityThread', now, old)
            expect(yield* d.ddi('KeGetCurrentProcessorNumberEx', 0)).toBe(1)
            yield* d.ddi('KeRevertToUserGroupAffinityThread', old)
            expect(d.k.thread.affinity).toBe(-1)
            const mask = d.out()
            expect(yield* d.ddi('KeQueryActiveProcessorCount', mask)).toBe(3)
            expect(mask.value).toBe(7n)
            expect(yield* d.ddi64('KeQueryActiveProcessors')).toBe(7n)
          },
          {},
          { seed, processors: 3 },
        ),
      )
    }
  })

  it('a wait ends on any processor, and pageable memory stays out of reach at DISPATCH_LEVEL only', () => {
    for (const seed of SEEDS) {
      let event: Ptr = 0
      let paged: Ptr = 0
      clean(
        toyDriver(
          function* (d) {
            event = scratch(d, KEVENT.SIZE)
            paged = yield* d.ddi('ExAllocatePoolWithTag', 1, 64, 0x31676154)
            yield* d.ddi('KeInitializeEvent', event, 1, false)
            yield* together(d, ['High', 'Low', 'Setter'])
            yield* d.ddi('ExFreePoolWithTag', paged, 0x31676154)
          },
          {
            *High(d) {
              for (let i = 0; i < 10; i++) {
                yield* d.ddi('KeRaiseIrql', 2, d.out())
                yield* d.ddi('KeGetCurrentIrql')
                expect(d.k.memory.pte(paged) & 1).toBe(0)
                yield* d.ddi('KeLowerIrql', 0)
              }
            },
            *Low(d) {
              yield* d.ddi('KeWaitForSingleObject', event, 0, 0, 0, null)
              for (let i = 0; i < 10; i++) {
                yield* d.ddi('KeGetCurrentIrql')
                expect(d.k.memory.pte(paged) & 1).toBe(1)
              }
            },
            *Setter(d) {
              yield* d.ddi('KeSetEvent', event, 0, false)
            },
          },
          { seed, processors: 2 },
        ),
      )
    }
  })
})
