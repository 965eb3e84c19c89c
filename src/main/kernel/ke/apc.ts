/** The counters that keep APCs away from a thread. */
import { KTHREAD } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Thread } from './thread'

/** KernelApcDisable: negative inside critical regions. The idle thread has none. */
export function kernelApcDisable(k: Kernel, thread: Thread): number {
  return thread.address ? k.memory.i16(thread.address + KTHREAD.KernelApcDisable) : 0
}

export function specialApcDisable(k: Kernel, thread: Thread): number {
  return thread.address ? k.memory.i16(thread.address + KTHREAD.SpecialApcDisable) : 0
}

/** Enter (-1) or leave (+1) critical regions. */
export function changeApcDisable(k: Kernel, thread: Thread, by: number): void {
  if (!thread.address) return
  const at = thread.address + KTHREAD.KernelApcDisable
  k.memory.setU16(at, (k.memory.i16(at) + by) & 0xffff)
}

/** Enter (-1) or leave (+1) guarded regions, which keep special APCs away too. */
export function changeSpecialApcDisable(k: Kernel, thread: Thread, by: number): void {
  if (!thread.address) return
  const at = thread.address + KTHREAD.SpecialApcDisable
  k.memory.setU16(at, (k.memory.i16(at) + by) & 0xffff)
}

/** KeAreApcsDisabled. */
export function areApcsDisabled(k: Kernel, thread: Thread): boolean {
  return kernelApcDisable(k, thread) !== 0 || specialApcDisable(k, thread) !== 0
}
