/** The driver framework's callbacks of PnP and power. */
import { WDF_PNPPOWER_EVENT_CALLBACKS } from '../../../shared/nt/generated/offsets'
import { framework, type InitData } from '../wdf/framework'
import { ddi, t } from './types'
import { filling, INIT } from './wdf-types'

export const WDF_POWER_DDIS = {
  WdfDeviceInitSetPnpPowerEventCallbacks: ddi({
    params: { DeviceInit: INIT, PnpPowerEventCallbacks: t.ptr('WDF_PNPPOWER_EVENT_CALLBACKS') },
    returns: t.void,
    irql: [0, 0],
    support: 'partial',
    note: 'Called are EvtDevicePrepareHardware, D0Entry, D0Exit, ReleaseHardware and SurpriseRemoval; lists of resources are NULL.',
    summary: 'What the driver does when its device starts, loses and gets power, and goes.',
    docs: 'wdfdevice/nf-wdfdevice-wdfdeviceinitsetpnppowereventcallbacks',
    run(k, a) {
      const routine = (field: keyof typeof WDF_PNPPOWER_EVENT_CALLBACKS): number =>
        k.memory.ptr(a.PnpPowerEventCallbacks + WDF_PNPPOWER_EVENT_CALLBACKS[field])
      framework(k).object<InitData>(a.DeviceInit, 'init').data.power = {
        prepare: routine('EvtDevicePrepareHardware'),
        release: routine('EvtDeviceReleaseHardware'),
        d0Entry: routine('EvtDeviceD0Entry'),
        d0Exit: routine('EvtDeviceD0Exit'),
        surprise: routine('EvtDeviceSurpriseRemoval'),
      }
    },
  }),

  WDF_PNPPOWER_EVENT_CALLBACKS_INIT: filling(
    'WDF_PNPPOWER_EVENT_CALLBACKS',
    WDF_PNPPOWER_EVENT_CALLBACKS.SIZE,
    () => undefined,
  ),
}
