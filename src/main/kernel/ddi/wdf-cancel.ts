/** Requests of the driver framework that a driver keeps: handed on to a queue, or able to be cancelled. */
import { STATUS_INVALID_DEVICE_REQUEST } from '../../../shared/nt/generated/ntstatus'
import { IRP } from '../../../shared/nt/generated/offsets'
import { DISPATCH_LEVEL } from '../../../shared/nt/irql'
import { isMarked, markCancelable, markOrCallBack, unmark } from '../wdf/cancel'
import { framework } from '../wdf/framework'
import type { IoQueue } from '../wdf/queue'
import type { RequestData } from '../wdf/request'
import { ddi, t } from './types'
import { QUEUE, REQUEST } from './wdf-types'

const marking = {
  params: { Request: REQUEST, EvtRequestCancel: t.fn('FN_WDF_REQUEST_CANCEL') },
  irql: [0, DISPATCH_LEVEL] as [number, number],
}

export const WDF_CANCEL_DDIS = {
  WdfRequestMarkCancelable: ddi({
    ...marking,
    returns: t.void,
    summary:
      'Lets a request that the driver has be cancelled: EvtRequestCancel completes it then. Of one that was cancelled before, the function is called at once.',
    docs: 'wdfrequest/nf-wdfrequest-wdfrequestmarkcancelable',
    *run(k, a) {
      const request = framework(k).object<RequestData>(a.Request, 'request')
      yield* markOrCallBack(k, request, a.EvtRequestCancel)
    },
  }),

  WdfRequestMarkCancelableEx: ddi({
    ...marking,
    returns: t.ntstatus,
    summary:
      'As WdfRequestMarkCancelable; of a request that was cancelled before, STATUS_CANCELLED comes back and the driver completes it.',
    docs: 'wdfrequest/nf-wdfrequest-wdfrequestmarkcancelableex',
    run(k, a) {
      const request = framework(k).object<RequestData>(a.Request, 'request')
      return markCancelable(k, request, a.EvtRequestCancel)
    },
  }),

  WdfRequestUnmarkCancelable: ddi({
    params: { Request: REQUEST },
    returns: t.ntstatus,
    irql: [0, DISPATCH_LEVEL],
    summary:
      'Takes the mark back before the driver completes a request. STATUS_CANCELLED: EvtRequestCancel completes it.',
    docs: 'wdfrequest/nf-wdfrequest-wdfrequestunmarkcancelable',
    run: (k, a) => unmark(k, framework(k).object<RequestData>(a.Request, 'request')),
  }),

  WdfRequestIsCanceled: ddi({
    params: { Request: REQUEST },
    returns: t.boolean,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Whether somebody cancelled a request that the driver has not marked cancelable.',
    docs: 'wdfrequest/nf-wdfrequest-wdfrequestiscanceled',
    run(k, a) {
      const { irp } = framework(k).object<RequestData>(a.Request, 'request').data
      return k.memory.u8(irp + IRP.Cancel) !== 0
    },
  }),

  WdfRequestGetIoQueue: ddi({
    params: { Request: REQUEST },
    returns: QUEUE,
    irql: [0, DISPATCH_LEVEL],
    summary: 'The queue that a request came out of; NULL for one that was not queued.',
    docs: 'wdfrequest/nf-wdfrequest-wdfrequestgetioqueue',
    run: (k, a) => framework(k).object<RequestData>(a.Request, 'request').data.queue?.handle ?? 0,
  }),

  WdfRequestForwardToIoQueue: ddi({
    params: { Request: REQUEST, DestinationQueue: QUEUE },
    returns: t.ntstatus,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Puts a request that the driver got from one queue into another one of its device.',
    docs: 'wdfrequest/nf-wdfrequest-wdfrequestforwardtoioqueue',
    *run(k, a) {
      const request = framework(k).object<RequestData>(a.Request, 'request')
      const to = framework(k).object<IoQueue>(a.DestinationQueue, 'queue').data
      const { queue: from, irp } = request.data
      const isHere = from !== null && from !== to && from.device === to.device
      if (!isHere || !from.gave(irp) || isMarked(k, irp)) return STATUS_INVALID_DEVICE_REQUEST
      return yield* from.forward(request, to)
    },
  }),
}
