import { describe, expect, it } from 'vitest'
import { KLOCK_QUEUE_HANDLE } from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'
import type { Code, DriverApi } from '../testing/machine'

function* lock(d: DriverApi): Code<Ptr> {
  const at = scratch(d, 8)
  yield* d.ddi('KeInitializeSpinLock', at)
  return at
}

function* acquire(d: DriverApi, at: Ptr): Code<number> {
  const old = d.out()
  yield* d.ddi('KeAcquireSpinLock', at, old)
  return Number(old.value)
}

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

/** Run `body` with the deadlock detection on and give subcode and rule of the stop. */
function deadlock(
  body: (d: DriverApi) => Code<void>,
  preset = 'deadlock',
): [bigint, string | null] {
  const stop = toyDriver(body, {}, { verifier: [preset] }).bugCheck
  expect(stop?.code).toBe(0xc4)
  return [stop!.parameters[0], stop!.rule]
}

describe('spin locks', () => {
  it('acquire and release change the value and the IRQL', () => {
    const machine = toyDriver(function* (d) {
      const at = yield* lock(d)
      const old = yield* acquire(d, at)
      expect([old, d.k.memory.u64(at), d.k.irql.level]).toEqual([0, 1n, 2])
      expect(yield* d.ddi('KeTestSpinLock', at)).toBe(0)
      yield* d.ddi('KeReleaseSpinLock', at, old)
      expect([d.k.memory.u64(at), d.k.irql.level]).toEqual([0n, 0])
      expect(yield* d.ddi('KeTestSpinLock', at)).toBe(1)
    })
    clean(machine)
    expect(machine.of('lock.acquired').map((event) => event.kind)).toEqual(['spin lock'])
    expect(machine.of('lock.released')).toHaveLength(1)
  })

  it('the AtDpcLevel variants leave the IRQL alone', () => {
    clean(
      toyDriver(function* (d) {
        const at = yield* lock(d)
        yield* d.ddi('KeRaiseIrql', 2, d.out())
        yield* d.ddi('KeAcquireSpinLockAtDpcLevel', at)
        expect(yield* d.ddi('KeTryToAcquireSpinLockAtDpcLevel', at)).toBe(0)
        yield* d.ddi('KeReleaseSpinLockFromDpcLevel', at)
        expect(yield* d.ddi('KeTryToAcquireSpinLockAtDpcLevel', at)).toBe(1)
        yield* d.ddi('KeReleaseSpinLockFromDpcLevel', at)
        expect(d.k.irql.level).toBe(2)
        yield* d.ddi('KeLowerIrql', 0)
      }),
    )
  })

  it('a queued spin lock keeps lock and IRQL in its handle', () => {
    clean(
      toyDriver(function* (d) {
        const { memory } = d.k
        const [at, handle] = [yield* lock(d), scratch(d, KLOCK_QUEUE_HANDLE.SIZE)]
        yield* d.ddi('KeRaiseIrql', 1, d.out())
        yield* d.ddi('KeAcquireInStackQueuedSpinLock', at, handle)
        expect(memory.u64(at)).toBe(memory.address(handle))
        expect(memory.ptr(handle + KLOCK_QUEUE_HANDLE['LockQueue.Lock'])).toBe(at)
        expect(memory.u8(handle + KLOCK_QUEUE_HANDLE.OldIrql)).toBe(1)
        expect(d.k.irql.level).toBe(2)
        yield* d.ddi('KeReleaseInStackQueuedSpinLock', handle)
        expect([memory.u64(at), d.k.irql.level]).toEqual([0n, 1])
        yield* d.ddi('KeLowerIrql', 0)
      }),
    )
  })

  it('0x133: acquired again by its holder', () => {
    const machine = toyDriver(function* (d) {
      const at = yield* lock(d)
      yield* acquire(d, at)
      yield* acquire(d, at)
    })
    expect(stopOf(machine)).toMatchObject({ code: '0x133' })
    expect(machine.bugCheck!.parameters[0]).toBe(1n)
    expect(machine.bugCheck!.what).toContain('the same code acquired it')
  })

  it('0x133: a DPC asks for a lock that the interrupted thread holds below DISPATCH_LEVEL', () => {
    const machine = toyDriver(
      function* (d) {
        const at = yield* lock(d)
        yield* d.ddi('KeAcquireSpinLockAtDpcLevel', at)
        const dpc = scratch(d, 64)
        yield* d.ddi('KeInitializeDpc', dpc, d.fn('Dpc'), at)
        yield* d.ddi('KeInsertQueueDpc', dpc, 0, 0)
      },
      {
        *Dpc(d, _dpc, at) {
          yield* d.ddi('KeAcquireSpinLockAtDpcLevel', at!)
        },
      },
    )
    expect(machine.bugCheck!.code).toBe(0x133)
    expect(machine.bugCheck!.parameters[0]).toBe(0n)
    expect(machine.bugCheck!.what).toMatch(/thread \d+ acquired it/)
  })

  it('0x133: a thread waits while it holds a lock, and another asks for it', () => {
    const machine = toyDriver(
      function* (d) {
        const at = yield* lock(d)
        const event = scratch(d, 24)
        yield* d.ddi('KeInitializeEvent', event, 0, false)
        yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, 0, null, d.fn('Other'), at)
        yield* acquire(d, at)
        yield* d.ddi('KeWaitForSingleObject', event, 0, 0, false, null)
      },
      {
        *Other(d, at) {
          yield* acquire(d, at!)
        },
      },
    )
    expect(machine.bugCheck!.code).toBe(0x133)
    expect(machine.bugCheck!.what).toMatch(/thread \d+ acquired it/)
  })

  it('0x133: a lock whose memory holds something else', () => {
    const machine = toyDriver(function* (d) {
      const at = scratch(d, 8)
      d.k.memory.setU64(at, 0x41414141n)
      yield* acquire(d, at)
    })
    expect(machine.bugCheck!.what).toContain('0x41414141')
  })

  it('0x0A: a lock in paged pool', () => {
    const machine = toyDriver(function* (d) {
      const at = d.k.pool.allocate(64, 'Test', { paged: true, system: true })
      yield* acquire(d, at)
    })
    expect(stopOf(machine)).toMatchObject({ code: '0xA' })
    expect(machine.bugCheck!.parameters[1]).toBe(2n)
  })

  it('releasing a lock that nobody holds goes unnoticed without the verifier', () => {
    clean(
      toyDriver(function* (d) {
        const at = yield* lock(d)
        yield* d.ddi('KeReleaseSpinLock', at, 0)
        expect(d.k.memory.u64(at)).toBe(0n)
      }),
    )
  })
})

describe('what the verifier says about locks', () => {
  it('VR-LOCK-RECURSE', () => {
    expect(
      deadlock(function* (d) {
        const at = yield* lock(d)
        yield* acquire(d, at)
        yield* acquire(d, at)
      }),
    ).toEqual([0x1001n, 'VR-LOCK-RECURSE'])
  })

  it('VR-LOCK-ORDER: A then B, later B then A, also over a third lock', () => {
    const body = function* (d: DriverApi): Code<void> {
      const [a, b, c] = [yield* lock(d), yield* lock(d), yield* lock(d)]
      for (const [first, second] of [
        [a, b],
        [b, c],
        [c, a],
      ] as const) {
        const old = yield* acquire(d, first)
        yield* d.ddi('KeAcquireSpinLockAtDpcLevel', second)
        yield* d.ddi('KeReleaseSpinLockFromDpcLevel', second)
        yield* d.ddi('KeReleaseSpinLock', first, old)
      }
    }
    expect(deadlock(body)).toEqual([0x1001n, 'VR-LOCK-ORDER'])
    clean(toyDriver(body))
  })

  it('VR-LOCK-ORDER: one order for all is no violation', () => {
    clean(
      toyDriver(
        function* (d) {
          const [a, b, c] = [yield* lock(d), yield* lock(d), yield* lock(d)]
          for (const [first, second] of [
            [a, b],
            [b, c],
            [a, c],
            [a, b],
          ] as const) {
            const old = yield* acquire(d, first)
            yield* d.ddi('KeAcquireSpinLockAtDpcLevel', second)
            yield* d.ddi('KeReleaseSpinLockFromDpcLevel', second)
            yield* d.ddi('KeReleaseSpinLock', first, old)
          }
        },
        {},
        { verifier: ['deadlock'] },
      ),
    )
  })

  it('VR-LOCK-ORDER: under a common gate two locks may be taken in any order', () => {
    const run = (gated: boolean): ReturnType<typeof toyDriver> =>
      toyDriver(
        function* (d) {
          const [gate, a, b] = [yield* lock(d), yield* lock(d), yield* lock(d)]
          for (const [first, second] of [
            [a, b],
            [b, a],
          ] as const) {
            const locks = gated ? [gate, first, second] : [first, second]
            yield* d.ddi('KeRaiseIrql', 2, d.out())
            for (const each of locks) yield* d.ddi('KeAcquireSpinLockAtDpcLevel', each)
            for (const each of locks.reverse()) yield* d.ddi('KeReleaseSpinLockFromDpcLevel', each)
            yield* d.ddi('KeLowerIrql', 0)
          }
        },
        {},
        { verifier: ['deadlock'] },
      )
    clean(run(true))
    expect(run(false).bugCheck).toMatchObject({ rule: 'VR-LOCK-ORDER' })
  })

  it('VR-LOCK-ORDER: a mutex that is owned may be acquired again under a later one', () => {
    clean(
      toyDriver(
        function* (d) {
          const [a, b] = [scratch(d, 56), scratch(d, 56)]
          for (const each of [a, b]) yield* d.ddi('KeInitializeMutex', each, 0)
          for (const each of [a, b, a])
            yield* d.ddi('KeWaitForSingleObject', each, 0, 0, false, null)
          for (const each of [a, b, a]) yield* d.ddi('KeReleaseMutex', each, false)
        },
        {},
        { verifier: ['deadlock'] },
      ),
    )
  })

  it('VR-LOCK-UNINIT, VR-LOCK-REINIT, VR-LOCK-NOTHELD', () => {
    expect(
      deadlock(function* (d) {
        yield* acquire(d, scratch(d, 8))
      }),
    ).toEqual([0x1002n, 'VR-LOCK-UNINIT'])
    expect(
      deadlock(function* (d) {
        yield* d.ddi('KeInitializeSpinLock', yield* lock(d))
      }),
    ).toEqual([0x1005n, 'VR-LOCK-REINIT'])
    expect(
      deadlock(function* (d) {
        const at = yield* lock(d)
        yield* d.ddi('KeRaiseIrql', 2, d.out())
        yield* d.ddi('KeReleaseSpinLock', at, 0)
      }),
    ).toEqual([0x1007n, 'VR-LOCK-NOTHELD'])
  })

  it('VR-LOCK-REINIT: locks on the stack live as long as their function', () => {
    clean(
      toyDriver(
        function* (d) {
          const at = d.k.thread.stackBase - 0x100
          yield* d.ddi('KeInitializeSpinLock', at)
          yield* d.ddi('KeInitializeSpinLock', at)
        },
        {},
        { verifier: ['deadlock'] },
      ),
    )
  })

  it('VR-LOCK-RELEASE-ORDER', () => {
    expect(
      deadlock(function* (d) {
        const [a, b] = [yield* lock(d), yield* lock(d)]
        yield* acquire(d, a)
        yield* d.ddi('KeAcquireSpinLockAtDpcLevel', b)
        yield* d.ddi('KeReleaseSpinLockFromDpcLevel', a)
      }),
    ).toEqual([0x1003n, 'VR-LOCK-RELEASE-ORDER'])
  })

  it('VR-LOCK-FREED: memory of a held lock', () => {
    expect(
      deadlock(function* (d) {
        const block = yield* d.ddi('ExAllocatePoolWithTag', 512, 64, 'Lock')
        yield* d.ddi('KeInitializeSpinLock', block + 16)
        yield* acquire(d, block + 16)
        yield* d.ddi('ExFreePoolWithTag', block, 'Lock')
      }),
    ).toEqual([0x100bn, 'VR-LOCK-FREED'])
  })

  it('a lock in freed memory may be initialised again', () => {
    clean(
      toyDriver(
        function* (d) {
          for (let i = 0; i < 3; i++) {
            const block = yield* d.ddi('ExAllocatePoolWithTag', 512, 64, 'Lock')
            yield* d.ddi('KeInitializeSpinLock', block)
            yield* d.ddi('ExFreePoolWithTag', block, 'Lock')
          }
        },
        {},
        { verifier: ['deadlock'] },
      ),
    )
  })

  it('VR-LOCK-PAGEABLE', () => {
    expect(
      deadlock(function* (d) {
        const at = d.k.pool.allocate(64, 'Test', { paged: true, system: true })
        yield* d.ddi('KeInitializeSpinLock', at)
      }, 'security'),
    ).toEqual([0xe1n, 'VR-LOCK-PAGEABLE'])
  })

  it.each<[string, bigint, (d: DriverApi, at: Ptr) => Code<void>]>([
    [
      'VR-IRQL-SPIN-ACQUIRE-HIGH',
      0x42n,
      function* (d, at) {
        yield* d.ddi('KeRaiseIrql', 5, d.out())
        yield* acquire(d, at)
      },
    ],
    [
      'VR-IRQL-SPIN-RELEASE',
      0x32n,
      function* (d, at) {
        yield* acquire(d, at)
        yield* d.ddi('KeLowerIrql', 0)
        yield* d.ddi('KeReleaseSpinLock', at, 0)
      },
    ],
    [
      'VR-IRQL-SPIN-DPC-LOW',
      0x40n,
      function* (d, at) {
        yield* d.ddi('KeAcquireSpinLockAtDpcLevel', at)
      },
    ],
    [
      'VR-IRQL-SPIN-DPC-RELEASE-LOW',
      0x41n,
      function* (d, at) {
        yield* acquire(d, at)
        yield* d.ddi('KeLowerIrql', 0)
        yield* d.ddi('KeReleaseSpinLockFromDpcLevel', at)
      },
    ],
  ])('%s', (rule, subcode, body) => {
    const run = (verifier: string[]): ReturnType<typeof toyDriver> =>
      toyDriver(
        function* (d) {
          yield* body(d, yield* lock(d))
          yield* d.ddi('KeLowerIrql', 0)
        },
        {},
        { verifier },
      )
    const { bugCheck } = run([rule])
    expect([bugCheck?.parameters[0], bugCheck?.rule]).toEqual([subcode, rule])
    clean(run([]))
  })
})
