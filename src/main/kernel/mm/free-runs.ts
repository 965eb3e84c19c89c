/**
 * Runs of pages that came back to a region: the one of the right length that has been free longest is
 * used first. When there is none, neighbours are joined and a longer run is cut.
 */
import { PAGE_SIZE } from './layout'
import type { Ptr } from './memory'

interface Queue {
  runs: Ptr[]
  /** Runs before it are taken. */
  head: number
}

export class FreeRuns {
  private byLength = new Map<number, Queue>()
  /** Runs of this length or more are known to be absent; until something comes back. */
  private absent = Infinity

  give(start: Ptr, pages: number): void {
    this.absent = Infinity
    const queue = this.byLength.get(pages)
    if (queue) queue.runs.push(start)
    else this.byLength.set(pages, { runs: [start], head: 0 })
  }

  /** A run of exactly this length; 0 for none. */
  take(pages: number): Ptr {
    const queue = this.byLength.get(pages)
    if (!queue || queue.head === queue.runs.length) return 0
    const start = queue.runs[queue.head++]!
    if (queue.head > 1024) {
      queue.runs.splice(0, queue.head)
      queue.head = 0
    }
    return start
  }

  /** A run cut from the shortest one that is long enough, once neighbours are joined; 0 for none. */
  cut(pages: number): Ptr {
    if (pages >= this.absent) return 0
    const all = this.joined()
    let best: { start: Ptr; pages: number } | undefined
    for (const run of all)
      if (run.pages >= pages && run.pages < (best?.pages ?? Infinity)) best = run
    this.byLength = new Map()
    for (const run of all) if (run !== best) this.give(run.start, run.pages)
    if (!best) {
      this.absent = pages
      return 0
    }
    if (best.pages > pages) this.give(best.start + pages * PAGE_SIZE, best.pages - pages)
    return best.start
  }

  /** Every run, by address, with those that touch made one. */
  private joined(): { start: Ptr; pages: number }[] {
    const runs: { start: Ptr; pages: number }[] = []
    for (const [pages, queue] of this.byLength)
      for (const start of queue.runs.slice(queue.head)) runs.push({ start, pages })
    runs.sort((a, b) => a.start - b.start)
    const joined: typeof runs = []
    for (const run of runs) {
      const last = joined.at(-1)
      if (last && last.start + last.pages * PAGE_SIZE === run.start) last.pages += run.pages
      else joined.push(run)
    }
    return joined
  }
}
