import { describe, expect, it } from 'vitest'
import { STATUS_DELETE_PENDING, STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import { IO_REMOVE_LOCK_COMMON_BLOCK } from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import { scratch, toyDriver } from '../testing/toy-driver'
import type { Code, DriverApi } from '../testing/machine'

function* device(d: DriverApi, driver: Ptr): Code<Ptr> {
  const at = d.out()
  expect(yield* d.ddi('IoCreateDevice', driver, 0, null, 0x22, 0, false, at)).toBe(0)
  return Number(at.value)
}

function* sleep(d: DriverApi, milliseconds: bigint): Code<void> {
  yield* d.ddi('KeDelayExecutionThread', 0, false, -milliseconds * 10_000n)
}

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

describe('device timers', () => {
  it('call their routine once a second at DISPATCH_LEVEL while they are started', () => {
    const calls: number[][] = []
    clean(
      toyDriver(
        function* (d, driver) {
          const [one, two] = [yield* device(d, driver), yield* device(d, driver)]
          expect(yield* d.ddi('IoInitializeTimer', one, d.fn('Tick'), 0)).toBe(STATUS_SUCCESS)
          expect(yield* d.ddi('IoInitializeTimer', two, d.fn('Tick'), two)).toBe(STATUS_SUCCESS)
          yield* sleep(d, 2000n)
          expect(calls).toEqual([])
          yield* d.ddi('IoStartTimer', one)
          yield* sleep(d, 2500n)
          expect(calls).toEqual([
            [one, 0, 2],
            [one, 0, 2],
          ])
          yield* d.ddi('IoStartTimer', two)
          yield* d.ddi('IoStopTimer', one)
          yield* sleep(d, 1000n)
          expect(calls.slice(2)).toEqual([[two, two, 2]])
          yield* d.ddi('IoStopTimer', two)
          yield* sleep(d, 3000n)
          expect(calls).toHaveLength(3)
          yield* d.ddi('IoDeleteDevice', one)
          yield* d.ddi('IoDeleteDevice', two)
        },
        {
          *Tick(d, at, context) {
            calls.push([at!, context!, yield* d.ddi('KeGetCurrentIrql')])
          },
        },
      ),
    )
  })

  it('end with their device', () => {
    const machine = toyDriver(
      function* (d, driver) {
        const at = yield* device(d, driver)
        yield* d.ddi('IoInitializeTimer', at, d.fn('Tick'), 0)
        yield* d.ddi('IoStartTimer', at)
        expect(d.k.timers.io.isStarted(at)).toBe(true)
        yield* d.ddi('IoDeleteDevice', at)
        yield* sleep(d, 3000n)
      },
      {
        *Tick() {
          throw new Error('called for a device that is gone')
        },
      },
    )
    clean(machine)
  })
})

describe('device DPCs', () => {
  it('get the device, the packet and the context', () => {
    const calls: number[][] = []
    clean(
      toyDriver(
        function* (d, driver) {
          const at = yield* device(d, driver)
          const [irp, context] = [scratch(d, 8), scratch(d, 8)]
          yield* d.ddi('IoInitializeDpcRequest', at, d.fn('DpcForIsr'))
          yield* d.ddi('IoRequestDpc', at, irp, context)
          expect(calls).toEqual([[at, irp, context]])
        },
        {
          *DpcForIsr(_d, _dpc, ...args) {
            calls.push(args)
          },
        },
      ),
    )
  })
})

describe('remove locks', () => {
  it('acquire until removal begins, then STATUS_DELETE_PENDING', () => {
    const order: string[] = []
    clean(
      toyDriver(
        function* (d) {
          // The word behind the lock tells the other thread its tag.
          const lock = scratch(d, 0x48)
          yield* d.ddi('IoInitializeRemoveLock', lock, 'Lock', 0, 0)
          const tags = [scratch(d, 8), scratch(d, 8), scratch(d, 8)]
          for (const tag of tags)
            expect(yield* d.ddi('IoAcquireRemoveLock', lock, tag)).toBe(STATUS_SUCCESS)
          expect(d.k.memory.i32(lock + IO_REMOVE_LOCK_COMMON_BLOCK.IoCount)).toBe(4)
          yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, 0, null, d.fn('Releaser'), lock)
          yield* d.ddi('IoReleaseRemoveLock', lock, tags[0]!)
          d.k.memory.setPtr(lock + 0x40, tags[1]!)
          yield* d.ddi('IoReleaseRemoveLockAndWait', lock, tags[2]!)
          order.push('removed')
          expect(yield* d.ddi('IoAcquireRemoveLock', lock, 0)).toBe(STATUS_DELETE_PENDING)
        },
        {
          *Releaser(d, lock) {
            yield* sleep(d, 5n)
            expect(yield* d.ddi('IoAcquireRemoveLock', lock!, 0)).toBe(STATUS_DELETE_PENDING)
            order.push('released')
            yield* d.ddi('IoReleaseRemoveLock', lock!, d.k.memory.ptr(lock! + 0x40))
          },
        },
      ),
    )
    expect(order).toEqual(['released', 'removed'])
  })

  it('VR-LOCK-REMOVELOCK and VR-LOCK-REMOVELOCK-REINIT', () => {
    const run = (body: (d: DriverApi, lock: Ptr) => Code<void>): unknown => {
      const { bugCheck } = toyDriver(
        function* (d) {
          const lock = scratch(d, IO_REMOVE_LOCK_COMMON_BLOCK.SIZE)
          yield* d.ddi('IoInitializeRemoveLock', lock, 'Lock', 0, 0)
          yield* body(d, lock)
        },
        {},
        { verifier: ['VR-LOCK-REMOVELOCK', 'VR-LOCK-REMOVELOCK-REINIT'] },
      )
      return [bugCheck?.code, bugCheck?.parameters[0]]
    }
    expect(
      run(function* (d, lock) {
        yield* d.ddi('IoAcquireRemoveLock', lock, scratch(d, 8))
        yield* d.ddi('IoReleaseRemoveLock', lock, scratch(d, 8))
      }),
    ).toEqual([0xc4, 0xd5n])
    expect(
      run(function* (d, lock) {
        yield* d.ddi('IoInitializeRemoveLock', lock, 'Lock', 0, 0)
      }),
    ).toEqual([0xc4, 0xd7n])
  })
})
