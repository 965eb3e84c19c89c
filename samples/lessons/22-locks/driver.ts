/*
 * Tally: counts the writes of all programs, and their bytes.
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
  IRP_MJ_WRITE,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  LONG,
  METHOD_BUFFERED,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

/** Asks for both numbers: the writes, then the bytes. */
const IOCTL_TALLY = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** Size in bytes of that answer. */
const ANSWER_BYTES = 2 * sizeof(LONG)

const TALLY = struct('TALLY', {
  Writes: LONG,
  Bytes: LONG,
})

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Tally')
const LinkName = RTL_CONSTANT_STRING('\\??\\Tally')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = TallyCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = TallyCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = TallyDeviceControl
  DriverObject.MajorFunction[IRP_MJ_WRITE] = TallyWrite
  DriverObject.DriverUnload = TallyUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(TALLY),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
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

function TallyCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function TallyWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const tally = cast(TALLY, DeviceObject.DeviceExtension)
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  tally.Writes += 1
  tally.Bytes += length
  return Complete(Irp, STATUS_SUCCESS, length)
}

function TallyDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const tally = cast(TALLY, DeviceObject.DeviceExtension)
  const control = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (control.IoControlCode !== IOCTL_TALLY) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (control.OutputBufferLength < ANSWER_BYTES) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  Irp.AssociatedIrp.SystemBuffer.u32[0] = tally.Writes
  Irp.AssociatedIrp.SystemBuffer.u32[1] = tally.Bytes
  return Complete(Irp, STATUS_SUCCESS, ANSWER_BYTES)
}

function TallyUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
