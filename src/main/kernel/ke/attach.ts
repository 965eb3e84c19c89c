/**
 * Attaching a thread to another process: its user memory becomes visible instead of the thread's own.
 *
 * As on Windows the state that is left is saved: the first time in KTHREAD.SavedApcState, when nested
 * in the caller's KAPC_STATE. KAPC_STATE.Process says where: NULL for the former, 1 for an attachment
 * that changed nothing because the process was current already.
 */
import {
  AttachedApcEnvironment,
  OriginalApcEnvironment,
} from '../../../shared/nt/generated/constants'
import { KAPC_STATE, KTHREAD, LIST_ENTRY } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import { initializeListHead, insertTail, isListEmpty, removeHead } from './list'

/** KAPC_STATE.Process of an attachment that changed nothing. */
const SAME_PROCESS = 1n

/** Move what waits in the lists of one KAPC_STATE to another. */
function moveLists(k: Kernel, from: Ptr, to: Ptr): void {
  const { memory } = k
  for (const mode of [0, LIST_ENTRY.SIZE]) {
    initializeListHead(memory, to + mode)
    while (!isListEmpty(memory, from + mode)) insertTail(k, to + mode, removeHead(k, from + mode))
  }
}

function moveState(k: Kernel, from: Ptr, to: Ptr): void {
  const { memory } = k
  moveLists(k, from + KAPC_STATE.ApcListHead, to + KAPC_STATE.ApcListHead)
  memory.setU64(to + KAPC_STATE.Process, memory.u64(from + KAPC_STATE.Process))
  memory.setU32(to + KAPC_STATE.InProgressFlags, memory.u32(from + KAPC_STATE.InProgressFlags))
}

/** Make a process the current one for the thread that runs. */
function enter(k: Kernel, process: Process): void {
  const { thread } = k
  thread.attached = process === thread.process ? null : process
  k.memory.switchSlice(process.slice)
  k.apcs.stateMoved(thread)
}

/**
 * A routine of a driver has returned to the kernel.
 * @param before  process that was current when it was called
 * @bugcheck 0x05 when it leaves the thread in another one
 */
export function checkStillIn(k: Kernel, before: Process, routine: Ptr): void {
  const { memory, thread, processes } = k
  if (processes.current === before) return
  k.bugCheck(
    0x05,
    memory.address(before.address),
    memory.address(processes.current.address),
    memory.u8(thread.address + KTHREAD.ApcStateIndex),
    0,
    `${k.images.symbol(routine)} returned attached to ${processes.current.name}: KeUnstackDetachProcess is missing.`,
  )
}

/**
 * KeStackAttachProcess.
 * The process cannot go away before the detach.
 * @param state KAPC_STATE of the caller, for KeUnstackDetachProcess
 * @bugcheck 0x05 from a DPC
 */
export function attachProcess(k: Kernel, target: Ptr, state: Ptr): void {
  const { memory, thread } = k
  const process = k.processes.byAddress(target)
  if (k.dpcs.running || !process)
    k.bugCheck(
      0x05,
      memory.address(target),
      memory.address(k.processes.current.address),
      BigInt(memory.u8(thread.address + KTHREAD.ApcStateIndex)),
      k.dpcs.running ? 1n : 0n,
      process
        ? 'KeStackAttachProcess was called from a DPC, which runs in whatever process it interrupted.'
        : `KeStackAttachProcess was given ${memory.format(target)}, which is no process.`,
    )
  if (process === k.processes.current) {
    memory.setU64(state + KAPC_STATE.Process, SAME_PROCESS)
    return
  }
  const own = thread.address + KTHREAD.ApcState
  const index = thread.address + KTHREAD.ApcStateIndex
  if (memory.u8(index) === OriginalApcEnvironment) {
    moveState(k, own, thread.address + KTHREAD.SavedApcState)
    memory.setPtr(state + KAPC_STATE.Process, 0)
  } else moveState(k, own, state)
  k.ob.reference(target)
  memory.setU8(index, AttachedApcEnvironment)
  memory.setPtr(own + KAPC_STATE.Process, target)
  memory.setU32(own + KAPC_STATE.InProgressFlags, 0)
  enter(k, process)
  thread.attachDepth++
  if (k.tracing)
    k.emit({
      t: 'process.attached',
      id: process.id,
      name: process.name,
      depth: thread.attachDepth,
    })
}

/**
 * KeUnstackDetachProcess.
 * @bugcheck 0x06 when the thread is not attached, or an APC of the process it leaves is still there
 */
export function detachProcess(k: Kernel, state: Ptr): void {
  const { memory, thread } = k
  const saved = memory.u64(state + KAPC_STATE.Process)
  if (saved === SAME_PROCESS) return
  const own = thread.address + KTHREAD.ApcState
  const index = thread.address + KTHREAD.ApcStateIndex
  const isPending = [0, LIST_ENTRY.SIZE].some((mode) => !isListEmpty(memory, own + mode))
  if (memory.u8(index) === 0 || isPending || memory.u8(own + KAPC_STATE.KernelApcInProgress) & 1)
    k.bugCheck(
      0x06,
      0n,
      0n,
      0n,
      0n,
      memory.u8(index) === 0
        ? 'KeUnstackDetachProcess was called by a thread that is attached to no process.'
        : 'The thread would leave a process with an APC still queued or in progress.',
    )
  const left = k.processes.current
  if (saved === 0n) {
    moveState(k, thread.address + KTHREAD.SavedApcState, own)
    memory.setU8(index, OriginalApcEnvironment)
  } else moveState(k, state, own)
  const back = k.processes.byAddress(memory.ptr(own + KAPC_STATE.Process)) ?? thread.process
  enter(k, back)
  thread.attachDepth--
  if (k.tracing)
    k.emit({ t: 'process.detached', id: left.id, name: left.name, depth: thread.attachDepth })
  k.ob.release(left.address)
}
