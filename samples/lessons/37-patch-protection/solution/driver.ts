/*
 * Heron: counts for a program how often processes are opened, by standing in the way of all system calls.
 *
 * IA32_LSTAR says where the instruction syscall enters the kernel. The driver has it lead to a routine of
 * its own when the program says begin.
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
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONG_PTR,
  __readmsr,
  __writemsr,
  cast,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IRP,
  SYSTEM_CALL_ENTRY,
  ULONG,
  ULONGLONG,
  UNICODE_STRING,
  NTSTATUS,
} from 'wdm'

const IOCTL_BEGIN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_END = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

const IA32_LSTAR = 0xc0000082
/** Number of NtOpenProcess in this build. */
const NT_OPEN_PROCESS = 0x26
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Heron')
const LinkName = RTL_CONSTANT_STRING('\\??\\Heron')

/** KiSystemCall64, while the register points elsewhere; 0 while it does not. */
let original: ULONGLONG = 0n
let opens: ULONG = 0

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = HeronCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = HeronCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = HeronDeviceControl
  DriverObject.DriverUnload = HeronUnload
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

function Begin(): void {
  if (original !== 0n) return
  original = __readmsr(IA32_LSTAR)
  const hook: SYSTEM_CALL_ENTRY = HeronEntry
  __writemsr(IA32_LSTAR, cast(ULONG_PTR, hook))
}

function End(): void {
  if (original === 0n) return
  __writemsr(IA32_LSTAR, original)
  original = 0n
}

/** What runs first at every system call; KiSystemCall64 goes on behind it. */
function HeronEntry(SystemServiceNumber: ULONG): void {
  if (SystemServiceNumber === NT_OPEN_PROCESS) opens++
}

function HeronDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode === IOCTL_BEGIN) {
    opens = 0
    Begin()
    return Complete(Irp, STATUS_SUCCESS, 0)
  }
  if (request.IoControlCode !== IOCTL_END) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.OutputBufferLength < 4) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  End()
  Irp.AssociatedIrp.SystemBuffer.u32[0] = opens
  return Complete(Irp, STATUS_SUCCESS, 4)
}

function HeronCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function HeronUnload(DriverObject: DRIVER_OBJECT): void {
  End()
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
