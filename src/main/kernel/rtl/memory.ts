/** Copying and comparing of simulated memory of any claimed length, the way the C routines go about it. */
import type { Memory, Ptr } from '../mm/memory'
import { PAGE_SIZE } from '../mm/layout'

/** Up to here one copy does; a wild length is gone through in pages, so that it faults where it would. */
const WHOLE_MAX = 1 << 16

/** memmove. A fault happens at the first byte out of reach; what lies before it has been copied. */
export function copyMemory(memory: Memory, to: Ptr, from: Ptr, length: number): void {
  if (length <= PAGE_SIZE) memory.copy(to, from, length)
  else if (to > from && to < from + length && length <= WHOLE_MAX)
    memory.write(to, memory.read(from, length))
  else if (to > from && to < from + length)
    for (let left = length; left > 0;) {
      const count = Math.min(left, PAGE_SIZE)
      left -= count
      memory.copy(to + left, from + left, count)
    }
  else
    for (let done = 0; done < length;) {
      const count = Math.min(length - done, PAGE_SIZE - ((from + done) & (PAGE_SIZE - 1)))
      memory.copy(to + done, from + done, count)
      done += count
    }
}

/** RtlCompareMemory: number of bytes that are equal before the first that differs. */
export function equalBytes(memory: Memory, a: Ptr, b: Ptr, length: number): number {
  for (let done = 0; done < length;) {
    const count = Math.min(
      length - done,
      PAGE_SIZE - ((a + done) & (PAGE_SIZE - 1)),
      PAGE_SIZE - ((b + done) & (PAGE_SIZE - 1)),
    )
    const left = memory.read(a + done, count)
    const right = memory.read(b + done, count)
    for (let i = 0; i < count; i++) if (left[i] !== right[i]) return done + i
    done += count
  }
  return length
}
