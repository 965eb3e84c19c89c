/**
 * Events of the open runs, fetched in pages and kept while they are likely to be asked for again.
 * The trace itself stays in the lab process: a run of a million events never crosses as a whole.
 */
import type { TraceEvent } from '../../../shared/trace/event'
import { ring, value } from './ring'

export const PAGE_SIZE = 200
const PAGES_MAX = 120

const pages = new Map<string, Promise<TraceEvent[]>>()

const pageKey = (runId: string, page: number): string => `${runId}:${page}`

/** Events `page * PAGE_SIZE + 1` and following; fewer at the end of the run. */
export function eventPage(runId: string, page: number): Promise<TraceEvent[]> {
  const key = pageKey(runId, page)
  const known = pages.get(key)
  if (known) {
    // Asked for again: it becomes the newest.
    pages.delete(key)
    pages.set(key, known)
    return known
  }
  const from = page * PAGE_SIZE + 1
  const asked = value(ring()['lab.events']({ runId, from, to: from + PAGE_SIZE - 1 })).then(
    ({ events }) => events,
  )
  asked.catch(() => pages.delete(key))
  pages.set(key, asked)
  if (pages.size > PAGES_MAX) {
    const oldest = pages.keys().next().value
    if (oldest !== undefined) pages.delete(oldest)
  }
  return asked
}

export async function eventAt(runId: string, seq: number): Promise<TraceEvent | null> {
  const page = await eventPage(runId, Math.floor((seq - 1) / PAGE_SIZE))
  return page[(seq - 1) % PAGE_SIZE] ?? null
}

/** Forget the pages of a run that was closed. */
export function forgetRun(runId: string): void {
  for (const key of [...pages.keys()]) if (key.startsWith(`${runId}:`)) pages.delete(key)
}
