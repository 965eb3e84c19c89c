/**
 * What drivers have asked to be told about, of every kind: process, thread, image, registry, object
 * and executive callbacks. Each kind keeps its own lists in memory, which is what it goes by; this
 * table is for the trace and for the check at unload that nothing points into the image any more.
 */
import type { CallbackKind, SourcePlace } from '../../../shared/trace/event'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

/** One registered routine. */
export interface RegisteredCallback {
  readonly id: number
  readonly kind: CallbackKind
  readonly routine: Ptr
  readonly altitude: string | null
  /** What it listens to, in words; null where the kind says it all. */
  readonly about: string | null
  /** Driver whose code registered it. */
  readonly driver: string | null
  readonly at: SourcePlace | null
  readonly seq: number
}

export class CallbackTable {
  private readonly entries = new Map<number, RegisteredCallback>()
  private last = 0

  constructor(private readonly k: Kernel) {}

  /** Note a registration. Emits `callback.registered`. */
  add(
    kind: CallbackKind,
    routine: Ptr,
    options: { altitude?: string; about?: string } = {},
  ): RegisteredCallback {
    const { k } = this
    const { altitude = null, about = null } = options
    const id = ++this.last
    const name = k.images.symbol(routine)
    const seq = k.tracing
      ? k.emit({ t: 'callback.registered', id, kind, routine: name, altitude, about })
      : 0
    const { thread } = k
    const driver = k.driverOf(thread) ?? null
    const entry = { id, kind, routine, altitude, about, driver, at: thread.at, seq }
    this.entries.set(id, entry)
    return entry
  }

  /** Note that a registration is gone. Emits `callback.removed`. */
  remove(entry: RegisteredCallback): void {
    const { k } = this
    if (!this.entries.delete(entry.id) || !k.tracing) return
    const routine = k.images.symbol(entry.routine)
    k.emit({ t: 'callback.removed', id: entry.id, kind: entry.kind, routine })
  }

  /** Registrations whose routine lies in a range of addresses, in their order. */
  into(start: Ptr, end: Ptr): RegisteredCallback[] {
    return [...this.entries.values()].filter(({ routine }) => routine >= start && routine < end)
  }

  all(): IterableIterator<RegisteredCallback> {
    return this.entries.values()
  }
}
