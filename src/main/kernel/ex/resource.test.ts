import { describe, expect, it } from 'vitest'
import { ERESOURCE, EX_RUNDOWN_REF, GENERAL_LOOKASIDE } from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import { scratch, toyDriver } from '../testing/toy-driver'
import type { Code, DriverApi } from '../testing/machine'

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

function* resource(d: DriverApi): Code<Ptr> {
  const at = scratch(d, ERESOURCE.SIZE)
  expect(yield* d.ddi('ExInitializeResourceLite', at)).toBe(0)
  return at
}

function* start(d: DriverApi, name: string, context: Ptr): Code<void> {
  yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, 0, null, d.fn(name), context)
}

function* sleep(d: DriverApi, milliseconds: bigint): Code<void> {
  yield* d.ddi('KeDelayExecutionThread', 0, false, -milliseconds * 10_000n)
}

describe('resources', () => {
  it('a writer may come again, as reader too, and leaves as often', () => {
    clean(
      toyDriver(function* (d) {
        const at = yield* resource(d)
        yield* d.ddi('KeEnterCriticalRegion')
        expect(yield* d.ddi('ExAcquireResourceExclusiveLite', at, true)).toBe(1)
        expect(yield* d.ddi('ExAcquireResourceExclusiveLite', at, false)).toBe(1)
        expect(yield* d.ddi('ExAcquireResourceSharedLite', at, false)).toBe(1)
        expect(yield* d.ddi('ExIsResourceAcquiredExclusiveLite', at)).toBe(1)
        expect(yield* d.ddi('ExIsResourceAcquiredSharedLite', at)).toBe(3)
        for (let i = 0; i < 3; i++) yield* d.ddi('ExReleaseResourceLite', at)
        expect(yield* d.ddi('ExIsResourceAcquiredExclusiveLite', at)).toBe(0)
        expect(d.k.memory.u32(at + ERESOURCE.ActiveEntries)).toBe(0)
        yield* d.ddi('KeLeaveCriticalRegion')
        yield* d.ddi('ExDeleteResourceLite', at)
      }),
    )
  })

  it('readers share, a writer waits for all of them, readers behind it wait for it', () => {
    const order: string[] = []
    const use = (name: string, routine: string) =>
      function* (d: DriverApi, at: number | undefined): Code<void> {
        yield* d.ddi('KeEnterCriticalRegion')
        expect(yield* d.ddi(routine, at!, true)).toBe(1)
        order.push(`${name} in`)
        yield* sleep(d, 10n)
        order.push(`${name} out`)
        yield* d.ddi('ExReleaseResourceLite', at!)
        yield* d.ddi('KeLeaveCriticalRegion')
      }
    clean(
      toyDriver(
        function* (d) {
          const at = yield* resource(d)
          for (const name of ['R1', 'R2', 'W1', 'R3', 'R4', 'W2']) {
            yield* start(d, name, at)
            yield* sleep(d, 1n)
          }
          expect(d.k.memory.u32(at + ERESOURCE.NumberOfExclusiveWaiters)).toBe(2)
          expect(d.k.memory.u32(at + ERESOURCE.NumberOfSharedWaiters)).toBe(2)
          yield* sleep(d, 100n)
          expect(d.k.memory.u32(at + ERESOURCE.ActiveEntries)).toBe(0)
          yield* d.ddi('ExDeleteResourceLite', at)
        },
        {
          R1: use('R1', 'ExAcquireResourceSharedLite'),
          R2: use('R2', 'ExAcquireResourceSharedLite'),
          W1: use('W1', 'ExAcquireResourceExclusiveLite'),
          R3: use('R3', 'ExAcquireResourceSharedLite'),
          R4: use('R4', 'ExAcquireResourceSharedLite'),
          W2: use('W2', 'ExAcquireResourceExclusiveLite'),
        },
      ),
    )
    expect(order).toEqual([
      'R1 in',
      'R2 in',
      'R1 out',
      'R2 out',
      'W1 in',
      'W1 out',
      'R3 in',
      'R4 in',
      'R3 out',
      'R4 out',
      'W2 in',
      'W2 out',
    ])
  })

  it('without Wait nobody waits', () => {
    const seen: number[] = []
    clean(
      toyDriver(
        function* (d) {
          const at = yield* resource(d)
          yield* d.ddi('KeEnterCriticalRegion')
          yield* d.ddi('ExAcquireResourceSharedLite', at, true)
          yield* start(d, 'Other', at)
          yield* sleep(d, 1n)
          expect(seen).toEqual([0, 1])
          yield* d.ddi('ExReleaseResourceLite', at)
          yield* d.ddi('ExAcquireResourceExclusiveLite', at, true)
          yield* start(d, 'Other', at)
          yield* sleep(d, 1n)
          expect(seen).toEqual([0, 1, 0, 0])
          yield* d.ddi('ExConvertExclusiveToSharedLite', at)
          yield* start(d, 'Other', at)
          yield* sleep(d, 1n)
          expect(seen).toEqual([0, 1, 0, 0, 0, 1])
          yield* d.ddi('ExReleaseResourceLite', at)
          yield* d.ddi('KeLeaveCriticalRegion')
        },
        {
          *Other(d, at) {
            yield* d.ddi('KeEnterCriticalRegion')
            seen.push(yield* d.ddi('ExAcquireResourceExclusiveLite', at!, false))
            const shared = yield* d.ddi('ExAcquireResourceSharedLite', at!, false)
            seen.push(shared)
            if (shared) yield* d.ddi('ExReleaseResourceLite', at!)
            yield* d.ddi('KeLeaveCriticalRegion')
          },
        },
      ),
    )
  })

  it('ten readers at once fit into the owner table', () => {
    let inside = 0
    let most = 0
    clean(
      toyDriver(
        function* (d) {
          const at = yield* resource(d)
          for (let i = 0; i < 10; i++) yield* start(d, 'Reader', at)
          yield* sleep(d, 100n)
          expect([inside, most]).toEqual([0, 10])
          yield* d.ddi('ExDeleteResourceLite', at)
        },
        {
          *Reader(d, at) {
            yield* d.ddi('ExEnterCriticalRegionAndAcquireResourceShared', at!)
            most = Math.max(most, ++inside)
            yield* sleep(d, 10n)
            inside--
            yield* d.ddi('ExReleaseResourceAndLeaveCriticalRegion', at!)
          },
        },
      ),
    )
  })

  it('0xE3: released by a thread that does not own it', () => {
    const machine = toyDriver(function* (d) {
      yield* d.ddi('ExReleaseResourceLite', yield* resource(d))
    })
    expect(machine.bugCheck?.code).toBe(0xe3)
  })

  it('0x192 at DISPATCH_LEVEL; VR-IRQL-RESOURCE-APC and VR-IRQL-RESOURCE-REL with APCs enabled', () => {
    const run = (verifier: string[], irql: number, region: boolean): unknown => {
      const { bugCheck } = toyDriver(
        function* (d) {
          const at = yield* resource(d)
          if (irql) yield* d.ddi('KeRaiseIrql', irql, d.out())
          if (region) yield* d.ddi('KeEnterCriticalRegion')
          yield* d.ddi('ExAcquireResourceExclusiveLite', at, true)
          if (region) yield* d.ddi('KeLeaveCriticalRegion')
          yield* d.ddi('ExReleaseResourceLite', at)
        },
        {},
        { verifier },
      )
      return [bugCheck?.code, bugCheck?.rule ?? null]
    }
    expect(run([], 2, false)).toEqual([0x192, null])
    expect(run(['standard'], 0, false)).toEqual([0xc4, 'VR-IRQL-RESOURCE-APC'])
    expect(run(['standard'], 0, true)).toEqual([0xc4, 'VR-IRQL-RESOURCE-REL'])
    expect(run([], 0, false)).toEqual([undefined, null])
  })

  it('VR-POOL-FREE-RESOURCE: freed before it was deleted', () => {
    const machine = toyDriver(
      function* (d) {
        const block = yield* d.ddi('ExAllocatePoolWithTag', 512, 256, 'Reso')
        yield* d.ddi('ExInitializeResourceLite', block + 32)
        yield* d.ddi('ExFreePoolWithTag', block, 'Reso')
      },
      {},
      { verifier: ['VR-POOL-FREE-RESOURCE'] },
    )
    expect(machine.bugCheck?.parameters[0]).toBe(0xd2n)
  })
})

describe('run-down protection', () => {
  it('waits for the users that are left and lets nobody in any more', () => {
    const order: string[] = []
    clean(
      toyDriver(
        function* (d) {
          const ref = scratch(d, EX_RUNDOWN_REF.SIZE)
          yield* d.ddi('ExInitializeRundownProtection', ref)
          expect(yield* d.ddi('ExAcquireRundownProtection', ref)).toBe(1)
          expect(yield* d.ddi('ExAcquireRundownProtection', ref)).toBe(1)
          expect(d.k.memory.u64(ref)).toBe(4n)
          yield* d.ddi('ExReleaseRundownProtection', ref)
          yield* start(d, 'User', ref)
          yield* d.ddi('ExWaitForRundownProtectionRelease', ref)
          order.push('gone')
          expect(d.k.memory.u64(ref)).toBe(1n)
          expect(yield* d.ddi('ExAcquireRundownProtection', ref)).toBe(0)
          yield* d.ddi('ExReInitializeRundownProtection', ref)
          expect(yield* d.ddi('ExAcquireRundownProtection', ref)).toBe(1)
        },
        {
          *User(d, ref) {
            yield* sleep(d, 5n)
            expect(yield* d.ddi('ExAcquireRundownProtection', ref!)).toBe(0)
            order.push('release')
            yield* d.ddi('ExReleaseRundownProtection', ref!)
          },
        },
      ),
    )
    expect(order).toEqual(['release', 'gone'])
  })

  it('is over at once without users', () => {
    clean(
      toyDriver(function* (d) {
        const ref = scratch(d, EX_RUNDOWN_REF.SIZE)
        yield* d.ddi('ExWaitForRundownProtectionRelease', ref)
        yield* d.ddi('ExWaitForRundownProtectionRelease', ref)
        expect(d.k.memory.u64(ref)).toBe(1n)
      }),
    )
  })
})

describe('lookaside lists', () => {
  function* list(d: DriverApi): Code<Ptr> {
    const at = scratch(d, GENERAL_LOOKASIDE.SIZE)
    yield* d.ddi('ExInitializeNPagedLookasideList', at, null, null, 0, 40, 'Look', 0)
    return at
  }

  it('give freed blocks out again before new ones', () => {
    const machine = toyDriver(function* (d) {
      const at = yield* list(d)
      const one = yield* d.ddi('ExAllocateFromNPagedLookasideList', at)
      const two = yield* d.ddi('ExAllocateFromNPagedLookasideList', at)
      expect(new Set([0, one, two]).size).toBe(3)
      yield* d.ddi('ExFreeToNPagedLookasideList', at, one)
      yield* d.ddi('ExFreeToNPagedLookasideList', at, two)
      expect(yield* d.ddi('ExAllocateFromNPagedLookasideList', at)).toBe(two)
      expect(yield* d.ddi('ExAllocateFromNPagedLookasideList', at)).toBe(one)
      expect(d.k.memory.u32(at + GENERAL_LOOKASIDE.TotalAllocates)).toBe(4)
      expect(d.k.memory.u32(at + GENERAL_LOOKASIDE.AllocateMisses)).toBe(2)
      yield* d.ddi('ExFreeToNPagedLookasideList', at, one)
      yield* d.ddi('ExFreeToNPagedLookasideList', at, two)
      yield* d.ddi('ExDeleteNPagedLookasideList', at)
    })
    clean(machine)
    expect(machine.of('pool.allocated')).toHaveLength(2)
    expect(machine.of('pool.freed')).toHaveLength(2)
  })

  it('keep a few blocks only', () => {
    const machine = toyDriver(function* (d) {
      const at = yield* list(d)
      const blocks: Ptr[] = []
      for (let i = 0; i < 10; i++)
        blocks.push(yield* d.ddi('ExAllocateFromNPagedLookasideList', at))
      for (const block of blocks) yield* d.ddi('ExFreeToNPagedLookasideList', at, block)
      expect(d.k.memory.u32(at + GENERAL_LOOKASIDE.FreeMisses)).toBe(6)
      yield* d.ddi('ExDeleteNPagedLookasideList', at)
    })
    clean(machine)
    expect(machine.of('pool.freed')).toHaveLength(10)
  })

  it('VR-POOL-LOOKASIDE-REINIT and VR-POOL-FREE-LOOKASIDE', () => {
    const again = toyDriver(
      function* (d) {
        const at = yield* list(d)
        yield* d.ddi('ExInitializeNPagedLookasideList', at, null, null, 0, 40, 'Look', 0)
      },
      {},
      { verifier: ['VR-POOL-LOOKASIDE-REINIT'] },
    )
    expect(again.bugCheck?.parameters[0]).toBe(0xcan)
    const freed = toyDriver(
      function* (d) {
        const at = yield* d.ddi('ExAllocatePoolWithTag', 512, 128, 'Look')
        yield* d.ddi('ExInitializeNPagedLookasideList', at, null, null, 0, 40, 'Look', 0)
        yield* d.ddi('ExFreePoolWithTag', at, 'Look')
      },
      {},
      { verifier: ['VR-POOL-FREE-LOOKASIDE'] },
    )
    expect(freed.bugCheck?.parameters[0]).toBe(0xccn)
  })
})
