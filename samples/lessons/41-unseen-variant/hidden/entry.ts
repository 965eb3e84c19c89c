/*
 * Stile: stands where all programs enter the kernel.
 *
 * The instruction syscall goes where the register IA32_LSTAR points: to KiSystemCall64. One write, and
 * it points at a function of the driver, which sees the number of every service that any program calls
 * before the kernel does, and then lets it through.
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
  PVOID,
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

const IOCTL_COUNT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

const IA32_LSTAR = 0xc0000082
/** Number of NtOpenProcess in this build. */
const NT_OPEN_PROCESS = 0x26
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Stile')
const LinkName = RTL_CONSTANT_STRING('\\??\\Stile')

/** KiSystemCall64. */
let original: ULONGLONG = 0n
let opens: ULONG = 0

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = StileCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = StileCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = StileDeviceControl
  DriverObject.DriverUnload = StileUnload
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
  else Move()
  return status
}

/** Send all system calls through StileEntry. */
function Move(): void {
  original = __readmsr(IA32_LSTAR)
  const hook: SYSTEM_CALL_ENTRY = StileEntry
  const at = cast(ULONG_PTR, hook)
  __writemsr(IA32_LSTAR, at)
  DbgPrint('Stile: system calls enter at %p, not at %p\n', cast(PVOID, at), cast(PVOID, original))
}

/** What runs first at every system call; KiSystemCall64 goes on behind it. */
function StileEntry(SystemServiceNumber: ULONG): void {
  if (SystemServiceNumber === NT_OPEN_PROCESS) opens++
}

function StileDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_COUNT) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.OutputBufferLength < 4) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  Irp.AssociatedIrp.SystemBuffer.u32[0] = opens
  return Complete(Irp, STATUS_SUCCESS, 4)
}

function StileCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function StileUnload(DriverObject: DRIVER_OBJECT): void {
  // Whoever forgets this leaves the processor to jump to memory that is no longer there.
  __writemsr(IA32_LSTAR, original)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
