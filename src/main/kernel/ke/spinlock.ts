/**
 * Spin locks. On one processor the IRQL is what keeps others away; the lock itself only matters when
 * somebody asks for one that is held: that asker would spin for ever, so the machine stops at once
 * with what the watchdog would report later (0x133).
 */
import { KLOCK_QUEUE_HANDLE } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { atDispatchLevel, checkNonpaged } from './at-dispatch'
import { DISPATCH_LEVEL } from './irql'
import { LockTracker, type HeldLock } from './lock-tracker'

const LEVELS = 0xf

export class SpinLocks {
  /** Holders and order, of locks of every kind. */
  readonly tracker: LockTracker

  constructor(private readonly k: Kernel) {
    this.tracker = new LockTracker(k)
  }

  /** KeInitializeSpinLock. */
  initialize(lock: Ptr): void {
    checkNonpaged(this.k, lock, 'KSPIN_LOCK')
    this.k.memory.setU64(lock, 0n)
    this.tracker.initialize(lock, 'spin lock')
  }

  /** KeAcquireSpinLock: raise to DISPATCH_LEVEL and take the lock. Returns the former IRQL. */
  acquire(lock: Ptr, routine = 'KeAcquireSpinLock'): number {
    const { k } = this
    const { level } = k.irql
    k.verifier.check(
      'VR-IRQL-SPIN-ACQUIRE-HIGH',
      level > DISPATCH_LEVEL,
      [0x42, level, k.memory.address(lock), 0],
      `${routine} was called at IRQL ${level}.`,
    )
    k.irql.raise(DISPATCH_LEVEL, routine)
    this.take(lock, 1n)
    return level
  }

  /** KeReleaseSpinLock: give the lock back and set the IRQL to what the driver says it was. */
  release(lock: Ptr, irql: number, routine = 'KeReleaseSpinLock'): void {
    const { k } = this
    k.verifier.check(
      'VR-IRQL-SPIN-RELEASE',
      k.irql.level !== DISPATCH_LEVEL,
      [0x32, k.irql.level, k.memory.address(lock), 0],
      `${routine} was called at IRQL ${k.irql.level}; a spin lock is released at DISPATCH_LEVEL.`,
    )
    this.give(lock)
    k.irql.lower(irql & LEVELS, routine)
  }

  /** KeAcquireSpinLockAtDpcLevel: take the lock and leave the IRQL alone. */
  acquireAtDpcLevel(lock: Ptr): void {
    this.checkDpcLevel(lock, 'VR-IRQL-SPIN-DPC-LOW', 0x40, 'KeAcquireSpinLockAtDpcLevel')
    this.take(lock, 1n)
  }

  /** KeReleaseSpinLockFromDpcLevel. */
  releaseFromDpcLevel(lock: Ptr): void {
    this.checkDpcLevel(lock, 'VR-IRQL-SPIN-DPC-RELEASE-LOW', 0x41, 'KeReleaseSpinLockFromDpcLevel')
    this.give(lock)
  }

  /** KeTryToAcquireSpinLockAtDpcLevel: false when the lock is held. */
  tryAcquireAtDpcLevel(lock: Ptr): boolean {
    this.checkDpcLevel(lock, 'VR-IRQL-SPIN-DPC-LOW', 0x40, 'KeTryToAcquireSpinLockAtDpcLevel')
    if (this.isHeld(lock)) return false
    this.take(lock, 1n)
    return true
  }

  /** KeTestSpinLock, the other way round. */
  isHeld(lock: Ptr): boolean {
    return atDispatchLevel(this.k, () => this.k.memory.u64(lock) !== 0n)
  }

  /** KeAcquireInStackQueuedSpinLock: the handle remembers lock and IRQL. */
  acquireQueued(lock: Ptr, handle: Ptr): void {
    const { memory } = this.k
    const level = this.k.irql.level
    this.k.verifier.check(
      'VR-IRQL-SPIN-ACQUIRE-HIGH',
      level > DISPATCH_LEVEL,
      [0x42, level, memory.address(lock), 0],
      `KeAcquireInStackQueuedSpinLock was called at IRQL ${level}.`,
    )
    this.k.irql.raise(DISPATCH_LEVEL, 'KeAcquireInStackQueuedSpinLock')
    this.takeQueued(lock, handle)
    memory.setU8(handle + KLOCK_QUEUE_HANDLE.OldIrql, level)
  }

  acquireQueuedAtDpcLevel(lock: Ptr, handle: Ptr): void {
    this.checkDpcLevel(
      lock,
      'VR-IRQL-SPIN-DPC-LOW',
      0x40,
      'KeAcquireInStackQueuedSpinLockAtDpcLevel',
    )
    this.takeQueued(lock, handle)
  }

  /** KeReleaseInStackQueuedSpinLock. */
  releaseQueued(handle: Ptr): void {
    const { memory } = this.k
    this.release(
      memory.ptr(handle + KLOCK_QUEUE_HANDLE['LockQueue.Lock']),
      memory.u8(handle + KLOCK_QUEUE_HANDLE.OldIrql),
      'KeReleaseInStackQueuedSpinLock',
    )
  }

  releaseQueuedFromDpcLevel(handle: Ptr): void {
    this.releaseFromDpcLevel(this.k.memory.ptr(handle + KLOCK_QUEUE_HANDLE['LockQueue.Lock']))
  }

  private takeQueued(lock: Ptr, handle: Ptr): void {
    const { memory } = this.k
    memory.setPtr(handle + KLOCK_QUEUE_HANDLE['LockQueue.Next'], 0)
    memory.setPtr(handle + KLOCK_QUEUE_HANDLE['LockQueue.Lock'], lock)
    this.take(lock, memory.address(handle))
  }

  private checkDpcLevel(lock: Ptr, rule: string, code: number, routine: string): void {
    const { k } = this
    k.verifier.check(
      rule,
      k.irql.level < DISPATCH_LEVEL,
      [code, k.irql.level, k.memory.address(lock), 0],
      `${routine} was called at IRQL ${k.irql.level}; it is for DISPATCH_LEVEL.`,
    )
  }

  private take(lock: Ptr, value: bigint): void {
    const { k } = this
    this.tracker.acquiring(lock, 'spin lock')
    atDispatchLevel(k, () => {
      const now = k.memory.u64(lock)
      if (now !== 0n) this.spinForEver(lock, now)
      k.memory.setU64(lock, value)
    })
    this.tracker.acquired(lock, 'spin lock')
  }

  private give(lock: Ptr): void {
    this.tracker.releasing(lock, 'spin lock')
    atDispatchLevel(this.k, () => this.k.memory.setU64(lock, 0n))
    this.tracker.released(lock, 'spin lock')
  }

  /** Nobody can release the lock while this processor waits for it. */
  private spinForEver(lock: Ptr, value: bigint): never {
    const { k } = this
    const holder = this.tracker.holder(lock)
    const text = k.memory.format(lock)
    const recursive = holder !== undefined && isOwn(k, holder)
    k.verifier.check(
      'VR-LOCK-RECURSE',
      recursive,
      [0x1001, k.memory.address(lock), 0, 0],
      `The spin lock at ${text} was acquired again by the code that holds it.`,
    )
    const why = !holder
      ? `its value is 0x${value.toString(16).toUpperCase()} though nobody acquired it: was it initialised?`
      : `${recursive ? 'the same code' : holder.inDpc ? 'a DPC' : `thread ${holder.thread.id}`} acquired it${holder.at ? ` at ${holder.at.file}:${holder.at.line}` : ''} and did not release it.`
    return k.dpcs.watchdogStop(
      `The processor would spin for ever for the spin lock at ${text}: ${why}`,
    )
  }
}

function isOwn(k: Kernel, holder: HeldLock): boolean {
  return holder.inDpc === k.dpcs.running && (holder.inDpc || holder.thread === k.thread)
}
