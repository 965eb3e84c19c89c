/*
 * OwnMailbox: the device of driver.ts, with the read that waits in the driver's own hands.
 *
 * A driver that has to keep a request itself, because its hardware works on it, tells the framework
 * that it may be cancelled. From then on two may want to complete it, and WdfRequestUnmarkCancelable
 * is the referee: STATUS_SUCCESS, and the caller completes it; STATUS_CANCELLED, and EvtRequestCancel
 * does.
 *
 * One read at a time is enough to show it; a second one is told that the device is not ready.
 */
import {
  NT_SUCCESS,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_CANCELLED,
  STATUS_DEVICE_NOT_READY,
  STATUS_SUCCESS,
  WDF_DRIVER_CONFIG,
  WDF_DRIVER_CONFIG_INIT,
  WDF_IO_QUEUE_CONFIG,
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
  WdfIoQueueDispatchParallel,
  WdfIoQueueGetDevice,
  WdfObjectGetTypedContext,
  WdfRequestComplete,
  WdfRequestCompleteWithInformation,
  WdfRequestGetIoQueue,
  WdfRequestMarkCancelableEx,
  WdfRequestRetrieveInputBuffer,
  WdfRequestRetrieveOutputBuffer,
  WdfRequestUnmarkCancelable,
  WdfSpinLockAcquire,
  WdfSpinLockCreate,
  WdfSpinLockRelease,
  array,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, Ptr, SIZE_T, ULONG, UNICODE_STRING } from 'wdm'

/** What belongs to the device and goes with it. */
const MAILBOX = struct('MAILBOX', {
  Lock: PVOID,
  /** The read that waits; NULL for none. */
  Reader: PVOID,
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
  WdfDeviceInitAssignName(init[0], RTL_CONSTANT_STRING('\\Device\\OwnMailbox'))
  const attributes = local(WDF_OBJECT_ATTRIBUTES)
  WDF_OBJECT_ATTRIBUTES_INIT(attributes)
  attributes.ContextSizeOverride = sizeof(MAILBOX)
  const device = out<PVOID>()
  status = WdfDeviceCreate(init, attributes, device)
  if (!NT_SUCCESS(status)) return status
  status = WdfDeviceCreateSymbolicLink(device.value, RTL_CONSTANT_STRING('\\??\\OwnMailbox'))
  if (!NT_SUCCESS(status)) return status

  const queue = local(WDF_IO_QUEUE_CONFIG)
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queue, WdfIoQueueDispatchParallel)
  queue.EvtIoRead = MailboxRead
  queue.EvtIoWrite = MailboxWrite
  status = WdfIoQueueCreate(device.value, queue, null, null)
  if (!NT_SUCCESS(status)) return status

  // The lock belongs to the device, and goes with it.
  WDF_OBJECT_ATTRIBUTES_INIT(attributes)
  attributes.ParentObject = device.value
  const lock = out<PVOID>()
  status = WdfSpinLockCreate(attributes, lock)
  if (!NT_SUCCESS(status)) return status
  MailboxOf(device.value).Lock = lock.value

  WdfControlFinishInitializing(device.value)
  return STATUS_SUCCESS
}

function MailboxOf(Device: PVOID): Ptr<typeof MAILBOX> {
  return cast(MAILBOX, WdfObjectGetTypedContext(Device))
}

function MailboxRead(Queue: PVOID, Request: PVOID, Length: ULONG): void {
  const mailbox = MailboxOf(WdfIoQueueGetDevice(Queue))
  WdfSpinLockAcquire(mailbox.Lock)
  let status = STATUS_DEVICE_NOT_READY
  if (mailbox.Reader === null) {
    // Cancelled already: the framework calls nobody, and the request is still the driver's.
    status = WdfRequestMarkCancelableEx(Request, MailboxCancel)
    if (NT_SUCCESS(status)) mailbox.Reader = Request
  }
  WdfSpinLockRelease(mailbox.Lock)
  if (!NT_SUCCESS(status)) WdfRequestComplete(Request, status)
}

/** The framework calls it when a marked request is cancelled. From here on it is the driver's. */
function MailboxCancel(Request: PVOID): void {
  const mailbox = MailboxOf(WdfIoQueueGetDevice(WdfRequestGetIoQueue(Request)))
  WdfSpinLockAcquire(mailbox.Lock)
  if (mailbox.Reader === Request) mailbox.Reader = null
  WdfSpinLockRelease(mailbox.Lock)
  WdfRequestComplete(Request, STATUS_CANCELLED)
}

/** The read that waits, unless it is being cancelled; the caller owns it. */
function TakeReader(Device: PVOID): PVOID {
  const mailbox = MailboxOf(Device)
  WdfSpinLockAcquire(mailbox.Lock)
  const reader = mailbox.Reader
  mailbox.Reader = null
  const status = reader === null ? STATUS_CANCELLED : WdfRequestUnmarkCancelable(reader)
  WdfSpinLockRelease(mailbox.Lock)
  return NT_SUCCESS(status) ? reader : null
}

function MailboxWrite(Queue: PVOID, Request: PVOID, Length: ULONG): void {
  const reader = TakeReader(WdfIoQueueGetDevice(Queue))
  if (reader === null) {
    WdfRequestComplete(Request, STATUS_DEVICE_NOT_READY)
    return
  }
  const given = out<PVOID>()
  const space = out<PVOID>()
  const length = out<SIZE_T>()
  let status = WdfRequestRetrieveInputBuffer(Request, 1, given, null)
  if (NT_SUCCESS(status)) status = WdfRequestRetrieveOutputBuffer(reader, 1, space, length)
  if (!NT_SUCCESS(status)) {
    WdfRequestComplete(reader, status)
    WdfRequestComplete(Request, status)
    return
  }
  const count = Math.min(Length, Number(length.value))
  RtlCopyMemory(space.value, given.value, count)
  WdfRequestCompleteWithInformation(reader, STATUS_SUCCESS, count)
  WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, count)
}

function MailboxUnload(Driver: PVOID): void {
  // The framework takes down what belongs to the driver.
}
