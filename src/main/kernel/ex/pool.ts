/**
 * Pool: memory that must be freed by hand.
 *
 * A driver's block smaller than a page gets the start of a page of its own: POOL_HEADER, the block,
 * then the header of the free rest. So writing past the end spoils that next header (found at the
 * free, bug check 0x19, as on Windows), and a freed block is not reachable any more (0x50). Windows
 * packs blocks tighter and finds less; everything found here is found there under memory pressure.
 * With the verifier's special pool a block ends at its page's end and a guard page follows (0xD6),
 * and a freed one stays unmapped (0xD5).
 */
import { POOL_HEADER } from '../../../shared/nt/generated/offsets'
import { checkFreed } from '../ke/freed'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PTE, REGIONS, type Region } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import type { Random } from '../random'
import { Recent } from '../recent'
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
  seq: number
  firstPage: Ptr
  pages: number
  /** Where it was freed, once it was. */
  freedAt: SourcePlace | null
  freedSeq: number
}

const HEADER_BYTES = POOL_HEADER.SIZE
/** Larger blocks are whole pages without an inline header. */
const SMALL_MAX = PAGE_SIZE - 2 * HEADER_BYTES
/** Freed blocks that are remembered, to tell a double free and to explain a fault. */
const REMEMBERED_MAX = 4096

/** Runs of pages of a region, handed out again as late as possible. */
class PageRange {
  private next: Ptr
  private readonly end: Ptr
  private readonly free = new Map<number, { runs: Ptr[]; head: number }>()

  constructor(region: Region) {
    this.next = region.start
    this.end = region.start + region.bytes
  }

  take(pages: number): Ptr {
    const bytes = pages * PAGE_SIZE
    if (this.next + bytes <= this.end) {
      const start = this.next
      this.next += bytes
      return start
    }
    const list = this.free.get(pages)
    if (!list || list.head === list.runs.length) return 0
    const start = list.runs[list.head++]!
    if (list.head > 1024) {
      list.runs.splice(0, list.head)
      list.head = 0
    }
    return start
  }

  give(start: Ptr, pages: number): void {
    const list = this.free.get(pages)
    if (list) list.runs.push(start)
    else this.free.set(pages, { runs: [start], head: 0 })
  }
}

export class Pool {
  private readonly live = new Map<Ptr, Block>()
  private readonly freed = new Recent<Block>(REMEMBERED_MAX)
  private readonly nonpaged = new PageRange(REGIONS.nonpagedPool)
  private readonly paged = new PageRange(REGIONS.pagedPool)
  private readonly specialRange = new PageRange(REGIONS.specialPool)
  private driverBytes = 0
  driverBytesMax = 0

  private readonly lowResources: Random

  constructor(private readonly k: Kernel) {
    this.lowResources = k.random.split('low resources')
  }

  /**
   * A zeroed block, 16-byte aligned; 0 when memory is short.
   * `system` blocks are the kernel's own: they count for no driver and make no pool events.
   */
  allocate(
    bytes: number,
    tagOrText: number | string,
    options: { paged?: boolean; system?: boolean } = {},
  ): Ptr {
    const { memory } = this.k
    const tag = typeof tagOrText === 'string' ? tagOf(tagOrText) : tagOrText
    const paged = options.paged ?? false
    const owner = options.system ? null : (this.k.driverOf(this.k.thread) ?? null)
    const special =
      owner !== null &&
      bytes > 0 &&
      bytes <= PAGE_SIZE - 16 &&
      this.k.verifier.option('special pool')
    const size = Math.max(bytes, 1)
    const small = !special && size <= SMALL_MAX
    const pages = small || special ? 1 : Math.ceil(size / PAGE_SIZE)
    const range = special ? this.specialRange : paged ? this.paged : this.nonpaged
    if (owner !== null && this.failsOnPurpose()) return 0
    const firstPage = range.take(special ? pages + 1 : pages)
    if (firstPage === 0) return 0
    const flags = PTE.read | PTE.write | (paged ? PTE.pageable : 0)
    if (!memory.commit(firstPage, pages, flags)) {
      range.give(firstPage, special ? pages + 1 : pages)
      return 0
    }
    let address = firstPage
    if (special) {
      address = firstPage + PAGE_SIZE - ((size + 15) & ~15)
      memory.decommit(firstPage + PAGE_SIZE, 1, PTE.guard)
      if (address > firstPage) memory.fill(firstPage, address - firstPage, PATTERN)
      const tail = firstPage + PAGE_SIZE - (address + size)
      if (tail > 0) memory.fill(address + size, tail, PATTERN)
    } else if (small) {
      address = firstPage + HEADER_BYTES
      this.writeHeader(firstPage, units(size) + 1, tag, paged ? 1 : 0)
      this.writeHeader(address + units(size) * 16, Math.max(254 - units(size), 0), 0, 0)
    }
    const block: Block = {
      address,
      bytes,
      tag,
      paged,
      special,
      owner,
      at: this.k.scheduler ? this.k.thread.at : null,
      seq: 0,
      firstPage,
      pages,
      freedAt: null,
      freedSeq: 0,
    }
    this.live.set(address, block)
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

  /** Low resources simulation: one allocation of a driver in four fails, chosen by the seed. */
  private failsOnPurpose(): boolean {
    return this.k.verifier.option('low resources simulation') && this.lowResources.below(4) === 0
  }

  /**
   * Free a block of the kernel's own or of a driver.
   * @param tag  the tag given by ExFreePoolWithTag, 0 for ExFreePool
   * @bugcheck 0xC2 when it is no live block, 0x19 when its neighbourhood was overwritten
   */
  free(address: Ptr, tag = 0): void {
    const { memory, verifier, irql } = this.k
    const block = this.live.get(address)
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
    if (block.special) this.checkPatterns(block)
    else if (block.pages === 1 && block.address !== block.firstPage) this.checkHeaders(block)
    this.release(block)
  }

  private release(block: Block): void {
    const { memory } = this.k
    this.live.delete(block.address)
    memory.decommit(block.firstPage, block.pages, PTE.freed)
    const range = block.special ? this.specialRange : block.paged ? this.paged : this.nonpaged
    range.give(block.firstPage, block.special ? block.pages + 1 : block.pages)
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

  private checkHeaders(block: Block): void {
    const { memory } = this.k
    const size = units(Math.max(block.bytes, 1))
    const header = block.firstPage
    const next = block.address + size * 16
    const blame = `Memory ${block.at ? `of the block allocated at ${block.at.file}:${block.at.line} ` : ''}`
    if (
      memory.u16(header + POOL_HEADER.BlockSize) !== (((block.paged ? 1 : 0) << 8) | (size + 1)) ||
      memory.u32(header + POOL_HEADER.PoolTag) !== block.tag
    )
      this.k.bugCheck(
        0x19,
        0x20,
        memory.address(header),
        memory.address(next),
        memory.u32(header),
        `${blame}was written before its start: its pool header is damaged.`,
      )
    const rest = Math.max(254 - size, 0)
    if (
      next + 16 <= header + PAGE_SIZE &&
      (memory.u32(next) !== rest << 16 || memory.u32(next + 4) !== 0 || memory.u64(next + 8) !== 0n)
    )
      this.k.bugCheck(
        0x19,
        0x20,
        memory.address(header),
        memory.address(next),
        memory.u32(next),
        `${blame}was written past its end (${block.bytes} bytes): the next pool header is damaged.`,
      )
  }

  private checkPatterns(block: Block): void {
    const { memory } = this.k
    const spoiled = (from: Ptr, to: Ptr): Ptr => {
      for (let at = from; at < to; at++) if (memory.u8(at) !== PATTERN) return at
      return 0
    }
    const before = spoiled(block.firstPage, block.address)
    this.k.verifier.check(
      'VR-POOL-UNDERRUN-SP',
      before !== 0,
      [memory.address(block.address), memory.address(before), 0, 0x23],
      'The block was written before its start.',
    )
    const after = spoiled(block.address + Math.max(block.bytes, 1), block.firstPage + PAGE_SIZE)
    this.k.verifier.check(
      'VR-POOL-TAIL-SP',
      after !== 0,
      [memory.address(block.address), memory.address(after), 0, 0x24],
      `The block of ${block.bytes} bytes was written past its end.`,
    )
  }

  private writeHeader(at: Ptr, size: number, tag: number, type: number): void {
    const { memory } = this.k
    memory.setU32(at, ((type << 8) | size) << 16)
    memory.setU32(at + POOL_HEADER.PoolTag, tag)
    memory.setU32(at + 8, 0)
    memory.setU32(at + 12, 0)
  }

  // --- questions -------------------------------------------------------------------------------

  block(address: Ptr): Block | undefined {
    return this.live.get(address)
  }

  isSpecial(index: Ptr): boolean {
    const { start, bytes } = REGIONS.specialPool
    return index >= start && index < start + bytes
  }

  /** The live or freed block that an index or its header lies in; failing that, one with pages there. */
  find(index: Ptr): Block | undefined {
    const live = [...this.live.values()]
    const freed = [...this.freed.values()]
    const holds = (block: Block): boolean =>
      index >= block.address - HEADER_BYTES && index < block.address + Math.max(block.bytes, 1)
    const exact = live.find(holds) ?? freed.findLast(holds)
    if (exact) return exact
    const page = index & ~(PAGE_SIZE - 1)
    const hit = (block: Block): boolean =>
      page >= block.firstPage &&
      page < block.firstPage + (block.pages + (block.special ? 1 : 0)) * PAGE_SIZE
    return live.find(hit) ?? freed.findLast(hit)
  }

  /** Words about the block at an index, for a fault's sentence; empty when there is none. */
  describe(index: Ptr): string {
    const block = this.find(index)
    if (!block || (block.owner === null && !block.freedAt)) return ', where nothing is mapped'
    if (!this.live.has(block.address) || this.live.get(block.address) !== block)
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
    for (const block of this.live.values()) {
      if (block.owner !== owner) continue
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

  /** Live blocks of a driver. */
  *blocksOf(owner: string): Iterable<Block> {
    for (const block of this.live.values()) if (block.owner === owner) yield block
  }
}

/** Fill of special pool around a block. */
const PATTERN = 0x5a

function units(bytes: number): number {
  return (bytes + 15) >>> 4
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
