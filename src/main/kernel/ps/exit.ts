/**
 * How threads and processes of programs end.
 *
 * A thread ends on itself: it cancels its packets, waits until each is back, and the last one of a
 * process closes the handles. Ending another thread only asks it to. It listens when it is about to
 * be in user mode again, so a thread that waits in a driver stays until that driver lets it go.
 */
import type { KernelRoutine } from '../ddi/types'
import type { Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import { STATUS_PENDING, STATUS_USER_APC } from '../../../shared/nt/generated/ntstatus'
import type { KObject } from '../ob/object'
import { EPROCESS } from '../../../shared/nt/generated/offsets'
import type { Process } from './process'
import { FLAGS_BREAK_ON_TERMINATION } from './processes'
import { userProcess } from './user'

/** Exit status of threads that are gone and whose objects somebody still holds. */
const exitStatuses = new WeakMap<KObject, number>()

/** Exit status of a thread object; STATUS_PENDING (0x103) while the thread lives. */
export function threadExitStatus(object: KObject): number {
  return exitStatuses.get(object) ?? STATUS_PENDING
}

/**
 * PspCatchCriticalBreak: a process that the machine cannot do without must not end. The flag is what
 * EPROCESS says now.
 * @bugcheck 0xEF the process object
 */
function checkCritical(k: Kernel, process: Process): void {
  const { memory } = k
  if (!(memory.u32(process.address + EPROCESS.Flags) & FLAGS_BREAK_ON_TERMINATION)) return
  k.bugCheck(
    0xef,
    memory.address(process.address),
    0,
    0,
    0,
    `${process.name} (${process.id}) was ended, and Windows cannot run without it.`,
  )
}

/** PspExitThread for the current thread. Does not come back. */
export function* exitThread(k: Kernel, status: number): KernelRoutine<void> {
  const { thread } = k
  const { process, user } = thread
  if (user) user.ending = null
  thread.exitStatus = status
  yield* k.notifications.thread(thread, false)
  yield* k.apcs.rundown(thread)
  yield* k.io.packets.threadRundown(thread)
  const object = k.ob.lookup(thread.address)
  if (object) exitStatuses.set(object, status)
  if (k.scheduler.threads.count(process) === 1) {
    checkCritical(k, process)
    k.programs.flush(process)
    yield* k.processes.exit(process, userProcess(process).exitStatus ?? status)
  }
  yield { op: 'exit' }
}

/** Ask another thread of a program to end. */
export function* terminateThread(k: Kernel, thread: Thread, status: number): KernelRoutine<void> {
  const { user } = thread
  if (!user || user.ending !== null || thread.state === 'exited') return
  user.ending = status
  k.apcs.wakeSuspended(thread)
  if (user.depth === 0) {
    // In user mode: it ends as soon as it runs.
    thread.raise = null
    k.scheduler.pushKernel(thread, exitThread(k, status), 'nt!PspExitSpecialApc', -1)
    return
  }
  if (user.interruptible) k.dispatcher.release(thread, STATUS_USER_APC)
  // What it waits for may be a packet of its own.
  for (const irp of [...thread.irps])
    if (k.irps.info(irp)?.state === 'active') yield* k.irps.cancel(irp)
}

/**
 * NtTerminateProcess: every thread of the process ends with `status`, the current one last.
 * @param others  leave the current thread alone
 */
export function* terminateProcess(
  k: Kernel,
  process: Process,
  status: number,
  others = false,
): KernelRoutine<void> {
  const current = k.thread
  const data = userProcess(process)
  if (!others) checkCritical(k, process)
  if (!others) data.exitStatus ??= status
  const threads = k.scheduler.threads.of(process)
  for (const thread of threads) if (thread !== current) yield* terminateThread(k, thread, status)
  if (others) return
  if (threads.length === 0) yield* k.processes.exit(process, data.exitStatus ?? status)
  else if (current.process === process) yield* exitThread(k, status)
}
