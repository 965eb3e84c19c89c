/** Work items. */
import { HIGH_LEVEL, DISPATCH_LEVEL } from '../../../shared/nt/irql'
import { WORK_QUEUE_ITEM } from '../../../shared/nt/generated/offsets'
import { IO_WORKITEM } from '../ex/work-item'
import { ddi, t } from './types'

const ioItem = t.ptr('IO_WORKITEM')
const item = t.ptr('WORK_QUEUE_ITEM')
const queueType = t.enum('WORK_QUEUE_TYPE')

export const EX_WORK_DDIS = {
  IoAllocateWorkItem: ddi({
    params: { DeviceObject: t.ptr('DEVICE_OBJECT') },
    returns: ioItem,
    run: (k, a) => k.workQueue.allocateIoItem(a.DeviceObject),
  }),
  IoQueueWorkItem: ddi({
    params: {
      IoWorkItem: ioItem,
      WorkerRoutine: t.fn('IO_WORKITEM_ROUTINE'),
      QueueType: queueType,
      Context: t.optional(t.pvoid),
    },
    returns: t.void,
    run: (k, a) => k.workQueue.queueIoItem(a.IoWorkItem, a.WorkerRoutine, a.QueueType, a.Context),
  }),
  IoFreeWorkItem: ddi({
    params: { IoWorkItem: ioItem },
    returns: t.void,
    run: (k, a) => k.workQueue.freeIoItem(a.IoWorkItem),
  }),
  IoSizeofWorkItem: ddi({
    params: {},
    returns: t.ulong,
    irql: [0, HIGH_LEVEL],
    summary: 'Returns the size of an IO_WORKITEM that a driver embeds in memory of its own.',
    docs: 'wdm/nf-wdm-iosizeofworkitem',
    run: () => IO_WORKITEM.SIZE,
  }),
  IoInitializeWorkItem: ddi({
    params: { IoObject: t.pvoid, IoWorkItem: ioItem },
    returns: t.void,
    irql: [0, HIGH_LEVEL],
    summary: 'Prepares a work item in memory of the driver.',
    docs: 'wdm/nf-wdm-ioinitializeworkitem',
    run: (k, a) => k.workQueue.initializeIoItem(a.IoWorkItem, a.IoObject),
  }),
  IoUninitializeWorkItem: ddi({
    params: { IoWorkItem: ioItem },
    returns: t.void,
    irql: [0, HIGH_LEVEL],
    summary: 'Ends the life of such a work item.',
    docs: 'wdm/nf-wdm-iouninitializeworkitem',
    run: (k, a) => k.workQueue.uninitializeIoItem(a.IoWorkItem),
  }),
  ExInitializeWorkItem: ddi({
    params: {
      Item: item,
      Routine: t.fn('WORKER_THREAD_ROUTINE'),
      Context: t.optional(t.pvoid),
    },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Prepares a plain work item (deprecated).',
    docs: 'wdm/nf-wdm-exinitializeworkitem',
    run(k, a) {
      k.memory.setPtr(a.Item + WORK_QUEUE_ITEM.List, 0)
      k.memory.setPtr(a.Item + WORK_QUEUE_ITEM.WorkerRoutine, a.Routine)
      k.memory.setPtr(a.Item + WORK_QUEUE_ITEM.Parameter, a.Context)
    },
  }),
  ExQueueWorkItem: ddi({
    params: { WorkItem: item, QueueType: queueType },
    returns: t.void,
    run: (k, a) => k.workQueue.queue(a.WorkItem, a.QueueType),
  }),
}
