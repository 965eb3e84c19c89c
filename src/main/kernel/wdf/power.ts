/** The driver's callbacks of PnP and power, in the order in which the framework calls them. */
import { WdfPowerDeviceD3, WdfPowerDeviceD3Final } from '../../../shared/nt/generated/constants'
import { STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import { queuesOf, type DeviceData, type WdfObject } from './framework'

/** EvtDevicePrepareHardware, EvtDeviceD0Entry, then the queues. @returns the first status that fails */
export function* bringUp(k: Kernel, device: WdfObject<DeviceData>): KernelRoutine<number> {
  const { data, handle } = device
  const prepare = data.power?.prepare
  // What failed half way is released, too.
  data.isPrepared = true
  if (prepare) {
    const status = yield* k.call(prepare, 'FN_WDF_DEVICE_PREPARE_HARDWARE', [handle, 0, 0])
    if ((status | 0) < 0) return status >>> 0
  }
  return yield* enterD0(k, device, WdfPowerDeviceD3Final)
}

/** EvtDeviceD0Entry: the device has power again, and its queues go on. */
export function* enterD0(
  k: Kernel,
  device: WdfObject<DeviceData>,
  from: number = WdfPowerDeviceD3,
): KernelRoutine<number> {
  const { data, handle } = device
  const entry = data.power?.d0Entry
  if (entry) {
    const status = yield* k.call(entry, 'FN_WDF_DEVICE_D0_ENTRY', [handle, from])
    if ((status | 0) < 0) return status >>> 0
  }
  data.isInD0 = true
  for (const queue of queuesOf(device)) yield* queue.handOut()
  return STATUS_SUCCESS
}

/** EvtDeviceD0Exit: the device is about to lose power; its queues keep what comes. */
export function* leaveD0(
  k: Kernel,
  { data, handle }: WdfObject<DeviceData>,
  to: number = WdfPowerDeviceD3,
): KernelRoutine<void> {
  if (!data.power || !data.isInD0) return
  data.isInD0 = false
  const { d0Exit } = data.power
  if (d0Exit) yield* k.call(d0Exit, 'FN_WDF_DEVICE_D0_EXIT', [handle, to])
}

/** The device stops or goes: out of D0, then EvtDeviceReleaseHardware. */
export function* takeDown(k: Kernel, device: WdfObject<DeviceData>): KernelRoutine<void> {
  const { data, handle } = device
  yield* leaveD0(k, device, WdfPowerDeviceD3Final)
  if (!data.isPrepared) return
  data.isPrepared = false
  const release = data.power?.release
  if (release) yield* k.call(release, 'FN_WDF_DEVICE_RELEASE_HARDWARE', [handle, 0])
}

/** EvtDeviceSurpriseRemoval, and the device is taken down: there is no hardware any more. */
export function* pulledOut(k: Kernel, device: WdfObject<DeviceData>): KernelRoutine<void> {
  const surprise = device.data.power?.surprise
  if (surprise) yield* k.call(surprise, 'FN_WDF_DEVICE_SURPRISE_REMOVAL', [device.handle])
  yield* takeDown(k, device)
}
