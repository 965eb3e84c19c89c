/** How a minifilter goes: the filter manager stands in for its DriverUnload and asks its FilterUnloadCallback. */
import { DRIVER_OBJECT } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { filterManager, type Filter } from './manager'

/** FLTFL_FILTER_UNLOAD_MANDATORY: the service is stopped, so the answer counts for nothing. */
const UNLOAD_MANDATORY = 1

/** DriverUnload that a driver had set before the manager took its place; of each machine its own. */
const machines = new WeakMap<Kernel, Map<Ptr, Ptr>>()

/** FltRegisterFilter: whoever has a FilterUnloadCallback can be unloaded, with a DriverUnload or without. */
export function serveUnload(k: Kernel, { driver, unload }: Filter): void {
  if (!unload) return
  const replaced = machines.get(k) ?? new Map<Ptr, Ptr>()
  machines.set(k, replaced)
  const at = driver + DRIVER_OBJECT.DriverUnload
  const image = k.world?.modules.get('fltmgr')
  const own = k.images.registerNative('FltpMiniFilterDriverUnload', driverUnload, undefined, image)
  const before = k.memory.ptr(at)
  if (before === own) return
  replaced.set(driver, before)
  k.memory.setPtr(at, own)
}

function* driverUnload(k: Kernel, [driver = 0]: number[]): KernelRoutine<void> {
  const filters = filterManager(k)
    .all()
    .filter((each) => each.driver === driver)
  for (const { unload } of filters)
    if (unload) yield* k.call(unload, 'FLT_FILTER_UNLOAD_CALLBACK', [UNLOAD_MANDATORY])
  const before = machines.get(k)?.get(driver)
  machines.get(k)?.delete(driver)
  if (before) yield* k.call(before, 'DRIVER_UNLOAD', [driver])
}
