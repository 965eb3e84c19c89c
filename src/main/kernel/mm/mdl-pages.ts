/** Physical pages that a new MDL describes: MmAllocatePagesForMdlEx. They are mapped nowhere at first. */
import {
  MM_ALLOCATE_FULLY_REQUIRED,
  MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS,
  MM_DONT_ZERO_ALLOCATION,
} from '../../../shared/nt/generated/constants'
import { MDL } from '../../../shared/nt/generated/offsets'
import { hex } from '../../../shared/nt/format'
import type { Kernel } from '../kernel'
import { frameBounds } from './contiguous'
import { PAGE_SIZE, PHYSICAL_BYTES, RAM_START } from './layout'
import type { Ptr } from './memory'

const BY = 'MmAllocatePagesForMdlEx'
const NON_CACHED = 0
const PAGE = BigInt(PAGE_SIZE)

/** What MmAllocatePagesForMdlEx is asked for. */
export interface PagesRequest {
  /** Lowest and highest acceptable physical address. */
  low: bigint
  high: bigint
  /** How far both go up for another try when pages are missing; 0 for one try. */
  skip: bigint
  bytes: number
  /** MEMORY_CACHING_TYPE. */
  cacheType: number
  /** MM_ALLOCATE_* and MM_DONT_ZERO_ALLOCATION. */
  flags: number
}

export class MdlPages {
  private readonly allocated = new Map<Ptr, { frames: number[]; isUncached: boolean }>()

  constructor(private readonly k: Kernel) {}

  /** An MDL of as many pages as there are in the ranges that the request names; 0 for none. */
  allocate(request: PagesRequest): Ptr {
    const { k } = this
    const { flags } = request
    const wanted = Math.ceil(request.bytes / PAGE_SIZE)
    const frames = wanted > 0 ? this.takeAll(request, wanted) : []
    const isEnough = frames.length === wanted || !(flags & MM_ALLOCATE_FULLY_REQUIRED)
    const mdl = frames.length > 0 && isEnough ? k.mdls.allocate(0, frames.length * PAGE_SIZE) : 0
    if (!mdl) {
      for (const frame of frames) k.memory.frames.give(frame)
      return 0
    }
    if (!(flags & MM_DONT_ZERO_ALLOCATION)) for (const frame of frames) k.memory.zeroFrame(frame)
    k.mdls.lockFrames(mdl, frames)
    const isUncached = request.cacheType === NON_CACHED
    if (isUncached) k.hal.dma.setUncached(frames, true)
    this.allocated.set(mdl, { frames, isUncached })
    k.emit({
      t: 'frames.allocated',
      block: k.memory.format(mdl),
      bytes: frames.length * PAGE_SIZE,
      physical: hex(RAM_START + frames[0]! * PAGE_SIZE),
      by: BY,
    })
    return mdl
  }

  /** Range after range, each `skip` bytes above the one before, up to the end of RAM. */
  private takeAll(request: PagesRequest, wanted: number): number[] {
    const { flags } = request
    const end = BigInt(RAM_START + PHYSICAL_BYTES)
    const low = BigInt.asUintN(64, request.low)
    const high = BigInt.asUintN(64, request.high)
    // Windows asks for whole pages; smaller steps would try the same pages over and over.
    const skip = (BigInt.asUintN(64, request.skip) + PAGE - 1n) & ~(PAGE - 1n)
    // A range below RAM holds nothing: begin with the first that reaches it.
    const below = BigInt(RAM_START) - high - 1n
    const first = skip > 0n && below > 0n ? ((below + skip - 1n) / skip) * skip : 0n
    const taken: number[] = []
    for (let up = first; low + up < end && taken.length < wanted; up += skip) {
      if (this.k.memory.freePages === 0) break
      taken.push(...this.takeFrames(low + up, high + up, wanted - taken.length, flags))
      if (skip === 0n) break
    }
    return taken
  }

  private takeFrames(low: bigint, high: bigint, count: number, flags: number): number[] {
    const { frames } = this.k.memory
    const bounds = frameBounds(low, high)
    if (bounds.high < bounds.low) return []
    if (!(flags & MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS))
      return frames.takeBetween(count, bounds.low, bounds.high)
    const first = frames.takeRun(count, bounds.low, bounds.high)
    return first ? Array.from({ length: count }, (_, i) => first + i) : []
  }

  /** MmFreePagesFromMdl. @bugcheck 0x4E for an MDL whose pages were not made this way, or are free already */
  free(mdl: Ptr): void {
    const { k } = this
    const pages = this.allocated.get(mdl)
    if (!pages)
      return k.bugCheck(
        0x4e,
        0x99,
        k.memory.size(mdl + MDL.SIZE),
        0,
        0,
        `MmFreePagesFromMdl was called for the MDL at ${k.memory.format(mdl)}, whose pages do not come from ${BY} or are free already.`,
      )
    this.allocated.delete(mdl)
    k.mdls.unlock(mdl)
    if (pages.isUncached) k.hal.dma.setUncached(pages.frames, false)
    for (const frame of pages.frames) k.memory.frames.give(frame)
    k.memory.setU32(mdl + MDL.ByteCount, 0)
    k.emit({ t: 'frames.freed', block: k.memory.format(mdl), by: 'MmFreePagesFromMdl' })
  }
}
