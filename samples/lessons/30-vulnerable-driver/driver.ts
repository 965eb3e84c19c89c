/*
 * Dial: lets the tool of a maker of fans read and set the sixteen registers of its chip.
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
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONG,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const IOCTL_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_WRITE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

const REQUEST = struct('REQUEST', {
  Index: ULONG,
  Value: ULONG,
})

const TAG = 'laiD'
const REGISTERS = 16
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Dial')
const LinkName = RTL_CONSTANT_STRING('\\??\\Dial')

/** What stands for the chip: sixteen registers of four bytes. */
let Chip: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = DialCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = DialCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = DialDeviceControl
  DriverObject.DriverUnload = DialUnload
  Chip = ExAllocatePool2(POOL_FLAG_NON_PAGED, REGISTERS * sizeof(ULONG), TAG)
  if (Chip === null) return STATUS_INSUFFICIENT_RESOURCES

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (NT_SUCCESS(status)) {
    status = IoCreateSymbolicLink(LinkName, DeviceName)
    if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  }
  if (!NT_SUCCESS(status)) ExFreePoolWithTag(Chip, TAG)
  return status
}

function DialDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const call = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (call.InputBufferLength < sizeof(REQUEST)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  const request = cast(REQUEST, Irp.AssociatedIrp.SystemBuffer)
  if (call.IoControlCode === IOCTL_WRITE) {
    Chip.u32[request.Index] = request.Value
    return Complete(Irp, STATUS_SUCCESS, 0)
  }
  if (call.IoControlCode !== IOCTL_READ) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (call.OutputBufferLength < sizeof(REQUEST)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  request.Value = Chip.u32[request.Index]
  return Complete(Irp, STATUS_SUCCESS, sizeof(REQUEST))
}

function DialCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function DialUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
  ExFreePoolWithTag(Chip, TAG)
}
