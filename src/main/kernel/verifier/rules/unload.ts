/** Rules about what a driver leaves behind, and about drivers that do not want to go. */
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'

/** NtUnloadDriver was refused because the driver has no DriverUnload. */
export function unloadRefused(k: Kernel, name: string, entry: Ptr): void {
  const { thread } = k
  const { at } = thread
  const routine = k.images.function(entry)
  thread.at = (routine && k.images.placeOf(routine)) ?? at
  k.verifier.warn(
    'VR-UNLOAD-EXCEPTION',
    true,
    `${name}.sys was asked to unload and cannot: it has no DriverUnload.`,
    { text: 'DriverEntry left DriverObject.DriverUnload at NULL.', at: thread.at, seq: 0 },
  )
  thread.at = at
}
