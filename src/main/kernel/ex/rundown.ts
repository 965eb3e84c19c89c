/**
 * Run-down protection: many short users of something that one day goes away.
 *
 * EX_RUNDOWN_REF.Count counts users in steps of two. Bit 0 says that run-down has begun; the rest is
 * then the address of the waiter's block, or zero once it is over.
 */
import { NotificationEvent } from '../../../shared/nt/generated/constants'
import { KEVENT } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

const ACTIVE = 1n
const STEP = 2n
/** How long who waits without memory for a block waits before it asks again: 1 ms. */
const RETRY = -10_000n
/** The waiter's block: users that are left, and the event that the last of them sets. */
const BLOCK = { SIZE: 8 + KEVENT.SIZE, Count: 0, Event: 8 } as const

export function initializeRundown(k: Kernel, ref: Ptr): void {
  k.memory.setU64(ref, 0n)
}

/** ExReInitializeRundownProtection: usable again after a run-down. */
export function reinitializeRundown(k: Kernel, ref: Ptr): void {
  k.memory.setU64(ref, 0n)
}

/** ExAcquireRundownProtection: false once run-down has begun. */
export function acquireRundown(k: Kernel, ref: Ptr): boolean {
  const value = k.memory.u64(ref)
  if (value & ACTIVE) return false
  k.memory.setU64(ref, value + STEP)
  return true
}

export function releaseRundown(k: Kernel, ref: Ptr): void {
  const { memory } = k
  const value = memory.u64(ref)
  if (!(value & ACTIVE)) {
    memory.setU64(ref, BigInt.asUintN(64, value - STEP))
    return
  }
  const block = memory.index(value & ~ACTIVE)
  const left = memory.size(block + BLOCK.Count) - 1
  memory.setSize(block + BLOCK.Count, left)
  if (left === 0) k.dispatcher.setEvent(block + BLOCK.Event)
}

/** ExWaitForRundownProtectionRelease: back when the last user has left; nobody gets in after that. */
export function* waitForRundown(k: Kernel, ref: Ptr): KernelRoutine<void> {
  const { memory } = k
  const value = memory.u64(ref)
  if (value === 0n || value === ACTIVE) {
    memory.setU64(ref, ACTIVE)
    return
  }
  // On Windows the block lies on the waiter's stack; here memory can be short, and then it is asked again.
  let block = k.pool.allocate(BLOCK.SIZE, 'ExRn', { system: true })
  while (!block) {
    yield* k.dispatcher.delay(RETRY)
    if (memory.u64(ref) === 0n) {
      memory.setU64(ref, ACTIVE)
      return
    }
    block = k.pool.allocate(BLOCK.SIZE, 'ExRn', { system: true })
  }
  memory.setSize(block + BLOCK.Count, Number(value / STEP))
  k.dispatcher.initializeEvent(block + BLOCK.Event, NotificationEvent, false)
  memory.setU64(ref, memory.address(block) | ACTIVE)
  yield* k.dispatcher.wait([block + BLOCK.Event])
  memory.setU64(ref, ACTIVE)
  k.pool.free(block)
}

/** ExRundownCompleted: no user may come back. */
export function completeRundown(k: Kernel, ref: Ptr): void {
  k.memory.setU64(ref, ACTIVE)
}
