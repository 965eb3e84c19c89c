/** A process's regions of user memory (VirtualAlloc) and its heap (HeapAlloc, malloc). */
import {
  PAGE_EXECUTE,
  PAGE_EXECUTE_READ,
  PAGE_EXECUTE_READWRITE,
  PAGE_GUARD,
  PAGE_NOACCESS,
  PAGE_READONLY,
  PAGE_READWRITE,
  PAGE_WRITECOPY,
} from '../../../shared/nt/generated/constants'
import type { Kernel } from '../kernel'
import type { Process } from '../ps/process'
import { PAGE_SIZE, PTE } from './layout'
import type { Ptr } from './memory'

/** Page table flags of a protection; undefined for one that is not supported. */
export function flagsOfProtection(protection: number): number | undefined {
  if (protection & PAGE_GUARD) {
    const open = flagsOfProtection(protection & ~PAGE_GUARD)
    if (open === undefined || !(open & PTE.read)) return undefined
    // Out of reach, with what it will allow once it was touched.
    const later = open & PTE.write ? PTE.wasWrite : 0
    return (open & ~(PTE.read | PTE.write)) | PTE.userGuard | later
  }
  switch (protection) {
    case PAGE_NOACCESS:
      return PTE.user
    case PAGE_READONLY:
      return PTE.user | PTE.read
    case PAGE_READWRITE:
    case PAGE_WRITECOPY:
      return PTE.user | PTE.read | PTE.write
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
      return PTE.user | PTE.read | PTE.execute
    case PAGE_EXECUTE_READWRITE:
      return PTE.user | PTE.read | PTE.write | PTE.execute
    default:
      return undefined
  }
}

/** The entry of a guard page after its first touch. */
export function openedGuard(entry: number): number {
  const write = entry & PTE.wasWrite ? PTE.write : 0
  return (entry & ~(PTE.userGuard | PTE.wasWrite)) | PTE.read | write
}

/** Protection that page table flags mean. */
export function protectionOfFlags(entry: number): number {
  if (entry & PTE.userGuard) return PAGE_GUARD | protectionOfFlags(openedGuard(entry))
  if (!(entry & PTE.read)) return PAGE_NOACCESS
  if (entry & PTE.execute) return entry & PTE.write ? PAGE_EXECUTE_READWRITE : PAGE_EXECUTE_READ
  return entry & PTE.write ? PAGE_READWRITE : PAGE_READONLY
}

/** A reserved range. */
export interface UserRegion {
  base: Ptr
  pages: number
  /** Pages that have memory behind them. */
  committed: Set<number>
}

const regionsOf = new WeakMap<Process, Map<Ptr, UserRegion>>()

function regions(process: Process): Map<Ptr, UserRegion> {
  let map = regionsOf.get(process)
  if (!map) regionsOf.set(process, (map = new Map()))
  return map
}

/** Region that an address lies in. */
export function findRegion(process: Process, at: Ptr): UserRegion | undefined {
  for (const region of regions(process).values())
    if (at >= region.base && at < region.base + region.pages * PAGE_SIZE) return region
  return undefined
}

/** Reserve a range, committed when `flags` are given; null when there is no room. */
export function reserve(
  k: Kernel,
  process: Process,
  bytes: number,
  flags: number | null,
): UserRegion | null {
  const base = k.processes.allocateUser(process, bytes)
  if (!base) return null
  const pages = Math.max(1, Math.ceil(bytes / PAGE_SIZE))
  const region: UserRegion = { base, pages, committed: new Set() }
  if (flags === null) k.memory.decommit(base, pages)
  else {
    k.memory.protect(base, pages, flags)
    for (let page = 0; page < pages; page++) region.committed.add(page)
  }
  regions(process).set(base, region)
  return region
}

/** Give pages of a region memory; those that have some already get the new protection. */
export function commit(
  k: Kernel,
  region: UserRegion,
  first: number,
  count: number,
  flags: number,
): boolean {
  for (let page = first; page < first + count; page++) {
    const at = region.base + page * PAGE_SIZE
    if (region.committed.has(page)) k.memory.protect(at, 1, flags)
    else if (!k.memory.commit(at, 1, flags)) return false
    region.committed.add(page)
  }
  return true
}

export function decommit(k: Kernel, region: UserRegion, first: number, count: number): void {
  for (let page = first; page < first + count; page++)
    if (region.committed.delete(page)) k.memory.decommit(region.base + page * PAGE_SIZE, 1)
}

export function release(k: Kernel, process: Process, region: UserRegion): void {
  decommit(k, region, 0, region.pages)
  regions(process).delete(region.base)
}

// --- heap --------------------------------------------------------------------------------------------

/** Before each block: its size in bytes and a mark that an overflow of the block before spoils. */
const HEADER_BYTES = 16
const MARK = 0x1dea_f00d
const CHUNK_BYTES = 64 * 1024

export type FreeResult = 'freed' | 'unknown' | 'damaged'

/** The default heap of a process: blocks of 16 bytes' alignment with headers in user memory. */
export class UserHeap {
  private readonly live = new Map<Ptr, number>()
  private readonly free = new Map<number, Ptr[]>()
  private next: Ptr = 0
  private end: Ptr = 0

  constructor(
    private readonly k: Kernel,
    private readonly process: Process,
  ) {}

  /** A block, 0 when memory is short. The process has to be current. */
  allocate(bytes: number, zero: boolean): Ptr {
    const { memory } = this.k
    const size = (Math.max(bytes, 1) + HEADER_BYTES + 15) & ~15
    const block = this.free.get(size)?.pop() ?? this.carve(size)
    if (block === 0) return 0
    memory.setU32(block, bytes)
    memory.setU32(block + 8, MARK ^ size)
    const at = block + HEADER_BYTES
    // Fresh memory is zero already; used memory keeps what was in it.
    if (zero) memory.fill(at, bytes, 0)
    this.live.set(at, bytes)
    return at
  }

  private carve(size: number): Ptr {
    if (size > CHUNK_BYTES / 2) return this.k.processes.allocateUser(this.process, size)
    if (this.next + size > this.end) {
      const chunk = this.k.processes.allocateUser(this.process, CHUNK_BYTES)
      if (!chunk) return 0
      this.next = chunk
      this.end = chunk + CHUNK_BYTES
    }
    const at = this.next
    this.next += size
    return at
  }

  /** Take a block back. `damaged` when its header was overwritten. */
  release(at: Ptr): FreeResult {
    const { memory } = this.k
    const bytes = this.live.get(at)
    if (bytes === undefined) return 'unknown'
    const size = (Math.max(bytes, 1) + HEADER_BYTES + 15) & ~15
    const block = at - HEADER_BYTES
    if (memory.u32(block + 8) >>> 0 !== (MARK ^ size) >>> 0 || memory.u32(block) !== bytes)
      return 'damaged'
    this.live.delete(at)
    const list = this.free.get(size)
    if (list) list.push(block)
    else this.free.set(size, [block])
    return 'freed'
  }

  /** Bytes of a block, -1 when there is none. */
  size(at: Ptr): number {
    return this.live.get(at) ?? -1
  }
}

const heaps = new WeakMap<Process, UserHeap>()

/** The default heap of a process; made at the first question. */
export function heapOf(k: Kernel, process: Process): UserHeap {
  let heap = heaps.get(process)
  if (!heap) heaps.set(process, (heap = new UserHeap(k, process)))
  return heap
}
