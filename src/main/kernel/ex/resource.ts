/**
 * ERESOURCE: one writer or many readers, with the owners in memory as on Windows.
 *
 * `OwnerEntry` is the writer, or one of the readers; further readers are in `OwnerTable`, whose
 * element 0 holds only its size. Readers that come while a writer waits queue up behind it.
 */
import { SynchronizationEvent } from '../../../shared/nt/generated/constants'
import { ERESOURCE, KEVENT, KSEMAPHORE, OWNER_ENTRY } from '../../../shared/nt/generated/offsets'
import { STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import { areApcsDisabled, kernelApcDisable } from '../ke/apc'
import { checkNonpaged, requireNonpaged } from '../ke/at-dispatch'
import { APC_LEVEL, DISPATCH_LEVEL } from '../ke/irql'
import type { Thread } from '../ke/thread'
import type { Ptr } from '../mm/memory'

/** Flag: owned by a writer. */
const EXCLUSIVE = 0x80
const COUNT = OWNER_ENTRY.OwnerCount
/** OwnerThread of a resource that was handed to a waiter which has not run yet. */
const HANDED_OVER = 1n
const TABLE_STEP = 4
const WAITERS_MAX = 0x7fff_ffff

export type SharedMode = 'queue' | 'starve writers' | 'wait for writers'

/** ExInitializeResourceLite. */
export function initializeResource(k: Kernel, resource: Ptr): number {
  checkNonpaged(k, resource, 'ERESOURCE')
  k.spinLocks.tracker.initialize(resource, 'resource')
  k.memory.fill(resource, ERESOURCE.SIZE, 0)
  // The list of all resources has no other members that a driver could find.
  k.memory.setPtr(resource, resource)
  k.memory.setPtr(resource + ERESOURCE['SystemResourcesList.Blink'], resource)
  return STATUS_SUCCESS
}

/** ExDeleteResourceLite. */
export function deleteResource(k: Kernel, resource: Ptr): number {
  const { memory } = k
  for (const field of [ERESOURCE.OwnerTable, ERESOURCE.SharedWaiters, ERESOURCE.ExclusiveWaiters]) {
    const block = memory.ptr(resource + field)
    if (block) k.pool.free(block)
    memory.setPtr(resource + field, 0)
  }
  memory.setPtr(resource, 0)
  memory.setPtr(resource + ERESOURCE['SystemResourcesList.Blink'], 0)
  k.spinLocks.tracker.forgetLock(resource)
  return STATUS_SUCCESS
}

/** @bugcheck 0x192 at DISPATCH_LEVEL or above: the routine may have to wait */
function checkAcquire(k: Kernel, resource: Ptr, routine: string): void {
  const { level } = k.irql
  k.verifier.check(
    'VR-IRQL-RESOURCE-APC',
    level < APC_LEVEL && !areApcsDisabled(k, k.thread),
    [0x37, level, apcCount(k), k.memory.address(resource)],
    `${routine} was called while normal kernel APCs are enabled.`,
  )
  if (level >= DISPATCH_LEVEL)
    k.bugCheck(
      0x192,
      k.memory.address(k.thread.address),
      k.memory.address(resource),
      BigInt(level),
      0n,
      `${routine} was called at IRQL ${level}.`,
    )
  requireNonpaged(k, resource, 'ERESOURCE')
}

function isExclusive(k: Kernel, resource: Ptr): boolean {
  return (k.memory.u16(resource + ERESOURCE.Flag) & EXCLUSIVE) !== 0
}

function setExclusive(k: Kernel, resource: Ptr, exclusive: boolean): void {
  const flag = k.memory.u16(resource + ERESOURCE.Flag)
  k.memory.setU16(resource + ERESOURCE.Flag, exclusive ? flag | EXCLUSIVE : flag & ~EXCLUSIVE)
}

function activeEntries(k: Kernel, resource: Ptr): number {
  return k.memory.u32(resource + ERESOURCE.ActiveEntries)
}

function setActiveEntries(k: Kernel, resource: Ptr, count: number): void {
  k.memory.setU32(resource + ERESOURCE.ActiveEntries, count)
  k.memory.setU16(resource + ERESOURCE.ActiveCount, count ? 1 : 0)
}

function addTo(k: Kernel, at: Ptr, by: number): number {
  const value = (k.memory.u32(at) + by) >>> 0
  k.memory.setU32(at, value)
  return value
}

/** The owner entry of a thread; 0 when it has none. */
function entryOf(k: Kernel, resource: Ptr, owner: bigint): Ptr {
  const { memory } = k
  const first = resource + ERESOURCE.OwnerEntry
  if (memory.u64(first) === owner && count(k, first) > 0) return first
  const table = memory.ptr(resource + ERESOURCE.OwnerTable)
  if (!table) return 0
  const size = memory.u32(table + OWNER_ENTRY.TableSize)
  for (let i = 1; i < size; i++) {
    const entry = table + i * OWNER_ENTRY.SIZE
    if (memory.u64(entry) === owner && count(k, entry) > 0) return entry
  }
  return 0
}

/** The count shares its word with three flag bits. */
function count(k: Kernel, entry: Ptr): number {
  return k.memory.u32(entry + COUNT) >>> 3
}

function setEntry(k: Kernel, entry: Ptr, owner: bigint, value: number): void {
  k.memory.setU64(entry, owner)
  k.memory.setU32(entry + COUNT, value << 3)
}

/** A free owner entry; the table grows when there is none. */
function freeEntry(k: Kernel, resource: Ptr): Ptr {
  const { memory } = k
  const first = resource + ERESOURCE.OwnerEntry
  if (memory.u64(first) === 0n) return first
  const table = memory.ptr(resource + ERESOURCE.OwnerTable)
  const size = table ? memory.u32(table + OWNER_ENTRY.TableSize) : 0
  for (let i = 1; i < size; i++)
    if (memory.u64(table + i * OWNER_ENTRY.SIZE) === 0n) return table + i * OWNER_ENTRY.SIZE
  const grown = k.pool.allocate((size + TABLE_STEP) * OWNER_ENTRY.SIZE, 'ExRe', { system: true })
  memory.fill(grown, (size + TABLE_STEP) * OWNER_ENTRY.SIZE, 0)
  if (table) {
    memory.copy(grown, table, size * OWNER_ENTRY.SIZE)
    k.pool.free(table)
  }
  memory.setU32(grown + OWNER_ENTRY.TableSize, size + TABLE_STEP)
  memory.setPtr(resource + ERESOURCE.OwnerTable, grown)
  return grown + Math.max(size, 1) * OWNER_ENTRY.SIZE
}

function ownerKey(k: Kernel, thread: Thread): bigint {
  return k.memory.address(thread.address)
}

/** ExAcquireResourceExclusiveLite. */
export function* acquireExclusive(k: Kernel, resource: Ptr, wait: boolean): KernelRoutine<boolean> {
  const { memory } = k
  const { tracker } = k.spinLocks
  checkAcquire(k, resource, 'ExAcquireResourceExclusiveLite')
  const me = ownerKey(k, k.thread)
  const first = resource + ERESOURCE.OwnerEntry
  if (activeEntries(k, resource) !== 0 && isExclusive(k, resource) && memory.u64(first) === me) {
    setEntry(k, first, me, count(k, first) + 1)
    return true
  }
  if (wait) tracker.acquiring(resource, 'resource')
  if (activeEntries(k, resource) !== 0) {
    if (!wait) return false
    let event = memory.ptr(resource + ERESOURCE.ExclusiveWaiters)
    if (!event) {
      event = k.pool.allocate(KEVENT.SIZE, 'ExRe', { system: true })
      k.dispatcher.initializeEvent(event, SynchronizationEvent, false)
      memory.setPtr(resource + ERESOURCE.ExclusiveWaiters, event)
    }
    addTo(k, resource + ERESOURCE.ContentionCount, 1)
    addTo(k, resource + ERESOURCE.NumberOfExclusiveWaiters, 1)
    yield* k.dispatcher.wait([event])
    memory.setU64(first, me)
  } else {
    setExclusive(k, resource, true)
    setActiveEntries(k, resource, 1)
    setEntry(k, first, me, 1)
  }
  tracker.acquired(resource, 'resource')
  return true
}

/** ExAcquireResourceSharedLite and its two variants, which differ in how they treat waiting writers. */
export function* acquireShared(
  k: Kernel,
  resource: Ptr,
  wait: boolean,
  mode: SharedMode = 'queue',
): KernelRoutine<boolean> {
  const { memory } = k
  const { tracker } = k.spinLocks
  checkAcquire(k, resource, 'ExAcquireResourceSharedLite')
  const me = ownerKey(k, k.thread)
  const mine = activeEntries(k, resource) === 0 ? 0 : entryOf(k, resource, me)
  const writersWait = memory.u32(resource + ERESOURCE.NumberOfExclusiveWaiters) > 0
  if (mine && (isExclusive(k, resource) || mode !== 'wait for writers' || !writersWait)) {
    setEntry(k, mine, me, count(k, mine) + 1)
    return true
  }
  if (wait) tracker.acquiring(resource, 'resource')
  const free = activeEntries(k, resource) === 0
  if (free || (!isExclusive(k, resource) && (mode === 'starve writers' || !writersWait))) {
    if (free) setExclusive(k, resource, false)
    setEntry(k, freeEntry(k, resource), me, 1)
    setActiveEntries(k, resource, activeEntries(k, resource) + 1)
  } else {
    if (!wait) return false
    let semaphore = memory.ptr(resource + ERESOURCE.SharedWaiters)
    if (!semaphore) {
      semaphore = k.pool.allocate(KSEMAPHORE.SIZE, 'ExRe', { system: true })
      k.dispatcher.initializeSemaphore(semaphore, 0, WAITERS_MAX)
      memory.setPtr(resource + ERESOURCE.SharedWaiters, semaphore)
    }
    addTo(k, resource + ERESOURCE.ContentionCount, 1)
    addTo(k, resource + ERESOURCE.NumberOfSharedWaiters, 1)
    yield* k.dispatcher.wait([semaphore])
    // Whoever let this thread in has counted it among the active entries.
    setEntry(k, freeEntry(k, resource), me, 1)
  }
  tracker.acquired(resource, 'resource')
  return true
}

/** ExReleaseResourceLite. @bugcheck 0xE3 when the thread is no owner */
export function releaseResource(k: Kernel, resource: Ptr, owner?: bigint): void {
  const { level } = k.irql
  const { memory } = k
  k.verifier.check(
    'VR-IRQL-RESOURCE-REL',
    level < APC_LEVEL && !areApcsDisabled(k, k.thread),
    [0x38, level, apcCount(k), memory.address(resource)],
    'ExReleaseResourceLite was called while normal kernel APCs are enabled.',
  )
  const key = owner ?? ownerKey(k, k.thread)
  const entry = entryOf(k, resource, key)
  if (!entry || activeEntries(k, resource) === 0) {
    k.spinLocks.tracker.releasing(resource, 'resource')
    k.bugCheck(
      0xe3,
      memory.address(resource),
      key,
      memory.address(memory.ptr(resource + ERESOURCE.OwnerTable)),
      0n,
      `The resource at ${memory.format(resource)} was released by a thread that does not own it.`,
    )
  }
  const left = count(k, entry) - 1
  setEntry(k, entry, left ? key : 0n, left)
  if (left) return
  k.spinLocks.tracker.released(resource, 'resource')
  if (isExclusive(k, resource)) writerLeaves(k, resource)
  else {
    const active = activeEntries(k, resource) - 1
    setActiveEntries(k, resource, active)
    if (active === 0) letWriterIn(k, resource)
  }
}

function writerLeaves(k: Kernel, resource: Ptr): void {
  const readers = k.memory.u32(resource + ERESOURCE.NumberOfSharedWaiters)
  setExclusive(k, resource, false)
  setActiveEntries(k, resource, readers)
  if (readers) letReadersIn(k, resource, readers)
  else letWriterIn(k, resource)
}

function letReadersIn(k: Kernel, resource: Ptr, readers: number): void {
  k.memory.setU32(resource + ERESOURCE.NumberOfSharedWaiters, 0)
  k.dispatcher.releaseSemaphore(k.memory.ptr(resource + ERESOURCE.SharedWaiters), readers)
}

function letWriterIn(k: Kernel, resource: Ptr): void {
  if (k.memory.u32(resource + ERESOURCE.NumberOfExclusiveWaiters) === 0) return
  addTo(k, resource + ERESOURCE.NumberOfExclusiveWaiters, -1)
  setExclusive(k, resource, true)
  setActiveEntries(k, resource, 1)
  setEntry(k, resource + ERESOURCE.OwnerEntry, HANDED_OVER, 1)
  k.dispatcher.setEvent(k.memory.ptr(resource + ERESOURCE.ExclusiveWaiters))
}

/** ExConvertExclusiveToSharedLite. */
export function convertExclusiveToShared(k: Kernel, resource: Ptr): void {
  const readers = k.memory.u32(resource + ERESOURCE.NumberOfSharedWaiters)
  setExclusive(k, resource, false)
  setActiveEntries(k, resource, readers + 1)
  if (readers) letReadersIn(k, resource, readers)
}

/** ExIsResourceAcquiredExclusiveLite: by the current thread. */
export function isAcquiredExclusive(k: Kernel, resource: Ptr): boolean {
  return (
    activeEntries(k, resource) !== 0 &&
    isExclusive(k, resource) &&
    k.memory.u64(resource + ERESOURCE.OwnerEntry) === ownerKey(k, k.thread)
  )
}

/** ExIsResourceAcquiredSharedLite: how often the current thread has it, in either way. */
export function acquiredCount(k: Kernel, resource: Ptr): number {
  if (activeEntries(k, resource) === 0) return 0
  const entry = entryOf(k, resource, ownerKey(k, k.thread))
  return entry ? count(k, entry) : 0
}

function apcCount(k: Kernel): bigint {
  return BigInt.asUintN(64, BigInt(kernelApcDisable(k, k.thread)))
}
