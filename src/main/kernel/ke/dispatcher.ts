/**
 * Dispatcher objects and the waits on them: events, semaphores, mutexes, timers, threads, processes.
 *
 * The bytes are the truth. An object's state is its DISPATCHER_HEADER; who waits for it is a list of
 * KWAIT_BLOCKs in the KTHREADs of the waiting threads, linked at the header's WaitListHead. So an
 * event that is initialised while somebody waits loses its waiters here as it does on Windows, and
 * memory that is no object stops the machine.
 *
 * The kernel works on these lists at DISPATCH_LEVEL whatever the caller's IRQL is. `atDispatchLevel`
 * stands for that: memory that is out of reach there is bug check 0x0A, never an exception.
 *
 * Priority boosts (the `Increment` of KeSetEvent and the like) have no effect.
 */
import {
  EventNotificationObject,
  EventSynchronizationObject,
  MutantObject,
  ProcessObject,
  SemaphoreObject,
  ThreadObject,
  TimerNotificationObject,
  TimerSynchronizationObject,
} from '../../../shared/nt/generated/constants'
import {
  DISPATCHER_HEADER,
  KEVENT,
  KMUTANT,
  KSEMAPHORE,
  KTHREAD,
  KWAIT_BLOCK,
} from '../../../shared/nt/generated/offsets'
import {
  STATUS_ABANDONED_WAIT_0,
  STATUS_MUTANT_LIMIT_EXCEEDED,
  STATUS_MUTANT_NOT_OWNED,
  STATUS_SEMAPHORE_LIMIT_EXCEEDED,
  STATUS_KERNEL_APC,
  STATUS_SUCCESS,
  STATUS_TIMEOUT,
  STATUS_USER_APC,
} from '../../../shared/nt/generated/ntstatus'
import { hex32 } from '../../../shared/nt/format'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { NtException } from '../stop'
import { changeApcDisable } from './apc'
import { atDispatchLevel, requireNonpaged } from './at-dispatch'
import {
  corruptList,
  ENTRIES_MAX,
  initializeListHead,
  insertTail,
  isInList,
  removeEntry,
} from './list'
import { APC_LEVEL, DISPATCH_LEVEL } from './irql'
import type { Thread, ThreadWait } from './thread'
import { tickOf } from './time'

const STATE = DISPATCHER_HEADER.SignalState
const WAIT_LIST = DISPATCHER_HEADER.WaitListHead
/** Wait blocks that a thread has for objects of its own; more need an array from the caller. */
const THREAD_WAIT_OBJECTS = 3
const MAXIMUM_WAIT_OBJECTS = 64
const MINIMUM_LONG = -0x8000_0000
/** KWAIT_BLOCK.WaitType. */
const WAIT_ALL = 0
const WAIT_ANY = 1
/** KTHREAD.State. */
const STATE_RUNNING = 2
const STATE_WAITING = 5

export interface WaitOptions {
  /** WaitAll instead of WaitAny. */
  all?: boolean
  /** As in a LARGE_INTEGER: negative relative, positive absolute, 0 not at all; null for ever. */
  timeout?: bigint | null
  alertable?: boolean
  /** KernelMode (0) or UserMode (1). */
  mode?: 0 | 1
  /** KWAIT_BLOCK array of the caller, for more than three objects. */
  blocks?: Ptr
}

/** The wait that a thread is in. */
class Wait implements ThreadWait {
  status = STATUS_SUCCESS
  /** seq of the event that ended it. */
  cause = 0
  readonly deadline: number | null

  constructor(
    readonly objects: readonly Ptr[],
    readonly all: boolean,
    readonly alertable: boolean,
    readonly mode: 0 | 1,
    /** Tick of the time-out; Infinity for none. */
    due: number,
    /** First of its wait blocks, which lie side by side. */
    readonly blocks: Ptr,
    readonly restarts = true,
  ) {
    this.deadline = due === Infinity ? null : due
  }
}

export class Dispatcher {
  /** seq of the latest `object.signaled`: the cause of the waits that end by it. */
  private signalSeq = 0

  constructor(private readonly k: Kernel) {}

  // --- objects -----------------------------------------------------------------------------------

  /** Write a DISPATCHER_HEADER: nobody waits. `bytes` is the size of the whole object. */
  initializeHeader(object: Ptr, type: number, bytes: number, state: number): void {
    const { memory } = this.k
    memory.setU32(object, type | ((bytes >>> 2) << 16))
    memory.setU32(object + STATE, state)
    initializeListHead(memory, object + WAIT_LIST)
  }

  /** KeInitializeEvent: NotificationEvent (0) or SynchronizationEvent (1). */
  initializeEvent(event: Ptr, type: number, state: boolean): void {
    this.initializeHeader(event, type & 0x7f, KEVENT.SIZE, state ? 1 : 0)
  }

  initializeSemaphore(semaphore: Ptr, count: number, limit: number): void {
    this.initializeHeader(semaphore, SemaphoreObject, KSEMAPHORE.SIZE, count)
    this.k.memory.setU32(semaphore + KSEMAPHORE.Limit, limit)
  }

  /**
   * KeInitializeMutex and the object behind NtCreateMutant.
   * @param kernel owning it disables normal kernel APCs (KMUTEX); a mutant of user mode does not
   * @param owned  the current thread owns it from the start
   */
  initializeMutant(mutant: Ptr, kernel: boolean, owned = false): void {
    const { memory } = this.k
    this.initializeHeader(mutant, MutantObject, KMUTANT.SIZE, 1)
    memory.setPtr(mutant + KMUTANT.MutantListEntry, 0)
    memory.setPtr(mutant + KMUTANT['MutantListEntry.Blink'], 0)
    memory.setPtr(mutant + KMUTANT.OwnerThread, 0)
    memory.setU8(mutant + KMUTANT.MutantFlags, 0)
    memory.setU8(mutant + KMUTANT.ApcDisable, kernel ? 1 : 0)
    if (kernel) this.k.spinLocks.tracker.initialize(mutant, 'mutex')
    if (owned) this.satisfy(mutant, this.k.thread)
  }

  /** SignalState of any object. */
  state(object: Ptr): number {
    return this.k.memory.i32(object + STATE)
  }

  /** KeSetEvent: signal, let waiters go, return the former state. */
  setEvent(event: Ptr): number {
    requireNonpaged(this.k, event, 'KEVENT')
    return atDispatchLevel(this.k, () => {
      const { memory } = this.k
      const old = memory.i32(event + STATE)
      memory.setU32(event + STATE, 1)
      if (old <= 0) this.signaled(event)
      this.wake(event)
      return old
    })
  }

  /** KeResetEvent, KeClearEvent: return the former state. */
  resetEvent(event: Ptr): number {
    requireNonpaged(this.k, event, 'KEVENT')
    return atDispatchLevel(this.k, () => {
      const old = this.k.memory.i32(event + STATE)
      this.k.memory.setU32(event + STATE, 0)
      return old
    })
  }

  /** KePulseEvent: let those go that wait now, and stay clear. */
  pulseEvent(event: Ptr): number {
    const old = this.setEvent(event)
    this.k.memory.setU32(event + STATE, 0)
    return old
  }

  /**
   * KeReleaseSemaphore: add to the count, return the former one.
   * @throws STATUS_SEMAPHORE_LIMIT_EXCEEDED, and the count stays
   */
  releaseSemaphore(semaphore: Ptr, adjustment: number): number {
    requireNonpaged(this.k, semaphore, 'KSEMAPHORE')
    return atDispatchLevel(this.k, () => {
      const { memory } = this.k
      const old = memory.i32(semaphore + STATE)
      const count = (old + adjustment) | 0
      if (count < old || count > memory.i32(semaphore + KSEMAPHORE.Limit))
        throw new NtException(STATUS_SEMAPHORE_LIMIT_EXCEEDED)
      memory.setU32(semaphore + STATE, count)
      if (old <= 0 && count > 0) this.signaled(semaphore)
      this.wake(semaphore)
      return old
    })
  }

  /**
   * KeReleaseMutex: one acquisition less, return the former state (0 when it becomes free).
   * @throws STATUS_MUTANT_NOT_OWNED when the current thread is not the owner
   */
  releaseMutant(mutant: Ptr): number {
    requireNonpaged(this.k, mutant, 'KMUTEX')
    return atDispatchLevel(this.k, () => {
      const { memory } = this.k
      const thread = this.k.thread
      const owner = memory.ptr(mutant + KMUTANT.OwnerThread)
      const old = memory.i32(mutant + STATE)
      if (this.isKernelMutex(mutant)) this.k.spinLocks.tracker.releasing(mutant, 'mutex')
      if (old > 0 || owner !== thread.address) throw new NtException(STATUS_MUTANT_NOT_OWNED)
      memory.setU32(mutant + STATE, old + 1)
      if (old === 0) {
        this.freeMutant(mutant, thread)
        this.wake(mutant)
      }
      return old
    })
  }

  /** A mutant's last acquisition is gone: nobody owns it. */
  private freeMutant(mutant: Ptr, owner: Thread): void {
    const { memory } = this.k
    if (isInList(memory, mutant + KMUTANT.MutantListEntry))
      removeEntry(this.k, mutant + KMUTANT.MutantListEntry)
    memory.setPtr(mutant + KMUTANT.OwnerThread, 0)
    if (this.isKernelMutex(mutant)) {
      changeApcDisable(this.k, owner, 1)
      this.k.spinLocks.tracker.released(mutant, 'mutex')
    }
    this.signaled(mutant)
  }

  /** A KMUTEX: owning it disables normal kernel APCs. Mutants of user mode do not. */
  private isKernelMutex(mutant: Ptr): boolean {
    return this.k.memory.u8(mutant + KMUTANT.ApcDisable) !== 0
  }

  // --- ends of threads and processes ---------------------------------------------------------------

  /** A thread is gone: give up its mutants, end what is left of a wait, signal its object. */
  signalThreadExit(thread: Thread): void {
    if (!thread.address) return
    const { memory } = this.k
    this.k.timers.clearDeadline(thread)
    atDispatchLevel(this.k, () => {
      this.leaveLists(thread)
      thread.wait = null
      const head = thread.address + KTHREAD.MutantListHead
      // A list that was never set up holds nothing.
      while (memory.ptr(head) !== 0 && memory.ptr(head) !== head) {
        const entry = memory.ptr(head)
        // Freeing it takes it off the list, unless its links were cleared meanwhile.
        if (!isInList(memory, entry)) corruptList(this.k, entry)
        const mutant = entry - KMUTANT.MutantListEntry
        memory.setU32(mutant + STATE, 1)
        memory.setU8(mutant + KMUTANT.Abandoned, memory.u8(mutant + KMUTANT.Abandoned) | 1)
        this.freeMutant(mutant, thread)
        this.wake(mutant)
      }
    })
    this.signal(thread.address)
  }

  /** A process is gone: its object becomes signalled. */
  signalProcessExit(address: Ptr): void {
    this.signal(address)
  }

  /** Signal a timer, thread or process object. */
  signal(object: Ptr): void {
    atDispatchLevel(this.k, () => {
      this.k.memory.setU32(object + STATE, 1)
      this.signaled(object)
      this.wake(object)
    })
  }

  private signaled(object: Ptr): void {
    const { k } = this
    if (k.tracing)
      this.signalSeq = k.emit({
        t: 'object.signaled',
        object: k.memory.format(object),
        type: typeName(k.memory.u8(object) & 0x7f),
      })
  }

  // --- waiting -------------------------------------------------------------------------------------

  /**
   * KeWaitForSingleObject, KeWaitForMultipleObjects and what is built on them.
   * @returns STATUS_WAIT_0 + index, STATUS_ABANDONED_WAIT_0 + index, or STATUS_TIMEOUT
   * @bugcheck 0x0C too many objects; 0xB8 a DPC would have to wait; 0x0A an object out of reach
   */
  *wait(objects: readonly Ptr[], options: WaitOptions = {}): KernelRoutine<number> {
    const { k } = this
    const timeout = options.timeout ?? null
    const all = options.all ?? false
    const first = objects[0] ?? 0
    if (k.irql.level >= DISPATCH_LEVEL && timeout !== 0n)
      k.verifier.check(
        'VR-IRQL-WAIT',
        true,
        [
          0x3b,
          k.irql.level,
          k.memory.address(first),
          timeout === null ? 0n : BigInt.asUintN(64, timeout),
        ],
        `A thread would wait at IRQL ${k.irql.level}; waiting is allowed below DISPATCH_LEVEL only.`,
      )
    const own = objects.length <= THREAD_WAIT_OBJECTS
    const blocks = options.blocks ?? 0
    if (objects.length > MAXIMUM_WAIT_OBJECTS || (!own && !blocks))
      k.bugCheck(
        0x0c,
        0n,
        0n,
        0n,
        0n,
        `A wait for ${objects.length} objects at once: ${own || blocks ? 'the most is 64' : 'more than 3 need a wait block array'}.`,
      )
    const thread = k.thread
    for (const object of objects) {
      requireNonpaged(k, object, 'object to wait for')
      this.checkUserWait(object, options.mode ?? 0)
    }
    if (timeout !== 0n) atDispatchLevel(k, () => this.checkOrder(objects))
    const done = atDispatchLevel(k, () => this.trySatisfy(objects, all, thread))
    if (done >= 0) return done
    if (timeout === 0n) return STATUS_TIMEOUT
    const deadline = timeout === null ? Infinity : tickOf(k, timeout)
    if (deadline <= k.tick) return STATUS_TIMEOUT

    if (k.dpcs.running)
      k.bugCheck(
        0xb8,
        k.memory.address(thread.address),
        k.memory.address(k.scheduler.idle.address),
        k.memory.address(thread.stackBase),
        0n,
        'A DPC routine waited. It runs at DISPATCH_LEVEL on whatever thread it interrupted, which must not stop.',
      )
    const { alertable = false, mode = 0 } = options
    for (;;) {
      if (alertable && mode === 1 && k.apcs.interruptsWait(thread)) return STATUS_USER_APC
      const place = blocks || thread.address + KTHREAD.WaitBlock
      const wait = new Wait(objects, all, alertable, mode, deadline, place)
      atDispatchLevel(k, () => this.enterLists(thread, wait, mode))
      const status = yield* this.block(thread, wait)
      if (status !== STATUS_KERNEL_APC) return status
      // A kernel APC ran in between: the wait begins anew.
      const now = atDispatchLevel(k, () => this.trySatisfy(objects, all, thread))
      if (now >= 0) return now
      if (deadline <= k.tick) return STATUS_TIMEOUT
    }
  }

  /** KeDelayExecutionThread and Sleep: STATUS_SUCCESS after the time. */
  *delay(interval: bigint, alertable = false, mode: 0 | 1 = 0): KernelRoutine<number> {
    const { k } = this
    if (k.irql.level >= DISPATCH_LEVEL)
      k.verifier.check(
        'VR-IRQL-WAIT',
        true,
        [0x3b, k.irql.level, 0n, BigInt.asUintN(64, interval)],
        `A thread would sleep at IRQL ${k.irql.level}.`,
      )
    if (k.dpcs.running)
      k.bugCheck(0xb8, k.memory.address(k.thread.address), 0n, 0n, 0n, 'A DPC routine slept.')
    k.verifier.ddiIrql('KeDelayExecutionThread', APC_LEVEL)
    const deadline = tickOf(k, interval)
    if (deadline <= k.tick) {
      // A sleep of no time still lets other threads have their turn.
      yield { op: 'yield' }
      return STATUS_SUCCESS
    }
    const thread = k.thread
    for (;;) {
      if (alertable && mode === 1 && k.apcs.interruptsWait(thread)) return STATUS_USER_APC
      const wait = new Wait([], false, alertable, mode, deadline, 0)
      const status = yield* this.block(thread, wait)
      if (status === STATUS_KERNEL_APC && deadline > k.tick) continue
      return status === STATUS_TIMEOUT || status === STATUS_KERNEL_APC ? STATUS_SUCCESS : status
    }
  }

  /** Give up the processor until the wait is over. */
  private *block(thread: Thread, wait: Wait): KernelRoutine<number> {
    const { k } = this
    thread.state = 'waiting'
    thread.wait = wait
    if (thread.address) k.memory.setU8(thread.address + KTHREAD.State, STATE_WAITING)
    if (wait.deadline !== null) k.timers.deadline(thread, wait.deadline)
    if (k.tracing)
      k.emit({
        t: 'wait.started',
        objects: wait.objects.map((object) => k.memory.format(object)),
        timeout: wait.deadline === null ? null : wait.deadline - k.tick,
      })
    k.workQueue.workerBlocks(thread)
    yield { op: 'wait' }
    if (thread.address) k.memory.setU8(thread.address + KTHREAD.State, STATE_RUNNING)
    if (k.tracing) k.emit({ t: 'wait.ended', status: hex32(wait.status) }, wait.cause)
    return wait.status
  }

  /** A wait for an event of the kernel that is no object: until `release` is called for the thread. */
  *park(): KernelRoutine<number> {
    const { k } = this
    const thread = k.thread
    const wait = new Wait([], false, false, 0, Infinity, 0, false)
    thread.state = 'waiting'
    thread.wait = wait
    yield { op: 'wait' }
    return wait.status
  }

  /** The time of a wait is over. Called by the timers. */
  timeOut(thread: Thread): void {
    this.release(thread, STATUS_TIMEOUT, 0)
  }

  /**
   * End a thread's wait with a status, whatever its objects say (time-out, alert, end of the thread).
   * @returns false when it does not wait here
   */
  release(thread: Thread, status: number, cause = 0): boolean {
    const { wait } = thread
    if (!(wait instanceof Wait) || thread.state !== 'waiting') return false
    atDispatchLevel(this.k, () => this.leaveLists(thread))
    this.end(thread, wait, status, cause)
    return true
  }

  private end(thread: Thread, wait: Wait, status: number, cause: number): void {
    wait.status = status
    wait.cause = cause
    if (wait.deadline !== null) this.k.timers.clearDeadline(thread)
    this.k.scheduler.ready(thread, status)
  }

  // --- the lists -----------------------------------------------------------------------------------

  private enterLists(thread: Thread, wait: Wait, mode: 0 | 1): void {
    const { memory } = this.k
    wait.objects.forEach((object, i) => {
      const block = wait.blocks + i * KWAIT_BLOCK.SIZE
      memory.setU8(block + KWAIT_BLOCK.WaitType, wait.all ? WAIT_ALL : WAIT_ANY)
      memory.setU16(block + KWAIT_BLOCK.WaitKey, i)
      memory.setPtr(block + KWAIT_BLOCK.Thread, thread.address)
      memory.setPtr(block + KWAIT_BLOCK.Object, object)
      insertTail(this.k, object + WAIT_LIST, block)
    })
    memory.setPtr(thread.address + KTHREAD.WaitBlockList, wait.blocks)
    memory.setU8(thread.address + KTHREAD.WaitMode, mode)
    memory.setU8(thread.address + KTHREAD.WaitIrql, this.k.irql.level)
  }

  /** Take the thread's wait blocks out of every list. */
  private leaveLists(thread: Thread): void {
    const { wait } = thread
    if (!(wait instanceof Wait)) return
    const { memory } = this.k
    for (let i = 0; i < wait.objects.length; i++) {
      const block = wait.blocks + i * KWAIT_BLOCK.SIZE
      if (isInList(memory, block)) removeEntry(this.k, block)
      memory.setPtr(block, 0)
    }
  }

  /** Let go whoever the state of `object` allows, first come first served. */
  private wake(object: Ptr): void {
    const { memory } = this.k
    const head = object + WAIT_LIST
    let block = memory.ptr(head)
    for (let i = 0; block !== head && memory.i32(object + STATE) > 0; i++) {
      if (i === ENTRIES_MAX) corruptList(this.k, head)
      const next = memory.ptr(block)
      const thread = this.waiterOf(block)
      const wait = thread?.wait
      if (!thread || !(wait instanceof Wait)) this.corrupt(object, block)
      if (!wait.all) {
        const key = memory.u16(block + KWAIT_BLOCK.WaitKey)
        const abandoned = this.satisfy(object, thread)
        this.leaveLists(thread)
        this.end(thread, wait, (abandoned ? STATUS_ABANDONED_WAIT_0 : 0) + key, this.signalSeq)
      } else if (wait.objects.every((item) => this.isSignaled(item, thread))) {
        let abandoned = false
        for (const item of wait.objects) abandoned = this.satisfy(item, thread) || abandoned
        this.leaveLists(thread)
        this.end(thread, wait, abandoned ? STATUS_ABANDONED_WAIT_0 : 0, this.signalSeq)
      }
      // A thread may wait for one object twice: its other block has left the list with this one.
      block = memory.ptr(next) === 0 ? memory.ptr(head) : next
    }
  }

  private waiterOf(block: Ptr): Thread | undefined {
    return this.k.scheduler.byAddress(this.k.memory.ptr(block + KWAIT_BLOCK.Thread))
  }

  private corrupt(object: Ptr, block: Ptr): never {
    const { memory } = this.k
    this.k.bugCheck(
      0x139,
      3n,
      0n,
      memory.address(block),
      0n,
      `The list of waiters of the object at ${memory.format(object)} is damaged.`,
    )
  }

  private isSignaled(object: Ptr, thread: Thread): boolean {
    const { memory } = this.k
    if (memory.i32(object + STATE) > 0) return true
    return (
      (memory.u8(object) & 0x7f) === MutantObject &&
      memory.ptr(object + KMUTANT.OwnerThread) === thread.address
    )
  }

  /** What a wait would return now, -1 when it has to wait. */
  private trySatisfy(objects: readonly Ptr[], all: boolean, thread: Thread): number {
    if (all) {
      if (!objects.every((object) => this.isSignaled(object, thread))) return -1
      let abandoned = false
      for (const object of objects) abandoned = this.satisfy(object, thread) || abandoned
      return abandoned ? STATUS_ABANDONED_WAIT_0 : STATUS_SUCCESS
    }
    for (let i = 0; i < objects.length; i++) {
      const object = objects[i]!
      if (this.isSignaled(object, thread))
        return (this.satisfy(object, thread) ? STATUS_ABANDONED_WAIT_0 : 0) + i
    }
    return -1
  }

  /** What a wait that ends does to the object. True when it was a mutant that its owner abandoned. */
  private satisfy(object: Ptr, thread: Thread): boolean {
    const { memory } = this.k
    switch (memory.u8(object) & 0x7f) {
      case EventSynchronizationObject:
      case TimerSynchronizationObject:
        memory.setU32(object + STATE, 0)
        return false
      case SemaphoreObject:
        memory.setU32(object + STATE, memory.i32(object + STATE) - 1)
        return false
      case MutantObject:
        return this.acquireMutant(object, thread)
      default:
        return false
    }
  }

  private acquireMutant(mutant: Ptr, thread: Thread): boolean {
    const { memory } = this.k
    const old = memory.i32(mutant + STATE)
    if (old === MINIMUM_LONG) throw new NtException(STATUS_MUTANT_LIMIT_EXCEEDED)
    memory.setU32(mutant + STATE, old - 1)
    if (old !== 1) return false
    memory.setPtr(mutant + KMUTANT.OwnerThread, thread.address)
    if (this.isKernelMutex(mutant)) {
      changeApcDisable(this.k, thread, -1)
      this.k.spinLocks.tracker.acquired(mutant, 'mutex', thread)
    }
    const head = thread.address + KTHREAD.MutantListHead
    if (memory.ptr(head) === 0) initializeListHead(memory, head)
    insertTail(this.k, head, mutant + KMUTANT.MutantListEntry)
    const flags = memory.u8(mutant + KMUTANT.Abandoned)
    memory.setU8(mutant + KMUTANT.Abandoned, flags & ~1)
    return (flags & 1) !== 0
  }

  /** Mutexes among the objects of a wait count as locks that are about to be taken. */
  private checkOrder(objects: readonly Ptr[]): void {
    const { memory, spinLocks } = this.k
    for (const object of objects)
      if ((memory.u8(object) & 0x7f) === MutantObject && this.isKernelMutex(object))
        spinLocks.tracker.acquiring(object, 'mutex')
  }

  /** UserMode lets the stack be paged out while its thread waits. */
  private checkUserWait(object: Ptr, mode: 0 | 1): void {
    const { k } = this
    const { stackLimit, stackBase } = k.thread
    k.verifier.check(
      'VR-LOCK-USERWAIT-STACK',
      mode === 1 && object >= stackLimit && object < stackBase,
      [0x123, k.memory.address(object), 0, 0],
      'A wait with WaitMode UserMode for an object on the kernel stack.',
    )
  }
}

/** What an object with this `DISPATCHER_HEADER.Type` is called. */
export function typeName(type: number): string {
  switch (type) {
    case EventNotificationObject:
    case EventSynchronizationObject:
      return 'Event'
    case MutantObject:
      return 'Mutex'
    case SemaphoreObject:
      return 'Semaphore'
    case TimerNotificationObject:
    case TimerSynchronizationObject:
      return 'Timer'
    case ThreadObject:
      return 'Thread'
    case ProcessObject:
      return 'Process'
    default:
      return `Object of type ${type}`
  }
}
