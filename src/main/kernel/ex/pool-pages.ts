/** Where pool blocks lie: runs of pages, and pages that many small blocks share. */
import { FreeRuns } from '../mm/free-runs'
import { PAGE_SIZE, type Region } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import type { Block } from './pool'

/** Runs of pages of a region, handed out again as late as possible. */
export class PageRange {
  private next: Ptr
  private readonly end: Ptr
  private readonly free = new FreeRuns()

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
    return this.free.take(pages) || this.free.cut(pages)
  }

  give(start: Ptr, pages: number): void {
    this.free.give(start, pages)
  }
}

/** A page that blocks of one size share: chunk after chunk, each a header of 16 bytes and a block. */
export class SharedPage {
  live = 0
  /** Where it stands in its list of pages with room, -1 when it is full. */
  place = -1
  /** Chunks that are free, by their number; the one that was free for longest comes first. */
  readonly free: number[] = []
  private readonly blocks: (Block | undefined)[] = []

  constructor(
    readonly start: Ptr,
    /** Bytes of a chunk, header included. */
    readonly chunk: number,
  ) {
    for (let i = 0; i < this.chunks; i++) {
      this.free.push(i)
      this.blocks.push(undefined)
    }
  }

  get chunks(): number {
    return Math.floor(PAGE_SIZE / this.chunk)
  }

  /** Header of the chunk that an address lies in; 0 behind the last one. */
  headerOf(index: Ptr): Ptr {
    const i = Math.floor((index - this.start) / this.chunk)
    return i < this.chunks ? this.start + i * this.chunk : 0
  }

  /** The block behind a header. */
  at(header: Ptr): Block | undefined {
    return this.blocks[(header - this.start) / this.chunk]
  }

  set(header: Ptr, block: Block | undefined): void {
    this.blocks[(header - this.start) / this.chunk] = block
  }

  /** Blocks that are in use. */
  all(): Block[] {
    return this.blocks.filter((block) => block !== undefined)
  }
}

/** The shared pages of one pool that have room, by the size of their chunks. */
export class SharedPages {
  private readonly open = new Map<number, SharedPage[]>()

  /** Header of a free chunk of this size, and its page; undefined when a new page is needed. */
  take(chunk: number): { page: SharedPage; header: Ptr } | undefined {
    const page = this.open.get(chunk)?.at(-1)
    if (!page) return undefined
    const header = page.start + page.free.shift()! * chunk
    page.live++
    if (page.free.length === 0) this.close(page)
    return { page, header }
  }

  add(page: SharedPage): void {
    const list = this.open.get(page.chunk) ?? []
    this.open.set(page.chunk, list)
    page.place = list.push(page) - 1
  }

  /** @returns true when the page is empty now, and no longer one of these */
  give(page: SharedPage, header: Ptr): boolean {
    page.free.push((header - page.start) / page.chunk)
    page.set(header, undefined)
    page.live--
    if (page.place < 0) this.add(page)
    // The last page with room stays: the next block would need it again.
    if (page.live > 0 || this.open.get(page.chunk)!.length === 1) return false
    this.close(page)
    return true
  }

  private close(page: SharedPage): void {
    const list = this.open.get(page.chunk)!
    const last = list.pop()!
    if (last !== page) {
      list[page.place] = last
      last.place = page.place
    }
    page.place = -1
  }
}
