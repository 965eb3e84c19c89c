/*
 * Diary: appends what is written to a text, one writer at a time.
 */
import {
  DO_BUFFERED_IO,
  ExAllocatePool2,
  ExFreePoolWithTag,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KSPIN_LOCK,
  KeAcquireSpinLock,
  KeInitializeSpinLock,
  KeReleaseSpinLock,
  NT_SUCCESS,
  POOL_FLAG_NON_PAGED,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  ULONG,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, KIRQL, NTSTATUS, UNICODE_STRING } from 'wdm'

const DIARY_BYTES = 256

/** Reads "Diry" in the pool. */
const TAG = 'yriD'

const EXTENSION = struct('EXTENSION', { Lock: KSPIN_LOCK, Text: PVOID, Length: ULONG })

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Diary')
const LinkName = RTL_CONSTANT_STRING('\\??\\Diary')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = DiaryCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = DiaryCreateClose
  DriverObject.MajorFunction[IRP_MJ_READ] = DiaryRead
  DriverObject.MajorFunction[IRP_MJ_WRITE] = DiaryWrite
  DriverObject.DriverUnload = DiaryUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(EXTENSION),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO

  const extension = cast(EXTENSION, device.value.DeviceExtension)
  KeInitializeSpinLock(extension.Lock)
  // Nonpaged pool: the text is touched with a spin lock held, and is small.
  extension.Text = ExAllocatePool2(POOL_FLAG_NON_PAGED, DIARY_BYTES, TAG)
  if (extension.Text === null) {
    IoDeleteDevice(device.value)
    return STATUS_INSUFFICIENT_RESOURCES
  }

  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) {
    ExFreePoolWithTag(extension.Text, TAG)
    IoDeleteDevice(device.value)
  }
  return status
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function DiaryCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function DiaryWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const extension = cast(EXTENSION, DeviceObject.DeviceExtension)
  const given = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length

  const irql = out<KIRQL>()
  KeAcquireSpinLock(extension.Lock, irql)
  const length = Math.min(given, DIARY_BYTES - extension.Length)
  RtlCopyMemory(extension.Text.add(extension.Length), Irp.AssociatedIrp.SystemBuffer, length)
  extension.Length += length
  KeReleaseSpinLock(extension.Lock, irql.value)
  return Complete(Irp, STATUS_SUCCESS, length)
}

/** All of the diary, or as much of it as there is room for. */
function DiaryRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const extension = cast(EXTENSION, DeviceObject.DeviceExtension)
  const room = IoGetCurrentIrpStackLocation(Irp).Parameters.Read.Length

  const irql = out<KIRQL>()
  KeAcquireSpinLock(extension.Lock, irql)
  const length = Math.min(room, extension.Length)
  RtlCopyMemory(Irp.AssociatedIrp.SystemBuffer, extension.Text, length)
  KeReleaseSpinLock(extension.Lock, irql.value)
  return Complete(Irp, STATUS_SUCCESS, length)
}

function DiaryUnload(DriverObject: DRIVER_OBJECT): void {
  const extension = cast(EXTENSION, DriverObject.DeviceObject.DeviceExtension)
  ExFreePoolWithTag(extension.Text, TAG)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
