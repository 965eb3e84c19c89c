/*
 * Sweep: a tool's driver that ends processes for whoever asks.
 *
 * Nobody wrote it for an attack. A tool that removes malware has to end processes that resist, so its
 * driver does it from the kernel, where nobody is refused, and forgets to ask who wants it. Attackers
 * bring such drivers along because they are signed, and have them end the antivirus.
 */
import {
  CLIENT_ID,
  CTL_CODE,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  InitializeObjectAttributes,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  METHOD_BUFFERED,
  NT_SUCCESS,
  OBJECT_ATTRIBUTES,
  OBJ_KERNEL_HANDLE,
  PROCESS_TERMINATE,
  RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  ZwClose,
  ZwOpenProcess,
  ZwTerminateProcess,
  local,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
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

/** End a process by its id. */
function End(Id: ULONG): NTSTATUS {
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, null, OBJ_KERNEL_HANDLE, null, null)
  const client = local(CLIENT_ID)
  client.UniqueProcess = Id
  const process = out<HANDLE>()
  // The mistake: opened as the kernel, for a program. Neither the descriptor of the process nor its
  // protection is asked.
  let status = ZwOpenProcess(process, PROCESS_TERMINATE, attributes, client)
  if (!NT_SUCCESS(status)) return status
  status = ZwTerminateProcess(process.value, STATUS_SUCCESS)
  ZwClose(process.value)
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
