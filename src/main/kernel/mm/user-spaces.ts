/**
 * Page tables of user address spaces.
 *
 * The user part of the map has room for eight address spaces side by side (its windows). A further
 * one shares the window of an earlier one, as real processes share their addresses: only one of them
 * is current. Whoever works on the pages of a process that is not current says which one it means.
 */
import { PAGE_SHIFT, REGIONS, USER_SLICE_BYTES, USER_SLICES } from './layout'

const FIRST_PAGE = REGIONS.user.start >>> PAGE_SHIFT
const END_PAGE = (REGIONS.user.start + REGIONS.user.bytes) >>> PAGE_SHIFT
const SPACE_PAGES = USER_SLICE_BYTES >>> PAGE_SHIFT
/** Entries that a table begins with; most processes need few. */
const FIRST_ENTRIES = 64

interface Table {
  ptes: Int32Array
  /** Entries behind this one were never set. */
  high: number
  /** Pages whose memory belongs to somebody else: views of sections, mappings of MDLs. */
  shared: Set<number> | null
}

export class UserSpaces {
  /** The address space that is in view; -1 for none. */
  current = -1
  /** The one that is meant while `inSpace` runs. */
  private meant = -1
  private readonly tables: (Table | null)[] = []
  private readonly free: number[] = []

  /** Number of a new address space. Numbers of those that were released come back first. */
  create(): number {
    const table = { ptes: new Int32Array(FIRST_ENTRIES), high: 0, shared: null }
    const number = this.free.pop() ?? this.tables.length
    this.tables[number] = table
    return number
  }

  release(number: number): void {
    this.tables[number] = null
    this.free.push(number)
  }

  /** First page of the window of an address space. */
  firstPage(number: number): number {
    return FIRST_PAGE + (number % USER_SLICES) * SPACE_PAGES
  }

  /** Entries that were ever set, from the first page on; undefined for no address space. */
  entries(number: number): Int32Array | undefined {
    const table = this.tables[number]
    return table?.ptes.subarray(0, table.high)
  }

  /** Do something for an address space that need not be the current one. */
  inSpace<T>(number: number, work: () => T): T {
    const outer = this.meant
    this.meant = number
    try {
      return work()
    } finally {
      this.meant = outer
    }
  }

  /** The address space that a page belongs to now; -1 for a page of the kernel. */
  ownerOf(page: number): number {
    if (page < FIRST_PAGE || page >= END_PAGE) return -1
    const window = Math.floor((page - FIRST_PAGE) / SPACE_PAGES)
    if (this.meant >= 0 && this.meant % USER_SLICES === window) return this.meant
    if (this.current >= 0 && this.current % USER_SLICES === window) return this.current
    return window
  }

  /** A page gets memory that belongs to somebody else. */
  share(page: number): void {
    const table = this.tables[this.ownerOf(page)]
    if (table) (table.shared ??= new Set()).add(page)
  }

  unshare(page: number): void {
    this.tables[this.ownerOf(page)]?.shared?.delete(page)
  }

  isShared(number: number, page: number): boolean {
    return this.tables[number]?.shared?.has(page) ?? false
  }

  entry(number: number, page: number): number {
    return this.tables[number]?.ptes[page - this.firstPage(number)] ?? 0
  }

  /** Whether pages can be mapped where a page lies now: it is the kernel's, or somebody's. */
  hasRoomFor(page: number): boolean {
    const owner = this.ownerOf(page)
    return owner < 0 || Boolean(this.tables[owner])
  }

  /** Set an entry. Where there is no address space, as in the System process, there is nothing to set. */
  setEntry(number: number, page: number, entry: number): void {
    const table = this.tables[number]
    if (!table) return
    const offset = page - this.firstPage(number)
    if (offset >= table.ptes.length) {
      const length = Math.min(SPACE_PAGES, 2 ** Math.ceil(Math.log2(offset + 1)))
      const larger = new Int32Array(length)
      larger.set(table.ptes)
      table.ptes = larger
    }
    table.ptes[offset] = entry
    table.high = Math.max(table.high, offset + 1)
  }
}
