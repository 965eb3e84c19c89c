/*
 * Tape: takes what is written to it and counts.
 */
import {
  DO_BUFFERED_IO,
  DbgPrint,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_WRITE,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, ULONG, UNICODE_STRING } from 'wdm'

let Letters: ULONG = 0

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Tape')
const LinkName = RTL_CONSTANT_STRING('\\??\\Tape')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = TapeCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = TapeCreateClose
  DriverObject.MajorFunction[IRP_MJ_WRITE] = TapeWrite
  DriverObject.DriverUnload = TapeUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO
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

function TapeCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function TapeWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  Letters += length
  return Complete(Irp, STATUS_SUCCESS, length)
}

function TapeUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Tape: %u letters\n', Letters)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
