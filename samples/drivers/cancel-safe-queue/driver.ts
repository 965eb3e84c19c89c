/*
 * Mailbox: a read waits until somebody writes, and can be cancelled while it waits.
 *
 * A packet that waits has two who may want to complete it: the writer that brings data, and the
 * cancel routine that the I/O manager calls for CancelIo, or when the program ends. Exactly one of
 * them may. IoSetCancelRoutine is the referee: it exchanges the pointer in one step, and whoever
 * gets the routine back owns the packet.
 *
 * csq.ts is the same device with the library that Windows has for this, IoCsq.
 */
import {
  CONTAINING_RECORD,
  DO_BUFFERED_IO,
  FILE_DEVICE_UNKNOWN,
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
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  IoMarkIrpPending,
  IoReleaseCancelSpinLock,
  IoSetCancelRoutine,
  IsListEmpty,
  KSPIN_LOCK,
  KeAcquireSpinLock,
  KeInitializeSpinLock,
  KeReleaseSpinLock,
  LIST_ENTRY,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  RemoveEntryList,
  RemoveHeadList,
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
import type { DEVICE_OBJECT, DRIVER_OBJECT, KIRQL, NTSTATUS, Ptr, UNICODE_STRING } from 'wdm'

const MAILBOX = struct('MAILBOX', {
  Lock: KSPIN_LOCK,
  /** Reads that wait, linked through their Tail.Overlay.ListEntry. */
  Readers: LIST_ENTRY,
})
type PMAILBOX = Ptr<typeof MAILBOX>

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Mailbox')
const LinkName = RTL_CONSTANT_STRING('\\??\\Mailbox')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = MailboxCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = MailboxCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = MailboxCleanup
  DriverObject.MajorFunction[IRP_MJ_READ] = MailboxRead
  DriverObject.MajorFunction[IRP_MJ_WRITE] = MailboxWrite
  DriverObject.DriverUnload = MailboxUnload

  // Exclusive: one open at a time, so every packet in the queue belongs to the same handle.
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

  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function MailboxCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function MailboxRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const mailbox = cast(MAILBOX, DeviceObject.DeviceExtension)
  const irql = out<KIRQL>()
  KeAcquireSpinLock(mailbox.Lock, irql)
  IoMarkIrpPending(Irp)
  InsertTailList(mailbox.Readers, Irp.Tail.Overlay.ListEntry)
  IoSetCancelRoutine(Irp, MailboxCancel)

  // Was the packet cancelled before the routine was there? Then nobody calls it any more, unless it
  // began between the two lines: in that case it waits for the lock and does everything itself.
  if (Irp.Cancel && IoSetCancelRoutine(Irp, null) !== null) {
    RemoveEntryList(Irp.Tail.Overlay.ListEntry)
    KeReleaseSpinLock(mailbox.Lock, irql.value)
    Complete(Irp, STATUS_CANCELLED, 0)
    // The packet is marked pending, so this is what has to be returned.
    return STATUS_PENDING
  }
  KeReleaseSpinLock(mailbox.Lock, irql.value)
  return STATUS_PENDING
}

/** The oldest waiting read that is not being cancelled; the caller owns it. */
function TakeReader(mailbox: PMAILBOX): IRP | null {
  let taken: IRP | null = null
  const irql = out<KIRQL>()
  KeAcquireSpinLock(mailbox.Lock, irql)
  while (taken === null && !IsListEmpty(mailbox.Readers)) {
    const entry = RemoveHeadList(mailbox.Readers)
    const irp = CONTAINING_RECORD(entry, IRP, 'Tail.Overlay.ListEntry')
    if (IoSetCancelRoutine(irp, null) !== null) taken = irp
    // The cancel routine has begun and will take the packet out of the list once more: an entry
    // that points at itself may be removed any number of times.
    else InitializeListHead(entry)
  }
  KeReleaseSpinLock(mailbox.Lock, irql.value)
  return taken
}

/** Called by the I/O manager at DISPATCH_LEVEL with the system's cancel spin lock held. */
function MailboxCancel(DeviceObject: DEVICE_OBJECT, Irp: IRP): void {
  // The queue has a lock of its own. The cancel spin lock is one for the whole machine: give it
  // back at once, with the IRQL that was before IoCancelIrp took it.
  IoReleaseCancelSpinLock(Irp.CancelIrql)

  const mailbox = cast(MAILBOX, DeviceObject.DeviceExtension)
  const irql = out<KIRQL>()
  KeAcquireSpinLock(mailbox.Lock, irql)
  RemoveEntryList(Irp.Tail.Overlay.ListEntry)
  KeReleaseSpinLock(mailbox.Lock, irql.value)
  Complete(Irp, STATUS_CANCELLED, 0)
}

function MailboxWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const reader = TakeReader(cast(MAILBOX, DeviceObject.DeviceExtension))
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
    const reader = TakeReader(mailbox)
    if (reader === null) break
    Complete(reader, STATUS_CANCELLED, 0)
  }
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function MailboxUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
