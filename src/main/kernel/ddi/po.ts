/** Power manager: power packets and the states that devices say they are in. */
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { IRP_MN_WAIT_WAKE } from '../../../shared/nt/irp-functions'
import { ddi, t } from './types'

/** POWER_STATE is a union of two enumerations of 32 bits; it goes by value. */
const powerState = t.enum('ULONG')

export const PO_DDIS = {
  PoCallDriver: ddi({
    params: { DeviceObject: t.ptr('DEVICE_OBJECT'), Irp: t.ptr('IRP') },
    returns: t.ntstatus,
    run: (k: Kernel, a: { DeviceObject: Ptr; Irp: Ptr }) =>
      k.irps.callDriver(a.DeviceObject, a.Irp),
  }),

  PoStartNextPowerIrp: ddi({
    params: { Irp: t.ptr('IRP') },
    returns: t.void,
    note: 'Does nothing, as on Windows Vista and later: the power manager itself sends one packet at a time.',
    run(k, a) {
      // The packet is looked at all the same: a pointer to nothing faults.
      k.memory.u16(a.Irp)
    },
  }),

  PoRequestPowerIrp: ddi({
    params: {
      DeviceObject: t.ptr('DEVICE_OBJECT'),
      MinorFunction: t.uchar,
      PowerState: powerState,
      CompletionFunction: t.optional(t.fn('REQUEST_POWER_COMPLETE')),
      Context: t.optional(t.pvoid),
      Irp: t.optional(t.out(t.ptr('IRP'))),
    },
    returns: t.ntstatus,
    note: 'PowerState is the number of the state, PowerDeviceD0 for instance.',
    *run(k, a) {
      const { status, irp } = yield* k.power.devices.request({
        device: a.DeviceObject,
        minor: a.MinorFunction,
        state: a.PowerState,
        completion: a.CompletionFunction,
        context: a.Context,
      })
      // The others may be gone by now; WAIT_WAKE is given so that it can be cancelled.
      if (irp && a.MinorFunction === IRP_MN_WAIT_WAKE) a.Irp.write(irp)
      return status
    },
  }),

  PoSetPowerState: ddi({
    params: {
      DeviceObject: t.ptr('DEVICE_OBJECT'),
      Type: t.enum('POWER_STATE_TYPE'),
      State: powerState,
    },
    returns: t.ulong,
    note: 'State and result are the number of the state, PowerDeviceD0 for instance.',
    run: (k, a) => k.power.setState(a.DeviceObject, a.Type, a.State),
  }),
}
