/**
 * Lookaside lists: freed blocks of one size, kept for the next allocation.
 *
 * The list is a chain of free blocks in memory, each holding a pointer to the next, as on Windows;
 * SLIST_HEADER is kept simpler: first block and depth in the first 16 bytes.
 */
import { GENERAL_LOOKASIDE } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

const FIRST = 0
const LENGTH = 8
const MAXIMUM_DEPTH = 256
/** Depth that a list starts with; Windows adjusts it once a second by how the list is used. */
const DEPTH = 4

/** Lists that are initialised and not deleted; of each machine its own. */
const machines = new WeakMap<Kernel, Set<Ptr>>()

function liveLists(k: Kernel): Set<Ptr> {
  let lists = machines.get(k)
  if (!lists) machines.set(k, (lists = new Set()))
  return lists
}

/** A live list in a range of memory; 0 for none. */
export function lookasideIn(k: Kernel, start: Ptr, end: Ptr): Ptr {
  for (const list of liveLists(k)) if (list >= start && list < end) return list
  return 0
}

/** ExInitializeNPagedLookasideList, ExInitializePagedLookasideList. */
export function initializeLookaside(
  k: Kernel,
  list: Ptr,
  size: number,
  tag: number,
  paged: boolean,
): void {
  const { memory } = k
  k.verifier.check(
    'VR-POOL-LOOKASIDE-REINIT',
    liveLists(k).has(list),
    [0xca, memory.address(list), 0, 0],
    `The lookaside list at ${memory.format(list)} was initialised a second time.`,
  )
  liveLists(k).add(list)
  memory.fill(list, GENERAL_LOOKASIDE.SIZE, 0)
  memory.setU16(list + GENERAL_LOOKASIDE.Depth, DEPTH)
  memory.setU16(list + GENERAL_LOOKASIDE.MaximumDepth, MAXIMUM_DEPTH)
  memory.setU32(list + GENERAL_LOOKASIDE.Type, paged ? 1 : 0)
  memory.setU32(list + GENERAL_LOOKASIDE.Tag, tag)
  // A free block holds a pointer to the next one.
  memory.setU32(list + GENERAL_LOOKASIDE.Size, Math.max(size, 8))
}

/** A block from the list or from the pool; 0 when memory is short. */
export function allocateFromLookaside(k: Kernel, list: Ptr): Ptr {
  const { memory } = k
  count(k, list + GENERAL_LOOKASIDE.TotalAllocates)
  const first = memory.ptr(list + FIRST)
  if (first) {
    memory.setPtr(list + FIRST, memory.ptr(first))
    memory.setU16(list + LENGTH, memory.u16(list + LENGTH) - 1)
    return first
  }
  count(k, list + GENERAL_LOOKASIDE.AllocateMisses)
  return k.pool.allocate(
    memory.u32(list + GENERAL_LOOKASIDE.Size),
    memory.u32(list + GENERAL_LOOKASIDE.Tag),
    { paged: memory.u32(list + GENERAL_LOOKASIDE.Type) === 1 },
  )
}

/** Give a block back: to the list while it has room, else to the pool. */
export function freeToLookaside(k: Kernel, list: Ptr, block: Ptr): void {
  const { memory } = k
  count(k, list + GENERAL_LOOKASIDE.TotalFrees)
  const length = memory.u16(list + LENGTH)
  if (length >= memory.u16(list + GENERAL_LOOKASIDE.Depth)) {
    count(k, list + GENERAL_LOOKASIDE.FreeMisses)
    k.pool.free(block)
    return
  }
  memory.setPtr(block, memory.ptr(list + FIRST))
  memory.setPtr(list + FIRST, block)
  memory.setU16(list + LENGTH, length + 1)
}

/** ExDelete*LookasideList: the blocks that it keeps go back to the pool. */
export function deleteLookaside(k: Kernel, list: Ptr): void {
  const { memory } = k
  liveLists(k).delete(list)
  for (let block = memory.ptr(list + FIRST); block;) {
    const next = memory.ptr(block)
    k.pool.free(block)
    block = next
  }
  memory.setPtr(list + FIRST, 0)
  memory.setU16(list + LENGTH, 0)
}

function count(k: Kernel, at: Ptr): void {
  k.memory.setU32(at, (k.memory.u32(at) + 1) >>> 0)
}
