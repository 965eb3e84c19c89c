/** Device queues. */
import { DISPATCH_LEVEL } from '../../../shared/nt/irql'
import {
  initializeDeviceQueue,
  insertByKeyDeviceQueue,
  insertDeviceQueue,
  removeByKeyDeviceQueue,
  removeDeviceQueue,
  removeEntryDeviceQueue,
} from '../ke/device-queue'
import { ddi, t } from './types'

const queue = t.ptr('KDEVICE_QUEUE')
const entry = t.ptr('KDEVICE_QUEUE_ENTRY')
const DISPATCH = [DISPATCH_LEVEL, DISPATCH_LEVEL] as [number, number]

export const KE_DEVICE_QUEUE_DDIS = {
  KeInitializeDeviceQueue: ddi({
    params: { DeviceQueue: queue },
    returns: t.void,
    run: (k, a) => initializeDeviceQueue(k, a.DeviceQueue),
  }),
  KeInsertDeviceQueue: ddi({
    params: { DeviceQueue: queue, DeviceQueueEntry: entry },
    returns: t.boolean,
    run: (k, a) => insertDeviceQueue(k, a.DeviceQueue, a.DeviceQueueEntry),
  }),
  KeInsertByKeyDeviceQueue: ddi({
    params: { DeviceQueue: queue, DeviceQueueEntry: entry, SortKey: t.ulong },
    returns: t.boolean,
    irql: DISPATCH,
    summary: 'As KeInsertDeviceQueue, in the order of the keys.',
    docs: 'wdm/nf-wdm-keinsertbykeydevicequeue',
    run: (k, a) => insertByKeyDeviceQueue(k, a.DeviceQueue, a.DeviceQueueEntry, a.SortKey),
  }),
  KeRemoveDeviceQueue: ddi({
    params: { DeviceQueue: queue },
    returns: entry,
    run: (k, a) => removeDeviceQueue(k, a.DeviceQueue),
  }),
  KeRemoveByKeyDeviceQueue: ddi({
    params: { DeviceQueue: queue, SortKey: t.ulong },
    returns: entry,
    irql: DISPATCH,
    summary: 'Removes the first entry with at least a given key.',
    docs: 'wdm/nf-wdm-keremovebykeydevicequeue',
    run: (k, a) => removeByKeyDeviceQueue(k, a.DeviceQueue, a.SortKey),
  }),
  KeRemoveEntryDeviceQueue: ddi({
    params: { DeviceQueue: queue, DeviceQueueEntry: entry },
    returns: t.boolean,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Takes one entry out of a device queue.',
    docs: 'wdm/nf-wdm-keremoveentrydevicequeue',
    run: (k, a) => removeEntryDeviceQueue(k, a.DeviceQueueEntry),
  }),
}
