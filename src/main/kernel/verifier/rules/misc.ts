/** Rules that belong to no class of objects. */
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'

/** RtlCopyMemory, memcpy: the blocks are apart, or the same. */
export function copying(k: Kernel, to: Ptr, from: Ptr, length: number): void {
  const overlaps = to !== from && to < from + length && from < to + length
  if (!overlaps || k.scheduler.userMode) return
  k.verifier.check(
    'VR-MISC-MEMCPY-OVERLAP',
    true,
    [0xf0, k.memory.address(to), k.memory.address(from), length],
    `RtlCopyMemory was to copy ${length} bytes between blocks that overlap; RtlMoveMemory is the routine for that.`,
  )
}
