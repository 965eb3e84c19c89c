/**
 * Deadlock detection: the order in which locks are taken, as a graph, judged before anybody waits.
 *
 * An edge leads from a lock to one that was taken while it was held. Taking `b` under `a` when the
 * graph already leads from `b` to `a` is a deadlock that waits for its moment: whether it comes now
 * does not matter. A gate, a lock that was held every time, makes two orders harmless.
 */
import type { SourcePlace } from '../../../../shared/trace/event'
import type { HeldLock, LockKind } from '../../ke/lock-tracker'
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'

interface Edge {
  /** Locks that were held before both every time. */
  gates: ReadonlySet<Ptr>
  /** Where the second lock was taken the first time, and the event at that moment. */
  at: SourcePlace | null
  seq: number
  /** Where the first lock had been taken then. */
  heldAt: SourcePlace | null
}

export class LockOrder {
  /** Locks that were taken while the key was held. */
  private readonly after = new Map<Ptr, Map<Ptr, Edge>>()

  constructor(private readonly k: Kernel) {}

  /** About to take a lock over those that are held: stop when that makes a circle. */
  check(lock: Ptr, kind: LockKind, held: readonly HeldLock[]): void {
    // Taking again what one owns cannot wait for anybody.
    if (held.some((item) => item.lock === lock)) return
    held.forEach((other, i) => {
      const edge = this.edgeTo(lock, other.lock, new Set(held.slice(0, i).map((item) => item.lock)))
      if (edge) this.stop(lock, kind, other, edge)
    })
  }

  private stop(lock: Ptr, kind: LockKind, other: HeldLock, edge: Edge): void {
    const { k } = this
    const [one, two] = [k.memory.format(lock), k.memory.format(other.lock)]
    const now = `The ${kind} at ${one} is acquired while the ${other.kind} at ${two} is held${words(other.at)}`
    k.verifier.check(
      'VR-LOCK-ORDER',
      true,
      [0x1001, k.memory.address(lock), 0, 0],
      `${now}; earlier they were acquired the other way round${words(edge.at)}. Two threads that meet in between wait for each other for ever.`,
      {
        text: `The ${other.kind} at ${two} was acquired here, over a lock that was held${words(edge.heldAt)}: the other order.`,
        at: edge.at,
        seq: edge.seq,
      },
    )
  }

  /** A lock was taken over those that are held. */
  taken(lock: Ptr, at: SourcePlace | null, held: readonly HeldLock[]): void {
    held.forEach((other, i) => {
      const before = new Set(held.slice(0, i).map((item) => item.lock))
      let later = this.after.get(other.lock)
      if (!later) this.after.set(other.lock, (later = new Map()))
      const edge = later.get(lock)
      if (edge) edge.gates = common(edge.gates, before)
      else later.set(lock, { gates: before, at, seq: this.k.thread.cause, heldAt: other.at })
    })
  }

  /**
   * The edge by which `to` was taken, directly or over others, while `from` was held, without a gate
   * that guarded every step of it and guards the acquisition at hand too (`gates`).
   */
  private edgeTo(
    from: Ptr,
    to: Ptr,
    gates: ReadonlySet<Ptr>,
    path: readonly Ptr[] = [],
  ): Edge | null {
    for (const [next, edge] of this.after.get(from) ?? []) {
      if (path.includes(next)) continue
      const shared = common(gates, edge.gates)
      if (next === to) {
        if (shared.size === 0) return edge
        continue
      }
      const found = this.edgeTo(next, to, shared, [...path, from])
      if (found) return found
    }
    return null
  }

  /** A lock is gone. */
  forget(lock: Ptr): void {
    this.after.delete(lock)
    for (const later of this.after.values()) later.delete(lock)
  }
}

function words(at: SourcePlace | null): string {
  return at ? ` (${at.file}:${at.line})` : ''
}

function common(a: ReadonlySet<Ptr>, b: ReadonlySet<Ptr>): ReadonlySet<Ptr> {
  return new Set([...a].filter((item) => b.has(item)))
}
