/** Ranges of user memory that a driver has secured against being freed or weakened (MmSecureVirtualMemory). */
import type { Process } from '../ps/process'
import type { Ptr } from './memory'

interface Range {
  start: Ptr
  end: Ptr
  /** Whether writing has to stay possible too. */
  isWritable: boolean
}

export class SecuredRanges {
  private readonly byProcess = new Map<Process, Map<number, Range>>()
  private nextHandle = 0x10

  secure(process: Process, start: Ptr, bytes: number, isWritable: boolean): number {
    let ranges = this.byProcess.get(process)
    if (!ranges) this.byProcess.set(process, (ranges = new Map<number, Range>()))
    const handle = this.nextHandle
    this.nextHandle += 0x10
    ranges.set(handle, { start, end: start + bytes, isWritable })
    return handle
  }

  /** False when the handle names nothing in this process. */
  release(process: Process, handle: number): boolean {
    return this.byProcess.get(process)?.delete(handle) ?? false
  }

  /**
   * Whether a change of a range is forbidden.
   * @param keeps what the change leaves: 'none' for freeing
   */
  forbids(process: Process, start: Ptr, bytes: number, keeps: 'none' | 'read' | 'write'): boolean {
    for (const range of this.byProcess.get(process)?.values() ?? []) {
      if (start >= range.end || start + bytes <= range.start) continue
      if (keeps === 'none' || (range.isWritable && keeps === 'read')) return true
    }
    return false
  }
}
