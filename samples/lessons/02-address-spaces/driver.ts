/*
 * Board: keeps a note that one program pins and others look at. It never follows the pointer.
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
  RtlCopyMemory,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  out,
  sizeof,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'
import { IOCTL_LOOK, IOCTL_PIN, NOTE } from './note'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Board')
const LinkName = RTL_CONSTANT_STRING('\\??\\Board')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = BoardCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = BoardCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = BoardDeviceControl
  DriverObject.DriverUnload = BoardUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(NOTE),
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

function BoardCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function BoardDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const control = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  const board = DeviceObject.DeviceExtension
  const buffer = Irp.AssociatedIrp.SystemBuffer
  if (control.IoControlCode === IOCTL_PIN) {
    if (control.InputBufferLength < sizeof(NOTE)) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
    RtlCopyMemory(board, buffer, sizeof(NOTE))
    return Complete(Irp, STATUS_SUCCESS, 0)
  }
  if (control.IoControlCode === IOCTL_LOOK) {
    if (control.OutputBufferLength < sizeof(NOTE)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
    RtlCopyMemory(buffer, board, sizeof(NOTE))
    return Complete(Irp, STATUS_SUCCESS, sizeof(NOTE))
  }
  return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
}

function BoardUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
