/**
 * Physical page frames: which are free, which are locked, and runs of them that lie side by side.
 *
 * A frame is a number; its bytes lie at frame * PAGE_SIZE of the backing. Frame 0 is never used, so
 * that a page table entry without a frame is recognisable. What drivers see are physical addresses:
 * RAM begins at RAM_START there (see layout.ts).
 */
import { PHYSICAL_PAGES } from './layout'

export class Frames {
  /** Free frames, used first in, first out, so that a freed page is not at once another's. */
  private free = new Int32Array(PHYSICAL_PAGES)
  private head = 0
  private count = PHYSICAL_PAGES - 1
  /** How often a frame was locked; a locked one cannot be paged out. */
  private readonly locks = new Uint16Array(PHYSICAL_PAGES)
  /** Frames that were given back while they were locked: they become free with their last lock. */
  private readonly doomed = new Set<number>()

  constructor() {
    for (let i = 0; i < PHYSICAL_PAGES - 1; i++) this.free[i] = i + 1
  }

  /** Number of free frames. */
  get available(): number {
    return this.count
  }

  /** The frame that has been free longest; 0 when there is none. */
  take(): number {
    if (this.count === 0) return 0
    const frame = this.free[this.head]!
    this.head = (this.head + 1) % PHYSICAL_PAGES
    this.count--
    return frame
  }

  give(frame: number): void {
    if (this.locks[frame]) {
      this.doomed.add(frame)
      return
    }
    this.free[(this.head + this.count) % PHYSICAL_PAGES] = frame
    this.count++
  }

  /** Whether nobody uses a frame. Linear: for questions of drivers, not for paths that matter. */
  isFree(frame: number): boolean {
    for (let i = 0; i < this.count; i++)
      if (this.free[(this.head + i) % PHYSICAL_PAGES] === frame) return true
    return false
  }

  /**
   * Frames that lie side by side, all between `lowest` and `highest` (inclusive).
   * @param isStop  frames that no run goes on at from the one before
   * @returns the first of them, 0 when there is no such run
   */
  takeRun(
    count: number,
    lowest: number,
    highest: number,
    isStop: ((frame: number) => boolean) | null = null,
  ): number {
    const last = Math.min(highest, PHYSICAL_PAGES - 1)
    const first = this.findRun(count, Math.max(lowest, 1), last, isStop)
    if (first) this.remove((frame) => frame >= first && frame < first + count)
    return first
  }

  private findRun(
    count: number,
    lowest: number,
    highest: number,
    isStop: ((frame: number) => boolean) | null,
  ): number {
    if (count <= 0 || count > this.count) return 0
    const isFree = new Uint8Array(PHYSICAL_PAGES)
    for (let i = 0; i < this.count; i++) isFree[this.free[(this.head + i) % PHYSICAL_PAGES]!] = 1
    let length = 0
    for (let frame = lowest; frame <= highest; frame++) {
      if (isStop?.(frame)) length = 0
      length = isFree[frame] ? length + 1 : 0
      if (length === count) return frame - count + 1
    }
    return 0
  }

  /** Up to `count` free frames between two bounds, the longest free ones first. */
  takeBetween(count: number, lowest: number, highest: number): number[] {
    const taken = new Set<number>()
    for (let i = 0; i < this.count && taken.size < count; i++) {
      const frame = this.free[(this.head + i) % PHYSICAL_PAGES]!
      if (frame >= lowest && frame <= highest) taken.add(frame)
    }
    this.remove((frame) => taken.has(frame))
    return [...taken]
  }

  private remove(isGone: (frame: number) => boolean): void {
    const left = new Int32Array(PHYSICAL_PAGES)
    let count = 0
    for (let i = 0; i < this.count; i++) {
      const frame = this.free[(this.head + i) % PHYSICAL_PAGES]!
      if (!isGone(frame)) left[count++] = frame
    }
    this.free = left
    this.head = 0
    this.count = count
  }

  // --- locks -----------------------------------------------------------------------------------

  lock(frame: number): void {
    this.locks[frame]!++
  }

  /** False when the frame was not locked. */
  unlock(frame: number): boolean {
    if (!this.locks[frame]) return false
    this.locks[frame]!--
    if (!this.locks[frame] && this.doomed.delete(frame)) this.give(frame)
    return true
  }

  lockCount(frame: number): number {
    return this.locks[frame] ?? 0
  }
}
