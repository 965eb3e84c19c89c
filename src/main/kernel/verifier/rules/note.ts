/** Where something was done that may turn out to be the first cause of a mistake. */
import type { SourcePlace } from '../../../../shared/trace/event'
import type { Kernel } from '../../kernel'

export interface Note {
  at: SourcePlace | null
  /** Event in the trace, 0 without one. */
  seq: number
}

/** The place in driver code that runs now. */
export function here(k: Kernel): Note {
  return { at: k.thread.at, seq: k.thread.cause }
}
