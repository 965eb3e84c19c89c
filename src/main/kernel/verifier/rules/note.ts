/** Where something was done that may turn out to be the first cause of a mistake. */
import type { SourcePlace } from '../../../../shared/trace/event'
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'

export interface Note {
  at: SourcePlace | null
  /** Event in the trace, 0 without one. */
  seq: number
}

/** The place in driver code that runs now. */
export function here(k: Kernel): Note {
  return { at: k.thread.at, seq: k.thread.cause }
}

/** Judge as if the code of another place ran: a stop is about that place. */
export function atPlace(k: Kernel, at: SourcePlace | null | undefined, work: () => void): void {
  const { thread } = k
  const outer = thread.at
  if (at) thread.at = at
  work()
  thread.at = outer
}

/** The same for a routine of a driver that has returned already. */
export function atRoutine(k: Kernel, routine: Ptr, work: () => void): void {
  const entry = k.images.function(routine)
  atPlace(k, entry && k.images.placeOf(entry), work)
}
