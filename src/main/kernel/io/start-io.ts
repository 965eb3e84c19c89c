/** One request at a time: the device queue in front of a driver's StartIo routine. */
import { DEVICE_OBJECT, DRIVER_OBJECT, IRP } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import { insertByKeyDeviceQueue, insertDeviceQueue, removeDeviceQueue } from '../ke/device-queue'
import { DISPATCH_LEVEL } from '../ke/irql'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

const ENTRY = IRP['Tail.Overlay.DeviceQueueEntry']

function* start(k: Kernel, device: Ptr, irp: Ptr): KernelRoutine<void> {
  const { memory } = k
  memory.setPtr(device + DEVICE_OBJECT.CurrentIrp, irp)
  const driver = memory.ptr(device + DEVICE_OBJECT.DriverObject)
  const routine = memory.ptr(driver + DRIVER_OBJECT.DriverStartIo)
  yield* k.call(routine, 'DRIVER_STARTIO', [device, irp], k.irps.number(irp))
}

/** IoStartPacket: start the packet, or queue it behind the one that is being worked on. */
export function* startPacket(
  k: Kernel,
  device: Ptr,
  irp: Ptr,
  key: number | null,
  cancel: Ptr,
): KernelRoutine<void> {
  const { memory, irps } = k
  const old = k.irql.raise(DISPATCH_LEVEL, 'IoStartPacket')
  if (cancel) irps.setCancelRoutine(irp, cancel)
  const queue = device + DEVICE_OBJECT.DeviceQueue
  const isQueued =
    key === null
      ? insertDeviceQueue(k, queue, irp + ENTRY)
      : insertByKeyDeviceQueue(k, queue, irp + ENTRY, key)
  if (!isQueued) yield* start(k, device, irp)
  else if (k.tracing)
    k.emit({ t: 'irp.queued', irp: irps.number(irp), queue: memory.format(queue) })
  k.irql.lower(old, 'IoStartPacket')
}

/** IoStartNextPacket: the packet that was worked on is done; start the next one in the queue. */
export function* startNextPacket(k: Kernel, device: Ptr): KernelRoutine<void> {
  k.memory.setPtr(device + DEVICE_OBJECT.CurrentIrp, 0)
  const entry = removeDeviceQueue(k, device + DEVICE_OBJECT.DeviceQueue)
  if (entry) yield* start(k, device, entry - ENTRY)
}
