/** Nonpaged memory whose frames lie side by side, for devices that know only physical addresses. */
import { hex } from '../../../shared/nt/format'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PHYSICAL_PAGES, PTE, RAM_START } from './layout'
import type { Ptr } from './memory'

const NON_CACHED = 0

interface Block {
  pages: number
  frames: number[]
  isUncached: boolean
}

/** Lowest and highest frame between two physical addresses, both included. */
export function frameBounds(lowest: bigint, highest: bigint): { low: number; high: number } {
  const start = BigInt(RAM_START)
  const size = BigInt(PAGE_SIZE)
  const low = lowest <= start ? 1 : Number((lowest - start + size - 1n) / size)
  const end = (highest + 1n - start) / size - 1n
  return { low, high: Number(end > BigInt(PHYSICAL_PAGES) ? BigInt(PHYSICAL_PAGES) : end) }
}

export class ContiguousMemory {
  private readonly blocks = new Map<Ptr, Block>()

  constructor(private readonly k: Kernel) {}

  /**
   * MmAllocateContiguousMemorySpecifyCache and the shorter ones.
   * @param boundary  physical addresses that are multiples of it the block does not cross; 0 for none
   * @returns the address of the zeroed block, 0 when there is none like that
   */
  allocate(
    bytes: number,
    lowest: bigint,
    highest: bigint,
    cacheType: number,
    by = 'MmAllocateContiguousMemory',
    boundary = 0n,
  ): Ptr {
    const { k } = this
    const { memory } = k
    const pages = Math.ceil(bytes / PAGE_SIZE)
    const { low, high } = frameBounds(lowest, highest)
    if (pages <= 0 || high < low) return 0
    const isStop = (frame: number): boolean =>
      BigInt(RAM_START + frame * PAGE_SIZE) % boundary < PAGE_SIZE
    const first = memory.frames.takeRun(pages, low, high, boundary > 0n ? isStop : null)
    if (!first) return 0
    const frames = Array.from({ length: pages }, (_, i) => first + i)
    const at = k.mm.ptes.take(pages)
    if (!at) {
      for (const frame of frames) memory.frames.give(frame)
      return 0
    }
    for (const frame of frames) memory.zeroFrame(frame)
    memory.mapFrames(at, frames, PTE.read | PTE.write)
    const isUncached = cacheType === NON_CACHED
    if (isUncached) k.hal.dma.setUncached(frames, true)
    this.blocks.set(at, { pages, frames, isUncached })
    k.emit({
      t: 'frames.allocated',
      block: memory.format(at),
      bytes: pages * PAGE_SIZE,
      physical: hex(RAM_START + first * PAGE_SIZE),
      by,
    })
    return at
  }

  /** MmFreeContiguousMemory. @bugcheck 0xC2 for an address that is not the start of such a block */
  free(base: Ptr, by = 'MmFreeContiguousMemory'): void {
    const { k } = this
    const block = this.blocks.get(base)
    if (!block)
      return k.bugCheck(
        0xc2,
        0x60,
        k.memory.address(base),
        0,
        0,
        `${by} was called for ${k.memory.format(base)}, which is not the start of a contiguous block.`,
      )
    this.blocks.delete(base)
    if (block.isUncached) k.hal.dma.setUncached(block.frames, false)
    k.memory.decommit(base, block.pages)
    k.mm.ptes.give(base, block.pages)
    k.emit({ t: 'frames.freed', block: k.memory.format(base), by })
  }
}
