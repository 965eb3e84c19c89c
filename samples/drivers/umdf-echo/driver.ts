/*
 * Echo in user mode (UMDF): the same device, the same four control codes and the same client as the
 * samples "Echo: the transfer methods of control codes" (WDM) and "Echo in KMDF".
 *
 * This code runs in the process WUDFHost.exe. The reflector, a driver in the device's stack, copies
 * what a packet brings into a message for the host, and what the host answers back into the packet.
 * No pointer in here leads into the kernel or into the client.
 */
import {
  DbgPrint,
  NT_SUCCESS,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  WDF_DRIVER_CONFIG,
  WDF_DRIVER_CONFIG_INIT,
  WDF_IO_QUEUE_CONFIG,
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE,
  WdfDeviceCreate,
  WdfDeviceCreateSymbolicLink,
  WdfDriverCreate,
  WdfIoQueueCreate,
  WdfIoQueueDispatchParallel,
  WdfRequestComplete,
  WdfRequestCompleteWithInformation,
  WdfRequestRetrieveInputBuffer,
  WdfRequestRetrieveOutputBuffer,
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

/** A host process is in session 0; the link has to be one that everybody sees. */
const LinkName = RTL_CONSTANT_STRING('\\DosDevices\\Global\\Echo')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const config = local(WDF_DRIVER_CONFIG)
  WDF_DRIVER_CONFIG_INIT(config, EchoDeviceAdd)
  return WdfDriverCreate(DriverObject, RegistryPath, null, config, null)
}

/** A UMDF driver always serves a device of the PnP manager: there are no control devices. */
function EchoDeviceAdd(Driver: PVOID, DeviceInit: PVOID): NTSTATUS {
  const init = local(array(PVOID, 1))
  init[0] = DeviceInit
  const device = out<PVOID>()
  let status = WdfDeviceCreate(init, null, device)
  if (!NT_SUCCESS(status)) return status

  const queue = local(WDF_IO_QUEUE_CONFIG)
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queue, WdfIoQueueDispatchParallel)
  queue.EvtIoDeviceControl = EchoDeviceControl
  status = WdfIoQueueCreate(device.value, queue, null, null)
  return NT_SUCCESS(status) ? WdfDeviceCreateSymbolicLink(device.value, LinkName) : status
}

function EchoDeviceControl(
  Queue: PVOID,
  Request: PVOID,
  OutputBufferLength: ULONG,
  InputBufferLength: ULONG,
  IoControlCode: ULONG,
): void {
  switch (IoControlCode) {
    case IOCTL_ECHO_BUFFERED:
    case IOCTL_ECHO_OUT_DIRECT:
    case IOCTL_ECHO_NEITHER:
      // The method decides what the reflector does. In here all three look alike.
      EchoBack(Request)
      break
    case IOCTL_ECHO_IN_DIRECT:
      EchoInDirect(Request)
      break
    default:
      WdfRequestComplete(Request, STATUS_INVALID_DEVICE_REQUEST)
  }
}

function EchoBack(Request: PVOID): void {
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
