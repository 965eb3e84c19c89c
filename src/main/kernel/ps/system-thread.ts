/** System threads of drivers: PsCreateSystemThread, PsTerminateSystemThread, priorities. */
import {
  CLIENT_ID,
  ETHREAD,
  KTHREAD,
  OBJECT_ATTRIBUTES,
} from '../../../shared/nt/generated/offsets'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import { kernelApcDisable, specialApcDisable } from '../ke/apc'
import { APC_LEVEL, PASSIVE_LEVEL } from '../ke/irql'
import type { Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Process } from './process'

const OBJ_KERNEL_HANDLE = 0x200

/** Threads that drivers made, with what they started in. */
const systemThreads = new WeakSet<Thread>()

export interface CreatedThread {
  status: number
  handle: number
  thread: Thread | null
}

/**
 * PsCreateSystemThread: the thread is ready at once and runs when the scheduler says so.
 * @param processHandle 0 for the System process
 * @param attributes    OBJECT_ATTRIBUTES or 0; only OBJ_KERNEL_HANDLE counts
 */
export function* createSystemThread(
  k: Kernel,
  options: {
    routine: Ptr
    context: Ptr
    access: number
    processHandle: number
    attributes: Ptr
  },
): KernelRoutine<CreatedThread> {
  const { memory, ob } = k
  let process = k.processes.system
  if (options.processHandle !== 0) {
    const found = ob.resolveHandle(options.processHandle, 0, ob.types.Process, 0)
    if (!found.object) return { status: found.status, handle: 0, thread: null }
    process = found.object.data as Process
  }
  const thread = k.scheduler.tryCreateThread({ process, name: k.images.symbol(options.routine) })
  if (!thread) return { status: STATUS_INSUFFICIENT_RESOURCES, handle: 0, thread: null }
  systemThreads.add(thread)
  memory.setPtr(thread.address + ETHREAD.StartAddress, options.routine)
  memory.setPtr(thread.address + ETHREAD.Win32StartAddress, options.routine)
  thread.cause = k.thread.cause
  yield* k.notifications.thread(thread, true)
  k.scheduler.start(thread, run(k, options.routine, options.context), 'nt!PspSystemThreadStartup')
  const object = ob.lookup(thread.address)
  const kernelHandle =
    k.processes.current === k.processes.system ||
    (options.attributes !== 0 &&
      (memory.u32(options.attributes + OBJECT_ATTRIBUTES.Attributes) & OBJ_KERNEL_HANDLE) !== 0)
  const handle = object
    ? yield* ob.callbacks.open(object, options.access, { kernel: kernelHandle })
    : 0
  return { status: STATUS_SUCCESS, handle, thread }
}

function* run(k: Kernel, routine: Ptr, context: Ptr): KernelRoutine<void> {
  yield* k.call(routine, 'KSTART_ROUTINE', [context])
  yield* leave(k)
}

/** The part of PspExitThread that drivers can get wrong. */
function* leave(k: Kernel): KernelRoutine<void> {
  const { thread } = k
  checkAttachment(k, thread)
  checkExit(k, thread)
  if (k.irql.level === APC_LEVEL) k.irql.lower(PASSIVE_LEVEL, 'PspExitThread')
  yield* k.notifications.thread(thread, false)
  yield* k.apcs.rundown(thread)
}

/**
 * PsTerminateSystemThread. Comes back only for a thread that PsCreateSystemThread did not make.
 */
export function* terminateSystemThread(k: Kernel, exitStatus: number): KernelRoutine<number> {
  const { thread } = k
  if (!systemThreads.has(thread)) return STATUS_INVALID_PARAMETER
  thread.exitStatus = exitStatus
  yield* leave(k)
  yield { op: 'exit' }
  return STATUS_SUCCESS
}

/** @bugcheck 0x05 when it ends attached to another process than its own */
export function checkAttachment(k: Kernel, thread: Thread): void {
  const { memory } = k
  const index = memory.u8(thread.address + KTHREAD.ApcStateIndex)
  if (index === 0) return
  k.bugCheck(
    0x05,
    memory.address(thread.process.address),
    memory.u64(thread.address + KTHREAD['ApcState.Process']),
    index,
    memory.address(thread.address),
    `Thread ${thread.id} ended attached to another process: KeUnstackDetachProcess is missing.`,
  )
}

/**
 * What a thread may not take with it.
 * @bugcheck 0x20 when it ends with APCs disabled: in a critical region, or owning a mutex
 */
function checkExit(k: Kernel, thread: Thread): void {
  const held = k.spinLocks.tracker.heldBy(thread)[0]
  k.verifier.check(
    'VR-LOCK-THREAD-EXIT',
    held !== undefined && held.kind !== 'spin lock',
    [0x100a, k.memory.address(thread.address), 0, 0],
    `Thread ${thread.id} ended while it held the ${held?.kind} at ${k.memory.format(held?.lock ?? 0)}.`,
    held ? { text: 'The lock was acquired here.', at: held.at, seq: 0 } : null,
  )
  const apcs = kernelApcDisable(k, thread)
  const special = specialApcDisable(k, thread)
  if (apcs !== 0 || special !== 0)
    k.bugCheck(
      0x20,
      0n,
      BigInt(((special & 0xffff) * 0x1_0000 + (apcs & 0xffff)) >>> 0),
      BigInt(k.irql.level),
      0n,
      `Thread ${thread.id} ended with APCs disabled: it did not leave a critical region, or still owns a mutex.`,
    )
}

/** Write a CLIENT_ID. */
export function writeClientId(k: Kernel, at: Ptr, thread: Thread): void {
  k.memory.setU64(at + CLIENT_ID.UniqueProcess, BigInt(thread.process.id))
  k.memory.setU64(at + CLIENT_ID.UniqueThread, BigInt(thread.id))
}

/** Whether the System process owns it. */
export function isSystemThread(thread: Thread): boolean {
  return thread.process.slice < 0
}

/** KeSetPriorityThread: the former priority. Unknown threads are memory that is none. */
export function setPriority(k: Kernel, address: Ptr, priority: number): number {
  const thread = k.scheduler.byAddress(address)
  // Priority 0 is the zero page thread's; Windows knows 0 to 31.
  if (!thread) return k.memory.u8(address + KTHREAD.BasePriority)
  const old = thread.priority
  k.scheduler.setPriority(thread, Math.min(Math.max(priority, 1), 31))
  k.memory.setU8(address + KTHREAD.BasePriority, thread.priority)
  return old
}

/** Live threads that were started in a range: a driver's image. */
export function* threadsStartedIn(k: Kernel, start: Ptr, end: Ptr): Iterable<Thread> {
  for (const thread of k.scheduler.threads) {
    if (!systemThreads.has(thread) || thread.state === 'exited') continue
    const routine = k.memory.ptr(thread.address + ETHREAD.StartAddress)
    if (routine >= start && routine < end) yield thread
  }
}
