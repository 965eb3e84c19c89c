/**
 * Packets of PnP for a device of the framework: it answers them for the driver and passes them down,
 * as a function driver or a filter has to, and calls the driver where that has something to do. A
 * device that goes takes its queues with it.
 */
import {
  IRP_MN_CANCEL_REMOVE_DEVICE,
  IRP_MN_CANCEL_STOP_DEVICE,
  IRP_MN_QUERY_REMOVE_DEVICE,
  IRP_MN_QUERY_STOP_DEVICE,
  IRP_MN_REMOVE_DEVICE,
  IRP_MN_START_DEVICE,
  IRP_MN_STOP_DEVICE,
  IRP_MN_SURPRISE_REMOVAL,
} from '../../../shared/nt/irp-functions'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { framework, queuesOf, type DeviceData, type WdfObject } from './framework'
import { bringUp, pulledOut, takeDown } from './power'
import { forwardAndWait, handled } from './request'

/** Packets that the framework agrees to before it passes them on; START_DEVICE is the bus's to answer. */
export const AGREED: ReadonlySet<number> = new Set([
  IRP_MN_QUERY_STOP_DEVICE,
  IRP_MN_STOP_DEVICE,
  IRP_MN_CANCEL_STOP_DEVICE,
  IRP_MN_QUERY_REMOVE_DEVICE,
  IRP_MN_CANCEL_REMOVE_DEVICE,
  IRP_MN_SURPRISE_REMOVAL,
  IRP_MN_REMOVE_DEVICE,
])

/** IRP_MJ_PNP. */
export function* dispatchPnp(k: Kernel, [device = 0, irp = 0]: number[]): KernelRoutine<number> {
  const found = framework(k).deviceOf(device)
  if (!found?.data.below) return yield* leaveAsIs(k, irp)
  const minor = k.memory.u8(k.irps.current(irp) + IO_STACK_LOCATION.MinorFunction)
  if (AGREED.has(minor)) k.memory.setU32(irp + IRP['IoStatus.Status'], STATUS_SUCCESS)
  if (minor === IRP_MN_START_DEVICE && found.data.power) return yield* start(k, found, irp)
  if (minor === IRP_MN_SURPRISE_REMOVAL) yield* pulledOut(k, found)
  if (minor === IRP_MN_STOP_DEVICE) yield* takeDown(k, found)
  if (minor === IRP_MN_SURPRISE_REMOVAL || minor === IRP_MN_REMOVE_DEVICE)
    for (const queue of queuesOf(found)) yield* queue.purge()
  if (minor !== IRP_MN_REMOVE_DEVICE) return yield* passDown(k, found, irp)
  // What the driver has it must give back first; one that never does keeps the removal waiting.
  for (const queue of queuesOf(found)) yield* queue.drained()
  yield* takeDown(k, found)
  const status = yield* passDown(k, found, irp)
  yield* framework(k).remove(found)
  return status
}

/** START_DEVICE works on the way up: the bus first, then the driver's hardware, then D0. */
function* start(k: Kernel, device: WdfObject<DeviceData>, irp: Ptr): KernelRoutine<number> {
  let status = STATUS_INSUFFICIENT_RESOURCES as number
  if (yield* forwardAndWait(k, irp, device.data.below))
    status = k.memory.u32(irp + IRP['IoStatus.Status'])
  if ((status | 0) >= 0) status = yield* bringUp(k, device)
  k.memory.setU32(irp + IRP['IoStatus.Status'], status)
  handled(k, irp, 'completed')
  yield* k.irps.complete(irp)
  return status
}

/** IRP_MJ_SYSTEM_CONTROL. */
export function* dispatchDown(k: Kernel, [device = 0, irp = 0]: number[]): KernelRoutine<number> {
  const found = framework(k).deviceOf(device)
  return found?.data.below ? yield* passDown(k, found, irp) : yield* leaveAsIs(k, irp)
}

export function* passDown(
  k: Kernel,
  { data }: WdfObject<DeviceData>,
  irp: Ptr,
): KernelRoutine<number> {
  handled(k, irp, 'passed')
  k.irps.skip(irp)
  return yield* k.irps.callDriver(data.below, irp)
}

/** Nobody is below: the packet ends with the status that it came with. */
function* leaveAsIs(k: Kernel, irp: Ptr): KernelRoutine<number> {
  const status = k.memory.u32(irp + IRP['IoStatus.Status'])
  handled(k, irp, 'completed')
  yield* k.irps.complete(irp)
  return status
}
