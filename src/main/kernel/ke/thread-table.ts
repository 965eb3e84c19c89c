/** All live threads, by id and by address, in the order of their last turn on a processor. */
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import type { Thread } from './thread'

export class ThreadTable implements Iterable<Thread> {
  private readonly all = new Set<Thread>()
  private readonly ids = new Map<number, Thread>()
  private readonly addresses = new Map<Ptr, Thread>()
  private readonly owned = new Map<Process, Set<Thread>>()

  add(thread: Thread): void {
    this.all.add(thread)
    this.ids.set(thread.id, thread)
    this.addresses.set(thread.address, thread)
    const owned = this.owned.get(thread.process)
    if (owned) owned.add(thread)
    else this.owned.set(thread.process, new Set([thread]))
  }

  delete(thread: Thread): void {
    if (!this.all.delete(thread)) return
    this.ids.delete(thread.id)
    this.addresses.delete(thread.address)
    const owned = this.owned.get(thread.process)
    owned?.delete(thread)
    if (owned?.size === 0) this.owned.delete(thread.process)
  }

  /** A thread has its turn: it goes to the end. */
  moveToEnd(thread: Thread): void {
    if (this.all.delete(thread)) this.all.add(thread)
  }

  byId(id: number): Thread | undefined {
    return this.ids.get(id)
  }

  byAddress(address: Ptr): Thread | undefined {
    return this.addresses.get(address)
  }

  /** Live threads of a process, in the order of their last turn. */
  of(process: Process): Thread[] {
    const owned = this.owned.get(process)
    return owned ? [...owned].sort((a, b) => a.turn - b.turn) : []
  }

  /** How many live threads a process has. */
  count(process: Process): number {
    return this.owned.get(process)?.size ?? 0
  }

  [Symbol.iterator](): Iterator<Thread> {
    return this.all.values()
  }

  get length(): number {
    return this.all.size
  }

  find(wanted: (thread: Thread) => boolean): Thread | undefined {
    for (const thread of this.all) if (wanted(thread)) return thread
    return undefined
  }

  filter(wanted: (thread: Thread) => boolean): Thread[] {
    return [...this.all].filter(wanted)
  }
}
