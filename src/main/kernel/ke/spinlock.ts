/**
 * Spin locks. Who asks for one that another processor holds spins: its processor does nothing else
 * until the lock is free, while the others go on. An asker whom nobody can ever help (the code that
 * holds the lock is the one that asks, or the only processor would have to run somebody else) stops
 * the machine at once with what the watchdog would report later (0x133).
 *
 * What takes a lock gives `undefined` when it has it, else the routine that waits for it.
 */
import { KLOCK_QUEUE_HANDLE } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine, Out } from '../ddi/types'
import type { Kernel } from '../kernel'
import { PTE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { atDispatchLevel, checkNonpaged } from './at-dispatch'
import { DISPATCH_LEVEL } from './irql'
import { LockTracker } from './lock-tracker'
import type { Processor } from './processor'

const LEVELS = 0xf

/** Something that may have to spin first. */
export type MaySpin<T> = T | KernelRoutine<T>

/** The old IRQL is written when the lock is there, and not before: others may use the same place. */
export function* writeAfterSpin(
  acquired: KernelRoutine<number>,
  out: Out<number>,
): KernelRoutine<void> {
  out.write(yield* acquired)
}

/** Spin, then give the value. */
export function* afterSpin<T>(waiting: KernelRoutine<void>, value: () => T): KernelRoutine<T> {
  yield* waiting
  return value()
}

export class SpinLocks {
  /** Holders and order, of locks of every kind. */
  readonly tracker: LockTracker
  /** Processors in line for a lock, by its address: queued spin locks are handed on in this order. */
  private readonly lines = new Map<Ptr, Processor[]>()

  constructor(private readonly k: Kernel) {
    this.tracker = new LockTracker(k)
  }

  /** KeInitializeSpinLock. */
  initialize(lock: Ptr): void {
    checkNonpaged(this.k, lock, 'KSPIN_LOCK')
    this.k.memory.setU64(lock, 0n)
    this.tracker.initialize(lock, 'spin lock')
  }

  /** KeAcquireSpinLock: raise to DISPATCH_LEVEL and take the lock. Gives the former IRQL. */
  acquire(lock: Ptr, routine = 'KeAcquireSpinLock'): MaySpin<number> {
    const { k } = this
    const { level } = k.irql
    k.verifier.check(
      'VR-IRQL-SPIN-ACQUIRE-HIGH',
      level > DISPATCH_LEVEL,
      [0x42, level, k.memory.address(lock), 0],
      `${routine} was called at IRQL ${level}.`,
    )
    k.irql.raise(DISPATCH_LEVEL, routine)
    const waiting = this.take(lock, 1n)
    return waiting ? afterSpin(waiting, () => level) : level
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
  acquireAtDpcLevel(lock: Ptr): KernelRoutine<void> | undefined {
    this.checkDpcLevel(lock, 'VR-IRQL-SPIN-DPC-LOW', 0x40, 'KeAcquireSpinLockAtDpcLevel')
    return this.take(lock, 1n)
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
  acquireQueued(lock: Ptr, handle: Ptr): KernelRoutine<void> | undefined {
    const { memory } = this.k
    const level = this.k.irql.level
    this.k.verifier.check(
      'VR-IRQL-SPIN-ACQUIRE-HIGH',
      level > DISPATCH_LEVEL,
      [0x42, level, memory.address(lock), 0],
      `KeAcquireInStackQueuedSpinLock was called at IRQL ${level}.`,
    )
    this.k.irql.raise(DISPATCH_LEVEL, 'KeAcquireInStackQueuedSpinLock')
    memory.setU8(handle + KLOCK_QUEUE_HANDLE.OldIrql, level)
    return this.takeQueued(lock, handle)
  }

  acquireQueuedAtDpcLevel(lock: Ptr, handle: Ptr): KernelRoutine<void> | undefined {
    this.checkDpcLevel(
      lock,
      'VR-IRQL-SPIN-DPC-LOW',
      0x40,
      'KeAcquireInStackQueuedSpinLockAtDpcLevel',
    )
    return this.takeQueued(lock, handle)
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

  private takeQueued(lock: Ptr, handle: Ptr): KernelRoutine<void> | undefined {
    const { memory } = this.k
    memory.setPtr(handle + KLOCK_QUEUE_HANDLE['LockQueue.Next'], 0)
    memory.setPtr(handle + KLOCK_QUEUE_HANDLE['LockQueue.Lock'], lock)
    return this.take(lock, memory.address(handle), true)
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

  /** @param inLine whether it is given to processors in the order in which they asked */
  private take(lock: Ptr, value: bigint, inLine = false): KernelRoutine<void> | undefined {
    this.tracker.acquiring(lock, 'spin lock')
    if (this.takeNow(lock, value, inLine)) return undefined
    return this.spin(lock, value, inLine)
  }

  /** Take the lock if that is possible at once. @bugcheck 0x133 when it never will be */
  private takeNow(lock: Ptr, value: bigint, inLine: boolean): boolean {
    const { k } = this
    const taken = atDispatchLevel(k, () => {
      const now = k.memory.u64(lock)
      if (now !== 0n && !this.willBeFree(lock)) this.spinForEver(lock, now)
      const line = inLine ? this.lines.get(lock) : undefined
      if (now !== 0n || (line && line[0] !== k.processor)) return false
      k.memory.setU64(lock, value)
      return true
    })
    if (taken) this.tracker.acquired(lock, 'spin lock')
    return taken
  }

  private *spin(lock: Ptr, value: bigint, inLine: boolean): KernelRoutine<void> {
    const { k } = this
    const { processor } = k
    this.tracker.contended(lock, 'spin lock')
    const line = this.lines.get(lock) ?? []
    if (inLine) {
      line.push(processor)
      this.lines.set(lock, line)
    }
    const until = (): boolean => {
      if (k.tick >= k.dpcs.watchdogTickOf(processor)) return true
      // A lock whose memory is gone makes the asker fault.
      if (!(k.memory.pte(lock) & PTE.read)) return true
      return k.memory.u64(lock) === 0n && (!inLine || line[0] === processor)
    }
    do {
      yield { op: 'spin', until }
      if (k.tick >= k.dpcs.watchdogTick) this.spinForEver(lock, k.memory.u64(lock))
    } while (!this.takeNow(lock, value, inLine))
    if (!inLine) return
    line.shift()
    if (line.length === 0) this.lines.delete(lock)
  }

  /** Whether another processor is there that can give the lock back. */
  private willBeFree(lock: Ptr): boolean {
    if (this.k.processors.length === 1) return false
    const holder = this.tracker.holder(lock)
    return holder !== undefined && !this.tracker.isOwn(holder)
  }

  private give(lock: Ptr): void {
    this.tracker.releasing(lock, 'spin lock')
    atDispatchLevel(this.k, () => this.k.memory.setU64(lock, 0n))
    this.tracker.released(lock, 'spin lock')
  }

  /** Nobody releases the lock while this processor waits for it, or nobody did in time. */
  private spinForEver(lock: Ptr, value: bigint): never {
    const { k } = this
    const holder = this.tracker.holder(lock)
    const text = k.memory.format(lock)
    const recursive = holder !== undefined && this.tracker.isOwn(holder)
    k.verifier.check(
      'VR-LOCK-RECURSE',
      recursive,
      [0x1001, k.memory.address(lock), 0, 0],
      `The spin lock at ${text} was acquired again by the code that holds it.`,
    )
    const why = !holder
      ? `its value is 0x${value.toString(16).toUpperCase()} though nobody acquired it: was it initialised?`
      : `${recursive ? 'the same code' : holder.inDpc ? 'a DPC' : `thread ${holder.thread.id}`} acquired it${holder.at ? ` at ${holder.at.file}:${holder.at.line}` : ''} and did not release it.`
    const spins =
      k.processors.length > 1 && !recursive && holder ? 'spun too long' : 'would spin for ever'
    return k.dpcs.watchdogStop(`The processor ${spins} for the spin lock at ${text}: ${why}`)
  }
}
