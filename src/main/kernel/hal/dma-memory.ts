/**
 * Memory as devices see it: physical addresses, past the page tables. What a device wrote is in RAM
 * at once; on a machine whose caches do not follow devices the processor goes on seeing what it had
 * until somebody flushes (KeFlushIoBuffers), unless the memory is mapped without cache.
 */
import type { Kernel } from '../kernel'
import { PAGE_SIZE, RAM_START } from '../mm/layout'
import type { Platform } from './platform'

/** What devices wrote to one page: the bytes, and which of them. */
interface Hidden {
  data: Uint8Array
  isWritten: Uint8Array
}

/** Pages that a cache holds at most: with more, what was kept back longest comes to be seen by itself. */
const HIDDEN_PAGES_MAX = 512

export class DmaMemory {
  /** What devices wrote and the processor does not see yet, by the physical address of the page. */
  private readonly hidden = new Map<number, Hidden>()
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
      const offset = (physical + done - RAM_START) % PAGE_SIZE
      const page = physical + done - offset
      const part = data.subarray(done, done + PAGE_SIZE - offset)
      const known = this.hidden.get(page)
      const hidden = known ?? {
        data: new Uint8Array(PAGE_SIZE),
        isWritten: new Uint8Array(PAGE_SIZE),
      }
      if (!known) this.keep(page, hidden)
      hidden.data.set(part, offset)
      hidden.isWritten.fill(1, offset, offset + part.length)
      done += part.length
    }
  }

  private keep(page: number, hidden: Hidden): void {
    for (const [oldest, { data, isWritten }] of this.hidden) {
      if (this.hidden.size < HIDDEN_PAGES_MAX) break
      this.show(oldest, data, isWritten)
    }
    this.hidden.set(page, hidden)
  }

  /** The processor sees what was written to a page. */
  private show(page: number, data: Uint8Array, isWritten: Uint8Array): void {
    const ram = this.k.memory.ram(page, PAGE_SIZE)
    data.forEach((byte, i) => {
      if (isWritten[i]) ram[i] = byte
    })
    this.hidden.delete(page)
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
    if (this.hidden.size === 0) return
    const wanted = new Set(frames)
    const { memory } = this.k
    for (const [page, { data, isWritten }] of this.hidden) {
      if (wanted.has(memory.frameAt(page))) this.show(page, data, isWritten)
    }
  }
}
