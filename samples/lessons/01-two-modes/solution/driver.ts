/*
 * Dial: remembers a number that a program turned it to.
 */
import {
  CTL_CODE,
  ExAllocatePool2,
  ExFreePoolWithTag,
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
  POOL_FLAG_NON_PAGED,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_DEVICE_NOT_READY,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  ULONG,
  out,
  sizeof,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const IOCTL_GET = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_TURN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** Reads "Dial" in the pool. */
const TAG = 'laiD'

/** Where the number is kept. The block is allocated when the dial is turned for the first time. */
let Shown: PVOID | null = null

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Dial')
const LinkName = RTL_CONSTANT_STRING('\\??\\Dial')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = DialCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = DialCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = DialDeviceControl
  DriverObject.DriverUnload = DialUnload

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

function DialCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function DialDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const control = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (control.IoControlCode === IOCTL_GET) return DialGet(Irp, control.OutputBufferLength)
  if (control.IoControlCode === IOCTL_TURN) return DialTurn(Irp, control.InputBufferLength)
  return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
}

function DialGet(Irp: IRP, length: ULONG): NTSTATUS {
  if (length < sizeof(ULONG)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  // Nobody has turned the dial yet. In the kernel nobody else asks this question.
  if (Shown === null) return Complete(Irp, STATUS_DEVICE_NOT_READY, 0)
  Irp.AssociatedIrp.SystemBuffer.u32[0] = Shown.u32[0]
  return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG))
}

function DialTurn(Irp: IRP, length: ULONG): NTSTATUS {
  if (length < sizeof(ULONG)) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  if (Shown === null) Shown = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(ULONG), TAG)
  if (Shown === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0)
  Shown.u32[0] = Irp.AssociatedIrp.SystemBuffer.u32[0]
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function DialUnload(DriverObject: DRIVER_OBJECT): void {
  if (Shown !== null) ExFreePoolWithTag(Shown, TAG)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
