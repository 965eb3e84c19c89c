/*
 * Motto: a device that one sentence can be read from.
 */
import {
  DO_BUFFERED_IO,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_READ,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const MOTTO = 'trust, but verify'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Motto')
const LinkName = RTL_CONSTANT_STRING('\\??\\Motto')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = MottoCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = MottoCreateClose
  DriverObject.MajorFunction[IRP_MJ_READ] = MottoRead
  DriverObject.DriverUnload = MottoUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  // Reads get a buffer of the I/O manager's, which it copies to the program.
  device.value.Flags |= DO_BUFFERED_IO
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function MottoCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function MottoRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const space = IoGetCurrentIrpStackLocation(Irp).Parameters.Read.Length
  if (space === 0) {
    // The packet and the return value say the same.
    Irp.IoStatus.Status = STATUS_INVALID_PARAMETER
    Irp.IoStatus.Information = 0
    IoCompleteRequest(Irp, IO_NO_INCREMENT)
    return STATUS_INVALID_PARAMETER
  }

  const count = Math.min(space, MOTTO.length)
  RtlCopyMemory(Irp.AssociatedIrp.SystemBuffer, MOTTO, count)
  Irp.IoStatus.Status = STATUS_SUCCESS
  // So many bytes are copied to the program, and no more.
  Irp.IoStatus.Information = count
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function MottoUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
