/**
 * Fast mutexes and guarded mutexes: one owner, no recursion, a count and an event.
 *
 * `Count` is 1 while free, 0 while owned, lower by one for each thread that waits. The event is set
 * by the owner that leaves while somebody waits, so ownership passes from hand to hand.
 */
import { SynchronizationEvent } from '../../../shared/nt/generated/constants'
import { FAST_MUTEX } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { areApcsDisabled, changeSpecialApcDisable, kernelApcDisable } from './apc'
import { atDispatchLevel, checkNonpaged, requireNonpaged } from './at-dispatch'
import { APC_LEVEL, DISPATCH_LEVEL } from './irql'

/** ExInitializeFastMutex. */
export function initializeFastMutex(k: Kernel, mutex: Ptr): void {
  const { memory } = k
  checkNonpaged(k, mutex, 'FAST_MUTEX')
  memory.setU32(mutex + FAST_MUTEX.Count, 1)
  memory.setPtr(mutex + FAST_MUTEX.Owner, 0)
  memory.setU32(mutex + FAST_MUTEX.Contention, 0)
  memory.setU32(mutex + FAST_MUTEX.OldIrql, 0)
  k.dispatcher.initializeEvent(mutex + FAST_MUTEX.Event, SynchronizationEvent, false)
  k.spinLocks.tracker.initialize(mutex, 'fast mutex')
}

/** Take the mutex, waiting for it if need be; the IRQL or region that goes with it is the caller's. */
function* take(k: Kernel, mutex: Ptr): KernelRoutine<void> {
  const { memory } = k
  const { tracker } = k.spinLocks
  requireNonpaged(k, mutex, 'FAST_MUTEX')
  const holder = tracker.holder(mutex)
  k.verifier.check(
    'VR-LOCK-RECURSE',
    holder?.thread === k.thread,
    [0x1001, memory.address(mutex), 0, 0],
    `The fast mutex at ${memory.format(mutex)} was acquired again by the thread that owns it.`,
  )
  tracker.acquiring(mutex, 'fast mutex')
  const contended = atDispatchLevel(k, () => {
    const count = memory.i32(mutex + FAST_MUTEX.Count) - 1
    memory.setU32(mutex + FAST_MUTEX.Count, count)
    if (count === 0) return false
    memory.setU32(mutex + FAST_MUTEX.Contention, memory.u32(mutex + FAST_MUTEX.Contention) + 1)
    return true
  })
  if (contended) yield* k.dispatcher.wait([mutex + FAST_MUTEX.Event])
  memory.setPtr(mutex + FAST_MUTEX.Owner, k.thread.address)
  tracker.acquired(mutex, 'fast mutex')
}

function give(k: Kernel, mutex: Ptr): void {
  const { memory } = k
  const { tracker } = k.spinLocks
  tracker.releasing(mutex, 'fast mutex')
  const owner = memory.ptr(mutex + FAST_MUTEX.Owner)
  if (owner !== k.thread.address)
    k.bugCheck(
      0x162,
      memory.address(k.thread.address),
      memory.address(mutex),
      0n,
      0n,
      `The fast mutex at ${memory.format(mutex)} was released by a thread that does not own it.`,
    )
  memory.setPtr(mutex + FAST_MUTEX.Owner, 0)
  tracker.released(mutex, 'fast mutex')
  const count = memory.i32(mutex + FAST_MUTEX.Count) + 1
  memory.setU32(mutex + FAST_MUTEX.Count, count)
  if (count <= 0) k.dispatcher.setEvent(mutex + FAST_MUTEX.Event)
}

/** @bugcheck 0x192 above APC_LEVEL: the routine may have to wait */
function checkLevel(k: Kernel, mutex: Ptr, routine: string): void {
  const { level } = k.irql
  const what = `${routine} was called at IRQL ${level}; a fast mutex is acquired at APC_LEVEL or below.`
  k.verifier.check(
    'VR-IRQL-FASTMUTEX-ACQ',
    level > APC_LEVEL,
    [0x33, level, k.memory.address(mutex), 0],
    what,
  )
  if (level >= DISPATCH_LEVEL)
    k.bugCheck(
      0x192,
      k.memory.address(k.thread.address),
      k.memory.address(mutex),
      BigInt(level),
      0n,
      what,
    )
}

/** ExAcquireFastMutex: at APC_LEVEL from here on. */
export function* acquireFastMutex(k: Kernel, mutex: Ptr): KernelRoutine<void> {
  checkLevel(k, mutex, 'ExAcquireFastMutex')
  const old = k.irql.raise(APC_LEVEL, 'ExAcquireFastMutex')
  yield* take(k, mutex)
  k.memory.setU32(mutex + FAST_MUTEX.OldIrql, old)
}

/** ExTryToAcquireFastMutex. */
export function tryAcquireFastMutex(k: Kernel, mutex: Ptr): boolean {
  const { memory } = k
  checkLevel(k, mutex, 'ExTryToAcquireFastMutex')
  requireNonpaged(k, mutex, 'FAST_MUTEX')
  if (memory.i32(mutex + FAST_MUTEX.Count) !== 1) return false
  const old = k.irql.raise(APC_LEVEL, 'ExTryToAcquireFastMutex')
  memory.setU32(mutex + FAST_MUTEX.Count, 0)
  memory.setPtr(mutex + FAST_MUTEX.Owner, k.thread.address)
  memory.setU32(mutex + FAST_MUTEX.OldIrql, old)
  k.spinLocks.tracker.acquired(mutex, 'fast mutex')
  return true
}

/** ExReleaseFastMutex: back to the IRQL before the acquisition. */
export function releaseFastMutex(k: Kernel, mutex: Ptr): void {
  k.verifier.check(
    'VR-IRQL-FASTMUTEX-REL',
    k.irql.level !== APC_LEVEL,
    [0x34, k.irql.level, apcCount(k), k.memory.address(mutex)],
    `ExReleaseFastMutex was called at IRQL ${k.irql.level}; it belongs at APC_LEVEL.`,
  )
  const old = k.memory.u32(mutex + FAST_MUTEX.OldIrql)
  give(k, mutex)
  k.irql.lower(old & 0xf, 'ExReleaseFastMutex')
}

/** ExAcquireFastMutexUnsafe: the caller has disabled APCs. */
export function* acquireFastMutexUnsafe(k: Kernel, mutex: Ptr): KernelRoutine<void> {
  checkLevel(k, mutex, 'ExAcquireFastMutexUnsafe')
  k.verifier.check(
    'VR-IRQL-FASTMUTEX-UNSAFE',
    k.irql.level < APC_LEVEL && !areApcsDisabled(k, k.thread),
    [0x39, k.irql.level, apcCount(k), k.memory.address(mutex)],
    'ExAcquireFastMutexUnsafe was called while kernel APCs are enabled.',
  )
  yield* take(k, mutex)
}

export function releaseFastMutexUnsafe(k: Kernel, mutex: Ptr): void {
  give(k, mutex)
}

/** KeAcquireGuardedMutex: inside a guarded region from here on. */
export function* acquireGuardedMutex(k: Kernel, mutex: Ptr): KernelRoutine<void> {
  checkLevel(k, mutex, 'KeAcquireGuardedMutex')
  changeSpecialApcDisable(k, k.thread, -1)
  yield* take(k, mutex)
}

export function tryAcquireGuardedMutex(k: Kernel, mutex: Ptr): boolean {
  const { memory } = k
  checkLevel(k, mutex, 'KeTryToAcquireGuardedMutex')
  if (memory.i32(mutex + FAST_MUTEX.Count) !== 1) return false
  changeSpecialApcDisable(k, k.thread, -1)
  memory.setU32(mutex + FAST_MUTEX.Count, 0)
  memory.setPtr(mutex + FAST_MUTEX.Owner, k.thread.address)
  k.spinLocks.tracker.acquired(mutex, 'fast mutex')
  return true
}

export function releaseGuardedMutex(k: Kernel, mutex: Ptr): void {
  give(k, mutex)
  changeSpecialApcDisable(k, k.thread, 1)
}

function apcCount(k: Kernel): bigint {
  return BigInt.asUintN(64, BigInt(kernelApcDisable(k, k.thread)))
}
