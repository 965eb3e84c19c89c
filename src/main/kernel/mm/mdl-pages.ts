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
import { PAGE_SIZE, RAM_START } from './layout'
import type { Ptr } from './memory'

const BY = 'MmAllocatePagesForMdlEx'

export class MdlPages {
  private readonly allocated = new Map<Ptr, number[]>()

  constructor(private readonly k: Kernel) {}

  /** An MDL of as many pages as there are between the two addresses; 0 for none. */
  allocate(low: bigint, high: bigint, bytes: number, flags: number): Ptr {
    const { k } = this
    const wanted = Math.ceil(bytes / PAGE_SIZE)
    const frames = wanted > 0 ? this.takeFrames(low, high, wanted, flags) : []
    const isEnough = frames.length === wanted || !(flags & MM_ALLOCATE_FULLY_REQUIRED)
    const mdl = frames.length > 0 && isEnough ? k.mdls.allocate(0, frames.length * PAGE_SIZE) : 0
    if (!mdl) {
      for (const frame of frames) k.memory.frames.give(frame)
      return 0
    }
    if (!(flags & MM_DONT_ZERO_ALLOCATION)) for (const frame of frames) k.memory.zeroFrame(frame)
    k.mdls.lockFrames(mdl, frames)
    this.allocated.set(mdl, frames)
    k.emit({
      t: 'frames.allocated',
      block: k.memory.format(mdl),
      bytes: frames.length * PAGE_SIZE,
      physical: hex(RAM_START + frames[0]! * PAGE_SIZE),
      by: BY,
    })
    return mdl
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
    const frames = this.allocated.get(mdl)
    if (!frames)
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
    for (const frame of frames) k.memory.frames.give(frame)
    k.memory.setU32(mdl + MDL.ByteCount, 0)
    k.emit({ t: 'frames.freed', block: k.memory.format(mdl), by: 'MmFreePagesFromMdl' })
  }
}
