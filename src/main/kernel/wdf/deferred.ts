/** Timers and DPCs of the framework: a KTIMER and a KDPC, whose routine is the framework's. */
import { NotificationTimer } from '../../../shared/nt/generated/constants'
import { KDPC, KTIMER } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { framework, type Attributes, type DeviceData, type WdfObject } from './framework'

export interface DeferredData {
  device: WdfObject<DeviceData>
  /** EvtTimerFunc or EvtDpcFunc. */
  routine: Ptr
  /** KDPC in memory of the framework. */
  dpc: Ptr
  /** KTIMER behind it; 0 in a DPC object. */
  timer: Ptr
  /** Milliseconds between the calls of a timer; 0 for one call. */
  period: number
}

const THUNKS = {
  timer: ['FxTimer::_FxTimerDpcThunk', runTimer],
  dpc: ['FxDpc::FxDpcThunk', runDpc],
} as const

/** The device that an object belongs to: itself, or one above it. */
export function deviceAbove(object: WdfObject | undefined): WdfObject<DeviceData> | null {
  for (let at: WdfObject | null = object ?? null; at; at = at.parent)
    if (at.kind === 'device') return at as WdfObject<DeviceData>
  return null
}

/** Make a timer or a DPC object; null when memory is short. */
export function createDeferred(
  k: Kernel,
  kind: 'timer' | 'dpc',
  device: WdfObject<DeviceData>,
  attributes: Attributes,
  routine: Ptr,
  period = 0,
): WdfObject<DeferredData> | null {
  const bytes = KDPC.SIZE + (kind === 'timer' ? KTIMER.SIZE : 0)
  const dpc = k.pool.allocate(bytes, 'WdfT', { system: true })
  if (!dpc) return null
  const timer = kind === 'timer' ? dpc + KDPC.SIZE : 0
  const data = { device, routine, dpc, timer, period }
  const object = framework(k).create<DeferredData>(kind, device, data, attributes)
  if (!object) {
    k.pool.free(dpc)
    return null
  }
  const [name, thunk] = THUNKS[kind]
  k.dpcs.initialize(dpc, k.images.registerNative(name, thunk), object.handle)
  if (timer) k.timers.initialize(timer, NotificationTimer)
  return object
}

/** The object goes: nothing of it may come due any more. */
export function freeDeferred(k: Kernel, { dpc, timer }: DeferredData): void {
  if (timer) k.timers.cancel(timer)
  k.dpcs.remove(dpc)
  k.pool.free(dpc)
}

/** WdfTimerStop: whether it was armed, or about to run. */
export function stopTimer(k: Kernel, { dpc, timer }: DeferredData): boolean {
  const wasArmed = k.timers.cancel(timer)
  return k.dpcs.remove(dpc) || wasArmed
}

function* runTimer(k: Kernel, [, handle = 0]: number[]): KernelRoutine<void> {
  const found = framework(k).any(handle)
  if (found?.kind === 'timer')
    yield* k.call((found.data as DeferredData).routine, 'FN_WDF_TIMER', [handle])
}

function* runDpc(k: Kernel, [, handle = 0]: number[]): KernelRoutine<void> {
  const found = framework(k).any(handle)
  if (found?.kind === 'dpc')
    yield* k.call((found.data as DeferredData).routine, 'FN_WDF_DPC', [handle])
}
