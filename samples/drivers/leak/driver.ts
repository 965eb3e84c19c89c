/*
 * Forgetful: leaves its device object behind, and a pool block now and then.
 *
 * Nothing crashes. The memory is gone until the machine is started again.
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
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

/** Reads "Note" in the pool. */
const TAG = 'etoN'
const NOTE_BYTES = 32

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Forgetful')
const LinkName = RTL_CONSTANT_STRING('\\??\\Forgetful')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = ForgetfulCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = ForgetfulCreateClose
  DriverObject.MajorFunction[IRP_MJ_WRITE] = ForgetfulWrite
  DriverObject.DriverUnload = ForgetfulUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO
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

function ForgetfulCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function ForgetfulWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  const note = ExAllocatePool2(POOL_FLAG_NON_PAGED, NOTE_BYTES, TAG)
  if (note === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0)

  // The way out for errors forgets the block: 32 bytes are lost with every write that is too long.
  if (length > NOTE_BYTES) return Complete(Irp, STATUS_INVALID_BUFFER_SIZE, 0)

  RtlCopyMemory(note, Irp.AssociatedIrp.SystemBuffer, length)
  DbgPrint('Forgetful: noted %u bytes\n', length)
  ExFreePoolWithTag(note, TAG)
  return Complete(Irp, STATUS_SUCCESS, length)
}

function ForgetfulUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  // The device stays, with entry points that lead into code that is gone. Loading the driver again
  // fails with STATUS_OBJECT_NAME_COLLISION.
}
