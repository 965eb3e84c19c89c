/** What may not lie in memory that is about to go away: a block that is freed, a device that is deleted. */
import { lookasideIn } from '../ex/lookaside'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

/**
 * Judge a range before it is freed, and forget the locks in it.
 * @param poolType 0 nonpaged, 1 paged
 * @bugcheck 0xE4 parameter 1 = 0 when a queued work item lies in it; the verifier finds more
 */
export function checkFreed(k: Kernel, start: Ptr, bytes: number, poolType: 0 | 1): void {
  const { memory, verifier, workQueue } = k
  const end = start + bytes
  const item = workQueue.queuedIn(start, end)
  if (item)
    k.bugCheck(
      0xe4,
      0n,
      memory.address(item),
      memory.address(start),
      memory.address(end),
      `The memory of the work item at ${memory.format(item)} was freed while it was queued.`,
    )
  // Every packet comes through here, so the words are made only when there is something to say.
  const timer = k.timers.armedIn(start, end)
  if (timer)
    verifier.check(
      'VR-POOL-FREE-TIMER',
      true,
      [0x15, memory.address(timer), poolType, memory.address(start)],
      `The memory of the timer at ${memory.format(timer)} was freed while it was armed.`,
    )
  const list = lookasideIn(k, start, end)
  if (list)
    verifier.check(
      'VR-POOL-FREE-LOOKASIDE',
      true,
      [0xcc, memory.address(list), memory.address(start), bytes],
      `The memory of the lookaside list at ${memory.format(list)} was freed before the list was deleted.`,
    )
  const resource = k.spinLocks.tracker.initializedIn(start, end, 'resource')
  if (resource)
    verifier.check(
      'VR-POOL-FREE-RESOURCE',
      true,
      [0xd2, memory.address(resource), memory.address(start), bytes],
      `The memory of the resource at ${memory.format(resource)} was freed before the resource was deleted.`,
    )
  k.spinLocks.tracker.forget(start, end)
}
