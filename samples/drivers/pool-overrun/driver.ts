/*
 * NameTag: keeps a name in a pool block of 16 bytes, whatever its length.
 *
 * Bug check 0x19: the pool finds at the free that somebody wrote over its bookkeeping.
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
  IRP_MJ_WRITE,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  NT_SUCCESS,
  POOL_FLAG_NON_PAGED,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const NAME_BYTES = 16

/** Reads "Name" in the pool. */
const TAG = 'emaN'

const EXTENSION = struct('EXTENSION', { Name: PVOID })

const DeviceName = RTL_CONSTANT_STRING('\\Device\\NameTag')
const LinkName = RTL_CONSTANT_STRING('\\??\\NameTag')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = NameTagCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = NameTagCreateClose
  DriverObject.MajorFunction[IRP_MJ_WRITE] = NameTagWrite
  DriverObject.DriverUnload = NameTagUnload

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
  extension.Name = ExAllocatePool2(POOL_FLAG_NON_PAGED, NAME_BYTES, TAG)
  if (extension.Name === null) {
    IoDeleteDevice(device.value)
    return STATUS_INSUFFICIENT_RESOURCES
  }

  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) {
    ExFreePoolWithTag(extension.Name, TAG)
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

function NameTagCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function NameTagWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const extension = cast(EXTENSION, DeviceObject.DeviceExtension)
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  // The program says how long its name is, and nobody compares that with the size of the block.
  RtlCopyMemory(extension.Name, Irp.AssociatedIrp.SystemBuffer, length)
  return Complete(Irp, STATUS_SUCCESS, length)
}

function NameTagUnload(DriverObject: DRIVER_OBJECT): void {
  const extension = cast(EXTENSION, DriverObject.DeviceObject.DeviceExtension)
  ExFreePoolWithTag(extension.Name, TAG)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
