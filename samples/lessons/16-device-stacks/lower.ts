/* Poem: a device that one line can be read from. The driver that driver.ts filters. */
import {
  DO_BUFFERED_IO,
  DbgPrint,
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
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Poem')
const LinkName = RTL_CONSTANT_STRING('\\??\\Poem')

const LINE = 'so much depends upon a red wheel barrow'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = PoemCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = PoemCreateClose
  DriverObject.MajorFunction[IRP_MJ_READ] = PoemRead
  DriverObject.DriverUnload = PoemUnload

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

function PoemCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function PoemRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const length = Math.min(IoGetCurrentIrpStackLocation(Irp).Parameters.Read.Length, LINE.length)
  RtlCopyMemory(Irp.AssociatedIrp.SystemBuffer, LINE, length)
  DbgPrint('Poem: %u bytes\n', length)
  return Complete(Irp, STATUS_SUCCESS, length)
}

function PoemUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
