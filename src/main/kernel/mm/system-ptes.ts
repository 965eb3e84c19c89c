/** Address space of the system for mappings: runs of pages that are handed out and come back. */
import { FreeRuns } from './free-runs'
import { PAGE_SIZE, REGIONS } from './layout'
import type { Ptr } from './memory'

export class SystemPtes {
  private next: Ptr = REGIONS.systemPtes.start
  private readonly free = new FreeRuns()

  /** A run of pages with nothing mapped in it; 0 when there is no room. */
  take(pages: number): Ptr {
    if (pages <= 0) return 0
    const { start: first, bytes } = REGIONS.systemPtes
    const reused = this.free.take(pages)
    if (reused) return reused
    if (pages > (first + bytes - this.next) / PAGE_SIZE) return this.free.cut(pages)
    const start = this.next
    this.next += pages * PAGE_SIZE
    return start
  }

  give(start: Ptr, pages: number): void {
    this.free.give(start, pages)
  }
}
