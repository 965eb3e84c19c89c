/*
 * NameTag: keeps a name of up to twelve letters, with a zero behind it.
 */
import {
  DO_BUFFERED_IO,
  DbgPrint,
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
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_BUFFER_SIZE,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const NAME_BYTES = 12

/** Reads "Name" in the pool. */
const TAG = 'emaN'

let Name: PVOID | null = null

const DeviceName = RTL_CONSTANT_STRING('\\Device\\NameTag')
const LinkName = RTL_CONSTANT_STRING('\\??\\NameTag')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = NameTagCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = NameTagCreateClose
  DriverObject.MajorFunction[IRP_MJ_WRITE] = NameTagWrite
  DriverObject.DriverUnload = NameTagUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

/** Gives a packet back: how it went, and how many bytes were moved. */
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
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  if (length > NAME_BYTES) return Complete(Irp, STATUS_INVALID_BUFFER_SIZE, 0)

  // One byte more, for the zero.
  if (Name === null) Name = ExAllocatePool2(POOL_FLAG_NON_PAGED, NAME_BYTES + 1, TAG)
  if (Name === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0)
  RtlCopyMemory(Name, Irp.AssociatedIrp.SystemBuffer, length)
  // The zero that ends the text.
  Name.u8[length] = 0
  DbgPrint('NameTag: hello %s\n', Name)
  return Complete(Irp, STATUS_SUCCESS, length)
}

function NameTagUnload(DriverObject: DRIVER_OBJECT): void {
  if (Name !== null) ExFreePoolWithTag(Name, TAG)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
