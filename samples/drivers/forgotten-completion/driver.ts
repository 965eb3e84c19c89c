/*
 * Silent: answers the one control code that it knows, and forgets packets with any other.
 *
 * No bug check: the program hangs.
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
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const IOCTL_SILENT_PING = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Silent')
const LinkName = RTL_CONSTANT_STRING('\\??\\Silent')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = SilentCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = SilentCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = SilentDeviceControl
  DriverObject.DriverUnload = SilentUnload

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

function SilentCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function SilentDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  switch (stack.Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SILENT_PING:
      DbgPrint('Silent: ping\n')
      return Complete(Irp, STATUS_SUCCESS, 0)
    default:
      // The status is right, but the packet is neither completed nor pending nor passed on: nobody
      // will ever finish it. The program cannot end while it is under way.
      return STATUS_INVALID_DEVICE_REQUEST
  }
}

function SilentUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
