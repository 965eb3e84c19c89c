/*
 * Sweep, mended: ends processes for whoever may end them anyway.
 *
 * The process is opened with UserMode as access mode: Windows then asks what it would have asked the
 * program itself. The driver may do for others what they may do, and nothing more.
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
  OBJECT_TYPE,
  OBJ_KERNEL_HANDLE,
  ObDereferenceObject,
  ObOpenObjectByPointer,
  PROCESS_TERMINATE,
  PsLookupProcessByProcessId,
  RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  UserMode,
  ZwClose,
  ZwTerminateProcess,
  cast,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  EPROCESS,
  HANDLE,
  IRP,
  ULONG,
  UNICODE_STRING,
  NTSTATUS,
} from 'wdm'

const IOCTL_END = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Sweep')
const LinkName = RTL_CONSTANT_STRING('\\??\\Sweep')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = SweepCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = SweepCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = SweepDeviceControl
  DriverObject.DriverUnload = SweepUnload
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

/** End a process by its id, with the rights of the program that asks. */
function End(Id: ULONG): NTSTATUS {
  const process = out<EPROCESS>()
  let status = PsLookupProcessByProcessId(Id, process)
  if (!NT_SUCCESS(status)) return status
  const handle = out<HANDLE>()
  // The type: the variable that the kernel exports holds a pointer to it.
  const type = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  status = ObOpenObjectByPointer(
    process.value,
    OBJ_KERNEL_HANDLE,
    null,
    PROCESS_TERMINATE,
    cast(OBJECT_TYPE, type.u64[0]),
    UserMode,
    handle,
  )
  ObDereferenceObject(process.value)
  if (!NT_SUCCESS(status)) {
    DbgPrint('Sweep: process %u is not for the one who asks (0x%08X)\n', Id, status)
    return status
  }
  status = ZwTerminateProcess(handle.value, STATUS_SUCCESS)
  ZwClose(handle.value)
  return status
}

function SweepDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_END) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.InputBufferLength < 4) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  return Complete(Irp, End(Irp.AssociatedIrp.SystemBuffer.u32[0]), 0)
}

function SweepCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function SweepUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
