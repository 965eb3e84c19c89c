/*
 * SumsWdm: adds up the bytes of a request. A driver that stands on the driver model alone.
 */
import {
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
  IoGetCurrentIrpStackLocation,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, ULONG, UNICODE_STRING } from 'wdm'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\SumsWdm')
const LinkName = RTL_CONSTANT_STRING('\\??\\SumsWdm')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = SumsCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = SumsCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = SumsDeviceControl
  DriverObject.DriverUnload = SumsUnload

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

function SumsCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function SumsDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const asked = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  const length = asked.InputBufferLength
  if (length === 0 || asked.OutputBufferLength < 4) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)

  // One block for both directions: the sum takes the place of the bytes.
  const buffer = Irp.AssociatedIrp.SystemBuffer
  let sum: ULONG = 0
  for (let i = 0; i < length; i++) sum += buffer.u8[i]
  buffer.u32[0] = sum
  return Complete(Irp, STATUS_SUCCESS, 4)
}

function SumsUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
