/**
 * Threads that could run: one queue for each priority, and a word with a bit for each queue that is
 * not empty, as in the KPRCB. Within a priority the one comes first whose last turn is longest ago.
 */
import type { Thread } from './thread'

const PRIORITIES = 32

export class ReadyQueue {
  private readonly queues: Thread[][] = Array.from({ length: PRIORITIES }, () => [])
  /** Bit n: a thread of priority n is ready. */
  private summary = 0

  add(thread: Thread): void {
    const queue = this.queues[thread.priority]!
    let at = queue.length
    while (at > 0 && queue[at - 1]!.turn > thread.turn) at--
    queue.splice(at, 0, thread)
    this.summary |= 1 << thread.priority
  }

  /** Also for a thread that is not in it. */
  remove(thread: Thread): void {
    const queue = this.queues[thread.priority]
    const at = queue?.indexOf(thread) ?? -1
    if (!queue || at < 0) return
    queue.splice(at, 1)
    if (queue.length === 0) this.summary &= ~(1 << thread.priority)
  }

  has(priority: number): boolean {
    return priority >= 0 && (this.summary & (1 << priority)) !== 0
  }

  /** Highest priority of a thread in it, -1 for none. */
  get highest(): number {
    return 31 - Math.clz32(this.summary)
  }

  /** The thread whose turn it is among those that may run on the processors of a KAFFINITY. */
  first(mask: number): Thread | null {
    for (let left = this.summary; left !== 0;) {
      const priority = 31 - Math.clz32(left)
      const thread = this.queues[priority]!.find((item) => (item.affinity & mask) !== 0)
      if (thread) return thread
      left &= ~(1 << priority)
    }
    return null
  }
}
