/*
 * Mailbox in KMDF: a read waits until somebody writes, and can be cancelled while it waits.
 *
 * The default queue hands every request out as it comes; a read goes on into a second queue, a manual
 * one, which hands out nothing until it is asked. While a request is in a queue, cancelling it is
 * the framework's affair: there is no cancel routine in this file, no lock and no race.
 *
 * own.ts is the same device with a read that the driver keeps itself.
 */
import {
  NT_SUCCESS,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_DEVICE_NOT_READY,
  STATUS_SUCCESS,
  WDF_DRIVER_CONFIG,
  WDF_DRIVER_CONFIG_INIT,
  WDF_IO_QUEUE_CONFIG,
  WDF_IO_QUEUE_CONFIG_INIT,
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE,
  WDF_OBJECT_ATTRIBUTES,
  WDF_OBJECT_ATTRIBUTES_INIT,
  WdfControlDeviceInitAllocate,
  WdfControlFinishInitializing,
  WdfDeviceCreate,
  WdfDeviceCreateSymbolicLink,
  WdfDeviceInitAssignName,
  WdfDriverCreate,
  WdfDriverInitNonPnpDriver,
  WdfIoQueueCreate,
  WdfIoQueueDispatchManual,
  WdfIoQueueDispatchParallel,
  WdfIoQueueGetDevice,
  WdfIoQueueRetrieveNextRequest,
  WdfObjectGetTypedContext,
  WdfRequestComplete,
  WdfRequestCompleteWithInformation,
  WdfRequestForwardToIoQueue,
  WdfRequestRetrieveInputBuffer,
  WdfRequestRetrieveOutputBuffer,
  array,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, SIZE_T, ULONG, UNICODE_STRING } from 'wdm'

/** What belongs to the device and goes with it. */
const MAILBOX = struct('MAILBOX', {
  /** The queue of reads that wait. */
  Readers: PVOID,
})

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const config = local(WDF_DRIVER_CONFIG)
  WDF_DRIVER_CONFIG_INIT(config, null)
  config.DriverInitFlags = WdfDriverInitNonPnpDriver
  config.EvtDriverUnload = MailboxUnload
  const driver = out<PVOID>()
  let status = WdfDriverCreate(DriverObject, RegistryPath, null, config, driver)
  if (!NT_SUCCESS(status)) return status

  const init = local(array(PVOID, 1))
  init[0] = WdfControlDeviceInitAllocate(driver.value, RTL_CONSTANT_STRING('D:P'))
  WdfDeviceInitAssignName(init[0], RTL_CONSTANT_STRING('\\Device\\Mailbox'))
  const attributes = local(WDF_OBJECT_ATTRIBUTES)
  WDF_OBJECT_ATTRIBUTES_INIT(attributes)
  attributes.ContextSizeOverride = sizeof(MAILBOX)
  const device = out<PVOID>()
  status = WdfDeviceCreate(init, attributes, device)
  if (!NT_SUCCESS(status)) return status
  status = WdfDeviceCreateSymbolicLink(device.value, RTL_CONSTANT_STRING('\\??\\Mailbox'))
  if (!NT_SUCCESS(status)) return status

  const queue = local(WDF_IO_QUEUE_CONFIG)
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queue, WdfIoQueueDispatchParallel)
  queue.EvtIoRead = MailboxRead
  queue.EvtIoWrite = MailboxWrite
  status = WdfIoQueueCreate(device.value, queue, null, null)
  if (!NT_SUCCESS(status)) return status

  WDF_IO_QUEUE_CONFIG_INIT(queue, WdfIoQueueDispatchManual)
  const readers = out<PVOID>()
  status = WdfIoQueueCreate(device.value, queue, null, readers)
  if (!NT_SUCCESS(status)) return status
  cast(MAILBOX, WdfObjectGetTypedContext(device.value)).Readers = readers.value

  WdfControlFinishInitializing(device.value)
  return STATUS_SUCCESS
}

function ReadersOf(Queue: PVOID): PVOID {
  return cast(MAILBOX, WdfObjectGetTypedContext(WdfIoQueueGetDevice(Queue))).Readers
}

function MailboxRead(Queue: PVOID, Request: PVOID, Length: ULONG): void {
  const status = WdfRequestForwardToIoQueue(Request, ReadersOf(Queue))
  // Then the request is still the driver's.
  if (!NT_SUCCESS(status)) WdfRequestComplete(Request, status)
}

function MailboxWrite(Queue: PVOID, Request: PVOID, Length: ULONG): void {
  const reader = out<PVOID>()
  // What comes out of a queue is not being cancelled: it is the driver's, until it is completed.
  if (!NT_SUCCESS(WdfIoQueueRetrieveNextRequest(ReadersOf(Queue), reader))) {
    WdfRequestComplete(Request, STATUS_DEVICE_NOT_READY)
    return
  }
  const given = out<PVOID>()
  const space = out<PVOID>()
  const length = out<SIZE_T>()
  let status = WdfRequestRetrieveInputBuffer(Request, 1, given, null)
  if (NT_SUCCESS(status)) status = WdfRequestRetrieveOutputBuffer(reader.value, 1, space, length)
  if (!NT_SUCCESS(status)) {
    WdfRequestComplete(reader.value, status)
    WdfRequestComplete(Request, status)
    return
  }
  const count = Math.min(Length, Number(length.value))
  RtlCopyMemory(space.value, given.value, count)
  WdfRequestCompleteWithInformation(reader.value, STATUS_SUCCESS, count)
  WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, count)
}

function MailboxUnload(Driver: PVOID): void {
  // The framework takes down what belongs to the driver.
}
