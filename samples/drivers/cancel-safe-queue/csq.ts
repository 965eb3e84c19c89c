/*
 * CsqMailbox: the device of driver.ts with IoCsq, the cancel-safe queue of Windows.
 *
 * The driver says how its queue is locked, filled, emptied and searched; the library sets the cancel
 * routines, decides who owns a packet and calls CsqCompleteCanceled for the cancelled ones. There is
 * no cancel routine in this file and no race to think about.
 */
import {
  CONTAINING_RECORD,
  DO_BUFFERED_IO,
  FILE_DEVICE_UNKNOWN,
  IO_CSQ,
  IO_NO_INCREMENT,
  IRP,
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  InitializeListHead,
  InsertTailList,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoCsqInitialize,
  IoCsqInsertIrp,
  IoCsqRemoveNextIrp,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KSPIN_LOCK,
  KeAcquireSpinLock,
  KeInitializeSpinLock,
  KeReleaseSpinLock,
  LIST_ENTRY,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  RemoveEntryList,
  RtlCopyMemory,
  STATUS_CANCELLED,
  STATUS_DEVICE_NOT_READY,
  STATUS_PENDING,
  STATUS_SUCCESS,
  TRUE,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, KIRQL, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const MAILBOX = struct('CSQ_MAILBOX', {
  Csq: IO_CSQ,
  Lock: KSPIN_LOCK,
  Readers: LIST_ENTRY,
})

const DeviceName = RTL_CONSTANT_STRING('\\Device\\CsqMailbox')
const LinkName = RTL_CONSTANT_STRING('\\??\\CsqMailbox')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = MailboxCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = MailboxCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = MailboxCleanup
  DriverObject.MajorFunction[IRP_MJ_READ] = MailboxRead
  DriverObject.MajorFunction[IRP_MJ_WRITE] = MailboxWrite
  DriverObject.DriverUnload = MailboxUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(MAILBOX),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    TRUE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO

  const mailbox = cast(MAILBOX, device.value.DeviceExtension)
  KeInitializeSpinLock(mailbox.Lock)
  InitializeListHead(mailbox.Readers)
  status = IoCsqInitialize(
    mailbox.Csq,
    CsqInsert,
    CsqRemove,
    CsqPeekNext,
    CsqAcquireLock,
    CsqReleaseLock,
    CsqCompleteCanceled,
  )
  if (NT_SUCCESS(status)) status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

// The six routines that make the list a cancel-safe queue. The library calls the first three with
// the lock held.

function CsqInsert(Csq: IO_CSQ, Irp: IRP): void {
  const mailbox = CONTAINING_RECORD(Csq, MAILBOX, 'Csq')
  InsertTailList(mailbox.Readers, Irp.Tail.Overlay.ListEntry)
}

function CsqRemove(Csq: IO_CSQ, Irp: IRP): void {
  RemoveEntryList(Irp.Tail.Overlay.ListEntry)
}

/** The packet behind `Irp`, or the first one for NULL; NULL at the end. */
function CsqPeekNext(Csq: IO_CSQ, Irp: IRP, PeekContext: PVOID): IRP {
  const mailbox = CONTAINING_RECORD(Csq, MAILBOX, 'Csq')
  const next = Irp === null ? mailbox.Readers.Flink : Irp.Tail.Overlay.ListEntry.Flink
  return next === mailbox.Readers ? null : CONTAINING_RECORD(next, IRP, 'Tail.Overlay.ListEntry')
}

function CsqAcquireLock(Csq: IO_CSQ, Irql: PVOID): void {
  KeAcquireSpinLock(CONTAINING_RECORD(Csq, MAILBOX, 'Csq').Lock, Irql)
}

function CsqReleaseLock(Csq: IO_CSQ, Irql: KIRQL): void {
  KeReleaseSpinLock(CONTAINING_RECORD(Csq, MAILBOX, 'Csq').Lock, Irql)
}

function CsqCompleteCanceled(Csq: IO_CSQ, Irp: IRP): void {
  Complete(Irp, STATUS_CANCELLED, 0)
}

function MailboxCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function MailboxRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  // Marks the packet pending, too.
  IoCsqInsertIrp(cast(MAILBOX, DeviceObject.DeviceExtension).Csq, Irp, null)
  return STATUS_PENDING
}

function MailboxWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const reader = IoCsqRemoveNextIrp(cast(MAILBOX, DeviceObject.DeviceExtension).Csq, null)
  if (reader === null) return Complete(Irp, STATUS_DEVICE_NOT_READY, 0)

  const space = IoGetCurrentIrpStackLocation(reader).Parameters.Read.Length
  const given = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  const count = Math.min(space, given)
  RtlCopyMemory(reader.AssociatedIrp.SystemBuffer, Irp.AssociatedIrp.SystemBuffer, count)
  Complete(reader, STATUS_SUCCESS, count)
  return Complete(Irp, STATUS_SUCCESS, count)
}

function MailboxCleanup(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const mailbox = cast(MAILBOX, DeviceObject.DeviceExtension)
  for (;;) {
    const reader = IoCsqRemoveNextIrp(mailbox.Csq, null)
    if (reader === null) break
    Complete(reader, STATUS_CANCELLED, 0)
  }
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function MailboxUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
