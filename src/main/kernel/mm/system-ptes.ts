/** Address space of the system for mappings: runs of pages that are handed out and come back. */
import { PAGE_SIZE, REGIONS } from './layout'
import type { Ptr } from './memory'

export class SystemPtes {
  private next: Ptr = REGIONS.systemPtes.start
  /** Runs that came back, by length; the one that has been free longest is used first. */
  private readonly freeRuns = new Map<number, Ptr[]>()

  /** A run of pages with nothing mapped in it; 0 when there is no room. */
  take(pages: number): Ptr {
    const reused = this.freeRuns.get(pages)?.shift()
    if (reused !== undefined) return reused
    const { start: first, bytes } = REGIONS.systemPtes
    if (pages <= 0 || pages > (first + bytes - this.next) / PAGE_SIZE) return 0
    const start = this.next
    this.next += pages * PAGE_SIZE
    return start
  }

  give(start: Ptr, pages: number): void {
    const list = this.freeRuns.get(pages)
    if (list) list.push(start)
    else this.freeRuns.set(pages, [start])
  }
}
