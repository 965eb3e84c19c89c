/*
 * Meter: writes the number of requests to the place that the program names.
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

const IOCTL_METER_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)

let Requests: ULONG = 0

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Meter')
const LinkName = RTL_CONSTANT_STRING('\\??\\Meter')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = MeterCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = MeterCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = MeterDeviceControl
  DriverObject.DriverUnload = MeterUnload

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

function MeterCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function MeterDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const control = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (control.IoControlCode !== IOCTL_METER_READ)
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (control.OutputBufferLength < sizeof(ULONG)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)

  Requests++
  // With METHOD_NEITHER the pointer of the program is here as the program gave it.
  // Is it in user space at all? And then, with the page gone or read-only, the write may still fail.
  try {
    ProbeForWrite(Irp.UserBuffer, sizeof(ULONG), sizeof(ULONG))
    Irp.UserBuffer.u32[0] = Requests
  } catch {
    return Complete(Irp, GetExceptionCode(), 0)
  }
  return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG))
}

function MeterUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
