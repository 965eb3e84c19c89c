/** Device timers, device DPCs, remove locks. */
import { HIGH_LEVEL } from '../../../shared/nt/irql'
import { DEVICE_OBJECT } from '../../../shared/nt/generated/offsets'
import {
  acquireRemoveLock,
  initializeRemoveLock,
  releaseRemoveLock,
  releaseRemoveLockAndWait,
} from '../io/remove-lock'
import { ddi, t } from './types'

const device = t.ptr('DEVICE_OBJECT')
const removeLock = t.ptr('IO_REMOVE_LOCK')

export const IO_TIMER_DDIS = {
  IoInitializeTimer: ddi({
    params: {
      DeviceObject: device,
      TimerRoutine: t.fn('IO_TIMER_ROUTINE'),
      Context: t.optional(t.pvoid),
    },
    returns: t.ntstatus,
    run: (k, a) => k.timers.io.initialize(a.DeviceObject, a.TimerRoutine, a.Context),
  }),
  IoStartTimer: ddi({
    params: { DeviceObject: device },
    returns: t.void,
    run: (k, a) => k.timers.io.start(a.DeviceObject),
  }),
  IoStopTimer: ddi({
    params: { DeviceObject: device },
    returns: t.void,
    run: (k, a) => k.timers.io.stop(a.DeviceObject),
  }),

  IoInitializeDpcRequest: ddi({
    params: { DeviceObject: device, DpcRoutine: t.fn('IO_DPC_ROUTINE') },
    returns: t.void,
    irql: [0, HIGH_LEVEL],
    summary: 'Gives a device object its DPC routine.',
    docs: 'wdm/nf-wdm-ioinitializedpcrequest',
    run: (k, a) =>
      k.dpcs.initialize(a.DeviceObject + DEVICE_OBJECT.Dpc, a.DpcRoutine, a.DeviceObject),
  }),
  IoRequestDpc: ddi({
    params: {
      DeviceObject: device,
      Irp: t.optional(t.ptr('IRP')),
      Context: t.optional(t.pvoid),
    },
    returns: t.void,
    run(k, a) {
      k.dpcs.insert(a.DeviceObject + DEVICE_OBJECT.Dpc, a.Irp, a.Context)
    },
  }),

  IoInitializeRemoveLock: ddi({
    params: { Lock: removeLock, Tag: t.tag, Maxmin: t.ulong, HighWater: t.ulong },
    returns: t.void,
    run: (k, a) => initializeRemoveLock(k, a.Lock),
  }),
  IoAcquireRemoveLock: ddi({
    params: { RemoveLock: removeLock, Tag: t.optional(t.pvoid) },
    returns: t.ntstatus,
    run: (k, a) => acquireRemoveLock(k, a.RemoveLock, a.Tag),
  }),
  IoReleaseRemoveLock: ddi({
    params: { RemoveLock: removeLock, Tag: t.optional(t.pvoid) },
    returns: t.void,
    run: (k, a) => releaseRemoveLock(k, a.RemoveLock, a.Tag),
  }),
  IoReleaseRemoveLockAndWait: ddi({
    params: { RemoveLock: removeLock, Tag: t.optional(t.pvoid) },
    returns: t.void,
    run: (k, a) => releaseRemoveLockAndWait(k, a.RemoveLock, a.Tag),
  }),
}
