/*
 * Bank: locks of every kind, each taken, held and given back as it should be.
 *
 * A write moves an amount between two accounts under two spin locks, notes it in a book that an
 * ERESOURCE guards, and counts it under a fast mutex and under a mutex. A slip of paper from a
 * lookaside list goes with each of them, and a remove lock counts who is inside. A thread of the
 * driver's own does the same once, so that two threads take the same locks.
 */
import {
  Executive,
  ExAcquireFastMutex,
  ExAcquireResourceExclusiveLite,
  ExAllocateFromNPagedLookasideList,
  ExDeleteNPagedLookasideList,
  ExDeleteResourceLite,
  ExFreeToNPagedLookasideList,
  ExInitializeFastMutex,
  ExInitializeNPagedLookasideList,
  ExInitializeResourceLite,
  ExReleaseFastMutex,
  ExReleaseResourceLite,
  ERESOURCE,
  FALSE,
  FAST_MUTEX,
  FILE_DEVICE_UNKNOWN,
  DO_BUFFERED_IO,
  IO_NO_INCREMENT,
  IO_REMOVE_LOCK,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_WRITE,
  IoAcquireRemoveLock,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  IoInitializeRemoveLock,
  IoReleaseRemoveLock,
  KMUTEX,
  KSPIN_LOCK,
  KeAcquireSpinLock,
  KeAcquireSpinLockAtDpcLevel,
  KeEnterCriticalRegion,
  KeInitializeMutex,
  KeInitializeSpinLock,
  KeLeaveCriticalRegion,
  KeReleaseMutex,
  KeReleaseSpinLock,
  KeReleaseSpinLockFromDpcLevel,
  KeWaitForSingleObject,
  KernelMode,
  LONG,
  NPAGED_LOOKASIDE_LIST,
  NT_SUCCESS,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  PVOID,
  PsCreateSystemThread,
  PsTerminateSystemThread,
  RTL_CONSTANT_STRING,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  THREAD_ALL_ACCESS,
  TRUE,
  ULONG,
  ZwClose,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  HANDLE,
  IRP,
  KIRQL,
  NTSTATUS,
  Ptr,
  UNICODE_STRING,
} from 'wdm'

const TAG = 'knaB'

const SLIP = struct('SLIP', { Amount: ULONG })

const BANK = struct('BANK', {
  From: KSPIN_LOCK,
  To: KSPIN_LOCK,
  Count: FAST_MUTEX,
  Door: KMUTEX,
  Book: ERESOURCE,
  Slips: NPAGED_LOOKASIDE_LIST,
  Inside: IO_REMOVE_LOCK,
  Thread: PVOID,
  Moved: LONG,
  Visits: LONG,
})
type PBANK = Ptr<typeof BANK>

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Bank')
const LinkName = RTL_CONSTANT_STRING('\\??\\Bank')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = BankCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = BankCreateClose
  DriverObject.MajorFunction[IRP_MJ_WRITE] = BankWrite
  DriverObject.DriverUnload = BankUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(BANK),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO

  const bank = cast(BANK, device.value.DeviceExtension)
  KeInitializeSpinLock(bank.From)
  KeInitializeSpinLock(bank.To)
  ExInitializeFastMutex(bank.Count)
  KeInitializeMutex(bank.Door, 0)
  ExInitializeResourceLite(bank.Book)
  ExInitializeNPagedLookasideList(bank.Slips, null, null, 0, sizeof(SLIP), TAG, 0)
  IoInitializeRemoveLock(bank.Inside, TAG, 0, 0)

  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (NT_SUCCESS(status)) {
    status = StartThread(bank)
    if (!NT_SUCCESS(status)) IoDeleteSymbolicLink(LinkName)
  }
  if (!NT_SUCCESS(status)) {
    ExDeleteNPagedLookasideList(bank.Slips)
    ExDeleteResourceLite(bank.Book)
    IoDeleteDevice(device.value)
  }
  return status
}

function StartThread(bank: PBANK): NTSTATUS {
  const handle = out<HANDLE>()
  const status = PsCreateSystemThread(handle, THREAD_ALL_ACCESS, null, null, null, BankThread, bank)
  if (!NT_SUCCESS(status)) return status
  const thread = out<PVOID>()
  ObReferenceObjectByHandle(handle.value, THREAD_ALL_ACCESS, null, KernelMode, thread, null)
  bank.Thread = thread.value
  ZwClose(handle.value)
  return STATUS_SUCCESS
}

function BankThread(StartContext: PVOID): void {
  const bank = cast(BANK, StartContext)
  Transfer(bank, 1)
  NoteInBook(bank)
  Visit(bank)
  PsTerminateSystemThread(STATUS_SUCCESS)
}

/** Both accounts change together, so both locks are held; always From before To. */
function Transfer(bank: PBANK, amount: number): void {
  const irql = out<KIRQL>()
  KeAcquireSpinLock(bank.From, irql)
  KeAcquireSpinLockAtDpcLevel(bank.To)
  bank.Moved += amount
  KeReleaseSpinLockFromDpcLevel(bank.To)
  KeReleaseSpinLock(bank.From, irql.value)
}

function Visit(bank: PBANK): void {
  KeWaitForSingleObject(bank.Door, Executive, KernelMode, FALSE, null)
  ExAcquireFastMutex(bank.Count)
  bank.Visits += 1
  ExReleaseFastMutex(bank.Count)
  KeReleaseMutex(bank.Door, FALSE)
}

/** A resource is taken with normal kernel APCs off, so that its owner is not stopped. */
function NoteInBook(bank: PBANK): void {
  KeEnterCriticalRegion()
  ExAcquireResourceExclusiveLite(bank.Book, TRUE)
  ExReleaseResourceLite(bank.Book)
  KeLeaveCriticalRegion()
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function BankCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function BankWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const bank = cast(BANK, DeviceObject.DeviceExtension)
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  const entered = IoAcquireRemoveLock(bank.Inside, Irp)
  if (!NT_SUCCESS(entered)) return Complete(Irp, entered, 0)

  const slip = cast(SLIP, ExAllocateFromNPagedLookasideList(bank.Slips))
  if (slip === null) {
    IoReleaseRemoveLock(bank.Inside, Irp)
    return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0)
  }
  slip.Amount = length
  Transfer(bank, slip.Amount)
  NoteInBook(bank)
  Visit(bank)
  ExFreeToNPagedLookasideList(bank.Slips, slip)
  IoReleaseRemoveLock(bank.Inside, Irp)
  return Complete(Irp, STATUS_SUCCESS, length)
}

function BankUnload(DriverObject: DRIVER_OBJECT): void {
  const bank = cast(BANK, DriverObject.DeviceObject.DeviceExtension)
  KeWaitForSingleObject(bank.Thread, Executive, KernelMode, FALSE, null)
  ObDereferenceObject(bank.Thread)
  ExDeleteNPagedLookasideList(bank.Slips)
  ExDeleteResourceLite(bank.Book)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
