/**
 * APCs: routines that run in a thread of the caller's choice. They wait in the thread's KAPC_STATE,
 * in a list for each mode.
 *
 * A kernel APC interrupts its thread below APC_LEVEL, also in a wait, which begins anew afterwards. A
 * special one (without a normal routine) needs APCs to be enabled at all; a normal one also that no
 * critical region is entered and no other one in progress. A user APC comes when its thread, having
 * waited alertably, is about to be in user mode again.
 *
 * An APC belongs to an environment. One for the thread's own process waits in KTHREAD.SavedApcState
 * while the thread is attached to another, and its turn comes after the detach (attach.ts).
 */
import {
  CurrentApcEnvironment,
  InsertApcEnvironment,
  OriginalApcEnvironment,
} from '../../../shared/nt/generated/constants'
import { KAPC, KAPC_STATE, KTHREAD, LIST_ENTRY } from '../../../shared/nt/generated/offsets'
import { STATUS_KERNEL_APC, STATUS_USER_APC } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { kernelApcDisable, specialApcDisable } from './apc'
import { APC_LEVEL, PASSIVE_LEVEL } from './irql'
import { entriesOf, insertHead, insertTail, isListEmpty, removeEntry } from './list'
import type { Thread } from './thread'

/** KOBJECTS value of an APC. */
const APC_OBJECT = 0x12
const TAG = 'Apc '
/** Bits of KAPC_STATE.InProgressFlags. */
const KERNEL_APC_IN_PROGRESS = 1
const KERNEL_MODE = 0
const USER_MODE = 1
/** What comes next on a thread is no APC of a list: it has to suspend itself. */
const SUSPENSION = -1

export class Apcs {
  constructor(private readonly k: Kernel) {}

  /** KAPC_STATE of the process that the thread is in now, its own or the one it is attached to. */
  private state(thread: Thread): Ptr {
    return thread.address + KTHREAD.ApcState
  }

  private environment(thread: Thread): number {
    return this.k.memory.u8(thread.address + KTHREAD.ApcStateIndex)
  }

  /** Whether APCs of an environment have to wait until the thread has left the process it is attached to. */
  private isSaved(thread: Thread, environment: number): boolean {
    return environment === OriginalApcEnvironment && this.environment(thread) !== environment
  }

  private list(thread: Thread, mode: number): Ptr {
    return this.state(thread) + KAPC_STATE.ApcListHead + mode * LIST_ENTRY.SIZE
  }

  private first(thread: Thread, mode: number): Ptr {
    const head = this.list(thread, mode)
    const entry = this.k.memory.ptr(head)
    return entry === head ? 0 : entry - KAPC.ApcListEntry
  }

  // --- objects -------------------------------------------------------------------------------------

  /** KeInitializeApc. Without a normal routine it is a special kernel APC, whatever mode is asked for. */
  initialize(
    apc: Ptr,
    o: {
      thread: Ptr
      environment: number
      kernelRoutine: Ptr
      rundownRoutine: Ptr
      normalRoutine: Ptr
      mode: number
      context: Ptr
    },
  ): void {
    const { memory } = this.k
    const special = o.normalRoutine === 0
    const environment =
      o.environment === CurrentApcEnvironment
        ? memory.u8(o.thread + KTHREAD.ApcStateIndex)
        : o.environment
    memory.fill(apc, KAPC.SIZE, 0)
    memory.setU8(apc + KAPC.Type, APC_OBJECT)
    memory.setU8(apc + KAPC.Size, KAPC.SIZE)
    memory.setPtr(apc + KAPC.Thread, o.thread)
    memory.setPtr(apc + KAPC.KernelRoutine, o.kernelRoutine)
    memory.setPtr(apc + KAPC.RundownRoutine, o.rundownRoutine)
    memory.setPtr(apc + KAPC.NormalRoutine, o.normalRoutine)
    memory.setPtr(apc + KAPC.NormalContext, special ? 0 : o.context)
    memory.setU8(apc + KAPC.ApcStateIndex, environment)
    memory.setU8(apc + KAPC.ApcMode, special ? KERNEL_MODE : o.mode & 1)
  }

  /**
   * KeInsertQueueApc.
   * @returns false when it is queued already, or its thread takes none any more
   */
  insert(apc: Ptr, argument1: Ptr, argument2: Ptr): boolean {
    const { k } = this
    const { memory } = k
    const thread = k.scheduler.byAddress(memory.ptr(apc + KAPC.Thread))
    const mode = memory.u8(apc + KAPC.ApcMode) & 1
    if (!thread || thread.refusesApcs || memory.u8(apc + KAPC.Inserted) !== 0) return false
    // A thread of the system never is in user mode.
    if (mode === USER_MODE && !thread.user) return false
    memory.setPtr(apc + KAPC.SystemArgument1, argument1)
    memory.setPtr(apc + KAPC.SystemArgument2, argument2)
    memory.setU8(apc + KAPC.Inserted, 1)
    if (memory.u8(apc + KAPC.ApcStateIndex) === InsertApcEnvironment)
      memory.setU8(apc + KAPC.ApcStateIndex, this.environment(thread))
    const isSaved = this.isSaved(thread, memory.u8(apc + KAPC.ApcStateIndex))
    this.enqueue(thread, apc, mode, isSaved)
    const routine = memory.ptr(apc + KAPC.NormalRoutine) || memory.ptr(apc + KAPC.KernelRoutine)
    if (k.tracing)
      k.emit({
        t: 'apc.queued',
        apc: memory.format(apc),
        target: thread.id,
        mode: mode === USER_MODE ? 'user' : 'kernel',
        routine: k.images.symbol(routine),
      })
    if (isSaved) return true
    if (mode === KERNEL_MODE) this.signalKernel(thread)
    else this.signalUser(thread)
    return true
  }

  /** Special kernel APCs are in front of the normal ones; each kind keeps its order. */
  private enqueue(thread: Thread, apc: Ptr, mode: number, isSaved: boolean): void {
    const { k } = this
    const { memory } = k
    const moved = isSaved ? KTHREAD.SavedApcState - KTHREAD.ApcState : 0
    const head = this.list(thread, mode) + moved
    const entry = apc + KAPC.ApcListEntry
    if (mode === USER_MODE || memory.ptr(apc + KAPC.NormalRoutine) !== 0) {
      insertTail(k, head, entry)
      return
    }
    let before = head
    for (const at of entriesOf(k, head)) {
      if (memory.ptr(at - KAPC.ApcListEntry + KAPC.NormalRoutine) !== 0) break
      before = at
    }
    insertHead(k, before, entry)
  }

  private remove(apc: Ptr): void {
    removeEntry(this.k, apc + KAPC.ApcListEntry)
    this.k.memory.setU8(apc + KAPC.Inserted, 0)
  }

  // --- pending -------------------------------------------------------------------------------------

  private signalKernel(thread: Thread): void {
    thread.kernelApcPending = true
    this.k.memory.setU8(this.state(thread) + KAPC_STATE.KernelApcPending, 1)
    this.endWait(thread)
  }

  /** A thread that waits below APC_LEVEL comes out for what is due, and waits anew after it. */
  endWait(thread: Thread): void {
    if (!thread.wait?.restarts || thread.state !== 'waiting' || thread.irql >= APC_LEVEL) return
    if (this.next(thread) !== 0) this.k.dispatcher.release(thread, STATUS_KERNEL_APC)
  }

  private signalUser(thread: Thread): void {
    const { wait } = thread
    if (!wait?.alertable || wait.mode !== USER_MODE || thread.state !== 'waiting') return
    this.setUserPending(thread)
    this.k.dispatcher.release(thread, STATUS_USER_APC)
  }

  private setUserPending(thread: Thread): void {
    this.k.memory.setU8(this.state(thread) + KAPC_STATE.UserApcPending, 1)
  }

  /** A thread is about to wait alertably for user mode: whether it has a user APC, and must not wait. */
  interruptsWait(thread: Thread): boolean {
    if (!thread.user || !this.first(thread, USER_MODE)) return false
    this.setUserPending(thread)
    return true
  }

  /**
   * KeTestAlertThread.
   * @returns whether the thread was alerted; there is nothing here that alerts threads
   */
  testAlert(mode: number): boolean {
    if (mode === USER_MODE) this.interruptsWait(this.k.thread)
    return false
  }

  /**
   * What KiDeliverApc would do next on a thread: an APC, SUSPENSION, or 0 for nothing. A thread suspends
   * itself by a normal kernel APC of its own process, so what keeps those away keeps that away too.
   */
  private next(thread: Thread): Ptr {
    const { k } = this
    const { memory } = k
    if (specialApcDisable(k, thread) !== 0) return 0
    const apc = this.first(thread, KERNEL_MODE)
    if (apc !== 0 && memory.ptr(apc + KAPC.NormalRoutine) === 0) return apc
    const flags = memory.u8(this.state(thread) + KAPC_STATE.InProgressFlags)
    if (kernelApcDisable(k, thread) !== 0 || flags & KERNEL_APC_IN_PROGRESS) return 0
    return apc || (this.mustSuspend(thread) ? SUSPENSION : 0)
  }

  private mustSuspend(thread: Thread): boolean {
    if (thread.suspensions === 0 || thread.isSuspended) return false
    return !this.isSaved(thread, OriginalApcEnvironment)
  }

  /** Whether a kernel APC has to run now, before the thread that runs goes on. */
  isDue(thread: Thread): boolean {
    if (!thread.kernelApcPending || thread.frames.length === 0) return false
    return this.k.irql.level < APC_LEVEL && this.next(thread) !== 0
  }

  // --- delivery ------------------------------------------------------------------------------------

  /** The thread is in another process than before: what of its kernel APCs is due now. */
  stateMoved(thread: Thread): void {
    const isPending = this.first(thread, KERNEL_MODE) !== 0 || this.mustSuspend(thread)
    thread.kernelApcPending = isPending
    this.k.memory.setU8(this.state(thread) + KAPC_STATE.KernelApcPending, isPending ? 1 : 0)
  }

  /**
   * KiDeliverApc on the current thread, for kernel mode.
   * @bugcheck 0x05 when a routine leaves the thread attached to another process
   */
  *deliver(): KernelRoutine<void> {
    const { k } = this
    const { memory, thread } = k
    const before = memory.ptr(this.state(thread) + KAPC_STATE.Process)
    while (k.irql.level < APC_LEVEL) {
      const next = this.next(thread)
      if (next === 0) break
      if (next === SUSPENSION) yield* this.suspendSelf(thread)
      else yield* this.deliverKernel(thread, next)
    }
    const after = memory.ptr(this.state(thread) + KAPC_STATE.Process)
    if (before !== after)
      k.bugCheck(
        0x05,
        memory.address(before),
        memory.address(after),
        this.environment(thread),
        0,
        'A routine of an APC returned attached to another process than it was called in.',
      )
    this.stateMoved(thread)
  }

  private tell(thread: Thread, apc: Ptr, mode: 'kernel' | 'user', routine: Ptr): void {
    const { k } = this
    if (k.tracing)
      k.emit({
        t: 'apc.delivered',
        apc: k.memory.format(apc),
        target: thread.id,
        mode,
        routine: k.images.symbol(routine),
      })
  }

  /**
   * Take an APC off its list and call its kernel routine at APC_LEVEL, which may change everything that
   * the normal routine is called with. The APC itself may be gone afterwards.
   */
  private *kernelPart(
    thread: Thread,
    apc: Ptr,
    mode: 'kernel' | 'user',
  ): KernelRoutine<{ routine: Ptr; args: number[] }> {
    const { k } = this
    const { memory } = k
    this.remove(apc)
    const fields = [
      KAPC.NormalRoutine,
      KAPC.NormalContext,
      KAPC.SystemArgument1,
      KAPC.SystemArgument2,
    ]
    const values = fields.map((field) => memory.ptr(apc + field))
    const kernelRoutine = memory.ptr(apc + KAPC.KernelRoutine)
    this.tell(thread, apc, mode, values[0] || kernelRoutine)
    const block = kernelRoutine ? k.pool.allocate(32, TAG, { system: true }) : 0
    if (block) {
      values.forEach((value, i) => memory.setPtr(block + i * 8, value))
      const old = k.irql.set(APC_LEVEL, 'APC delivery')
      yield* k.call(kernelRoutine, 'KKERNEL_ROUTINE', [apc, ...values.map((_, i) => block + i * 8)])
      k.irql.set(old, 'APC delivery')
      values.forEach((_, i) => (values[i] = memory.ptr(block + i * 8)))
      k.pool.free(block)
    }
    const [routine = 0, ...args] = values
    return { routine, args }
  }

  private *deliverKernel(thread: Thread, apc: Ptr): KernelRoutine<void> {
    const { k } = this
    const { memory } = k
    const { routine, args } = yield* this.kernelPart(thread, apc, 'kernel')
    if (routine === 0) return
    const flags = this.state(thread) + KAPC_STATE.InProgressFlags
    memory.setU8(flags, memory.u8(flags) | KERNEL_APC_IN_PROGRESS)
    yield* k.call(routine, 'KNORMAL_ROUTINE', args)
    const now = this.state(thread) + KAPC_STATE.InProgressFlags
    memory.setU8(now, memory.u8(now) & ~KERNEL_APC_IN_PROGRESS)
  }

  /**
   * The current thread is about to be in user mode: run the user APCs that its wait was ended for,
   * their normal routines in user mode.
   */
  *deliverUser(): KernelRoutine<void> {
    const { k } = this
    const { memory, thread } = k
    const pending = this.state(thread) + KAPC_STATE.UserApcPending
    if (memory.u8(pending) === 0) return
    for (let apc = this.first(thread, USER_MODE); apc; apc = this.first(thread, USER_MODE)) {
      const { routine, args } = yield* this.kernelPart(thread, apc, 'user')
      if (routine === 0) continue
      if (k.irql.level !== PASSIVE_LEVEL) break
      yield* k.call(routine, 'USER_APC_ROUTINE', args)
    }
    memory.setU8(pending, 0)
  }

  /**
   * A thread ends and takes no APC any more. Kernel APCs that can run do so first; user APCs are given
   * back to whoever queued them, or freed when they have no rundown routine.
   * @bugcheck 0x20 when a kernel APC is left: one is in progress, or the IRQL keeps it away
   */
  *rundown(thread: Thread): KernelRoutine<void> {
    const { k } = this
    yield* this.deliver()
    thread.refusesApcs = true
    for (let apc = this.first(thread, USER_MODE); apc; apc = this.first(thread, USER_MODE)) {
      this.remove(apc)
      const routine = k.memory.ptr(apc + KAPC.RundownRoutine)
      if (routine) yield* k.call(routine, 'KRUNDOWN_ROUTINE', [apc])
      else k.pool.free(apc)
    }
    const left = this.first(thread, KERNEL_MODE)
    if (left !== 0)
      k.bugCheck(
        0x20,
        k.memory.address(left),
        k.memory.u32(thread.address + KTHREAD.CombinedApcDisable),
        k.irql.level,
        0,
        `Thread ${thread.id} ended with the kernel APC at ${k.memory.format(left)} still queued to it.`,
      )
    thread.kernelApcPending = false
  }

  // --- suspension ----------------------------------------------------------------------------------

  /**
   * Stop a thread, as a normal kernel APC would that waits: at once when it runs, out of its wait when
   * it waits.
   * @returns how often it was suspended before
   */
  suspend(thread: Thread): number {
    const before = thread.suspensions++
    if (!thread.isSuspended) this.signalKernel(thread)
    return before
  }

  /** @returns how often it was suspended before; 0 when it runs */
  resume(thread: Thread): number {
    const before = thread.suspensions
    if (before > 0 && --thread.suspensions === 0) this.endSuspension(thread)
    return before
  }

  /** A thread has to end: suspended or not, it goes on. */
  wakeSuspended(thread: Thread): void {
    thread.suspensions = 0
    this.endSuspension(thread)
  }

  private endSuspension(thread: Thread): void {
    if (thread.isSuspended) this.k.dispatcher.setEvent(thread.address + KTHREAD.SuspendEvent)
  }

  /** KiSchedulerApc: a normal kernel APC that waits. Special ones interrupt that wait, normal ones do not. */
  private *suspendSelf(thread: Thread): KernelRoutine<void> {
    const { dispatcher, memory } = this.k
    const flags = this.state(thread) + KAPC_STATE.InProgressFlags
    memory.setU8(flags, memory.u8(flags) | KERNEL_APC_IN_PROGRESS)
    thread.isSuspended = true
    while (thread.suspensions > 0) yield* dispatcher.wait([thread.address + KTHREAD.SuspendEvent])
    thread.isSuspended = false
    memory.setU8(flags, memory.u8(flags) & ~KERNEL_APC_IN_PROGRESS)
  }

  /** Whether a list of a thread's state is empty; for tests and the end of a thread. */
  isEmpty(thread: Thread, mode: 0 | 1): boolean {
    return isListEmpty(this.k.memory, this.list(thread, mode))
  }
}
