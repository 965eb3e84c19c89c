/*
 * Counter, mended: the pointer is probed, and the access is made where an exception can be handled.
 */
import {
  CTL_CODE,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GetExceptionCode,
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
  METHOD_NEITHER,
  NT_SUCCESS,
  ProbeForWrite,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONG,
  out,
  sizeof,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const IOCTL_COUNTER_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)

let requests = 0

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Counter')
const LinkName = RTL_CONSTANT_STRING('\\??\\Counter')

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

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function CounterCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function CounterDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  const control = stack.Parameters.DeviceIoControl
  if (control.IoControlCode !== IOCTL_COUNTER_READ)
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (control.OutputBufferLength < sizeof(ULONG)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)

  requests += 1
  // ProbeForWrite raises an exception for an address that is not in user space; writing raises one
  // for a page that is not there. Either way the program gets a status, and nobody else suffers.
  try {
    ProbeForWrite(Irp.UserBuffer, sizeof(ULONG), sizeof(ULONG))
    Irp.UserBuffer.u32[0] = requests
  } catch {
    return Complete(Irp, GetExceptionCode(), 0)
  }
  return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG))
}

function CounterUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
