/*
 * Lift, the honest one: looks at the token of the program that asks, and gives it to nobody.
 *
 * PsReferencePrimaryToken hands out the token with a reference, so that it cannot go away while the
 * driver looks at it. Whether its user is an administrator is a question that Windows answers.
 */
import {
  CTL_CODE,
  DbgPrint,
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
  PsDereferencePrimaryToken,
  PsGetCurrentProcess,
  PsReferencePrimaryToken,
  RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  SeTokenIsAdmin,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, ULONG, UNICODE_STRING, NTSTATUS } from 'wdm'

const IOCTL_RISE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Lift')
const LinkName = RTL_CONSTANT_STRING('\\??\\Lift')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = LiftCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = LiftCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = LiftDeviceControl
  DriverObject.DriverUnload = LiftUnload
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

/** Say who asks. */
function Look(): NTSTATUS {
  const token = PsReferencePrimaryToken(PsGetCurrentProcess())
  const who = SeTokenIsAdmin(token) ? 'an administrator' : 'a plain user'
  PsDereferencePrimaryToken(token)
  DbgPrint('Lift: %s asks\n', who)
  return STATUS_SUCCESS
}

function LiftDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_RISE) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  return Complete(Irp, Look(), 0)
}

function LiftCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function LiftUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
