/** What the framework puts into the driver object: dispatch routines, AddDevice, DriverUnload. */
import {
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_INTERNAL_DEVICE_CONTROL,
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  IRP_MJ_READ,
  IRP_MJ_SYSTEM_CONTROL,
  IRP_MJ_WRITE,
} from '../../../shared/nt/generated/irp-functions'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_PENDING,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import {
  DRIVER_EXTENSION,
  DRIVER_OBJECT,
  IO_STACK_LOCATION,
} from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import {
  framework,
  queuesOf,
  type DeviceData,
  type DriverData,
  type InitData,
  type WdfObject,
} from './framework'
import { dispatchDown, dispatchPnp } from './pnp'
import { dispatchPower } from './dispatch-power'
import { finish } from './queue'
import { handled, namesOf, type RequestData } from './request'

const OPENING: readonly number[] = [IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE]
const QUEUED: readonly number[] = [
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_INTERNAL_DEVICE_CONTROL,
]

export function driverOf(k: Kernel, object: Ptr): WdfObject<DriverData> | undefined {
  return framework(k).drivers.get(object)
}

/** Take over a driver object for the driver that called WdfDriverCreate. */
export function takeOver(k: Kernel, driver: WdfObject<DriverData>): void {
  const { memory, images } = k
  const { object, deviceAdd, unload } = driver.data
  framework(k).drivers.set(object, driver)
  // In a host process the reflector stands in the stack; there is nothing to take over.
  if (framework(k).host) return
  const serve = (majors: readonly number[], name: string, routine: typeof dispatchPacket): void => {
    const dispatch = images.registerNative(name, routine)
    for (const major of majors)
      memory.setPtr(object + DRIVER_OBJECT.MajorFunction + major * 8, dispatch)
  }
  serve([...OPENING, ...QUEUED], 'FxDevice::Dispatch', dispatchPacket)
  serve([IRP_MJ_PNP], 'FxPkgPnp::Dispatch', dispatchPnp)
  serve([IRP_MJ_POWER], 'FxPkgPnp::DispatchPower', dispatchPower)
  serve([IRP_MJ_SYSTEM_CONTROL], 'FxDevice::DispatchWithLock', dispatchDown)
  if (deviceAdd) {
    const extension = memory.ptr(object + DRIVER_OBJECT.DriverExtension)
    const add = images.registerNative('FxDriver::AddDevice', addDevice)
    memory.setPtr(extension + DRIVER_EXTENSION.AddDevice, add)
  }
  if (deviceAdd || unload)
    memory.setPtr(
      object + DRIVER_OBJECT.DriverUnload,
      images.registerNative('FxDriver::Unload', unloadDriver),
    )
}

function* dispatchPacket(k: Kernel, [device = 0, irp = 0]: number[]): KernelRoutine<number> {
  const major = k.memory.u8(k.irps.current(irp))
  if (OPENING.includes(major)) {
    if (major === IRP_MJ_CLEANUP) yield* flushQueues(k, device, irp)
    handled(k, irp, 'completed')
    return yield* finish(k, irp, STATUS_SUCCESS)
  }
  const found = framework(k).deviceOf(device)
  if (found?.data.inCaller) return yield* showCaller(k, found, irp)
  const queue = found?.data.queue
  return queue ? yield* queue.accept(irp) : yield* finish(k, irp, STATUS_INVALID_DEVICE_REQUEST)
}

function* flushQueues(k: Kernel, device: Ptr, irp: Ptr): KernelRoutine<void> {
  const found = framework(k).deviceOf(device)
  const file = k.memory.ptr(k.irps.current(irp) + IO_STACK_LOCATION.FileObject)
  for (const queue of found && file ? queuesOf(found) : []) yield* queue.flush(file)
}

/** EvtIoInCallerContext: the driver sees the request while the thread that asked runs. */
function* showCaller(k: Kernel, device: WdfObject<DeviceData>, irp: Ptr): KernelRoutine<number> {
  const { inCaller } = device.data
  const data: RequestData = { irp, queue: null, status: 0 }
  const request = framework(k).create('request', device, data)
  if (!request) return yield* finish(k, irp, STATUS_INSUFFICIENT_RESOURCES)
  k.irps.markPending(irp)
  if (k.tracing)
    k.emit({
      t: 'wdf.request.presented',
      ...namesOf(k, request),
      handler: k.images.symbol(inCaller),
    })
  yield* k.call(inCaller, 'FN_WDF_IO_IN_CALLER_CONTEXT', [device.handle, request.handle])
  return STATUS_PENDING
}

function* addDevice(k: Kernel, [object = 0, pdo = 0]: number[]): KernelRoutine<number> {
  const driver = driverOf(k, object)
  return driver ? yield* addTo(k, driver, pdo) : STATUS_INVALID_DEVICE_REQUEST
}

/** EvtDriverDeviceAdd for a device. */
export function* addTo(k: Kernel, driver: WdfObject<DriverData>, pdo: Ptr): KernelRoutine<number> {
  if (!driver.data.deviceAdd) return STATUS_INVALID_DEVICE_REQUEST
  const data: InitData = {
    driver,
    pdo,
    name: null,
    ioType: 0,
    inCaller: 0,
    power: null,
    device: null,
  }
  const init = framework(k).create('init', driver, data)
  if (!init) return STATUS_INSUFFICIENT_RESOURCES
  const status = yield* k.call(driver.data.deviceAdd, 'FN_WDF_DRIVER_DEVICE_ADD', [
    driver.handle,
    init.handle,
  ])
  // WdfDeviceCreate has used it up, unless the driver did not come that far.
  if (framework(k).any(init.handle) === init) yield* framework(k).remove(init)
  // A device of a driver that then failed is not left in the stack.
  if ((status | 0) < 0 && data.device) yield* framework(k).remove(data.device)
  return status
}

function* unloadDriver(k: Kernel, [object = 0]: number[]): KernelRoutine<void> {
  const driver = driverOf(k, object)
  if (!driver) return
  const { unload } = driver.data
  if (unload) yield* k.call(unload, 'FN_WDF_DRIVER_UNLOAD', [driver.handle])
  framework(k).drivers.delete(object)
  yield* framework(k).remove(driver)
}
