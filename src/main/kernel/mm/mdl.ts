/** Memory descriptor lists: pages of a buffer, locked and mapped for whoever needs them. */
import { MDL } from '../../../shared/nt/generated/offsets'
import { STATUS_ACCESS_VIOLATION } from '../../../shared/nt/ntstatus'
import type { Kernel } from '../kernel'
import { NtException } from '../stop'
import { PAGE_SIZE, PTE, REGIONS } from './layout'
import type { Ptr } from './memory'

export const MDL_MAPPED_TO_SYSTEM_VA = 0x0001
export const MDL_PAGES_LOCKED = 0x0002
export const MDL_SOURCE_IS_NONPAGED_POOL = 0x0004
const MDL_ALLOCATED_FIXED_SIZE = 0x0008
const MDL_PARTIAL = 0x0010
const MDL_WRITE_OPERATION = 0x0080

const TAG_MDL = 'Mdl '

/** Pages behind a locked MDL, by index; the array in memory holds their frame numbers. */
interface LockedPages {
  pages: Ptr[]
  mappedAt: Ptr
}

export class Mdls {
  private readonly locked = new Map<Ptr, LockedPages>()
  private next: Ptr = REGIONS.systemPtes.start
  private readonly freeRuns = new Map<number, Ptr[]>()

  constructor(private readonly k: Kernel) {}

  /** Pages that a range touches. */
  static span(va: Ptr, length: number): number {
    return ((va & (PAGE_SIZE - 1)) + length + PAGE_SIZE - 1) >>> 12
  }

  /** IoAllocateMdl without an IRP; 0 when memory is short. */
  allocate(va: Ptr, length: number): Ptr {
    const pages = Mdls.span(va, length)
    const mdl = this.k.pool.allocate(MDL.SIZE + pages * 8, TAG_MDL, { system: true })
    if (mdl) this.initialize(mdl, va, length)
    if (mdl) this.k.memory.setU16(mdl + MDL.MdlFlags, MDL_ALLOCATED_FIXED_SIZE)
    return mdl
  }

  initialize(mdl: Ptr, va: Ptr, length: number): void {
    const { memory } = this.k
    memory.setPtr(mdl + MDL.Next, 0)
    memory.setU16(mdl + MDL.Size, MDL.SIZE + Mdls.span(va, length) * 8)
    memory.setU16(mdl + MDL.MdlFlags, 0)
    memory.setU64(mdl + MDL.StartVa, memory.address(va) & ~0xfffn)
    memory.setU32(mdl + MDL.ByteOffset, va & (PAGE_SIZE - 1))
    memory.setU32(mdl + MDL.ByteCount, length)
  }

  free(mdl: Ptr): void {
    if (this.flags(mdl) & MDL_PAGES_LOCKED) this.unlock(mdl)
    this.locked.delete(mdl)
    this.k.pool.free(mdl)
  }

  flags(mdl: Ptr): number {
    return this.k.memory.u16(mdl + MDL.MdlFlags)
  }

  private addFlags(mdl: Ptr, set: number, clear = 0): void {
    this.k.memory.setU16(mdl + MDL.MdlFlags, (this.flags(mdl) & ~clear) | set)
  }

  /** The buffer's address that the MDL describes. */
  va(mdl: Ptr): Ptr {
    const { memory } = this.k
    return memory.index(memory.u64(mdl + MDL.StartVa) + BigInt(memory.u32(mdl + MDL.ByteOffset)))
  }

  byteCount(mdl: Ptr): number {
    return this.k.memory.u32(mdl + MDL.ByteCount)
  }

  private fillFrames(mdl: Ptr, pages: readonly Ptr[]): void {
    const { memory } = this.k
    pages.forEach((page, i) => memory.setSize(mdl + MDL.SIZE + i * 8, memory.physical(page) >>> 12))
  }

  private pagesOf(mdl: Ptr): Ptr[] {
    const va = this.va(mdl)
    const first = va & ~(PAGE_SIZE - 1)
    return Array.from(
      { length: Mdls.span(va, this.byteCount(mdl)) },
      (_, i) => first + i * PAGE_SIZE,
    )
  }

  /** MmBuildMdlForNonPagedPool. */
  buildForNonPagedPool(mdl: Ptr): void {
    this.fillFrames(mdl, this.pagesOf(mdl))
    this.addFlags(mdl, MDL_SOURCE_IS_NONPAGED_POOL)
    this.k.memory.setPtr(mdl + MDL.MappedSystemVa, this.va(mdl))
  }

  /**
   * MmProbeAndLockPages.
   * @throws NtException STATUS_ACCESS_VIOLATION when the buffer does not allow the access
   */
  probeAndLock(mdl: Ptr, userMode: boolean, write: boolean): void {
    const { memory } = this.k
    const pages = this.pagesOf(mdl)
    for (const page of pages) {
      const entry = memory.pte(page)
      const allowed = write ? entry & (PTE.write | PTE.wasWrite) : entry & (PTE.read | PTE.pagedOut)
      if (!allowed || (userMode && !memory.isUser(page)))
        throw new NtException(
          STATUS_ACCESS_VIOLATION,
          memory.address(page),
          write ? 'write' : 'read',
        )
    }
    this.fillFrames(mdl, pages)
    this.locked.set(mdl, { pages, mappedAt: 0 })
    memory.setPtr(mdl + MDL.Process, this.k.thread.process.address)
    this.addFlags(mdl, MDL_PAGES_LOCKED | (write ? MDL_WRITE_OPERATION : 0))
  }

  unlock(mdl: Ptr): void {
    const { k } = this
    if (!(this.flags(mdl) & MDL_PAGES_LOCKED)) {
      const address = k.memory.address(mdl)
      k.bugCheck(0x76, 1, address, 0, 0, 'MmUnlockPages was called for an MDL that is not locked.')
    }
    if (this.flags(mdl) & MDL_MAPPED_TO_SYSTEM_VA) this.unmap(mdl)
    this.locked.delete(mdl)
    this.addFlags(mdl, 0, MDL_PAGES_LOCKED | MDL_WRITE_OPERATION)
  }

  /** Address of the pages in system space, mapped on first use; 0 when there is no room. */
  systemAddress(mdl: Ptr): Ptr {
    const { memory } = this.k
    if (this.flags(mdl) & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
      return memory.ptr(mdl + MDL.MappedSystemVa)
    const locked = this.locked.get(mdl)
    if (!locked) return 0
    const run = this.takeRun(locked.pages.length)
    if (run === 0) return 0
    memory.alias(run, locked.pages, PTE.read | PTE.write)
    locked.mappedAt = run
    const va = run + memory.u32(mdl + MDL.ByteOffset)
    memory.setPtr(mdl + MDL.MappedSystemVa, va)
    this.addFlags(mdl, MDL_MAPPED_TO_SYSTEM_VA)
    return va
  }

  unmap(mdl: Ptr): void {
    const locked = this.locked.get(mdl)
    if (locked && locked.mappedAt) {
      this.k.memory.unalias(locked.mappedAt, locked.pages.length)
      this.giveRun(locked.mappedAt, locked.pages.length)
      locked.mappedAt = 0
    }
    this.addFlags(mdl, 0, MDL_MAPPED_TO_SYSTEM_VA)
  }

  /** IoBuildPartialMdl. */
  buildPartial(source: Ptr, target: Ptr, va: Ptr, length: number): void {
    const { memory } = this.k
    const bytes = length === 0 ? this.byteCount(source) - (va - this.va(source)) : length
    const skipped = ((va & ~(PAGE_SIZE - 1)) - (this.va(source) & ~(PAGE_SIZE - 1))) >>> 12
    const count = Mdls.span(va, bytes)
    memory.setU64(target + MDL.StartVa, memory.address(va) & ~0xfffn)
    memory.setU32(target + MDL.ByteOffset, va & (PAGE_SIZE - 1))
    memory.setU32(target + MDL.ByteCount, bytes)
    memory.copy(target + MDL.SIZE, source + MDL.SIZE + skipped * 8, count * 8)
    this.addFlags(target, MDL_PARTIAL | (this.flags(source) & MDL_SOURCE_IS_NONPAGED_POOL))
    const locked = this.locked.get(source)
    if (locked)
      this.locked.set(target, { pages: locked.pages.slice(skipped, skipped + count), mappedAt: 0 })
    if (this.flags(source) & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA)) {
      const offset = va - this.va(source)
      memory.setPtr(target + MDL.MappedSystemVa, memory.ptr(source + MDL.MappedSystemVa) + offset)
      if (this.flags(source) & MDL_MAPPED_TO_SYSTEM_VA)
        this.addFlags(target, MDL_MAPPED_TO_SYSTEM_VA)
    }
  }

  private takeRun(pages: number): Ptr {
    const reused = this.freeRuns.get(pages)?.shift()
    if (reused !== undefined) return reused
    const start = this.next
    if (start + pages * PAGE_SIZE > REGIONS.systemPtes.start + REGIONS.systemPtes.bytes) return 0
    this.next += pages * PAGE_SIZE
    return start
  }

  private giveRun(start: Ptr, pages: number): void {
    const list = this.freeRuns.get(pages)
    if (list) list.push(start)
    else this.freeRuns.set(pages, [start])
  }
}
