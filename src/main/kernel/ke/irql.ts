/** A processor's interrupt request level. Pageable memory is out of reach from DISPATCH_LEVEL on. */
import type { Kernel } from '../kernel'

export const PASSIVE_LEVEL = 0
export const APC_LEVEL = 1
export const DISPATCH_LEVEL = 2
/** Where a processor is while another one makes it do something (KeIpiGenericCall). */
export const IPI_LEVEL = 14
export const HIGH_LEVEL = 15

export class Irql {
  level = PASSIVE_LEVEL
  /** Tick at which the level last rose to DISPATCH_LEVEL or above. */
  raisedAt = 0

  constructor(private readonly k: Kernel) {}

  /** Set the level; returns the old one. Going down with `raise` is what a wrong driver does. */
  set(level: number, reason: string): number {
    const old = this.level
    if (old === level) return old
    if (level >= DISPATCH_LEVEL && old < DISPATCH_LEVEL) this.raisedAt = this.k.tick
    this.level = level
    if (level >= DISPATCH_LEVEL !== old >= DISPATCH_LEVEL)
      this.k.memory.setPageableResident(level < DISPATCH_LEVEL)
    if (this.k.tracing) this.k.emit({ t: 'irql.changed', from: old, to: level, reason })
    return old
  }

  raise(level: number, reason: string): number {
    return this.set(level, reason)
  }

  lower(level: number, reason: string): void {
    this.set(level, reason)
  }
}
