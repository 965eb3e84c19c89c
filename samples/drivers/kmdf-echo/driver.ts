/*
 * Echo in the driver framework (KMDF): the same device, the same four control codes and the same
 * client as the sample "Echo: the transfer methods of control codes", which is the WDM driver.
 *
 * There are no dispatch routines here. The framework puts its own into the driver object, opens and
 * closes handles, marks packets pending, keeps the queue, and cancels what waits in it.
 */
import {
  DbgPrint,
  NT_SUCCESS,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  WDF_DRIVER_CONFIG,
  WDF_DRIVER_CONFIG_INIT,
  WDF_IO_QUEUE_CONFIG,
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE,
  WDF_REQUEST_PARAMETERS,
  WDF_REQUEST_PARAMETERS_INIT,
  WdfControlDeviceInitAllocate,
  WdfControlFinishInitializing,
  WdfDeviceCreate,
  WdfDeviceCreateSymbolicLink,
  WdfDeviceEnqueueRequest,
  WdfDeviceInitAssignName,
  WdfDeviceInitFree,
  WdfDeviceInitSetIoInCallerContextCallback,
  WdfDriverCreate,
  WdfDriverInitNonPnpDriver,
  WdfIoQueueCreate,
  WdfIoQueueDispatchParallel,
  WdfMemoryGetBuffer,
  WdfObjectDelete,
  WdfRequestComplete,
  WdfRequestCompleteWithInformation,
  WdfRequestGetParameters,
  WdfRequestProbeAndLockUserBufferForRead,
  WdfRequestProbeAndLockUserBufferForWrite,
  WdfRequestRetrieveInputBuffer,
  WdfRequestRetrieveOutputBuffer,
  WdfRequestRetrieveUnsafeUserInputBuffer,
  WdfRequestRetrieveUnsafeUserOutputBuffer,
  array,
  local,
  out,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, SIZE_T, ULONG, UNICODE_STRING } from 'wdm'
import {
  IOCTL_ECHO_BUFFERED,
  IOCTL_ECHO_IN_DIRECT,
  IOCTL_ECHO_NEITHER,
  IOCTL_ECHO_OUT_DIRECT,
} from './ioctl'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Echo')
const LinkName = RTL_CONSTANT_STRING('\\??\\Echo')
/** Who may open the device: the system, administrators, and everybody else. */
const SDDL = RTL_CONSTANT_STRING('D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGW;;;WD)')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const config = local(WDF_DRIVER_CONFIG)
  WDF_DRIVER_CONFIG_INIT(config, null)
  config.DriverInitFlags = WdfDriverInitNonPnpDriver
  // Without this the driver could not be unloaded. There is nothing left to do in it.
  config.EvtDriverUnload = EchoUnload
  const driver = out<PVOID>()
  const status = WdfDriverCreate(DriverObject, RegistryPath, null, config, driver)
  return NT_SUCCESS(status) ? EchoCreateDevice(driver.value) : status
}

/** A control device: one that stands alone, without hardware and PnP, as the WDM driver's does. */
function EchoCreateDevice(driver: PVOID): NTSTATUS {
  const init = local(array(PVOID, 1))
  init[0] = WdfControlDeviceInitAllocate(driver, SDDL)
  if (init[0] === null) return STATUS_INSUFFICIENT_RESOURCES
  WdfDeviceInitSetIoInCallerContextCallback(init[0], EchoInCallerContext)

  const device = out<PVOID>()
  let status = WdfDeviceInitAssignName(init[0], DeviceName)
  if (NT_SUCCESS(status)) status = WdfDeviceCreate(init, null, device)
  if (!NT_SUCCESS(status)) {
    WdfDeviceInitFree(init[0])
    return status
  }

  const queue = local(WDF_IO_QUEUE_CONFIG)
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queue, WdfIoQueueDispatchParallel)
  queue.EvtIoDeviceControl = EchoDeviceControl
  status = WdfDeviceCreateSymbolicLink(device.value, LinkName)
  if (NT_SUCCESS(status)) status = WdfIoQueueCreate(device.value, queue, null, null)
  if (NT_SUCCESS(status)) WdfControlFinishInitializing(device.value)
  else WdfObjectDelete(device.value)
  return status
}

/** Comes from the queue, in whatever thread. The buffers are ready for the kernel. */
function EchoDeviceControl(
  Queue: PVOID,
  Request: PVOID,
  OutputBufferLength: ULONG,
  InputBufferLength: ULONG,
  IoControlCode: ULONG,
): void {
  switch (IoControlCode) {
    case IOCTL_ECHO_BUFFERED:
      // Both buffers are one block; its input is its answer already.
      WdfRequestCompleteWithInformation(
        Request,
        STATUS_SUCCESS,
        Math.min(InputBufferLength, OutputBufferLength),
      )
      break
    case IOCTL_ECHO_IN_DIRECT:
      EchoInDirect(Request)
      break
    case IOCTL_ECHO_OUT_DIRECT:
      EchoOutDirect(Request)
      break
    default:
      WdfRequestComplete(Request, STATUS_INVALID_DEVICE_REQUEST)
  }
}

function EchoInDirect(Request: PVOID): void {
  const data = out<PVOID>()
  const length = out<SIZE_T>()
  const status = WdfRequestRetrieveOutputBuffer(Request, 1, data, length)
  if (NT_SUCCESS(status)) {
    let sum = 0
    for (let i = 0; i < length.value; i++) sum += data.value.u8[i]
    DbgPrint('Echo: IN_DIRECT, %u bytes, sum 0x%X\n', length.value, sum)
  }
  WdfRequestComplete(Request, status)
}

function EchoOutDirect(Request: PVOID): void {
  const input = out<PVOID>()
  const output = out<PVOID>()
  const have = out<SIZE_T>()
  const room = out<SIZE_T>()
  let status = WdfRequestRetrieveInputBuffer(Request, 1, input, have)
  if (NT_SUCCESS(status)) status = WdfRequestRetrieveOutputBuffer(Request, 1, output, room)
  if (!NT_SUCCESS(status)) {
    WdfRequestComplete(Request, status)
    return
  }
  const length = have.value < room.value ? have.value : room.value
  RtlCopyMemory(output.value, input.value, length)
  WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, length)
}

/** Runs in the thread that asks, before the queue: the only place where its own pointers mean anything. */
function EchoInCallerContext(Device: PVOID, Request: PVOID): void {
  const parameters = local(WDF_REQUEST_PARAMETERS)
  WDF_REQUEST_PARAMETERS_INIT(parameters)
  WdfRequestGetParameters(Request, parameters)
  if (parameters.Parameters.DeviceIoControl.IoControlCode === IOCTL_ECHO_NEITHER) {
    EchoNeither(Request)
    return
  }
  const status = WdfDeviceEnqueueRequest(Device, Request)
  if (!NT_SUCCESS(status)) WdfRequestComplete(Request, status)
}

function EchoNeither(Request: PVOID): void {
  const input = out<PVOID>()
  const output = out<PVOID>()
  const have = out<SIZE_T>()
  const room = out<SIZE_T>()
  let status = WdfRequestRetrieveUnsafeUserInputBuffer(Request, 1, input, have)
  if (NT_SUCCESS(status))
    status = WdfRequestRetrieveUnsafeUserOutputBuffer(Request, 1, output, room)
  if (!NT_SUCCESS(status)) {
    WdfRequestComplete(Request, status)
    return
  }
  const length = have.value < room.value ? have.value : room.value

  // The framework checks and locks the pages, so neither probes nor a handler are needed. What it
  // locked belongs to the request and is let go when that is completed.
  const from = out<PVOID>()
  const to = out<PVOID>()
  status = WdfRequestProbeAndLockUserBufferForRead(Request, input.value, length, from)
  if (NT_SUCCESS(status))
    status = WdfRequestProbeAndLockUserBufferForWrite(Request, output.value, length, to)
  if (NT_SUCCESS(status)) {
    RtlCopyMemory(WdfMemoryGetBuffer(to.value, null), WdfMemoryGetBuffer(from.value, null), length)
    WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, length)
    return
  }
  DbgPrint('Echo: NEITHER, bad buffer, status 0x%08X\n', status)
  WdfRequestComplete(Request, status)
}

function EchoUnload(Driver: PVOID): void {
  DbgPrint('Echo: unloaded\n')
}
