/**
 * Queues of the framework. A packet that arrives becomes a request; a sequential queue hands out one
 * at a time, a parallel one all, a manual one none until the driver asks. A request that waits in a
 * queue is cancelled by the framework, the driver never sees it.
 */
import {
  WdfFalse,
  WdfIoQueueDispatchManual,
  WdfIoQueueDispatchSequential,
} from '../../../shared/nt/generated/constants'
import {
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_INTERNAL_DEVICE_CONTROL,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
} from '../../../shared/nt/generated/irp-functions'
import {
  STATUS_CANCELLED,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_DEVICE_STATE,
  STATUS_PENDING,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { IO_STACK_LOCATION, IRP, WDF_IO_QUEUE_CONFIG } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine, RoutineName } from '../ddi/types'
import type { Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { callBackAll } from './cancel'
import { framework, type DeviceData, type Framework, type WdfObject } from './framework'
import { askedOf, completePacket, completeRequest, namesOf, type RequestData } from './request'

export interface QueueConfig {
  dispatch: number
  /** Hands out nothing while its device is not in D0. */
  isPowerManaged: boolean
  allowZeroLength: boolean
  handlers: { default: Ptr; read: Ptr; write: Ptr; control: Ptr; internal: Ptr }
}

export function readConfig(k: Kernel, at: Ptr): QueueConfig {
  const { memory } = k
  const routine = (field: keyof typeof WDF_IO_QUEUE_CONFIG): Ptr =>
    memory.ptr(at + WDF_IO_QUEUE_CONFIG[field])
  return {
    dispatch: memory.u32(at + WDF_IO_QUEUE_CONFIG.DispatchType),
    isPowerManaged: memory.u32(at + WDF_IO_QUEUE_CONFIG.PowerManaged) !== WdfFalse,
    allowZeroLength: memory.u8(at + WDF_IO_QUEUE_CONFIG.AllowZeroLengthRequests) !== 0,
    handlers: {
      default: routine('EvtIoDefault'),
      read: routine('EvtIoRead'),
      write: routine('EvtIoWrite'),
      control: routine('EvtIoDeviceControl'),
      internal: routine('EvtIoInternalDeviceControl'),
    },
  }
}

export class IoQueue {
  /** Handle of the queue; set when its object is made. */
  handle: Ptr = 0
  /** By packet, in the order of arrival. */
  private readonly waiting = new Map<Ptr, WdfObject<RequestData>>()
  /** Requests that the driver has. */
  private given = 0
  private isPurged = false
  /** Threads that wait until the driver has none. */
  private readonly drainers: Thread[] = []
  private isHandingOut = false
  /** The framework that it is of: whoever cancels a packet may be in another process. */
  private readonly own: Framework

  constructor(
    private readonly k: Kernel,
    readonly device: WdfObject<DeviceData>,
    private readonly config: QueueConfig,
  ) {
    this.own = framework(k)
  }

  /**
   * A packet arrived. The framework always marks it pending.
   * @param seen  its request, when the driver saw it in its caller's context
   */
  *accept(irp: Ptr, seen: WdfObject<RequestData> | null = null): KernelRoutine<number> {
    const { k } = this
    const asked = askedOf(k, irp)
    const isTransfer = asked.major === IRP_MJ_READ || asked.major === IRP_MJ_WRITE
    const empty = isTransfer && asked.input + asked.output === 0 && !this.config.allowZeroLength
    if (this.isPurged || empty) {
      if (seen) yield* framework(k).remove(seen)
      return yield* finish(k, irp, this.isPurged ? STATUS_INVALID_DEVICE_STATE : 0)
    }
    const data: RequestData = { irp, queue: this, status: 0 }
    const request = seen ?? framework(k).create('request', this.device, data)
    if (!request) return yield* finish(k, irp, STATUS_INSUFFICIENT_RESOURCES)
    request.data.queue = this
    if (!seen) k.irps.markPending(irp)
    yield* this.enqueue(irp, request, null)
    return STATUS_PENDING
  }

  /**
   * WdfRequestForwardToIoQueue: put a request that the driver has into another queue.
   * @returns STATUS_INVALID_DEVICE_STATE, and the driver keeps it, when that queue takes nothing
   */
  *forward(request: WdfObject<RequestData>, to: IoQueue): KernelRoutine<number> {
    if (to.isPurged) return STATUS_INVALID_DEVICE_STATE
    request.data.queue = to
    yield* to.enqueue(request.data.irp, request, this)
    yield* this.finished()
    return STATUS_SUCCESS
  }

  private *enqueue(
    irp: Ptr,
    request: WdfObject<RequestData>,
    from: IoQueue | null,
  ): KernelRoutine<void> {
    const { k } = this
    this.waiting.set(irp, request)
    waitingIn(k).set(irp, this)
    if (k.tracing)
      k.emit({
        t: 'wdf.request.queued',
        ...namesOf(k, request),
        ...(from && { from: k.memory.format(from.handle) }),
      })
    const cancel = k.images.registerNative('FxIoQueue::_IrpCancelRoutine', cancelWaiting)
    k.irps.setCancelRoutine(irp, cancel)
    // Cancelled before it came: nobody will call the routine, unless it was cancelled just now.
    if (k.memory.u8(irp + IRP.Cancel) && k.irps.setCancelRoutine(irp, 0)) yield* this.cancel(irp)
    else yield* this.handOut()
  }

  /** Whether a packet is with the driver, and not waiting in here. */
  gave(irp: Ptr): boolean {
    return !this.waiting.has(irp)
  }

  /** A request that the driver had is done. */
  *finished(): KernelRoutine<void> {
    this.given = Math.max(this.given - 1, 0)
    if (this.given === 0)
      for (const thread of this.drainers.splice(0))
        this.k.dispatcher.release(thread, STATUS_SUCCESS)
    yield* this.handOut()
  }

  /** A program closed its handle: what it still waits for is cancelled. */
  *flush(file: Ptr): KernelRoutine<void> {
    const { k } = this
    for (const irp of [...this.waiting.keys()]) {
      const stack = k.irps.current(irp)
      if (k.memory.ptr(stack + IO_STACK_LOCATION.FileObject) !== file) continue
      if (this.waiting.has(irp) && k.irps.setCancelRoutine(irp, 0)) yield* this.cancel(irp)
    }
  }

  /**
   * WdfIoQueuePurge: what waits is cancelled, what comes is refused. Of what the driver has, it hears
   * of the requests that it marked cancelable; the rest it keeps.
   */
  *purge(): KernelRoutine<void> {
    const { k } = this
    if (!this.isPurged && k.tracing)
      k.emit({ t: 'wdf.queue.purged', queue: k.memory.format(this.handle) })
    this.isPurged = true
    for (const irp of [...this.waiting.keys()])
      if (this.waiting.has(irp) && this.k.irps.setCancelRoutine(irp, 0)) yield* this.cancel(irp)
    yield* callBackAll(k, this)
  }

  /** Wait until the driver has completed what it has. */
  *drained(): KernelRoutine<void> {
    while (this.given > 0) {
      this.drainers.push(this.k.thread)
      yield* this.k.dispatcher.park()
    }
  }

  /** Complete a packet that waited as cancelled, without the driver. */
  *cancel(irp: Ptr): KernelRoutine<void> {
    const request = this.waiting.get(irp)
    this.leave(irp)
    if (request) {
      if (this.k.tracing) this.k.emit({ t: 'wdf.request.cancelled', ...namesOf(this.k, request) })
      yield* this.own.remove(request)
    }
    yield* finish(this.k, irp, STATUS_CANCELLED)
  }

  /** Hand out what may be handed out: something came, something is done, or the device is in D0 again. */
  *handOut(): KernelRoutine<void> {
    // A handler that completes at once comes back here; the loop below goes on instead of it.
    if (this.isHandingOut || this.config.dispatch === WdfIoQueueDispatchManual) return
    this.isHandingOut = true
    try {
      while (this.mayGive) {
        const request = this.take()
        if (!request) break
        yield* this.present(request)
      }
    } finally {
      this.isHandingOut = false
    }
  }

  private get mayGive(): boolean {
    if (this.config.isPowerManaged && !this.device.data.isInD0) return false
    return this.config.dispatch !== WdfIoQueueDispatchSequential || this.given === 0
  }

  /** The next request that is not being cancelled, now the driver's. */
  take(): WdfObject<RequestData> | undefined {
    for (const [irp, request] of this.waiting) {
      // Whose cancel routine is under way belongs to it.
      if (!this.k.irps.setCancelRoutine(irp, 0)) continue
      this.leave(irp)
      this.given++
      return request
    }
    return undefined
  }

  private leave(irp: Ptr): void {
    this.waiting.delete(irp)
    waitingIn(this.k).delete(irp)
  }

  private *present(request: WdfObject<RequestData>): KernelRoutine<void> {
    const { k } = this
    const { handlers } = this.config
    const { major, input, output, code } = askedOf(k, request.data.irp)
    const { handle } = request
    const call = (routine: Ptr, name: RoutineName, ...rest: number[]): KernelRoutine<unknown> => {
      this.presented(request, routine)
      return k.call(routine, name, [this.handle, handle, ...rest])
    }
    const control = this.controlHandler(major)
    if (major === IRP_MJ_READ && handlers.read)
      yield* call(handlers.read, 'FN_WDF_IO_QUEUE_IO_READ', output)
    else if (major === IRP_MJ_WRITE && handlers.write)
      yield* call(handlers.write, 'FN_WDF_IO_QUEUE_IO_WRITE', input)
    else if (control) yield* call(control, 'FN_WDF_IO_QUEUE_IO_DEVICE_CONTROL', output, input, code)
    else if (handlers.default) yield* call(handlers.default, 'FN_WDF_IO_QUEUE_IO_DEFAULT')
    else yield* completeRequest(k, handle, STATUS_INVALID_DEVICE_REQUEST, 0)
  }

  /** Tell that the driver has a request, by the handler that is about to get it or by its own doing. */
  presented(request: WdfObject<RequestData>, handler: Ptr): void {
    const { k } = this
    if (!k.tracing) return
    const name = handler ? k.images.symbol(handler) : null
    k.emit({ t: 'wdf.request.presented', ...namesOf(k, request), handler: name })
  }

  private controlHandler(major: number): Ptr {
    if (major === IRP_MJ_DEVICE_CONTROL) return this.config.handlers.control
    return major === IRP_MJ_INTERNAL_DEVICE_CONTROL ? this.config.handlers.internal : 0
  }
}

/** Complete a packet that never became a request. */
export function* finish(k: Kernel, irp: Ptr, status: number): KernelRoutine<number> {
  yield* completePacket(k, irp, status, 0)
  return status
}

const waitingPackets = new WeakMap<Kernel, Map<Ptr, IoQueue>>()

/** Packets that wait in queues, by which their cancel routine finds them. */
function waitingIn(k: Kernel): Map<Ptr, IoQueue> {
  let found = waitingPackets.get(k)
  if (!found) waitingPackets.set(k, (found = new Map()))
  return found
}

/** A packet's queue is gone with its host process. */
export function forgetWaiting(k: Kernel, irp: Ptr): void {
  waitingIn(k).delete(irp)
}

function* cancelWaiting(k: Kernel, [, irp = 0]: number[]): KernelRoutine<void> {
  k.irps.releaseCancelLock(k.memory.u8(irp + IRP.CancelIrql))
  const queue = waitingIn(k).get(irp)
  if (queue) yield* queue.cancel(irp)
}
