/**
 * Who holds which lock, and in what order locks were taken: what the memory of a lock does not say.
 * The report of a stop names the holder; the verifier judges the order (verifier/rules/lock-order.ts).
 */
import type { SourcePlace } from '../../../shared/trace/event'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { LockOrder } from '../verifier/rules/lock-order'
import type { Processor } from './processor'
import type { Thread } from './thread'

export type LockKind = 'spin lock' | 'mutex' | 'fast mutex' | 'resource'

export interface HeldLock {
  lock: Ptr
  kind: LockKind
  thread: Thread
  /** Taken by a DPC, which only borrows its thread. */
  inDpc: boolean
  /** Where it was taken; of a spin lock that is where it is held. */
  processor: Processor
  at: SourcePlace | null
}

export class LockTracker {
  /** In the order of acquisition. */
  private readonly held: HeldLock[] = []
  private readonly initialized = new Map<Ptr, LockKind>()
  private readonly order: LockOrder

  constructor(private readonly k: Kernel) {
    this.order = new LockOrder(k)
  }

  /** A lock was prepared for use. */
  initialize(lock: Ptr, kind: LockKind): void {
    const { k } = this
    k.verifier.check(
      'VR-LOCK-REINIT',
      this.initialized.has(lock) && !this.isOnStack(lock),
      [0x1005, k.memory.address(lock), 0, 0],
      `The ${kind} at ${k.memory.format(lock)} was initialised a second time.`,
    )
    this.forgetLock(lock)
    this.initialized.set(lock, kind)
  }

  /** Memory of the stack is used again and again; a lock there lives as long as its function. */
  private isOnStack(lock: Ptr): boolean {
    const { stackLimit, stackBase } = this.k.thread
    return lock >= stackLimit && lock < stackBase
  }

  /** About to wait for or take a lock. */
  acquiring(lock: Ptr, kind: LockKind): void {
    const { k } = this
    if (k.verifier.isActive('VR-LOCK-UNINIT'))
      k.verifier.check(
        'VR-LOCK-UNINIT',
        !this.initialized.has(lock),
        [0x1002, k.memory.address(lock), 0, 0],
        `The ${kind} at ${k.memory.format(lock)} was acquired but never initialised.`,
      )
    if (!k.verifier.isActive('VR-LOCK-ORDER')) return
    const held = this.heldHere(k.thread, k.dpcs.running, k.processor)
    this.order.check(lock, kind, held)
  }

  /** A lock was taken by the code that runs now, or granted to another thread. */
  acquired(lock: Ptr, kind: LockKind, thread: Thread = this.k.thread): void {
    const { k } = this
    const inDpc = kind === 'spin lock' && k.dpcs.running
    if (k.verifier.isActive('VR-LOCK-ORDER'))
      this.order.taken(lock, thread.at, this.heldHere(thread, inDpc, k.processor))
    this.held.push({ lock, kind, thread, inDpc, processor: k.processor, at: thread.at })
    if (k.tracing) k.emit({ t: 'lock.acquired', lock: k.memory.format(lock), kind })
  }

  /** About to give a lock back: judge whether the code that runs may. */
  releasing(lock: Ptr, kind: LockKind): void {
    const { k } = this
    const index = this.indexOf(lock)
    k.verifier.check(
      'VR-LOCK-NOTHELD',
      index < 0,
      [0x1007, k.memory.address(lock), 0, 0],
      `The ${kind} at ${k.memory.format(lock)} was released, but it is not held.`,
    )
    if (index < 0) return
    const held = this.held[index]!
    if (kind === 'spin lock') this.checkOrder(held, index)
    else
      k.verifier.check(
        'VR-LOCK-WRONG-THREAD',
        held.thread !== k.thread,
        [
          0x1004,
          k.memory.address(lock),
          k.memory.address(held.thread.address),
          k.memory.address(k.thread.address),
        ],
        `Thread ${k.thread.id} released the ${kind} at ${k.memory.format(lock)}, which thread ${held.thread.id} holds.`,
      )
  }

  /** A lock was given back. */
  released(lock: Ptr, kind: LockKind): void {
    const { k } = this
    const index = this.indexOf(lock)
    if (index < 0) return
    this.held.splice(index, 1)
    if (k.tracing) k.emit({ t: 'lock.released', lock: k.memory.format(lock), kind })
  }

  private checkOrder(held: HeldLock, index: number): void {
    const { k } = this
    const later = this.held.find(
      (item, i) =>
        i > index &&
        item.kind === 'spin lock' &&
        item.inDpc === held.inDpc &&
        item.processor === held.processor,
    )
    if (!later) return
    k.verifier.check(
      'VR-LOCK-RELEASE-ORDER',
      true,
      [0x1003, k.memory.address(held.lock), k.memory.address(later.lock), 0],
      `The spin lock at ${k.memory.format(held.lock)} was released before the one at ${k.memory.format(later.lock)}, which was acquired after it.`,
    )
  }

  /** Readers hold one lock together: the current thread's own acquisition comes first. */
  private indexOf(lock: Ptr): number {
    const { thread } = this.k
    const own = this.held.findLastIndex((item) => item.lock === lock && item.thread === thread)
    return own >= 0 ? own : this.held.findLastIndex((item) => item.lock === lock)
  }

  /** The latest acquisition of a lock that lasts. */
  holder(lock: Ptr): HeldLock | undefined {
    return this.held.findLast((item) => item.lock === lock)
  }

  /** What a thread holds, or the DPC of a processor. */
  private heldHere(thread: Thread, inDpc: boolean, processor: Processor): HeldLock[] {
    return this.held.filter(
      (item) =>
        item.inDpc === inDpc && (inDpc ? item.processor === processor : item.thread === thread),
    )
  }

  /** Whether the code that runs holds that lock itself. */
  isOwn(held: HeldLock): boolean {
    const { thread, dpcs, processor } = this.k
    if (held.inDpc || dpcs.running)
      return held.inDpc === dpcs.running && held.processor === processor
    return held.thread === thread
  }

  /** Say that the running processor has to wait for a lock that another one holds. */
  contended(lock: Ptr, kind: LockKind): void {
    const { k } = this
    if (k.tracing) k.emit({ t: 'lock.contended', lock: k.memory.format(lock), kind })
  }

  /** Locks that a thread holds, oldest first. */
  heldBy(thread: Thread): HeldLock[] {
    return this.held.filter((item) => !item.inDpc && item.thread === thread)
  }

  /** A lock of a kind that lies in a range and still lives; 0 for none. */
  initializedIn(start: Ptr, end: Ptr, kind: LockKind): Ptr {
    for (const [lock, its] of this.initialized)
      if (its === kind && lock >= start && lock < end) return lock
    return 0
  }

  /** A range of memory goes away: the locks in it are forgotten. A held one is a rule broken. */
  forget(start: Ptr, end: Ptr): void {
    const { k } = this
    const held = this.held.find(({ lock }) => lock >= start && lock < end)
    if (held) {
      k.verifier.check(
        'VR-LOCK-FREED',
        true,
        [0x100b, k.memory.address(held.lock), k.memory.address(held.thread.address), 0],
        `The memory of the ${held.kind} at ${k.memory.format(held.lock)} was freed while it was held.`,
      )
    }
    for (const lock of this.initialized.keys())
      if (lock >= start && lock < end) this.forgetLock(lock)
  }

  /** A lock ends its life in an orderly way (ExDeleteResourceLite). */
  forgetLock(lock: Ptr): void {
    if (!this.initialized.delete(lock)) return
    const index = this.held.findIndex((item) => item.lock === lock)
    if (index >= 0) this.held.splice(index, 1)
    this.order.forget(lock)
  }
}
