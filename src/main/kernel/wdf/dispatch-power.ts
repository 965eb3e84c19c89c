/**
 * Packets of power for a device of the framework, which is the power policy owner of its stack: for
 * each system state it asks for a device state, and calls the driver when that comes.
 */
import {
  PowerDeviceD0,
  PowerDeviceD3,
  PowerSystemWorking,
  SystemPowerState,
} from '../../../shared/nt/generated/constants'
import { IRP_MN_SET_POWER } from '../../../shared/nt/irp-functions'
import { STATUS_INSUFFICIENT_RESOURCES } from '../../../shared/nt/generated/ntstatus'
import { IO_STACK_LOCATION, IRP, KEVENT } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { framework, type DeviceData, type WdfObject } from './framework'
import { dispatchDown, passDown } from './pnp'
import { enterD0, leaveD0 } from './power'
import { forwardAndWait, handled } from './request'

const P = IO_STACK_LOCATION

/** IRP_MJ_POWER. */
export function* dispatchPower(k: Kernel, [device = 0, irp = 0]: number[]): KernelRoutine<number> {
  const found = framework(k).deviceOf(device)
  const stack = k.irps.current(irp)
  const isSet = k.memory.u8(stack + P.MinorFunction) === IRP_MN_SET_POWER
  if (!found?.data.power || !found.data.below || !isSet)
    return yield* dispatchDown(k, [device, irp])
  const state = k.memory.u32(stack + P['Parameters.Power.State.DeviceState'])
  if (k.memory.u32(stack + P['Parameters.Power.Type']) === SystemPowerState) {
    yield* askFor(k, found, state === PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3)
    return yield* passDown(k, found, irp)
  }
  if (state !== PowerDeviceD0) {
    yield* leaveD0(k, found)
    return yield* passDown(k, found, irp)
  }
  // Power comes from below: first the bus, then the driver.
  let status = STATUS_INSUFFICIENT_RESOURCES as number
  if (yield* forwardAndWait(k, irp, found.data.below))
    status = k.memory.u32(irp + IRP['IoStatus.Status'])
  if ((status | 0) >= 0 && !found.data.isInD0 && found.data.isPrepared)
    status = yield* enterD0(k, found)
  k.memory.setU32(irp + IRP['IoStatus.Status'], status)
  handled(k, irp, 'completed')
  yield* k.irps.complete(irp)
  return status
}

/** PoRequestPowerIrp for the driver; waits until the stack is in that state. */
function* askFor(k: Kernel, { data }: WdfObject<DeviceData>, state: number): KernelRoutine<void> {
  const event = k.pool.allocate(KEVENT.SIZE, 'WdfE', { system: true })
  if (!event) return
  k.dispatcher.initializeEvent(event, 0, false)
  const completion = k.images.registerNative('FxPkgPnp::_PowerPolicyDeviceComplete', done)
  const { irp } = yield* k.power.devices.request({
    device: data.device,
    minor: IRP_MN_SET_POWER,
    state,
    completion,
    context: event,
  })
  if (irp) yield* k.dispatcher.wait([event])
  k.pool.free(event)
}

function* done(k: Kernel, [, , , event = 0]: Ptr[]): KernelRoutine<void> {
  k.dispatcher.setEvent(event)
}
