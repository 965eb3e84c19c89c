/**
 * Pool: memory that must be freed by hand.
 *
 * A block smaller than a page gets the start of a page of its own: POOL_HEADER, the block, then the
 * header of the free rest. So writing past the end spoils that next header (found at the free, bug
 * check 0x19, as on Windows), and a freed block is not reachable any more (0x50). Windows packs blocks
 * tighter and finds less; everything found here is found there under memory pressure. Who holds
 * thousands of blocks gets them packed as Windows packs them.
 * With the verifier's special pool a block ends at its page's end and a guard page follows (0xD6),
 * and a freed one stays unmapped (0xD5).
 */
import { checkFreed } from '../ke/freed'
import type { Kernel } from '../kernel'
import { PAGE_SHIFT, PAGE_SIZE, PTE, REGIONS, VIRTUAL_PAGES } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import type { Random } from '../random'
import { Recent } from '../recent'
import {
  checkHeaders,
  checkPatterns,
  HEADER_BYTES,
  PATTERN,
  units,
  writeHeader,
} from './pool-headers'
import { PageRange, SharedPage, SharedPages } from './pool-pages'
import type { LeakKind, SourcePlace } from '../../../shared/trace/event'

export interface Block {
  address: Ptr
  bytes: number
  tag: number
  paged: boolean
  special: boolean
  /** Service name of the driver that allocated it; null for the kernel's own. */
  owner: string | null
  at: SourcePlace | null
  /** Which of all blocks it was. */
  order: number
  seq: number
  firstPage: Ptr
  pages: number
  /** The page that it shares with others. */
  shared: SharedPage | null
  /** Where it was freed, once it was. */
  freedAt: SourcePlace | null
  freedSeq: number
}

/** Larger blocks are whole pages without an inline header. */
const SMALL_MAX = PAGE_SIZE - 2 * HEADER_BYTES
/** Freed blocks that are remembered, to tell a double free and to explain a fault. */
const REMEMBERED_MAX = 4096
/** Small blocks of one pool that have a page each; those after them share pages. */
const OWN_PAGES_MAX = 2048

export class Pool {
  private readonly freed = new Recent<Block>(REMEMBERED_MAX)
  private readonly nonpaged = new PageRange(REGIONS.nonpagedPool)
  private readonly paged = new PageRange(REGIONS.pagedPool)
  private readonly specialRange = new PageRange(REGIONS.specialPool)
  private readonly sharedPages = { nonpaged: new SharedPages(), paged: new SharedPages() }
  private readonly ownPages = { nonpaged: 0, paged: 0 }
  /** What lies in a page, by its number: the block that has it, or the page that blocks share. */
  private readonly pages = new Array<Block | SharedPage | undefined>(VIRTUAL_PAGES)
  /** Blocks ever made, which is their order. */
  private count = 0
  private driverBytes = 0
  driverBytesMax = 0

  /** Allocations that drivers asked for, those that failed among them. */
  driverAllocations = 0
  /** Where the one was asked for that the run let fail. */
  failed: { at: SourcePlace | null; seq: number } | null = null

  private readonly lowResources: Random

  constructor(private readonly k: Kernel) {
    this.lowResources = k.random.split('low resources')
  }

  /**
   * A zeroed block, 16-byte aligned; 0 when memory is short.
   * `system` blocks are the kernel's own: they count for no driver and make no pool events. `guarded`
   * ones are special pool as those of a driver are, with the verifier: a driver works in them.
   */
  allocate(
    bytes: number,
    tagOrText: number | string,
    options: { paged?: boolean; system?: boolean; guarded?: boolean; executable?: boolean } = {},
  ): Ptr {
    const { memory } = this.k
    const tag = typeof tagOrText === 'string' ? tagOf(tagOrText) : tagOrText
    const paged = options.paged ?? false
    const owner = options.system ? null : (this.k.driverOf(this.k.thread) ?? null)
    const special =
      (owner !== null || options.guarded === true) &&
      bytes > 0 &&
      bytes <= PAGE_SIZE - 16 &&
      this.k.verifier.option('special pool')
    const size = Math.max(bytes, 1)
    if (owner !== null && this.failsOnPurpose()) return 0
    const place = special
      ? this.placeSpecial(size, paged, owner === null ? 8 : 16)
      : size > SMALL_MAX
        ? this.placePages(Math.ceil(size / PAGE_SIZE), paged)
        : this.ownPages[paged ? 'paged' : 'nonpaged'] < OWN_PAGES_MAX
          ? this.placeAlone(size, tag, paged)
          : this.placeShared(size, tag, paged)
    if (!place) return 0
    const { address } = place
    const block: Block = {
      address,
      bytes,
      tag,
      paged,
      special,
      owner,
      at: this.k.scheduler ? this.k.thread.at : null,
      order: ++this.count,
      seq: 0,
      firstPage: place.firstPage,
      pages: place.pages,
      shared: place.shared ?? null,
      freedAt: null,
      freedSeq: 0,
    }
    if (options.executable) this.makeExecutable(block)
    if (block.shared) block.shared.set(address - HEADER_BYTES, block)
    else
      for (let i = 0; i < block.pages; i++) this.pages[(block.firstPage >>> PAGE_SHIFT) + i] = block
    this.freed.delete(address)
    if (owner !== null) {
      this.driverBytes += bytes
      this.driverBytesMax = Math.max(this.driverBytesMax, this.driverBytes)
      if (this.k.tracing)
        block.seq = this.k.emit({
          t: 'pool.allocated',
          block: memory.format(address),
          bytes,
          tag: tagText(tag),
          pool: paged ? 'paged' : 'nonpaged',
        })
    }
    return address
  }

  // --- where a block lies ------------------------------------------------------------------------

  private range({ special, paged }: Pick<Block, 'special' | 'paged'>): PageRange {
    return special ? this.specialRange : paged ? this.paged : this.nonpaged
  }

  private commit(range: PageRange, taken: number, pages: number, paged: boolean): Ptr {
    const first = range.take(taken)
    if (first === 0) return 0
    const flags = PTE.read | PTE.write | (paged ? PTE.pageable : 0)
    if (this.k.memory.commit(first, pages, flags)) return first
    range.give(first, taken)
    return 0
  }

  private placePages(pages: number, paged: boolean): Place | null {
    const first = this.commit(this.range({ special: false, paged }), pages, pages, paged)
    return first === 0 ? null : { address: first, firstPage: first, pages }
  }

  private placeSpecial(size: number, paged: boolean, alignment: 8 | 16): Place | null {
    const { memory } = this.k
    const first = this.commit(this.specialRange, 2, 1, paged)
    if (first === 0) return null
    const address = first + PAGE_SIZE - Math.ceil(size / alignment) * alignment
    memory.decommit(first + PAGE_SIZE, 1, PTE.guard)
    if (address > first) memory.fill(first, address - first, PATTERN)
    const tail = first + PAGE_SIZE - (address + size)
    if (tail > 0) memory.fill(address + size, tail, PATTERN)
    return { address, firstPage: first, pages: 1 }
  }

  private placeAlone(size: number, tag: number, paged: boolean): Place | null {
    const place = this.placePages(1, paged)
    if (!place) return null
    this.ownPages[paged ? 'paged' : 'nonpaged']++
    const address = place.firstPage + HEADER_BYTES
    writeHeader(this.k, place.firstPage, units(size) + 1, tag, paged ? 1 : 0)
    writeHeader(this.k, address + units(size) * 16, Math.max(254 - units(size), 0), 0, 0)
    return { ...place, address }
  }

  private placeShared(size: number, tag: number, paged: boolean): Place | null {
    const { memory } = this.k
    const chunk = HEADER_BYTES + units(size) * 16
    const pages = this.sharedPages[paged ? 'paged' : 'nonpaged']
    let found = pages.take(chunk)
    if (!found) {
      const place = this.placePages(1, paged)
      if (!place) return null
      const page = new SharedPage(place.firstPage, chunk)
      this.pages[page.start >>> PAGE_SHIFT] = page
      for (let i = 0; i < page.chunks; i++)
        writeHeader(this.k, page.start + i * chunk, chunk / 16, 0, 0)
      pages.add(page)
      found = pages.take(chunk)!
    }
    const { page, header } = found
    const address = header + HEADER_BYTES
    writeHeader(this.k, header, chunk / 16, tag, paged ? 1 : 0)
    memory.fill(address, chunk - HEADER_BYTES, 0)
    return { address, firstPage: page.start, pages: 1, shared: page }
  }

  /**
   * Low resources simulation: one allocation of a driver in four fails, chosen by the seed; or the
   * one that the run was made for.
   */
  private failsOnPurpose(): boolean {
    this.driverAllocations++
    if (this.driverAllocations === this.k.options.failAllocation) {
      this.failed = { at: this.k.thread.at, seq: this.k.thread.cause }
      return true
    }
    return this.k.verifier.option('low resources simulation') && this.lowResources.below(4) === 0
  }

  /**
   * Free a block of the kernel's own or of a driver.
   * @param tag  the tag given by ExFreePoolWithTag, 0 for ExFreePool
   * @bugcheck 0xC2 when it is no live block, 0x19 when its neighbourhood was overwritten
   */
  free(address: Ptr, tag = 0): void {
    const { memory, verifier, irql } = this.k
    const block = this.block(address)
    if (!block) this.badFree(address)
    const at = memory.address(address)
    const poolType = block.paged ? 1 : 0
    if (block.paged && irql.level > 1) {
      const what = `Paged pool was freed at IRQL ${irql.level}.`
      verifier.check('VR-POOL-FREE-PAGED-IRQL', true, [0x11, irql.level, poolType, at], what)
      this.k.bugCheck(0xc2, 9, irql.level, poolType, at, what)
    }
    if (irql.level > 2) {
      const what = `Pool was freed at IRQL ${irql.level}.`
      verifier.check('VR-POOL-FREE-NONPAGED-IRQL', true, [0x12, irql.level, poolType, at], what)
      this.k.bugCheck(0xc2, 9, irql.level, poolType, at, what)
    }
    if (tag !== 0 && tag !== block.tag)
      this.k.bugCheck(
        0xc2,
        0x0a,
        at,
        block.tag,
        tag,
        `A block with tag '${tagText(block.tag)}' was freed with tag '${tagText(tag)}'.`,
      )
    checkFreed(this.k, address, block.bytes, poolType)
    if (block.special) checkPatterns(this.k, block)
    else if (block.shared ?? isAlone(block)) checkHeaders(this.k, block, this.neighbourOf(block))
    this.release(block)
  }

  private release(block: Block): void {
    const { memory } = this.k
    if (block.shared) this.leaveShared(block, block.shared)
    else {
      for (let i = 0; i < block.pages; i++)
        this.pages[(block.firstPage >>> PAGE_SHIFT) + i] = undefined
      if (isAlone(block)) this.ownPages[block.paged ? 'paged' : 'nonpaged']--
      memory.decommit(block.firstPage, block.pages, PTE.freed)
      this.range(block).give(block.firstPage, block.special ? block.pages + 1 : block.pages)
    }
    block.freedAt = this.k.thread.at
    if (block.owner === null) return
    this.freed.add(block.address, block)
    this.driverBytes -= block.bytes
    if (this.k.tracing)
      block.freedSeq = this.k.emit({
        t: 'pool.freed',
        block: memory.format(block.address),
        bytes: block.bytes,
        tag: tagText(block.tag),
        pool: block.paged ? 'paged' : 'nonpaged',
      })
  }

  private neighbourOf({ address, shared }: Block): Block | undefined {
    return shared ? this.block(address + shared.chunk) : undefined
  }

  private leaveShared(block: Block, page: SharedPage): void {
    const header = block.address - HEADER_BYTES
    writeHeader(this.k, header, page.chunk / 16, 0, 0)
    if (!this.sharedPages[block.paged ? 'paged' : 'nonpaged'].give(page, header)) return
    this.pages[page.start >>> PAGE_SHIFT] = undefined
    this.k.memory.decommit(page.start, 1, PTE.freed)
    this.range(block).give(page.start, 1)
  }

  private badFree(address: Ptr): never {
    const { memory, verifier } = this.k
    const at = memory.address(address)
    if (memory.isUser(address))
      this.k.bugCheck(
        0xc2,
        0x40,
        at,
        0xffff_8000_0000_0000n,
        0,
        'An address of user space, or NULL, was freed as pool.',
      )
    const old = this.freed.get(address)
    if (old) {
      const what = `The pool block was freed twice${old.freedAt ? `; first at ${old.freedAt.file}:${old.freedAt.line}` : ''}.`
      verifier.check('VR-POOL-DOUBLE-FREE', true, [0x13, 0, memory.address(old.firstPage), 0], what)
      this.k.bugCheck(0xc2, 7, 0, old.tag, at, what)
    }
    const what = 'The freed address is no start of a pool block.'
    verifier.check('VR-POOL-FREE-BAD', true, [0x10, at, 0, 0], what)
    this.k.bugCheck(0xc2, 0x46, at, 0, 0, what)
  }

  // --- questions -------------------------------------------------------------------------------

  /** The live block that begins at an address. */
  block(address: Ptr): Block | undefined {
    const there = this.pages[address >>> PAGE_SHIFT]
    const block = there instanceof SharedPage ? there.at(address - HEADER_BYTES) : there
    return block?.address === address ? block : undefined
  }

  /** Live blocks of a driver, in the order in which it made them. */
  blocksOf(owner: string): Block[] {
    const found: Block[] = []
    let last: Block | SharedPage | undefined
    for (const there of this.pages) {
      if (!there || there === last) continue
      last = there
      for (const block of there instanceof SharedPage ? there.all() : [there])
        if (block.owner === owner) found.push(block)
    }
    return found.sort((a, b) => a.order - b.order)
  }

  /** Code may run in a block; what shares its page with it becomes executable too, as on Windows. */
  private makeExecutable({ firstPage, pages }: Block): void {
    const { memory } = this.k
    for (let at = firstPage, i = 0; i < pages; i++, at += PAGE_SIZE)
      memory.protect(at, 1, (memory.pte(at) & (PAGE_SIZE - 1)) | PTE.execute)
  }

  isSpecial(index: Ptr): boolean {
    const { start, bytes } = REGIONS.specialPool
    return index >= start && index < start + bytes
  }

  /** The live or freed block that an index or its header lies in; failing that, one with pages there. */
  find(index: Ptr): Block | undefined {
    const holds = (block: Block): boolean =>
      index >= block.address - HEADER_BYTES && index < block.address + Math.max(block.bytes, 1)
    const page = index & ~(PAGE_SIZE - 1)
    // The guard page of special pool belongs to the block in front of it.
    const there =
      this.pages[page >>> PAGE_SHIFT] ??
      (this.isSpecial(index) ? this.pages[(page >>> PAGE_SHIFT) - 1] : undefined)
    const header = there instanceof SharedPage ? there.headerOf(index) : 0
    const live = there instanceof SharedPage ? there.at(header) : there
    if (live && holds(live)) return live
    const freed = [...this.freed.values()]
    const hit = (block: Block): boolean =>
      page >= block.firstPage &&
      page < block.firstPage + (block.pages + (block.special ? 1 : 0)) * PAGE_SIZE
    return freed.findLast(holds) ?? live ?? freed.findLast(hit)
  }

  /** Words about the block at an index, for a fault's sentence; empty when there is none. */
  describe(index: Ptr): string {
    const block = this.find(index)
    if (!block || (block.owner === null && !block.freedAt)) return ', where nothing is mapped'
    if (this.block(block.address) !== block)
      return `, in a pool block with tag '${tagText(block.tag)}' that was freed${block.freedAt ? ` at ${block.freedAt.file}:${block.freedAt.line}` : ''}`
    return `, beside a pool block with tag '${tagText(block.tag)}'`
  }

  /** Live blocks of a driver, grouped by tag. */
  leaksOf(
    owner: string,
  ): { kind: LeakKind; tag: string; bytes: number; count: number; at: SourcePlace | null }[] {
    const groups = new Map<
      number,
      { kind: LeakKind; tag: string; bytes: number; count: number; at: SourcePlace | null }
    >()
    for (const block of this.blocksOf(owner)) {
      const group = groups.get(block.tag)
      if (group) {
        group.bytes += block.bytes
        group.count++
      } else
        groups.set(block.tag, {
          kind: 'pool',
          tag: tagText(block.tag),
          bytes: block.bytes,
          count: 1,
          at: block.at,
        })
    }
    return [...groups.values()]
  }
}

/** Where a new block lies. */
interface Place {
  address: Ptr
  firstPage: Ptr
  pages: number
  shared?: SharedPage
}

/** A small block with a page of its own. */
function isAlone({ special, shared, pages, address, firstPage }: Block): boolean {
  return !special && !shared && pages === 1 && address !== firstPage
}

/** Tag whose bytes in memory order spell `text`. */
export function tagOf(text: string): number {
  let tag = 0
  for (let i = 3; i >= 0; i--)
    tag = (tag << 8) | (i < text.length ? text.charCodeAt(i) & 0xff : 0x20)
  return tag >>> 0
}

/** Tag as poolmon shows it: its bytes in memory order. */
export function tagText(tag: number): string {
  let text = ''
  for (let i = 0; i < 4; i++) {
    const unit = (tag >>> (i * 8)) & 0xff
    text += unit >= 0x20 && unit < 0x7f ? String.fromCharCode(unit) : unit === 0 ? ' ' : '.'
  }
  return text.trimEnd()
}
