/*
 * Counter: tells a program how often it has been asked.
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
  METHOD_BUFFERED,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONG,
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

const IOCTL_COUNT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Counter')
const LinkName = RTL_CONSTANT_STRING('\\??\\Counter')

let Asked: ULONG = 0

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = CounterCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = CounterCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = CounterDeviceControl
  DriverObject.DriverUnload = CounterUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function CounterCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function CounterDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  let status: NTSTATUS = STATUS_INVALID_DEVICE_REQUEST
  Irp.IoStatus.Status = status
  Irp.IoStatus.Information = 0
  if (stack.Parameters.DeviceIoControl.IoControlCode === IOCTL_COUNT)
    status = CounterCount(Irp, stack)
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return status
}

/** Answers with the number of calls so far. */
function CounterCount(Irp: IRP, stack: IO_STACK_LOCATION): NTSTATUS {
  let status: NTSTATUS = STATUS_BUFFER_TOO_SMALL
  if (stack.Parameters.DeviceIoControl.OutputBufferLength >= sizeof(ULONG)) {
    Asked++
    Irp.AssociatedIrp.SystemBuffer.u32[0] = Asked
    Irp.IoStatus.Information = sizeof(ULONG)
    status = STATUS_SUCCESS
  }
  Irp.IoStatus.Status = status
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return status
}

function CounterUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
