/*
 * Clock: gives back the time since the start, and the packet twice.
 *
 * Bug check 0x44: an IRP was completed that had been completed before.
 */
import {
  CTL_CODE,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KeQueryInterruptTime,
  METHOD_BUFFERED,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONGLONG,
  out,
  sizeof,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IO_STACK_LOCATION,
  IRP,
  NTSTATUS,
  UNICODE_STRING,
} from 'wdm'

const IOCTL_CLOCK_TICKS = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Clock')
const LinkName = RTL_CONSTANT_STRING('\\??\\Clock')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = ClockCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = ClockCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = ClockDeviceControl
  DriverObject.DriverUnload = ClockUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function ClockCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function ClockDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  let status: NTSTATUS = STATUS_INVALID_DEVICE_REQUEST
  Irp.IoStatus.Status = status
  Irp.IoStatus.Information = 0
  if (stack.Parameters.DeviceIoControl.IoControlCode === IOCTL_CLOCK_TICKS)
    status = ClockTicks(Irp, stack)
  // Right for codes that the driver does not know. A packet that ClockTicks answered has been
  // completed already: it belongs to the I/O manager, or is a different request by now.
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return status
}

/** Fills in the answer and completes the packet. */
function ClockTicks(Irp: IRP, stack: IO_STACK_LOCATION): NTSTATUS {
  if (stack.Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONGLONG)) {
    Irp.IoStatus.Status = STATUS_BUFFER_TOO_SMALL
    IoCompleteRequest(Irp, IO_NO_INCREMENT)
    return STATUS_BUFFER_TOO_SMALL
  }
  Irp.AssociatedIrp.SystemBuffer.u64[0] = KeQueryInterruptTime()
  Irp.IoStatus.Information = sizeof(ULONGLONG)
  Irp.IoStatus.Status = STATUS_SUCCESS
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function ClockUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
