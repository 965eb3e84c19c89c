/*
 * Door: a driver that a program can find.
 *
 * DriverEntry makes a device object; a program opens it, and asks nothing more of it.
 */
import {
  FALSE,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IoCompleteRequest,
  IoCreateDevice,
  IoDeleteDevice,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Door')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = DoorCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = DoorCreateClose
  DriverObject.DriverUnload = DoorUnload

  const device = out<DEVICE_OBJECT>()
  const status = IoCreateDevice(
    DriverObject,
    0, // no device extension
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    FALSE, // more than one program may have it open
    device,
  )
  if (!NT_SUCCESS(status)) return status
  return STATUS_SUCCESS
}

function DoorCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function DoorUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteDevice(DriverObject.DeviceObject)
}
