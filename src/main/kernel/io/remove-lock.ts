/**
 * Remove locks: how many users a device has, and whether it is about to go. IO_REMOVE_LOCK of a free
 * build is its common block alone; who holds it with which tag is known to the verifier only.
 */
import { SynchronizationEvent } from '../../../shared/nt/generated/constants'
import { IO_REMOVE_LOCK_COMMON_BLOCK } from '../../../shared/nt/generated/offsets'
import { STATUS_DELETE_PENDING, STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { waitingForRemoveLock } from '../verifier/rules/lock'

const BLOCK = IO_REMOVE_LOCK_COMMON_BLOCK

/** Tags of the acquisitions by lock; of each machine its own. */
const machines = new WeakMap<Kernel, Map<Ptr, Ptr[]>>()

function tagsOf(k: Kernel): Map<Ptr, Ptr[]> {
  let tags = machines.get(k)
  if (!tags) machines.set(k, (tags = new Map()))
  return tags
}

/** IoInitializeRemoveLock: one user, the device itself. */
export function initializeRemoveLock(k: Kernel, lock: Ptr): void {
  const { memory } = k
  const tags = tagsOf(k)
  k.verifier.check(
    'VR-LOCK-REMOVELOCK-REINIT',
    tags.has(lock) && memory.i32(lock + BLOCK.IoCount) > 0,
    [0xd7, memory.address(lock), memory.address(lock), 0],
    `The remove lock at ${memory.format(lock)} was initialised a second time.`,
  )
  tags.set(lock, [])
  memory.fill(lock, BLOCK.SIZE, 0)
  memory.setU32(lock + BLOCK.IoCount, 1)
  k.dispatcher.initializeEvent(lock + BLOCK.RemoveEvent, SynchronizationEvent, false)
}

/** IoAcquireRemoveLock: STATUS_DELETE_PENDING once removal has begun. */
export function acquireRemoveLock(k: Kernel, lock: Ptr, tag: Ptr): number {
  const { memory } = k
  if (memory.u8(lock + BLOCK.Removed) !== 0) return STATUS_DELETE_PENDING
  memory.setU32(lock + BLOCK.IoCount, memory.i32(lock + BLOCK.IoCount) + 1)
  const tags = tagsOf(k)
  const held = tags.get(lock)
  if (held) held.push(tag)
  else tags.set(lock, [tag])
  return STATUS_SUCCESS
}

/** IoReleaseRemoveLock: the last user lets the one that removes the device go on. */
export function releaseRemoveLock(k: Kernel, lock: Ptr, tag: Ptr): void {
  const { memory } = k
  const held = tagsOf(k).get(lock)
  const index = held?.lastIndexOf(tag) ?? -1
  k.verifier.check(
    'VR-LOCK-REMOVELOCK',
    index < 0,
    [0xd5, memory.address(lock), memory.address(tag), 0],
    `The remove lock at ${memory.format(lock)} was released with a tag that it was not acquired with.`,
  )
  if (index >= 0) held!.splice(index, 1)
  const count = memory.i32(lock + BLOCK.IoCount) - 1
  memory.setU32(lock + BLOCK.IoCount, count)
  if (count === 0) k.dispatcher.setEvent(lock + BLOCK.RemoveEvent)
}

/** IoReleaseRemoveLockAndWait: nobody gets in from here on; back when all others have left. */
export function* releaseRemoveLockAndWait(k: Kernel, lock: Ptr, tag: Ptr): KernelRoutine<void> {
  const { memory } = k
  waitingForRemoveLock(k, lock)
  memory.setU8(lock + BLOCK.Removed, 1)
  releaseRemoveLock(k, lock, tag)
  // The count of the initialisation.
  const count = memory.i32(lock + BLOCK.IoCount) - 1
  memory.setU32(lock + BLOCK.IoCount, count)
  if (count > 0) yield* k.dispatcher.wait([lock + BLOCK.RemoveEvent])
}
