/*
 * Switch: a device for administrators that administrators alone can open.
 */
import {
  CTL_CODE,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoCompleteRequest,
  IoCreateDeviceSecure,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KeBugCheckEx,
  METHOD_BUFFERED,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const IOCTL_SWITCH_CRASH = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const MANUALLY_INITIATED_CRASH = 0xe2

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Switch')
// D: a DACL, P: nothing is inherited. Two entries that allow (A) everything (GA): to SYSTEM and to
// Administrators. Whoever is not named gets nothing.
const SystemAndAdministrators = RTL_CONSTANT_STRING('D:P(A;;GA;;;SY)(A;;GA;;;BA)')
const LinkName = RTL_CONSTANT_STRING('\\??\\Switch')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = SwitchCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = SwitchCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = SwitchDeviceControl
  DriverObject.DriverUnload = SwitchUnload

  const device = out<DEVICE_OBJECT>()
  // FILE_DEVICE_SECURE_OPEN makes that count for names behind the device's own, too: \\.\Switch\x.
  let status = IoCreateDeviceSecure(
    DriverObject,
    0,
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    FALSE,
    SystemAndAdministrators,
    null,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function SwitchCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function SwitchDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  if (stack.Parameters.DeviceIoControl.IoControlCode !== IOCTL_SWITCH_CRASH)
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST)
  KeBugCheckEx(MANUALLY_INITIATED_CRASH, 0, 0, 0, 0)
  return STATUS_SUCCESS
}

function SwitchUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
