/*
 * Lull, the honest one: registers a routine of its own and takes it out again.
 *
 * By the two calls that Windows has for that. Whose routines stand in the array besides is nobody's
 * business: the kernel finds the one that is meant.
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
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  METHOD_BUFFERED,
  NT_SUCCESS,
  PsSetCreateProcessNotifyRoutine,
  RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  TRUE,
  out,
} from 'wdm'
import type {
  BOOLEAN,
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  HANDLE,
  IRP,
  NTSTATUS,
  UNICODE_STRING,
} from 'wdm'

const IOCTL_ACT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Lull')
const LinkName = RTL_CONSTANT_STRING('\\??\\Lull')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = LullCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = LullCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = LullDeviceControl
  DriverObject.DriverUnload = LullUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    0,
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

/** Told while the driver works; it has nothing to say. */
function OnProcess(ParentId: HANDLE, ProcessId: HANDLE, Create: BOOLEAN): void {}

function Act(): NTSTATUS {
  const status = PsSetCreateProcessNotifyRoutine(OnProcess, FALSE)
  if (!NT_SUCCESS(status)) return status
  return PsSetCreateProcessNotifyRoutine(OnProcess, TRUE)
}

function LullDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  const isKnown = request.IoControlCode === IOCTL_ACT
  return Complete(Irp, isKnown ? Act() : STATUS_INVALID_DEVICE_REQUEST)
}

function LullCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function LullUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
