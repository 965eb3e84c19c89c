/*
 * Adder: gets two numbers and answers with their sum.
 */
import {
  CTL_CODE,
  DbgPrint,
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
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONG,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const IOCTL_ADD = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** What the program sends. */
const ADD_INPUT = struct('ADD_INPUT', { A: ULONG, B: ULONG })

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

/** Gives a packet back: how it went, and how many bytes were moved. */
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
  const control = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (control.IoControlCode !== IOCTL_ADD) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)

  // One buffer for both ways: the numbers are in it now, and the sum will be.
  const numbers = cast(ADD_INPUT, Irp.AssociatedIrp.SystemBuffer)
  const sum: ULONG = numbers.A + numbers.B
  DbgPrint('Adder: %u + %u = %u\n', numbers.A, numbers.B, sum)
  Irp.AssociatedIrp.SystemBuffer.u32[0] = sum
  return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG))
}

function AdderUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
