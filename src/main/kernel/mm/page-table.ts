/**
 * The page table: which frame lies where, what may be done with it, what is in the page file, and the
 * slices of user processes. Who reads and writes is in memory.ts.
 */
import { AddressMap, controlWords, type Backing, type Ptr } from './address-map'
import { Frames } from './frames'
import {
  CONTROL,
  PAGE_SHIFT,
  PAGE_SIZE,
  PHYSICAL_BYTES,
  PHYSICAL_PAGES,
  PTE,
  RAM_START,
  VIRTUAL_BYTES,
  VIRTUAL_PAGES,
} from './layout'
import { UserSpaces } from './user-spaces'

export const OFFSET_MASK = PAGE_SIZE - 1
export const FRAME_MASK = ~OFFSET_MASK

export class PageTable extends AddressMap {
  /** What kernel mode may reach now. */
  readonly ptes: Int32Array
  /** What user mode of the current process may reach now. */
  readonly userPtes: Int32Array
  protected readonly bytes: Uint8Array
  readonly frames = new Frames()
  private readonly pageablePages = new Set<number>()
  protected pageableResident = true
  protected readonly spaces = new UserSpaces()
  /** Contents of pages that were paged out, by page. */
  private readonly pageFile = new Map<number, Uint8Array>()
  /** Frames that nothing writes to, whatever maps them. */
  private readonly sealed = new Set<number>()
  /** Frames that hold code of the kernel and its drivers, by their number. */
  protected readonly codeFrames = new Uint8Array(PHYSICAL_PAGES)
  /** Somebody could write to code at some time: what it is has to be looked at before it runs. */
  codeOpened = false
  /** Registers of a device were mapped at some time. */
  protected hasDevices = false
  /** Called when an access brought a page back from the page file. */
  onPageIn: ((page: Ptr, access: 'read' | 'write') => void) | null = null
  /**
   * Pages of the current process are hidden from driver code, so that each access of it to them comes
   * to the kernel (verifier/rules/user-memory.ts). Set before there is a process.
   */
  watchesUser = false

  constructor(backing: Backing) {
    super(backing)
    this.ptes = controlWords(backing, CONTROL.kernelPtes, VIRTUAL_PAGES)
    this.userPtes = controlWords(backing, CONTROL.userPtes, VIRTUAL_PAGES)
    this.bytes = backing.physical
  }

  // --- pages ---------------------------------------------------------------------------------

  /** Entry of the page that holds `index`; 0 when nothing is mapped there. */
  pte(index: Ptr): number {
    if (index >= VIRTUAL_BYTES) return 0
    const page = index >>> PAGE_SHIFT
    return this.watchesUser ? this.shown(page) : this.ptes[page]!
  }

  /** Entry of a page as it is for kernel mode when nothing is hidden. */
  private shown(page: number): number {
    return this.spaces.ownerOf(page) >= 0 ? this.userPtes[page]! : this.ptes[page]!
  }

  /** Physical pages that are free. */
  get freePages(): number {
    return this.frames.available
  }

  /**
   * Map `count` fresh zeroed pages at `index`. False, with nothing changed, when memory is short or
   * they would be in a user address space that does not exist.
   */
  commit(index: Ptr, count: number, flags: number): boolean {
    const first = index >>> PAGE_SHIFT
    if (count > this.frames.available || !this.spaces.hasRoomFor(first)) return false
    for (let page = first; page < first + count; page++)
      this.setPte(page, this.zeroFrame(this.frames.take()) | flags)
    return true
  }

  /** Fill a frame with zeros; its byte address. */
  zeroFrame(frame: number): number {
    const base = frame << PAGE_SHIFT
    this.bytes.fill(0, base, base + PAGE_SIZE)
    return base
  }

  /** Unmap pages and give their frames back; `mark` stays as the entry (a freed or unloaded flag). */
  decommit(index: Ptr, count: number, mark = 0): void {
    const first = index >>> PAGE_SHIFT
    for (let page = first; page < first + count; page++) {
      const entry = this.entryOf(page)
      if (entry & FRAME_MASK && !(entry & PTE.device)) this.frames.give(entry >>> PAGE_SHIFT)
      if (this.pageFile.size) this.pageFile.delete(page)
      this.setPte(page, mark)
    }
  }

  /** Map pages that exist already at a second place (an MDL's system mapping). */
  alias(index: Ptr, sourceIndexes: readonly Ptr[], flags: number): void {
    const first = index >>> PAGE_SHIFT
    sourceIndexes.forEach((source, i) => {
      const page = source >>> PAGE_SHIFT
      if (this.pageFile.size) this.bringIn(page, 'read')
      const entry = this.entryOf(page)
      const isDevice = entry & PTE.device
      this.spaces.share(first + i)
      this.setPte(
        first + i,
        isDevice ? (entry & FRAME_MASK) | PTE.device : (entry & FRAME_MASK) | flags,
      )
    })
  }

  /** Map frames, whoever else maps them too. */
  mapFrames(index: Ptr, frames: readonly number[], flags: number): void {
    const first = index >>> PAGE_SHIFT
    frames.forEach((frame, i) => this.setPte(first + i, (frame << PAGE_SHIFT) | flags))
  }

  /**
   * Make what lies behind read-only pages read-only for good: what a hypervisor does with code, in page
   * tables of its own. Neither CR0.WP nor a second mapping opens it.
   */
  seal(index: Ptr, count: number): void {
    const first = index >>> PAGE_SHIFT
    for (let page = first; page < first + count; page++)
      this.sealed.add(this.entryOf(page) >>> PAGE_SHIFT)
  }

  /** Give pages up that were sealed, before their frames become free. */
  unseal(index: Ptr, count: number): void {
    const first = index >>> PAGE_SHIFT
    for (let page = first; page < first + count; page++)
      this.sealed.delete(this.entryOf(page) >>> PAGE_SHIFT)
  }

  /** These pages hold code: note when somebody can write to what lies behind them. */
  watchCode(index: Ptr, count: number): void {
    const first = index >>> PAGE_SHIFT
    for (let page = first; page < first + count; page++)
      this.codeFrames[this.entryOf(page) >>> PAGE_SHIFT] = 1
  }

  /** The pages hold no code any more; before their frames become free. */
  forgetCode(index: Ptr, count: number): void {
    const first = index >>> PAGE_SHIFT
    for (let page = first; page < first + count; page++)
      this.codeFrames[this.entryOf(page) >>> PAGE_SHIFT] = 0
  }

  /** Map a device's registers; `physical` is the address of their first page, below 4 GiB. */
  mapDevice(index: Ptr, physical: number, count: number, flags = 0): void {
    const first = index >>> PAGE_SHIFT
    for (let i = 0; i < count; i++)
      this.setPte(first + i, ((physical + i * PAGE_SIZE) & FRAME_MASK) | PTE.device | flags)
  }

  /** Remove a second mapping without freeing what lies behind it. */
  unalias(index: Ptr, count: number): void {
    const first = index >>> PAGE_SHIFT
    for (let page = first; page < first + count; page++) {
      this.setPte(page, 0)
      this.spaces.unshare(page)
    }
  }

  protect(index: Ptr, count: number, flags: number): void {
    const first = index >>> PAGE_SHIFT
    for (let page = first; page < first + count; page++) {
      if (this.pageFile.size) this.bringIn(page, 'read')
      this.setPte(page, (this.entryOf(page) & FRAME_MASK) | flags)
    }
  }

  /** Byte address in the backing's RAM behind an index, or -1. */
  physical(index: Ptr): number {
    const entry = this.pte(index)
    if (!(entry & FRAME_MASK) || entry & PTE.device) return -1
    return (entry & FRAME_MASK) | (index & OFFSET_MASK)
  }

  /** Physical address behind an index as drivers and devices know it, or -1. */
  physicalAddress(index: Ptr): number {
    const entry = this.pte(index)
    if (entry & PTE.device) return ((entry & FRAME_MASK) >>> 0) + (index & OFFSET_MASK)
    const at = this.physical(index)
    return at < 0 ? -1 : RAM_START + at
  }

  /** Frame at a physical address; 0 when no RAM is there. */
  frameAt(physical: number): number {
    const at = physical - RAM_START
    return at >= PAGE_SIZE && at < PHYSICAL_BYTES ? Math.floor(at / PAGE_SIZE) : 0
  }

  /** RAM at a physical address, shared with the machine; at most up to the end of RAM. */
  ram(physical: number, length: number): Uint8Array {
    const at = physical - RAM_START
    return this.bytes.subarray(at, at + length)
  }

  // --- paging ------------------------------------------------------------------------------------

  /** Pages that could be paged out now: pageable, in memory, not locked. */
  *pageable(): Generator<Ptr> {
    for (const page of this.pageablePages) if (this.canLeave(page)) yield page << PAGE_SHIFT
  }

  private canLeave(page: number): boolean {
    const entry = this.ptes[page]!
    return (entry & FRAME_MASK) !== 0 && this.frames.lockCount(entry >>> PAGE_SHIFT) === 0
  }

  /** Pages in the page file. */
  get pagesOut(): number {
    return this.pageFile.size
  }

  /** Write a page to the page file and give its frame back. False when it has to stay. */
  sendOut(index: Ptr): boolean {
    const page = index >>> PAGE_SHIFT
    if (!this.pageablePages.has(page) || !this.canLeave(page)) return false
    const entry = this.ptes[page]!
    const base = entry & FRAME_MASK
    this.pageFile.set(page, this.bytes.slice(base, base + PAGE_SIZE))
    this.frames.give(entry >>> PAGE_SHIFT)
    this.ptes[page] = pageOut(entry) & OFFSET_MASK
    return true
  }

  /** Read a page back from the page file. False when it is not there, or no frame is free. */
  bringIn(page: number, access: 'read' | 'write'): boolean {
    const content = this.pageFile.get(page)
    const frame = content ? this.frames.take() : 0
    if (!content || !frame) return false
    this.pageFile.delete(page)
    this.bytes.set(content, frame << PAGE_SHIFT)
    const entry = (frame << PAGE_SHIFT) | (this.ptes[page]! & OFFSET_MASK)
    this.ptes[page] = this.pageableResident ? pageIn(entry) : entry
    this.onPageIn?.(page << PAGE_SHIFT, access)
    return true
  }

  /** Entry of a page whatever process is current. */
  private entryOf(page: number): number {
    const owner = this.spaces.ownerOf(page)
    if (owner >= 0 && owner !== this.spaces.current) return this.spaces.entry(owner, page)
    return this.watchesUser ? this.shown(page) : this.ptes[page]!
  }

  private setPte(page: number, given: number): void {
    const entry = this.sealed.size && this.isSealed(given) ? given & ~PTE.write : given
    if (entry & PTE.device) this.hasDevices = true
    else if (entry & PTE.write && this.codeFrames[entry >>> PAGE_SHIFT]) this.codeOpened = true
    const owner = this.spaces.ownerOf(page)
    if (owner >= 0) {
      this.spaces.setEntry(owner, page, entry)
      if (owner !== this.spaces.current) return
      this.userPtes[page] = entry
      if (this.watchesUser) {
        this.ptes[page] = pageOut(entry)
        return
      }
    }
    if (entry & PTE.pageable) this.pageablePages.add(page)
    else if (this.pageablePages.size) this.pageablePages.delete(page)
    this.ptes[page] = entry & PTE.pageable && !this.pageableResident ? pageOut(entry) : entry
  }

  protected isSealed(entry: number): boolean {
    return !(entry & PTE.device) && this.sealed.has(entry >>> PAGE_SHIFT)
  }

  /** Pageable memory leaves when the IRQL reaches DISPATCH_LEVEL and returns below it. */
  setPageableResident(resident: boolean): void {
    if (this.pageableResident === resident) return
    this.pageableResident = resident
    for (const page of this.pageablePages) {
      const entry = this.ptes[page]!
      // What lies in the page file stays there until somebody touches it.
      if (entry & FRAME_MASK) this.ptes[page] = resident ? pageIn(entry) : pageOut(entry)
    }
  }

  // --- user address spaces ---------------------------------------------------------------------

  /** A new user address space; its number. */
  createSlice(): number {
    return this.spaces.create()
  }

  /** Give back an address space with all its memory. */
  releaseSlice(slice: number): void {
    const count = this.spaces.entries(slice)?.length ?? 0
    this.inSlice(slice, () => {
      const first = this.spaces.firstPage(slice)
      for (let page = first; page < first + count; page++)
        // What is mapped from elsewhere belongs to others.
        if (!this.spaces.isShared(slice, page)) this.decommit(page << PAGE_SHIFT, 1)
    })
    if (this.spaces.current === slice) this.switchSlice(-1)
    this.spaces.release(slice)
  }

  /** Whether a page of user memory belongs to somebody else: a view of a section, a mapped MDL. */
  isBorrowed(index: Ptr): boolean {
    const page = index >>> PAGE_SHIFT
    return this.spaces.isShared(this.spaces.ownerOf(page), page)
  }

  sliceStart(slice: number): Ptr {
    return this.spaces.firstPage(slice) << PAGE_SHIFT
  }

  /** Commit, protect or decommit memory of an address space that need not be the current one. */
  inSlice<T>(slice: number, work: () => T): T {
    return this.spaces.inSpace(slice, work)
  }

  /** Make `slice` the current user address space; -1 for none (the System process). */
  switchSlice(slice: number): void {
    const { spaces } = this
    if (slice === spaces.current) return
    const old = spaces.entries(spaces.current)
    if (old) {
      const first = spaces.firstPage(spaces.current)
      this.ptes.fill(0, first, first + old.length)
      this.userPtes.fill(0, first, first + old.length)
    }
    spaces.current = slice
    const entries = spaces.entries(slice)
    if (!entries) return
    this.ptes.set(this.watchesUser ? entries.map(pageOut) : entries, spaces.firstPage(slice))
    this.userPtes.set(entries, spaces.firstPage(slice))
  }
}

function pageOut(entry: number): number {
  if (!(entry & PTE.read)) return entry
  return (entry & ~(PTE.read | PTE.write)) | PTE.pagedOut | (entry & PTE.write ? PTE.wasWrite : 0)
}

function pageIn(entry: number): number {
  if (!(entry & PTE.pagedOut)) return entry
  return (
    (entry & ~(PTE.pagedOut | PTE.wasWrite)) | PTE.read | (entry & PTE.wasWrite ? PTE.write : 0)
  )
}
