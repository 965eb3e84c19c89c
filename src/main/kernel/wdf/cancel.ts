/**
 * Requests that a driver has and that can be called back: WdfRequestMarkCancelable, and the function
 * of the driver that runs when one is. The framework sets the packet's cancel routine, so whoever
 * gets that routine back has won the race: the driver that unmarks the request, or the cancellation.
 */
import {
  STATUS_CANCELLED,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { IRP } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { WdfObject } from './framework'
import type { IoQueue } from './queue'
import { namesOf, type RequestData } from './request'

interface Marked {
  request: WdfObject<RequestData>
  /** EvtRequestCancel. */
  routine: Ptr
}

const marks = new WeakMap<Kernel, Map<Ptr, Marked>>()

/** Requests that are marked, by their packets. */
function marked(k: Kernel): Map<Ptr, Marked> {
  let found = marks.get(k)
  if (!found) marks.set(k, (found = new Map()))
  return found
}

/** A request is completed or sent on: it is no longer the driver's. */
export function forgetMark(k: Kernel, irp: Ptr): void {
  marked(k).delete(irp)
}

/** Whether a request is marked cancelable. */
export function isMarked(k: Kernel, irp: Ptr): boolean {
  return marked(k).has(irp)
}

function tell(k: Kernel, request: WdfObject<RequestData>, routine: Ptr): void {
  if (!k.tracing) return
  const name = routine ? k.images.symbol(routine) : null
  k.emit({ t: 'wdf.request.marked', ...namesOf(k, request), routine: name })
}

/**
 * WdfRequestMarkCancelableEx.
 * @returns STATUS_CANCELLED when the packet was cancelled before: nobody calls the routine then
 */
export function markCancelable(k: Kernel, request: WdfObject<RequestData>, routine: Ptr): number {
  const { irp, queue } = request.data
  if (!queue?.gave(irp) || !routine || isMarked(k, irp)) return STATUS_INVALID_DEVICE_REQUEST
  request.data.isCalledBack = false
  marked(k).set(irp, { request, routine })
  k.irps.setCancelRoutine(
    irp,
    k.images.registerNative('FxIoQueue::_IrpCancelForDriver', cancelMarked),
  )
  if (k.memory.u8(irp + IRP.Cancel) && k.irps.setCancelRoutine(irp, 0)) {
    marked(k).delete(irp)
    return STATUS_CANCELLED
  }
  tell(k, request, routine)
  return STATUS_SUCCESS
}

/** WdfRequestMarkCancelable: what was cancelled before is called back at once. */
export function* markOrCallBack(
  k: Kernel,
  request: WdfObject<RequestData>,
  routine: Ptr,
): KernelRoutine<void> {
  const status = markCancelable(k, request, routine)
  if (status === STATUS_CANCELLED) yield* callBack(k, { request, routine })
}

/**
 * WdfRequestUnmarkCancelable.
 * @returns STATUS_CANCELLED when EvtRequestCancel is called, or was: it completes the request then
 */
export function unmark(k: Kernel, request: WdfObject<RequestData>): number {
  const { irp } = request.data
  if (!isMarked(k, irp))
    return request.data.isCalledBack ? STATUS_CANCELLED : STATUS_INVALID_DEVICE_REQUEST
  // Whoever has the routine owns the packet; the cancellation has it already.
  if (!k.irps.setCancelRoutine(irp, 0)) return STATUS_CANCELLED
  marked(k).delete(irp)
  tell(k, request, 0)
  return STATUS_SUCCESS
}

/** Call back what the driver has of a queue, and has marked. */
export function* callBackAll(k: Kernel, queue: IoQueue): KernelRoutine<void> {
  for (const [irp, found] of [...marked(k)])
    if (found.request.data.queue === queue && marked(k).get(irp) === found)
      if (k.irps.setCancelRoutine(irp, 0)) yield* callBack(k, found)
}

function* callBack(k: Kernel, { request, routine }: Marked): KernelRoutine<void> {
  const { irp } = request.data
  marked(k).delete(irp)
  request.data.isCalledBack = true
  yield* k.call(routine, 'FN_WDF_REQUEST_CANCEL', [request.handle], k.irps.number(irp))
}

function* cancelMarked(k: Kernel, [, irp = 0]: number[]): KernelRoutine<void> {
  k.irps.releaseCancelLock(k.memory.u8(irp + IRP.CancelIrql))
  const found = marked(k).get(irp)
  if (found) yield* callBack(k, found)
}
