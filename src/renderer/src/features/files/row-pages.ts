/**
 * Rows of a long result by place, asked for in pages as they come into sight. One page is asked for
 * at a time, the one in sight first: who drags the scroll bar past a hundred pages waits for one.
 */
import { shallowRef, type ShallowRef } from 'vue'
import type { FileRow } from '../../../../shared/contract/files'

export const PAGE = 200
/** Pages that are kept: who scrolls through 200,000 rows does not hold them all. */
const PAGES_MAX = 40

export interface RowPages {
  pages: ShallowRef<ReadonlyMap<number, readonly FileRow[]>>
  rowAt: (place: number) => FileRow | undefined
  /** Where a row stands among those that were fetched; -1 when it was not. */
  placeOf: (id: number) => number
  /** Rows in sight, end inclusive; what is missing is asked for. */
  look: (first: number, last: number) => void
  /** The pages in sight as one stretch, for asking anew. */
  stretch: () => { offset: number; limit: number }
  /** Forget everything but these rows. */
  replace: (offset: number, rows: readonly FileRow[], total: number) => void
  view: () => { first: number; last: number }
}

/**
 * @param fetch  rows of a stretch; null when the answer came too late or failed
 */
export function createRowPages(
  fetch: (offset: number, limit: number) => Promise<readonly FileRow[] | null>,
): RowPages {
  const pages = shallowRef<ReadonlyMap<number, readonly FileRow[]>>(new Map())
  let sight = { first: 0, last: 0 }
  let total = 0
  let generation = 0
  let isFetching = false

  function missing(): number | undefined {
    const last = Math.min(sight.last, total - 1)
    for (let page = Math.floor(sight.first / PAGE); page * PAGE <= last; page++)
      if (!pages.value.has(page)) return page
    return undefined
  }

  async function fill(): Promise<void> {
    if (isFetching) return
    isFetching = true
    for (let page = missing(); page !== undefined; page = missing()) {
      const before = generation
      const rows = await fetch(page * PAGE, PAGE)
      if (before !== generation) continue
      if (rows === null) break
      pages.value = nearest(new Map(pages.value).set(page, rows))
    }
    isFetching = false
  }

  /** Without the pages that lie furthest from what is in sight. */
  function nearest(all: Map<number, readonly FileRow[]>): Map<number, readonly FileRow[]> {
    const middle = (sight.first + sight.last) / 2 / PAGE
    const far = [...all.keys()].sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))
    for (const page of far.slice(PAGES_MAX)) all.delete(page)
    return all
  }

  return {
    pages,
    rowAt: (place) => pages.value.get(Math.floor(place / PAGE))?.[place % PAGE],
    placeOf(id) {
      for (const [page, rows] of pages.value) {
        const at = rows.findIndex((row) => row.id === id)
        if (at >= 0) return page * PAGE + at
      }
      return -1
    },
    look(first, last) {
      sight = { first, last }
      void fill()
    },
    stretch() {
      const from = Math.floor(sight.first / PAGE)
      const to = Math.min(from + 4, Math.floor(sight.last / PAGE))
      return { offset: from * PAGE, limit: (to - from + 1) * PAGE }
    },
    replace(offset, rows, all) {
      generation++
      total = all
      const next = new Map<number, readonly FileRow[]>()
      for (let at = 0; at < rows.length; at += PAGE)
        next.set((offset + at) / PAGE, rows.slice(at, at + PAGE))
      pages.value = next
      void fill()
    },
    view: () => sight,
  }
}
