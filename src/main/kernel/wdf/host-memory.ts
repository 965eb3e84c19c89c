/** Memory of a host process for the framework in it: handles, contexts, buffers of requests. */
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'

const PAGE = 0x1000
const SMALLEST = 64

/**
 * Blocks in sizes that are powers of two. What is free is kept beside the memory, not in it, so a
 * driver that spoils its memory spoils nothing of the framework's, and a block can be given back
 * while another process is in view.
 */
export class HostMemory {
  private readonly sizes = new Map<Ptr, number>()
  private readonly freed = new Map<number, Ptr[]>()

  constructor(
    private readonly k: Kernel,
    private readonly process: Process,
  ) {}

  /** Zeroed memory; 0 when the process has no room. Its process has to be in view. */
  allocate(bytes: number): Ptr {
    let size = SMALLEST
    while (size < bytes) size *= 2
    const at = this.freed.get(size)?.pop() ?? this.grow(size)
    if (!at) return 0
    this.sizes.set(at, size)
    this.k.memory.fill(at, size, 0)
    return at
  }

  free(at: Ptr): void {
    const size = this.sizes.get(at)
    if (size === undefined) return
    this.sizes.delete(at)
    this.list(size).push(at)
  }

  private list(size: number): Ptr[] {
    let list = this.freed.get(size)
    if (!list) this.freed.set(size, (list = []))
    return list
  }

  /** New pages, cut into blocks of a size; the first of them. */
  private grow(size: number): Ptr {
    const bytes = Math.max(size, PAGE)
    const at = this.k.processes.allocateUser(this.process, bytes)
    if (!at) return 0
    for (let next = at + size; next < at + bytes; next += size) this.list(size).push(next)
    return at
  }
}
