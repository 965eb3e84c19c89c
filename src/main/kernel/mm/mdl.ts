/** Memory descriptor lists: pages of a buffer, locked and mapped for whoever needs them. */
import { MDL } from '../../../shared/nt/generated/offsets'
import { STATUS_ACCESS_VIOLATION } from '../../../shared/nt/ntstatus'
import { MdlMappingNoWrite } from '../../../shared/nt/generated/constants'
import type { Kernel } from '../kernel'
import type { Process } from '../ps/process'
import { NtException } from '../stop'
import { PAGE_SHIFT, PAGE_SIZE, PTE, RAM_START } from './layout'
import type { Ptr } from './memory'

export const MDL_MAPPED_TO_SYSTEM_VA = 0x0001
export const MDL_PAGES_LOCKED = 0x0002
export const MDL_SOURCE_IS_NONPAGED_POOL = 0x0004
const MDL_ALLOCATED_FIXED_SIZE = 0x0008
const MDL_PARTIAL = 0x0010
const MDL_WRITE_OPERATION = 0x0080
const MDL_IO_SPACE = 0x0800

const TAG_MDL = 'Mdl '

/** Pages behind a locked MDL; the array in memory holds their numbers. */
interface LockedPages {
  /** Physical address of each page. */
  pages: number[]
  /** The MDL holds a lock on each frame; a partial one lives on those of its source. */
  isOwner: boolean
  mappedAt: Ptr
  /** Where a process has them mapped as well. */
  user: { process: Process; at: Ptr } | null
}

export class Mdls {
  private readonly locked = new Map<Ptr, LockedPages>()

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
    this.letGo(mdl)
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

  /** Write the page numbers of physical addresses behind the MDL. */
  private fillFrames(mdl: Ptr, pages: readonly number[]): void {
    const { memory } = this.k
    pages.forEach((page, i) =>
      memory.setSize(mdl + MDL.SIZE + i * 8, page < 0 ? 0 : Math.floor(page / PAGE_SIZE)),
    )
  }

  /** Physical addresses that the page numbers behind an MDL mean, whoever wrote them there. */
  private physicalPages(mdl: Ptr): number[] {
    const { memory } = this.k
    const count = Mdls.span(memory.u32(mdl + MDL.ByteOffset), this.byteCount(mdl))
    return Array.from({ length: count }, (_, i) => memory.size(mdl + MDL.SIZE + i * 8) * PAGE_SIZE)
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
    const { memory } = this.k
    this.fillFrames(
      mdl,
      this.pagesOf(mdl).map((page) => memory.physicalAddress(page)),
    )
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
    // Locking is what brings pages in that are in the page file.
    for (const page of pages) memory.bringIn(page >>> PAGE_SHIFT, write ? 'write' : 'read')
    const physical = pages.map((page) => memory.physicalAddress(page))
    this.hold(mdl, physical)
    memory.setPtr(mdl + MDL.Process, this.k.thread.process.address)
    const isDevice = physical.some((page) => memory.frameAt(page) === 0)
    this.addFlags(
      mdl,
      MDL_PAGES_LOCKED | (write ? MDL_WRITE_OPERATION : 0) | (isDevice ? MDL_IO_SPACE : 0),
    )
  }

  /** Frames that belong to an MDL from now on: fresh ones that nobody has mapped. */
  lockFrames(mdl: Ptr, frames: readonly number[]): void {
    this.hold(
      mdl,
      frames.map((frame) => RAM_START + frame * PAGE_SIZE),
    )
    this.addFlags(mdl, MDL_PAGES_LOCKED)
  }

  private hold(mdl: Ptr, pages: number[]): void {
    const { memory } = this.k
    this.fillFrames(mdl, pages)
    for (const page of pages) memory.frames.lock(memory.frameAt(page))
    this.locked.set(mdl, { pages, isOwner: true, mappedAt: 0, user: null })
  }

  private letGo(mdl: Ptr): void {
    const { memory } = this.k
    const locked = this.locked.get(mdl)
    if (locked?.isOwner) for (const page of locked.pages) memory.frames.unlock(memory.frameAt(page))
    this.locked.delete(mdl)
  }

  unlock(mdl: Ptr): void {
    const { k } = this
    if (!(this.flags(mdl) & MDL_PAGES_LOCKED)) {
      const address = k.memory.address(mdl)
      k.bugCheck(0x76, 1, address, 0, 0, 'MmUnlockPages was called for an MDL that is not locked.')
    }
    if (this.flags(mdl) & MDL_MAPPED_TO_SYSTEM_VA) this.unmap(mdl)
    this.unmapUser(mdl)
    this.letGo(mdl)
    this.addFlags(mdl, 0, MDL_PAGES_LOCKED | MDL_WRITE_OPERATION)
  }

  /**
   * Address of the pages in system space, mapped on first use; 0 when there is no room.
   * @param priority MM_PAGE_PRIORITY with MdlMapping* flags
   * @bugcheck 0x1A when the MDL says that its pages are locked and they are not
   */
  systemAddress(mdl: Ptr, priority = 0): Ptr {
    const { memory, mm } = this.k
    if (this.flags(mdl) & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
      return memory.ptr(mdl + MDL.MappedSystemVa)
    const locked = this.locked.get(mdl) ?? this.builtByHand(mdl)
    if (!locked) return 0
    const run = mm.ptes.take(locked.pages.length)
    if (run === 0) return 0
    this.mapPages(run, locked, priority & MdlMappingNoWrite ? PTE.read : PTE.read | PTE.write)
    locked.mappedAt = run
    const va = run + memory.u32(mdl + MDL.ByteOffset)
    memory.setPtr(mdl + MDL.MappedSystemVa, va)
    this.addFlags(mdl, MDL_MAPPED_TO_SYSTEM_VA)
    return va
  }

  private mapPages(at: Ptr, locked: LockedPages, flags: number): void {
    locked.pages.forEach((page, i) => this.k.mm.io.mapPages(at + i * PAGE_SIZE, page, 1, flags))
  }

  /**
   * An MDL whose page numbers a driver wrote itself. That works for pages that somebody has locked,
   * and for device memory when the MDL says so.
   */
  private builtByHand(mdl: Ptr): LockedPages | null {
    if (!(this.flags(mdl) & MDL_PAGES_LOCKED)) return null
    return this.adopt(mdl, (frame) => this.k.memory.frames.lockCount(frame) > 0)
  }

  /** Pages of MmBuildMdlForNonPagedPool: nobody locked them, and they are always there. */
  private nonPagedPool(mdl: Ptr): LockedPages | null {
    if (!(this.flags(mdl) & MDL_SOURCE_IS_NONPAGED_POOL)) return null
    const known = this.locked.get(mdl)
    return known?.isOwner ? known : this.adopt(mdl, () => true)
  }

  /**
   * Take the pages that an MDL names as its own, if they may be mapped.
   * @param isResident whether a frame of RAM stays where it is
   */
  private adopt(mdl: Ptr, isResident: (frame: number) => boolean): LockedPages {
    const { k } = this
    const pages = this.physicalPages(mdl)
    for (const page of pages) {
      const frame = k.memory.frameAt(page)
      if (frame ? isResident(frame) : this.flags(mdl) & MDL_IO_SPACE) continue
      k.bugCheck(
        0x1a,
        0x1236,
        k.memory.address(mdl),
        0,
        Math.floor(page / PAGE_SIZE),
        `The MDL at ${k.memory.format(mdl)} names the physical page ${page.toString(16)}, which is not locked.`,
      )
    }
    const locked: LockedPages = { pages, isOwner: false, mappedAt: 0, user: null }
    this.locked.set(mdl, locked)
    return locked
  }

  /** Map the pages into the current process; 0 when there is no room or nothing is locked. */
  userAddress(mdl: Ptr, priority = 0): Ptr {
    const { memory, processes } = this.k
    const locked = this.nonPagedPool(mdl) ?? this.locked.get(mdl) ?? this.builtByHand(mdl)
    const process = processes.current
    if (!locked || process.slice < 0) return 0
    const at = processes.reserveUser(process, locked.pages.length * PAGE_SIZE)
    if (at === 0) return 0
    const flags = priority & MdlMappingNoWrite ? PTE.read : PTE.read | PTE.write
    this.mapPages(at, locked, flags | PTE.user)
    locked.user = { process, at }
    return at + memory.u32(mdl + MDL.ByteOffset)
  }

  /** Remove the mapping in the process that has one. */
  unmapUser(mdl: Ptr): void {
    const locked = this.locked.get(mdl)
    if (!locked?.user) return
    this.k.memory.unalias(locked.user.at, locked.pages.length)
    locked.user = null
  }

  /** Protection of the mapping in system space. False when there is none. */
  protect(mdl: Ptr, flags: number): boolean {
    const locked = this.locked.get(mdl)
    if (!locked?.mappedAt) return false
    this.k.memory.protect(locked.mappedAt, locked.pages.length, flags)
    return true
  }

  unmap(mdl: Ptr): void {
    const locked = this.locked.get(mdl)
    if (locked && locked.mappedAt) {
      this.k.memory.unalias(locked.mappedAt, locked.pages.length)
      this.k.mm.ptes.give(locked.mappedAt, locked.pages.length)
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
      this.locked.set(target, {
        pages: locked.pages.slice(skipped, skipped + count),
        isOwner: false,
        mappedAt: 0,
        user: null,
      })
    if (this.flags(source) & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA)) {
      const offset = va - this.va(source)
      memory.setPtr(target + MDL.MappedSystemVa, memory.ptr(source + MDL.MappedSystemVa) + offset)
      if (this.flags(source) & MDL_MAPPED_TO_SYSTEM_VA)
        this.addFlags(target, MDL_MAPPED_TO_SYSTEM_VA)
    }
  }
}
