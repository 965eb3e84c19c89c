/**
 * Simulated memory: page tables, physical frames and checked access.
 *
 * Addresses are *indexes* here (see layout.ts). Every read and write goes through a page table
 * entry and throws `MemoryFault` when the page does not allow it; the DDI border turns that into an
 * exception or a bug check by the rules of `data/kernel/bugchecks.json`.
 */
import {
  CONTROL,
  PAGE_SHIFT,
  PAGE_SIZE,
  PHYSICAL_BYTES,
  PHYSICAL_PAGES,
  PTE,
  RAM_START,
  REGIONS,
  USER_SLICE_BYTES,
  USER_SLICES,
  VIRTUAL_BYTES,
  VIRTUAL_PAGES,
  WILD_BASE,
  WILD_SLOT_SHIFT,
  WILD_SLOTS,
} from './layout'
import { Frames } from './frames'
import type { AccessKind, SlowAccess } from '../port'
import { UserSpaces } from './user-spaces'

/** A pointer in kernel code: an index of simulated virtual memory. 0 is NULL. */
export type Ptr = number

/** Access that the page tables do not allow. Never an error of the simulator. */
export class MemoryFault {
  /** The kernel's routine that met it while it worked for driver code. */
  routine: string | null = null

  constructor(
    readonly index: Ptr,
    readonly access: AccessKind,
  ) {}
}

/** Registers that answer accesses to pages without RAM behind them. */
export interface DeviceBus {
  /** @param physical physical address; `size` 1, 2, 4 or 8 bytes */
  read(physical: number, size: number): bigint
  write(physical: number, size: number, value: bigint): void
}

/** The bytes behind a machine; the sandbox makes them inside WebAssembly, tests plainly. */
export interface Backing {
  control: Uint8Array
  physical: Uint8Array
}

export function plainBacking(): Backing {
  return { control: new Uint8Array(CONTROL.bytes), physical: new Uint8Array(PHYSICAL_BYTES) }
}

const OFFSET_MASK = PAGE_SIZE - 1
const FRAME_MASK = ~OFFSET_MASK
/** A power of two. */
const TEXTS_KEPT = 1024

export class Memory {
  /** What kernel mode may reach now. */
  readonly ptes: Int32Array
  /** What user mode of the current process may reach now. */
  readonly userPtes: Int32Array
  /** Points left of the running processor's turn, one word (ke/turns.ts). */
  readonly points: Int32Array
  private readonly hi: Int32Array
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly words: Int32Array
  readonly frames = new Frames()
  /** Texts of addresses, as a trace names few addresses very often. */
  private readonly texts: string[] = new Array<string>(TEXTS_KEPT).fill('')
  private readonly textOf = new Int32Array(TEXTS_KEPT).fill(-1)
  private readonly wild: bigint[] = []
  private readonly wildSlots = new Map<bigint, number>()
  private readonly pageablePages = new Set<number>()
  private pageableResident = true
  private readonly spaces = new UserSpaces()
  /** Contents of pages that were paged out, by page. */
  private readonly pageFile = new Map<number, Uint8Array>()
  /** Frames that nothing writes to, whatever maps them. */
  private readonly sealed = new Set<number>()
  /** Frames that hold code of the kernel and its drivers, by their number. */
  private readonly codeFrames = new Uint8Array(PHYSICAL_PAGES)
  /** Somebody could write to code at some time: what it is has to be looked at before it runs. */
  codeOpened = false
  /** Registers of a device were mapped at some time. */
  private hasDevices = false
  /** What answers for device registers. */
  bus: DeviceBus | null = null
  /** Called when an access brought a page back from the page file. */
  onPageIn: ((page: Ptr, access: 'read' | 'write') => void) | null = null
  /** CR0.WP: kernel mode respects read-only pages. */
  writeProtect = true
  /**
   * Pages of the current process are hidden from driver code, so that each access of it to them comes
   * to the kernel (verifier/rules/user-memory.ts). Set before there is a process.
   */
  watchesUser = false

  constructor(backing: Backing) {
    const { control, physical } = backing
    const words = (offset: number, length: number): Int32Array =>
      new Int32Array(control.buffer, control.byteOffset + offset, length)
    this.ptes = words(CONTROL.kernelPtes, VIRTUAL_PAGES)
    this.userPtes = words(CONTROL.userPtes, VIRTUAL_PAGES)
    this.points = words(CONTROL.points, 1)
    this.hi = words(CONTROL.hi, 256)
    this.bytes = physical
    this.view = new DataView(physical.buffer, physical.byteOffset, physical.byteLength)
    this.words = new Int32Array(physical.buffer, physical.byteOffset, physical.byteLength >> 2)
    for (const region of Object.values(REGIONS))
      for (let i = region.start >>> 20; i < (region.start + region.bytes) >>> 20; i++)
        this.hi[i] = region.hi
    for (let slice = 0; slice < USER_SLICES; slice++) {
      const first = (REGIONS.user.start + slice * USER_SLICE_BYTES) >>> 20
      // Each process lives at an address of its own, as address space randomisation would have it.
      for (let i = 0; i < USER_SLICE_BYTES >>> 20; i++)
        this.hi[first + i] = REGIONS.user.hi + slice * 0x17
    }
    for (let i = 0; i < 256; i++) if (i > 0 && this.hi[i] === 0) this.hi[i] = 0x7fff_0000 | i
  }

  // --- addresses -----------------------------------------------------------------------------

  /** The 64-bit address of an index. */
  address(index: Ptr): bigint {
    if (index >= WILD_BASE) {
      const slot = (index - WILD_BASE) >>> WILD_SLOT_SHIFT
      return BigInt.asUintN(64, (this.wild[slot] ?? 0n) + BigInt(index & 0xffff))
    }
    return (BigInt(this.hi[index >>> 20]! >>> 0) << 32n) | BigInt(index >>> 0)
  }

  /** `0xFFFF9A0101403060`. */
  format(index: Ptr): string {
    if (index >= WILD_BASE) return '0x' + hex(this.address(index), 16)
    const slot = (index ^ (index >>> PAGE_SHIFT)) & (TEXTS_KEPT - 1)
    if (this.textOf[slot] !== index) {
      this.textOf[slot] = index
      this.texts[slot] = '0x' + HEX8(this.hi[index >>> 20]! >>> 0) + HEX8(index >>> 0)
    }
    return this.texts[slot]!
  }

  /** The index of an address; foreign addresses get one in the wild window. */
  index(address: bigint): Ptr {
    const value = BigInt.asUintN(64, address)
    return this.fromHalves(Number(value & 0xffff_ffffn) | 0, Number(value >> 32n) | 0)
  }

  fromHalves(lo: number, hi: number): Ptr {
    const index = lo >>> 0
    if (index < VIRTUAL_BYTES && this.hi[index >>> 20] === hi) return index
    return this.wildIndex((BigInt(hi >>> 0) << 32n) | BigInt(index))
  }

  private wildIndex(address: bigint): Ptr {
    let slot = this.wildSlots.get(address)
    if (slot === undefined) {
      slot = this.wildSlots.size % WILD_SLOTS
      const old = this.wild[slot]
      if (old !== undefined) this.wildSlots.delete(old)
      this.wild[slot] = address
      this.wildSlots.set(address, slot)
    }
    return WILD_BASE + (slot << WILD_SLOT_SHIFT)
  }

  /** Pointer arithmetic that keeps the 64-bit meaning across regions. */
  add(index: Ptr, bytes: number | bigint): Ptr {
    if (typeof bytes === 'number' && index < VIRTUAL_BYTES) {
      const sum = index + bytes
      if (sum > 0 && sum >>> 20 === index >>> 20) return sum
    }
    return this.index(this.address(index) + BigInt(bytes))
  }

  isUser(index: Ptr): boolean {
    if (index >= WILD_BASE) return this.address(index) < 0x8000_0000_0000n
    return this.hi[index >>> 20]! >= 0
  }

  isCanonical(index: Ptr): boolean {
    const address = this.address(index)
    return address < 0x8000_0000_0000n || address >= 0xffff_8000_0000_0000n
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

  private isSealed(entry: number): boolean {
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

  // --- checked access --------------------------------------------------------------------------

  private at(index: Ptr, size: number, access: 'read' | 'write'): number {
    const entry = index < VIRTUAL_BYTES && index >= 0 ? this.ptes[index >>> PAGE_SHIFT]! : 0
    const offset = index & OFFSET_MASK
    const base =
      entry & (access === 'read' ? PTE.read : PTE.write)
        ? entry
        : this.refused(index, entry, access)
    if (offset + size > PAGE_SIZE) return -1
    return (base & FRAME_MASK) | offset
  }

  /**
   * What can still be done about an access that the entry does not allow: a page comes back from the
   * page file, a read-only one is written while CR0.WP is clear.
   * @returns the entry to go on with
   */
  private refused(index: Ptr, entry: number, access: 'read' | 'write'): number {
    const needed = access === 'read' ? PTE.read : PTE.write
    const page = index >>> PAGE_SHIFT
    if (this.watchesUser && entry & PTE.pagedOut && this.spaces.ownerOf(page) >= 0) {
      const shown = this.userPtes[page]!
      if (shown & needed) return shown
    }
    if (entry & PTE.pagedOut && this.pageableResident && this.bringIn(page, access)) {
      const now = this.ptes[page]!
      if (now & needed) return now
    }
    const isOpen = !this.writeProtect && access === 'write' && entry & PTE.read
    if (isOpen && !this.isUser(index) && !this.isSealed(entry)) {
      if (this.codeFrames[entry >>> PAGE_SHIFT]) this.codeOpened = true
      return entry
    }
    throw new MemoryFault(index, access)
  }

  u8(index: Ptr): number {
    return this.bytes[this.at(index, 1, 'read')]!
  }
  i8(index: Ptr): number {
    return (this.u8(index) << 24) >> 24
  }
  u16(index: Ptr): number {
    const at = this.at(index, 2, 'read')
    return at < 0 ? this.u8(index) | (this.u8(index + 1) << 8) : this.view.getUint16(at, true)
  }
  i16(index: Ptr): number {
    return (this.u16(index) << 16) >> 16
  }
  i32(index: Ptr): number {
    const at = this.at(index, 4, 'read')
    if (at < 0) return this.u16(index) | (this.u16(index + 2) << 16)
    return at & 3 ? this.view.getInt32(at, true) : this.words[at >> 2]!
  }
  u32(index: Ptr): number {
    return this.i32(index) >>> 0
  }
  u64(index: Ptr): bigint {
    return (BigInt(this.u32(index + 4)) << 32n) | BigInt(this.u32(index))
  }
  i64(index: Ptr): bigint {
    return BigInt.asIntN(64, this.u64(index))
  }
  /** A pointer field, as an index. */
  ptr(index: Ptr): Ptr {
    const lo = this.i32(index)
    const hi = this.i32(index + 4)
    return lo === 0 && hi === 0 ? 0 : this.fromHalves(lo, hi)
  }

  setU8(index: Ptr, value: number): void {
    this.bytes[this.at(index, 1, 'write')] = value
  }
  setU16(index: Ptr, value: number): void {
    const at = this.at(index, 2, 'write')
    if (at < 0) {
      this.setU8(index, value & 0xff)
      this.setU8(index + 1, (value >> 8) & 0xff)
    } else this.view.setUint16(at, value, true)
  }
  setU32(index: Ptr, value: number): void {
    const at = this.at(index, 4, 'write')
    if (at < 0) {
      this.setU16(index, value & 0xffff)
      this.setU16(index + 2, (value >>> 16) & 0xffff)
    } else if (at & 3) this.view.setInt32(at, value | 0, true)
    else this.words[at >> 2] = value
  }
  setU64(index: Ptr, value: bigint): void {
    this.setU32(index, Number(value & 0xffff_ffffn) | 0)
    this.setU32(index + 4, Number((value >> 32n) & 0xffff_ffffn) | 0)
  }
  /** A 64-bit field with a value that fits 53 bits. */
  setSize(index: Ptr, value: number): void {
    this.setU32(index, value | 0)
    this.setU32(index + 4, Math.floor(value / 0x1_0000_0000) | 0)
  }
  /** A 64-bit field read as a number; exact below 2^53. */
  size(index: Ptr): number {
    return this.u32(index + 4) * 0x1_0000_0000 + this.u32(index)
  }
  setPtr(index: Ptr, value: Ptr): void {
    if (value === 0) {
      this.setU32(index, 0)
      this.setU32(index + 4, 0)
    } else if (value >= WILD_BASE) this.setU64(index, this.address(value))
    else {
      this.setU32(index, value)
      this.setU32(index + 4, this.hi[value >>> 20]!)
    }
  }

  /**
   * The access that a runner could not do by itself: unaligned, across pages, or not allowed.
   * @throws MemoryFault
   */
  slowAccess(access: SlowAccess, userMode: boolean): void {
    const { index, size } = access
    if (access.kind === 'execute') throw new MemoryFault(index, 'execute')
    if (userMode) {
      const needed = access.kind === 'read' ? PTE.read : PTE.write
      for (let at = index; at < index + size; at++)
        if (at >= VIRTUAL_BYTES || !(this.userPtes[at >>> PAGE_SHIFT]! & needed))
          throw new MemoryFault(at, access.kind)
    }
    if (this.hasDevices && this.pte(index) & PTE.device) this.deviceAccess(access)
    else if (access.kind === 'read') {
      if (size === 8) {
        access.lo = this.i32(index)
        access.hi = this.i32(index + 4)
      } else
        access.lo = size === 4 ? this.i32(index) : size === 2 ? this.u16(index) : this.u8(index)
    } else {
      // Check all of it first, so that a fault leaves nothing half written.
      this.probe(index, size, 'write')
      if (size === 8) {
        this.setU32(index, access.lo)
        this.setU32(index + 4, access.hi)
      } else if (size === 4) this.setU32(index, access.lo)
      else if (size === 2) this.setU16(index, access.lo)
      else this.setU8(index, access.lo)
    }
  }

  /** A field of a device's registers, read or written by driver code. */
  private deviceAccess(access: SlowAccess): void {
    const { index, size, kind } = access
    const physical = this.physicalAddress(index)
    if (kind === 'read') {
      const value = this.bus?.read(physical, size) ?? 0n
      access.lo = Number(value & 0xffff_ffffn) | 0
      access.hi = Number((value >> 32n) & 0xffff_ffffn) | 0
    } else {
      const value = (BigInt(access.hi >>> 0) << 32n) | BigInt(access.lo >>> 0)
      this.bus?.write(physical, size, BigInt.asUintN(size * 8, value))
    }
  }

  /** Whether a range holds registers of a device. */
  private touchesDevice(index: Ptr, length: number): boolean {
    if (!this.hasDevices) return false
    // By page numbers: a length of a driver's own may lead beyond 31 bits.
    const last = Math.min(Math.floor((index + length - 1) / PAGE_SIZE), VIRTUAL_PAGES - 1)
    for (let page = index >>> PAGE_SHIFT; page <= last; page++)
      if (this.pte(page << PAGE_SHIFT) & PTE.device) return true
    return false
  }

  /** Check that every page of a range allows the access; throws at the first that does not. */
  probe(index: Ptr, length: number, access: 'read' | 'write'): void {
    for (let at = index; at < index + length; at = (at & FRAME_MASK) + PAGE_SIZE)
      this.at(at, 1, access)
  }

  read(index: Ptr, length: number): Uint8Array {
    const hasDevice = this.touchesDevice(index, length)
    // What is not there is found before so much is set aside for it.
    if (!hasDevice && length > PAGE_SIZE) this.probe(index, length, 'read')
    const out = new Uint8Array(length)
    if (hasDevice)
      return out.map((_, i) =>
        this.pte(index + i) & PTE.device
          ? Number(this.bus?.read(this.physicalAddress(index + i), 1) ?? 0n)
          : this.u8(index + i),
      )
    this.eachRun(index, length, 'read', (at, offset, count) =>
      out.set(this.bytes.subarray(at, at + count), offset),
    )
    return out
  }

  write(index: Ptr, data: Uint8Array): void {
    if (this.touchesDevice(index, data.length)) {
      data.forEach((byte, i) => {
        if (this.pte(index + i) & PTE.device)
          this.bus?.write(this.physicalAddress(index + i), 1, BigInt(byte))
        else this.setU8(index + i, byte)
      })
      return
    }
    this.eachRun(index, data.length, 'write', (at, offset, count) =>
      this.bytes.set(
        offset === 0 && count === data.length ? data : data.subarray(offset, offset + count),
        at,
      ),
    )
  }

  fill(index: Ptr, length: number, value: number): void {
    if (this.touchesDevice(index, length)) {
      this.write(index, new Uint8Array(length).fill(value))
      return
    }
    this.eachRun(index, length, 'write', (at, _offset, count) =>
      this.bytes.fill(value, at, at + count),
    )
  }

  /** Copy with the semantics of memmove. */
  copy(to: Ptr, from: Ptr, length: number): void {
    if (length <= 0) return
    if (this.touchesDevice(from, length) || this.touchesDevice(to, length)) {
      this.write(to, this.read(from, length))
      return
    }
    const source = this.at(from, 1, 'read')
    const target = this.at(to, 1, 'write')
    const inPage =
      (from & OFFSET_MASK) + length <= PAGE_SIZE && (to & OFFSET_MASK) + length <= PAGE_SIZE
    if (inPage) this.bytes.copyWithin(target, source, source + length)
    else this.write(to, this.read(from, length))
  }

  private eachRun(
    index: Ptr,
    length: number,
    access: 'read' | 'write',
    run: (at: number, offset: number, count: number) => void,
  ): void {
    let offset = 0
    while (offset < length) {
      const at = this.at(index + offset, 1, access)
      const count = Math.min(length - offset, PAGE_SIZE - (at & OFFSET_MASK))
      run(at, offset, count)
      offset += count
    }
  }

  /** UTF-16 text of `bytes` bytes. */
  text16(index: Ptr, bytes: number): string {
    const data = this.read(index, bytes & ~1)
    let text = ''
    for (let i = 0; i < data.length; i += 2)
      text += String.fromCharCode(data[i]! | (data[i + 1]! << 8))
    return text
  }

  setText16(index: Ptr, text: string): void {
    for (let i = 0; i < text.length; i++) this.setU16(index + i * 2, text.charCodeAt(i))
  }

  /** Zero-terminated UTF-16 text, at most `max` characters. */
  wsz(index: Ptr, max = 32_767): string {
    let text = ''
    for (let i = 0; i < max; i++) {
      const unit = this.u16(index + i * 2)
      if (unit === 0) break
      text += String.fromCharCode(unit)
    }
    return text
  }

  /** Zero-terminated ANSI text, at most `max` characters. */
  sz(index: Ptr, max = 65_535): string {
    let text = ''
    for (let i = 0; i < max; i++) {
      const unit = this.u8(index + i)
      if (unit === 0) break
      text += String.fromCharCode(unit)
    }
    return text
  }

  /** FNV-1a over all mapped memory: equal machines have equal digests. For tests of determinism. */
  digest(): string {
    let hash = 0x811c9dc5
    for (let page = 0; page < VIRTUAL_PAGES; page++) {
      const entry = this.ptes[page]!
      if (!(entry & FRAME_MASK) || entry & PTE.device) continue
      hash = Math.imul(hash ^ page, 0x01000193)
      const base = (entry & FRAME_MASK) >> 2
      for (let i = 0; i < PAGE_SIZE >> 2; i++)
        hash = Math.imul(hash ^ this.words[base + i]!, 0x01000193)
    }
    return HEX8(hash >>> 0)
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

const HEX8 = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0')
const hex = (value: bigint, digits: number): string =>
  value.toString(16).toUpperCase().padStart(digits, '0')
