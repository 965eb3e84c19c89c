/** Requests of the framework: a packet, the queue that it came through, and its buffers. */
import {
  METHOD_IN_DIRECT,
  METHOD_NEITHER,
  METHOD_OUT_DIRECT,
  NormalPagePriority,
} from '../../../shared/nt/generated/constants'
import { IRP_MJ_READ, IRP_MJ_WRITE } from '../../../shared/nt/generated/irp-functions'
import {
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_MORE_PROCESSING_REQUIRED,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { IO_STACK_LOCATION, IRP, KEVENT } from '../../../shared/nt/generated/offsets'
import { hex32 } from '../../../shared/nt/format'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { NtException } from '../stop'
import { forgetMark } from './cancel'
import { framework, type WdfObject } from './framework'
import type { IoQueue } from './queue'

export interface RequestData {
  irp: Ptr
  /** Queue that it is in, or came out of; null for one that was not queued yet. */
  queue: IoQueue | null
  status: number
  /** Its EvtRequestCancel is called, or was. */
  isCalledBack?: boolean
  /** In a host process: copies of its buffers. */
  host?: { input: Ptr; output: Ptr; inputLength: number; outputLength: number }
}

/** Who completes the packets of a host process. */
export interface Reflection {
  complete(irp: Ptr, status: number, information: number, data: Uint8Array | null): void
}

const reflected = new WeakMap<Kernel, Map<Ptr, Reflection>>()

/** Packets that are with host processes. */
export function reflections(k: Kernel): Map<Ptr, Reflection> {
  let found = reflected.get(k)
  if (!found) reflected.set(k, (found = new Map()))
  return found
}

/** Tell that the framework answered a packet, or passed it on, for the driver. */
export function handled(k: Kernel, irp: Ptr, how: 'completed' | 'passed'): void {
  if (!k.tracing) return
  const stack = k.irps.current(irp)
  k.emit({
    t: 'wdf.irp.handled',
    irp: k.irps.number(irp),
    major: k.memory.u8(stack + IO_STACK_LOCATION.MajorFunction),
    minor: k.memory.u8(stack + IO_STACK_LOCATION.MinorFunction),
    how,
  })
}

/** How the trace calls a request. */
export function namesOf(
  k: Kernel,
  { handle, data }: WdfObject<RequestData>,
): { request: string; queue: string; irp: number } {
  return {
    request: k.memory.format(handle),
    queue: data.queue ? k.memory.format(data.queue.handle) : 'none',
    irp: k.irps.number(data.irp),
  }
}

const CONTROL = {
  output: IO_STACK_LOCATION['Parameters.DeviceIoControl.OutputBufferLength'],
  input: IO_STACK_LOCATION['Parameters.DeviceIoControl.InputBufferLength'],
  code: IO_STACK_LOCATION['Parameters.DeviceIoControl.IoControlCode'],
}

/** What a packet asks for. */
export interface Asked {
  major: number
  /** Bytes that come in and that may go out. */
  input: number
  output: number
  code: number
}

export function askedOf(k: Kernel, irp: Ptr): Asked {
  const { memory } = k
  const stack = k.irps.current(irp)
  const major = memory.u8(stack)
  const length = memory.u32(stack + IO_STACK_LOCATION['Parameters.Read.Length'])
  if (major === IRP_MJ_READ) return { major, input: 0, output: length, code: 0 }
  if (major === IRP_MJ_WRITE) return { major, input: length, output: 0, code: 0 }
  return {
    major,
    input: memory.u32(stack + CONTROL.input),
    output: memory.u32(stack + CONTROL.output),
    code: memory.u32(stack + CONTROL.code),
  }
}

/** WdfRequestRetrieveInputBuffer and WdfRequestRetrieveOutputBuffer. */
export function retrieveBuffer(
  k: Kernel,
  request: WdfObject<RequestData>,
  side: 'input' | 'output',
  minimum: number,
): { status: number; buffer: Ptr; length: number } {
  const none = (status: number) => ({ status, buffer: 0, length: 0 })
  const { memory } = k
  const { irp } = request.data
  const asked = askedOf(k, irp)
  const isTransfer = asked.major === IRP_MJ_READ || asked.major === IRP_MJ_WRITE
  const method = isTransfer ? -1 : asked.code & 3
  const wrongWay = asked.major === (side === 'input' ? IRP_MJ_READ : IRP_MJ_WRITE)
  const { host } = request.data
  if (host && !wrongWay) {
    const length = side === 'input' ? host.inputLength : host.outputLength
    if (length === 0 || length < minimum) return none(STATUS_BUFFER_TOO_SMALL)
    return { status: STATUS_SUCCESS, buffer: host[side], length }
  }
  if (wrongWay || method === METHOD_NEITHER) return none(STATUS_INVALID_DEVICE_REQUEST)
  const length = asked[side]
  if (length === 0 || length < minimum) return none(STATUS_BUFFER_TOO_SMALL)
  const isDirect =
    isTransfer ||
    (side === 'output' && (method === METHOD_IN_DIRECT || method === METHOD_OUT_DIRECT))
  const mdl = memory.ptr(irp + IRP.MdlAddress)
  const buffer =
    isDirect && mdl
      ? k.mdls.systemAddress(mdl, NormalPagePriority)
      : memory.ptr(irp + IRP['AssociatedIrp.SystemBuffer'])
  return buffer ? { status: STATUS_SUCCESS, buffer, length } : none(STATUS_INSUFFICIENT_RESOURCES)
}

/**
 * A request that a driver completes or sends has to be the driver's.
 * @bugcheck 0x10D with 0xA when it waits in a queue
 * @throws NtException in a host process, where it ends the process
 */
function requireGiven(k: Kernel, { handle, data }: WdfObject<RequestData>): void {
  if (!data.queue || data.queue.gave(data.irp)) return
  const address = k.memory.address(handle)
  if (data.host) throw new NtException(STATUS_INVALID_DEVICE_REQUEST, address)
  const what = `The request of IRP ${k.irps.number(data.irp)} waits in a queue: it is not the driver's.`
  k.bugCheck(0x10d, 0xan, address, 0n, 0n, what)
}

/**
 * Complete the packet of a request, and let its queue go on.
 * @bugcheck 0x10D with 5 when the request was completed before, with 0xA when it waits in a queue
 */
export function* completeRequest(
  k: Kernel,
  handle: Ptr,
  status: number,
  information: number,
): KernelRoutine<void> {
  const request = framework(k).object<RequestData>(handle, 'request')
  requireGiven(k, request)
  const { irp, queue, host } = request.data
  if (k.tracing)
    k.emit({
      t: 'wdf.request.completed',
      ...namesOf(k, request),
      status: hex32(status),
      information,
    })
  const bytes = host ? Math.min(information, host.outputLength) : 0
  const data = host && bytes > 0 ? k.memory.read(host.output, bytes) : null
  forgetMark(k, irp)
  yield* framework(k).remove(request)
  yield* completePacket(k, irp, status, information, data)
  if (queue) yield* queue.finished()
}

/**
 * Complete a packet, or have its reflector do so.
 * @param data  what a host process answers
 */
export function* completePacket(
  k: Kernel,
  irp: Ptr,
  status: number,
  information: number,
  data: Uint8Array | null = null,
): KernelRoutine<void> {
  const reflection = reflections(k).get(irp)
  if (reflection) {
    reflection.complete(irp, status, information, data)
    return
  }
  k.memory.setU32(irp + IRP['IoStatus.Status'], status)
  k.memory.setSize(irp + IRP['IoStatus.Information'], information)
  yield* k.irps.complete(irp)
}

/** Send a request to the device below and forget it: the packet is no longer this driver's. */
export function* sendAndForget(
  k: Kernel,
  request: WdfObject<RequestData>,
  below: Ptr,
): KernelRoutine<void> {
  requireGiven(k, request)
  const { irp, queue } = request.data
  if (k.tracing) k.emit({ t: 'wdf.request.forwarded', ...namesOf(k, request) })
  forgetMark(k, irp)
  yield* framework(k).remove(request)
  k.irps.skip(irp)
  yield* k.irps.callDriver(below, irp)
  if (queue) yield* queue.finished()
}

/** Send a request to the device below and wait until it comes back. */
export function* sendAndWait(
  k: Kernel,
  request: WdfObject<RequestData>,
  below: Ptr,
): KernelRoutine<boolean> {
  requireGiven(k, request)
  const { irp } = request.data
  if (!(yield* forwardAndWait(k, irp, below))) return false
  request.data.status = k.memory.u32(irp + IRP['IoStatus.Status'])
  return true
}

/** Send a packet down and wait until it comes back. False when memory is short; it was not sent then. */
export function* forwardAndWait(k: Kernel, irp: Ptr, below: Ptr): KernelRoutine<boolean> {
  const event = k.pool.allocate(KEVENT.SIZE, 'WdfE', { system: true })
  if (!event) return false
  k.dispatcher.initializeEvent(event, 0, false)
  k.irps.copyToNext(irp)
  const routine = k.images.registerNative('FxIoTarget::RequestCompletionRoutine', wakeSender)
  k.irps.setCompletion(k.irps.next(irp), routine, event, true, true, true)
  yield* k.irps.callDriver(below, irp)
  yield* k.dispatcher.wait([event])
  k.pool.free(event)
  return true
}

function* wakeSender(k: Kernel, [, , event = 0]: number[]): KernelRoutine<number> {
  k.dispatcher.setEvent(event)
  return STATUS_MORE_PROCESSING_REQUIRED
}
