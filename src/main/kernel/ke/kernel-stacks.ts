/** Kernel stacks: 24 KiB for each thread, as on x64 Windows, with guard pages below. */
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PTE, REGIONS } from '../mm/layout'
import type { Ptr } from '../mm/memory'

export const KERNEL_STACK_BYTES = 6 * PAGE_SIZE
const GUARD_BYTES = 2 * PAGE_SIZE
const SLOT_BYTES = KERNEL_STACK_BYTES + GUARD_BYTES

export interface Stack {
  /** Lowest usable byte, and the first one above. */
  limit: Ptr
  base: Ptr
}

export class KernelStacks {
  private readonly free: number[] = []
  private slots = 0

  constructor(private readonly k: Kernel) {}

  /** A stack; null when memory or room is short. */
  allocate(): Stack | null {
    const slot = this.free.at(-1) ?? this.slots
    const start = REGIONS.stacks.start + slot * SLOT_BYTES
    if (start + SLOT_BYTES > REGIONS.stacks.start + REGIONS.stacks.bytes) return null
    const limit = start + GUARD_BYTES
    if (!this.k.memory.commit(limit, KERNEL_STACK_BYTES / PAGE_SIZE, PTE.read | PTE.write))
      return null
    if (this.free.pop() === undefined) this.slots++
    return { limit, base: limit + KERNEL_STACK_BYTES }
  }

  /** Give a stack back; one that is none of these stays. */
  release(limit: Ptr): void {
    const { start, bytes } = REGIONS.stacks
    if (limit < start || limit >= start + bytes) return
    this.k.memory.decommit(limit, KERNEL_STACK_BYTES / PAGE_SIZE)
    this.free.push((limit - GUARD_BYTES - start) / SLOT_BYTES)
  }

  /** Whether an index lies in the guard pages of a stack. */
  isGuard(index: Ptr): boolean {
    const { start, bytes } = REGIONS.stacks
    return index >= start && index < start + bytes && (index - start) % SLOT_BYTES < GUARD_BYTES
  }
}
