/**
 * Memory as devices see it: physical addresses, past the page tables. What a device wrote is in RAM
 * at once; on a machine whose caches do not follow devices the processor goes on seeing what it had
 * until somebody flushes (KeFlushIoBuffers), unless the memory is mapped without cache.
 */
import type { Kernel } from '../kernel'
import { PAGE_SIZE, RAM_START } from '../mm/layout'
import type { Platform } from './platform'

/** Within one page. */
interface Hidden {
  physical: number
  data: Uint8Array
}

export class DmaMemory {
  /** What devices wrote and the processor does not see yet. */
  private hidden: Hidden[] = []
  /** Frames that are mapped without cache. */
  private readonly uncached = new Set<number>()

  constructor(
    private readonly k: Kernel,
    private readonly platform: Platform,
  ) {}

  /** Whether RAM is behind every byte of a physical range. */
  private isRam(physical: number, length: number): boolean {
    const { memory } = this.k
    return (
      length >= 0 &&
      memory.frameAt(physical) !== 0 &&
      (length === 0 || memory.frameAt(physical + length - 1) !== 0)
    )
  }

  read(physical: number, length: number): Uint8Array | null {
    return this.isRam(physical, length) ? this.k.memory.ram(physical, length).slice() : null
  }

  write(physical: number, data: Uint8Array): boolean {
    if (!this.isRam(physical, data.length)) return false
    if (this.platform.isDmaCoherent || this.isUncached(physical, data.length)) {
      this.k.memory.ram(physical, data.length).set(data)
    } else this.hide(physical, data)
    return true
  }

  /** Keep back what was written, page by page. */
  private hide(physical: number, data: Uint8Array): void {
    for (let done = 0; done < data.length;) {
      const at = physical + done
      const count = Math.min(data.length - done, PAGE_SIZE - ((at - RAM_START) % PAGE_SIZE))
      this.hidden.push({ physical: at, data: data.slice(done, done + count) })
      done += count
    }
  }

  private isUncached(physical: number, length: number): boolean {
    for (let at = physical; at < physical + length; at += PAGE_SIZE)
      if (!this.uncached.has(this.k.memory.frameAt(at))) return false
    return true
  }

  /** Frames are mapped with or without cache from now on. */
  setUncached(frames: readonly number[], isUncached: boolean): void {
    for (const frame of frames)
      if (isUncached) this.uncached.add(frame)
      else this.uncached.delete(frame)
  }

  /** KeFlushIoBuffers: the processor sees what devices wrote to these frames. */
  flush(frames: readonly number[]): void {
    if (this.hidden.length === 0) return
    const wanted = new Set(frames)
    const { memory } = this.k
    this.hidden = this.hidden.filter(({ physical, data }) => {
      if (!wanted.has(memory.frameAt(physical))) return true
      memory.ram(physical, data.length).set(data)
      return false
    })
  }
}
