/** Requests of the driver framework in the context of the thread that asks, and their raw buffers. */
import {
  METHOD_NEITHER,
  MdlMappingNoExecute,
  NormalPagePriority,
  WdfRequestTypeDeviceControl,
  WdfRequestTypeDeviceControlInternal,
  WdfRequestTypeRead,
  WdfRequestTypeWrite,
} from '../../../shared/nt/generated/constants'
import {
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_INTERNAL_DEVICE_CONTROL,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
} from '../../../shared/nt/generated/irp-functions'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_USER_BUFFER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import {
  IO_STACK_LOCATION,
  IRP,
  WDF_REQUEST_PARAMETERS,
} from '../../../shared/nt/generated/offsets'
import { DISPATCH_LEVEL } from '../../../shared/nt/irql'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { NtException } from '../stop'
import {
  framework,
  type DeviceData,
  type InitData,
  type MemoryData,
  type WdfObject,
} from '../wdf/framework'
import { askedOf, type RequestData } from '../wdf/request'
import { ddi, t, type Out } from './types'
import { BUFFER_OUT, DEVICE, filling, INIT, LENGTH_OUT, MEMORY, REQUEST } from './wdf-types'

/** WDF_REQUEST_TYPE by major function. */
const TYPES: Readonly<Record<number, number>> = {
  [IRP_MJ_READ]: WdfRequestTypeRead,
  [IRP_MJ_WRITE]: WdfRequestTypeWrite,
  [IRP_MJ_DEVICE_CONTROL]: WdfRequestTypeDeviceControl,
  [IRP_MJ_INTERNAL_DEVICE_CONTROL]: WdfRequestTypeDeviceControlInternal,
}

const requestOf = (k: Kernel, handle: Ptr): WdfObject<RequestData> =>
  framework(k).object<RequestData>(handle, 'request')

/** A program's own pointer to its input or output buffer, as it came. */
const unsafeBuffer = (side: 'input' | 'output') =>
  ddi({
    params: {
      Request: REQUEST,
      MinimumRequiredLength: t.size,
      Buffer: BUFFER_OUT,
      Length: LENGTH_OUT,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: `The ${side} buffer of a METHOD_NEITHER request: the caller's own pointer, unchecked.`,
    docs: `wdfrequest/nf-wdfrequest-wdfrequestretrieveunsafeuser${side}buffer`,
    run(k, a) {
      const { irp } = requestOf(k, a.Request).data
      const asked = askedOf(k, irp)
      const isControl = asked.major === IRP_MJ_DEVICE_CONTROL
      if (!isControl || (asked.code & 3) !== METHOD_NEITHER) return STATUS_INVALID_DEVICE_REQUEST
      const length = asked[side]
      if (length === 0 || length < a.MinimumRequiredLength) return STATUS_BUFFER_TOO_SMALL
      const input = IO_STACK_LOCATION['Parameters.DeviceIoControl.Type3InputBuffer']
      a.Buffer.write(
        side === 'input'
          ? k.memory.ptr(k.irps.current(irp) + input)
          : k.memory.ptr(irp + IRP.UserBuffer),
      )
      a.Length.write(BigInt(length))
      return STATUS_SUCCESS
    },
  })

/** Lock a program's pages, map them for the kernel, and give them to the request as a memory object. */
function lockUserBuffer(
  k: Kernel,
  a: { Request: Ptr; Buffer: Ptr; Length: number; MemoryObject: Out<number> },
  write: boolean,
): number {
  const request = requestOf(k, a.Request)
  if (a.Length === 0) return STATUS_INVALID_USER_BUFFER
  // The pointer means something in one address space only.
  const asker = k.memory.ptr(request.data.irp + IRP['Tail.Overlay.Thread'])
  if (asker !== k.thread.address) return STATUS_ACCESS_VIOLATION
  const mdl = k.mdls.allocate(a.Buffer, a.Length)
  if (!mdl) return STATUS_INSUFFICIENT_RESOURCES
  try {
    k.mdls.probeAndLock(mdl, true, write)
  } catch (error) {
    k.mdls.free(mdl)
    if (error instanceof NtException) return error.code
    throw error
  }
  const buffer = k.mdls.systemAddress(mdl, NormalPagePriority | MdlMappingNoExecute)
  const data: MemoryData = { buffer, size: a.Length, mdl }
  const memory = buffer ? framework(k).create('memory', request, data) : null
  if (!memory) {
    k.mdls.free(mdl)
    return STATUS_INSUFFICIENT_RESOURCES
  }
  a.MemoryObject.write(memory.handle)
  return STATUS_SUCCESS
}

const probeAndLock = (write: boolean) =>
  ddi({
    params: { Request: REQUEST, Buffer: t.pvoid, Length: t.size, MemoryObject: t.out(MEMORY) },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: `Checks that the caller may ${write ? 'write' : 'read'} a buffer of its own, and locks and maps it until the request is completed.`,
    docs: `wdfrequest/nf-wdfrequest-wdfrequestprobeandlockuserbufferfor${write ? 'write' : 'read'}`,
    run: (k, a) => lockUserBuffer(k, a, write),
  })

export const WDF_REQUEST_DDIS = {
  WdfDeviceInitSetIoInCallerContextCallback: ddi({
    params: { DeviceInit: INIT, EvtIoInCallerContext: t.fn('FN_WDF_IO_IN_CALLER_CONTEXT') },
    returns: t.void,
    irql: [0, 0],
    summary: 'A function that sees each request in the thread that asks, before it is queued.',
    docs: 'wdfdevice/nf-wdfdevice-wdfdeviceinitsetioincallercontextcallback',
    run(k, a) {
      const { data } = framework(k).object<InitData>(a.DeviceInit, 'init')
      data.inCaller = a.EvtIoInCallerContext
    },
  }),

  WdfDeviceEnqueueRequest: ddi({
    params: { Device: DEVICE, Request: REQUEST },
    returns: t.ntstatus,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Gives a request that EvtIoInCallerContext has seen to the queue of its device.',
    docs: 'wdfdevice/nf-wdfdevice-wdfdeviceenqueuerequest',
    *run(k, a) {
      const { queue } = framework(k).object<DeviceData>(a.Device, 'device').data
      const request = requestOf(k, a.Request)
      if (!queue || request.data.queue) return STATUS_INVALID_DEVICE_REQUEST
      yield* queue.accept(request.data.irp, request)
      return STATUS_SUCCESS
    },
  }),

  WdfRequestGetParameters: ddi({
    params: { Request: REQUEST, Parameters: t.ptr('WDF_REQUEST_PARAMETERS') },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'What a request asks for: its type, its lengths, its control code.',
    docs: 'wdfrequest/nf-wdfrequest-wdfrequestgetparameters',
    run(k, a) {
      const { memory } = k
      const { irp } = requestOf(k, a.Request).data
      const stack = k.irps.current(irp)
      const { major } = askedOf(k, irp)
      const P = WDF_REQUEST_PARAMETERS
      const at = a.Parameters
      memory.setU8(at + P.MinorFunction, memory.u8(stack + IO_STACK_LOCATION.MinorFunction))
      memory.setU32(at + P.Type, TYPES[major] ?? 0)
      // The same four words as in the stack location, the lengths widened to SIZE_T.
      const words = IO_STACK_LOCATION['Parameters.Read.Length']
      const into = P['Parameters.Read.Length']
      memory.setU64(at + into, BigInt(memory.u32(stack + words)))
      const isControl = major !== IRP_MJ_READ && major !== IRP_MJ_WRITE
      for (const word of [8, 16, 24]) {
        const value = memory.u64(stack + words + word)
        memory.setU64(at + into + word, word === 8 && isControl ? value & 0xffff_ffffn : value)
      }
    },
  }),

  WDF_REQUEST_PARAMETERS_INIT: filling(
    'WDF_REQUEST_PARAMETERS',
    WDF_REQUEST_PARAMETERS.SIZE,
    () => undefined,
  ),

  WdfRequestRetrieveUnsafeUserInputBuffer: unsafeBuffer('input'),
  WdfRequestRetrieveUnsafeUserOutputBuffer: unsafeBuffer('output'),
  WdfRequestProbeAndLockUserBufferForRead: probeAndLock(false),
  WdfRequestProbeAndLockUserBufferForWrite: probeAndLock(true),

  WdfMemoryGetBuffer: ddi({
    params: { Memory: MEMORY, BufferSize: LENGTH_OUT },
    returns: t.pvoid,
    irql: [0, DISPATCH_LEVEL],
    summary: 'The memory behind a memory object, and its size.',
    docs: 'wdfmemory/nf-wdfmemory-wdfmemorygetbuffer',
    run(k, a) {
      const { buffer, size } = framework(k).object<MemoryData>(a.Memory, 'memory').data
      a.BufferSize.write(BigInt(size))
      return buffer
    },
  }),
}
