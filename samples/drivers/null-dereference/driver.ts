/*
 * Adder: adds up two numbers that a program sends, and believes that there always are two.
 *
 * Bug check 0x3B: a system call ended in an exception that nobody handled.
 */
import {
  DbgPrint,
  FALSE,
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
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  ULONG,
  cast,
  out,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

/** What the program sends. */
const REQUEST = struct('REQUEST', { Left: ULONG, Right: ULONG })

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Adder')
const LinkName = RTL_CONSTANT_STRING('\\??\\Adder')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = AdderCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = AdderCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = AdderDeviceControl
  DriverObject.DriverUnload = AdderUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
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

function AdderCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function AdderDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  // The length of the input is not checked. A request without any input comes with SystemBuffer NULL,
  // because there was nothing to copy.
  const request = cast(REQUEST, Irp.AssociatedIrp.SystemBuffer)
  DbgPrint('Adder: %u + %u\n', request.Left, request.Right)
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function AdderUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
