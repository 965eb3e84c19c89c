import { describe, expect, it } from 'vitest'
import { FAST_MUTEX, KTHREAD } from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'
import type { Code, DriverApi } from '../testing/machine'

function* mutex(d: DriverApi): Code<Ptr> {
  const at = scratch(d, FAST_MUTEX.SIZE)
  yield* d.ddi('ExInitializeFastMutex', at)
  return at
}

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

describe('fast mutexes', () => {
  it('count, owner and IRQL', () => {
    clean(
      toyDriver(function* (d) {
        const { memory } = d.k
        const at = yield* mutex(d)
        const state = (): unknown[] => [
          memory.i32(at + FAST_MUTEX.Count),
          memory.ptr(at + FAST_MUTEX.Owner),
          d.k.irql.level,
        ]
        expect(state()).toEqual([1, 0, 0])
        yield* d.ddi('ExAcquireFastMutex', at)
        expect(state()).toEqual([0, d.k.thread.address, 1])
        yield* d.ddi('ExReleaseFastMutex', at)
        expect(state()).toEqual([1, 0, 0])
        expect(yield* d.ddi('ExTryToAcquireFastMutex', at)).toBe(1)
        expect(yield* d.ddi('ExTryToAcquireFastMutex', at)).toBe(0)
        yield* d.ddi('ExReleaseFastMutex', at)
        expect(state()).toEqual([1, 0, 0])
      }),
    )
  })

  it('keeps others out and hands itself over in the order of asking', () => {
    const order: string[] = []
    const enter = (name: string) =>
      function* (d: DriverApi, at: number | undefined): Code<void> {
        yield* d.ddi('ExAcquireFastMutex', at!)
        order.push(`${name} in`)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -10_000n)
        order.push(`${name} out`)
        yield* d.ddi('ExReleaseFastMutex', at!)
      }
    clean(
      toyDriver(
        function* (d) {
          const at = yield* mutex(d)
          for (const name of ['A', 'B', 'C'])
            yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, 0, null, d.fn(name), at)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -1_000_000n)
          expect(d.k.memory.i32(at + FAST_MUTEX.Count)).toBe(1)
          expect(d.k.memory.u32(at + FAST_MUTEX.Contention)).toBe(2)
        },
        { A: enter('A'), B: enter('B'), C: enter('C') },
      ),
    )
    expect(order).toEqual(['A in', 'A out', 'B in', 'B out', 'C in', 'C out'])
  })

  it('a guarded mutex disables special APCs instead of raising the IRQL', () => {
    clean(
      toyDriver(function* (d) {
        const at = scratch(d, FAST_MUTEX.SIZE)
        yield* d.ddi('KeInitializeGuardedMutex', at)
        yield* d.ddi('KeAcquireGuardedMutex', at)
        expect([d.k.irql.level, yield* d.ddi('KeAreAllApcsDisabled')]).toEqual([0, 1])
        expect(yield* d.ddi('KeTryToAcquireGuardedMutex', at)).toBe(0)
        yield* d.ddi('KeReleaseGuardedMutex', at)
        expect(yield* d.ddi('KeAreAllApcsDisabled')).toBe(0)
      }),
    )
  })

  it('0x192 at DISPATCH_LEVEL, with the verifier VR-IRQL-FASTMUTEX-ACQ', () => {
    const run = (verifier: string[]): ReturnType<typeof toyDriver> =>
      toyDriver(
        function* (d) {
          const at = yield* mutex(d)
          yield* d.ddi('KeRaiseIrql', 2, d.out())
          yield* d.ddi('ExAcquireFastMutex', at)
        },
        {},
        { verifier },
      )
    expect(stopOf(run([]))).toMatchObject({ code: '0x192' })
    expect(run(['standard']).bugCheck).toMatchObject({
      code: 0xc4,
      rule: 'VR-IRQL-FASTMUTEX-ACQ',
    })
  })

  it('0x162 when another thread releases it, with the verifier VR-LOCK-WRONG-THREAD', () => {
    const run = (verifier: string[]): ReturnType<typeof toyDriver> =>
      toyDriver(
        function* (d) {
          const at = yield* mutex(d)
          yield* d.ddi('ExAcquireFastMutex', at)
          yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, 0, null, d.fn('Other'), at)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -10_000n)
        },
        {
          *Other(d, at) {
            yield* d.ddi('ExReleaseFastMutexUnsafe', at!)
          },
        },
        { verifier },
      )
    expect(stopOf(run([]))).toMatchObject({ code: '0x162' })
    const { bugCheck } = run(['deadlock'])
    expect(bugCheck).toMatchObject({ code: 0xc4, rule: 'VR-LOCK-WRONG-THREAD' })
    expect(bugCheck!.parameters[0]).toBe(0x1004n)
  })

  it('a thread that acquires it twice waits for ever; the verifier says so', () => {
    const run = (verifier: string[]): ReturnType<typeof toyDriver> =>
      toyDriver(
        function* (d) {
          const at = yield* mutex(d)
          yield* d.ddi('ExAcquireFastMutex', at)
          yield* d.ddi('ExAcquireFastMutex', at)
        },
        {},
        { verifier },
      )
    expect(run([]).k.ended).toMatchObject({ outcome: 'hang' })
    expect(run(['deadlock']).bugCheck).toMatchObject({ code: 0xc4, rule: 'VR-LOCK-RECURSE' })
  })

  it('VR-IRQL-FASTMUTEX-REL and VR-IRQL-FASTMUTEX-UNSAFE', () => {
    const low = toyDriver(
      function* (d) {
        const at = yield* mutex(d)
        yield* d.ddi('ExAcquireFastMutex', at)
        yield* d.ddi('KeLowerIrql', 0)
        yield* d.ddi('ExReleaseFastMutex', at)
      },
      {},
      { verifier: ['VR-IRQL-FASTMUTEX-REL'] },
    )
    expect(low.bugCheck!.parameters.slice(0, 2)).toEqual([0x34n, 0n])
    const unsafe = (enter: boolean): ReturnType<typeof toyDriver> =>
      toyDriver(
        function* (d) {
          const at = yield* mutex(d)
          if (enter) yield* d.ddi('KeEnterCriticalRegion')
          yield* d.ddi('ExAcquireFastMutexUnsafe', at)
          yield* d.ddi('ExReleaseFastMutexUnsafe', at)
          yield* d.ddi('KeLeaveCriticalRegion')
        },
        {},
        { verifier: ['VR-IRQL-FASTMUTEX-UNSAFE'] },
      )
    expect(unsafe(false).bugCheck!.parameters[0]).toBe(0x39n)
    clean(unsafe(true))
  })
})

describe('critical regions', () => {
  it('nest, and count in KernelApcDisable', () => {
    clean(
      toyDriver(
        function* (d) {
          const handle = d.out()
          yield* d.ddi('PsCreateSystemThread', handle, 0, null, 0, null, d.fn('Thread'), 0)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -10_000n)
        },
        {
          *Thread(d) {
            const count = (): number =>
              d.k.memory.i16(d.k.thread.address + KTHREAD.KernelApcDisable)
            const seen: number[][] = []
            const look = function* (): Code<void> {
              seen.push([count(), yield* d.ddi('KeAreApcsDisabled')])
            }
            yield* look()
            yield* d.ddi('KeEnterCriticalRegion')
            yield* look()
            yield* d.ddi('KeEnterCriticalRegion')
            yield* look()
            yield* d.ddi('KeLeaveCriticalRegion')
            yield* look()
            yield* d.ddi('KeLeaveCriticalRegion')
            yield* look()
            expect(seen).toEqual([
              [0, 0],
              [-1, 1],
              [-2, 1],
              [-1, 1],
              [0, 0],
            ])
          },
        },
      ),
    )
  })

  it('VR-LOCK-CRITREGION: left without being entered', () => {
    const machine = toyDriver(
      function* (d) {
        yield* d.ddi('KeLeaveCriticalRegion')
      },
      {},
      { verifier: ['VR-LOCK-CRITREGION'] },
    )
    expect(machine.bugCheck!.parameters[0]).toBe(0x3en)
  })

  it('guarded regions disable normal APCs too', () => {
    clean(
      toyDriver(function* (d) {
        yield* d.ddi('KeEnterGuardedRegion')
        expect([yield* d.ddi('KeAreApcsDisabled'), yield* d.ddi('KeAreAllApcsDisabled')]).toEqual([
          1, 1,
        ])
        yield* d.ddi('KeLeaveGuardedRegion')
        expect(yield* d.ddi('KeAreApcsDisabled')).toBe(0)
      }),
    )
  })
})

describe('IRQL', () => {
  it('VR-IRQL-RAISE and VR-IRQL-LOWER; without the verifier the level just changes', () => {
    const run = (verifier: string[]): ReturnType<typeof toyDriver> =>
      toyDriver(
        function* (d) {
          yield* d.ddi('KeRaiseIrql', 2, d.out())
          const old = d.out()
          yield* d.ddi('KeRaiseIrql', 1, old)
          expect([old.value, d.k.irql.level]).toEqual([2, 1])
          yield* d.ddi('KeLowerIrql', 2)
          expect(yield* d.ddi('KeGetCurrentIrql')).toBe(2)
          yield* d.ddi('KeLowerIrql', 0)
        },
        {},
        { verifier },
      )
    clean(run([]))
    expect(run(['VR-IRQL-RAISE']).bugCheck!.parameters).toEqual([0x30n, 2n, 1n, 0n])
    expect(run(['VR-IRQL-LOWER']).bugCheck!.parameters).toEqual([0x31n, 1n, 2n, 0n])
  })

  it('KeRaiseIrqlToDpcLevel returns the old level', () => {
    clean(
      toyDriver(function* (d) {
        expect(yield* d.ddi('KeRaiseIrqlToDpcLevel')).toBe(0)
        expect(yield* d.ddi('KfRaiseIrql', 5)).toBe(2)
        yield* d.ddi('KeLowerIrql', 0)
      }),
    )
  })
})
