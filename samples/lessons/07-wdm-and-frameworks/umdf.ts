/*
 * SumsUmdf: adds up the bytes of a request. The same driver in a process of its own.
 */
import {
  NT_SUCCESS,
  PVOID,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  WDF_DRIVER_CONFIG,
  WDF_DRIVER_CONFIG_INIT,
  WDF_IO_QUEUE_CONFIG,
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE,
  WdfDeviceCreate,
  WdfDeviceCreateSymbolicLink,
  WdfDriverCreate,
  WdfIoQueueCreate,
  WdfIoQueueDispatchSequential,
  WdfRequestCompleteWithInformation,
  WdfRequestRetrieveInputBuffer,
  WdfRequestRetrieveOutputBuffer,
  array,
  local,
  out,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, ULONG, UNICODE_STRING } from 'wdm'

const LinkName = RTL_CONSTANT_STRING('\\DosDevices\\Global\\SumsUmdf')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const config = local(WDF_DRIVER_CONFIG)
  WDF_DRIVER_CONFIG_INIT(config, SumsDeviceAdd)
  return WdfDriverCreate(DriverObject, RegistryPath, null, config, null)
}

function SumsDeviceAdd(Driver: PVOID, DeviceInit: PVOID): NTSTATUS {
  const init = local(array(PVOID, 1))
  init[0] = DeviceInit
  const device = out<PVOID>()
  let status = WdfDeviceCreate(init, null, device)
  if (!NT_SUCCESS(status)) return status

  const queue = local(WDF_IO_QUEUE_CONFIG)
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queue, WdfIoQueueDispatchSequential)
  queue.EvtIoDeviceControl = SumsDeviceControl
  status = WdfIoQueueCreate(device.value, queue, null, null)
  return NT_SUCCESS(status) ? WdfDeviceCreateSymbolicLink(device.value, LinkName) : status
}

function SumsDeviceControl(
  Queue: PVOID,
  Request: PVOID,
  OutputBufferLength: ULONG,
  InputBufferLength: ULONG,
  IoControlCode: ULONG,
): void {
  const input = out<PVOID>()
  const output = out<PVOID>()
  WdfRequestRetrieveInputBuffer(Request, 1, input, null)
  WdfRequestRetrieveOutputBuffer(Request, 4, output, null)

  let sum: ULONG = input.value.u8[0]
  for (let i = 1; i < InputBufferLength; i++) sum += input.value.u8[i]
  output.value.u32[0] = sum
  WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, 4)
}
