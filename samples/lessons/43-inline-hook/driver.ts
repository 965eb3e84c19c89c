/*
 * Watch: looks whether the code of a kernel routine is what was loaded.
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
  MmGetSystemRoutineAddress,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_NOT_FOUND,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IRP,
  NTSTATUS,
  ULONG,
  ULONGLONG,
  UNICODE_STRING,
  PVOID,
} from 'wdm'

const IOCTL_SCAN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Watch')
const LinkName = RTL_CONSTANT_STRING('\\??\\Watch')
const RoutineName = RTL_CONSTANT_STRING('NtQuerySystemInformation')

/** The routine that is watched, and its first sixteen bytes as they were when Watch was loaded. */
let routine: PVOID = null
let first: ULONGLONG = 0n
let second: ULONGLONG = 0n

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = WatchCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = WatchCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = WatchDeviceControl
  DriverObject.DriverUnload = WatchUnload
  routine = MmGetSystemRoutineAddress(RoutineName)
  if (routine === null) return STATUS_NOT_FOUND
  first = routine.u64[0]
  second = routine.u64[1]
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

/** Whether somebody wrote into the routine. */
function IsChanged(): boolean {
  // A jump: E9 and a distance.
  return routine.u8[0] === 0xe9
}

function WatchDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_SCAN) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.OutputBufferLength < 4) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  const isChanged = IsChanged()
  DbgPrint(
    'Watch: %p begins with %02X %02X, kept is 0x%016I64X\n',
    routine,
    routine.u8[0],
    routine.u8[1],
    first,
  )
  Irp.AssociatedIrp.SystemBuffer.u32[0] = isChanged ? 1 : 0
  return Complete(Irp, STATUS_SUCCESS, 4)
}

function WatchCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function WatchUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
