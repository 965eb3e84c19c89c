/*
 * Needle, the honest one: is asked for a process, and says how it stands.
 *
 * A driver that wants something of a program lets the program ask: a request that stays pending until
 * there is something to say. What is run in a process, its own program decides.
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
  ObDereferenceObject,
  PsLookupProcessByProcessId,
  RTL_CONSTANT_STRING,
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

const IOCTL_DELIVER = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/** What the program gives: an id, a length, and an address that nobody looks at here. */
const ORDER_BYTES = 16
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Needle')
const LinkName = RTL_CONSTANT_STRING('\\??\\Needle')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = NeedleCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = NeedleCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = NeedleDeviceControl
  DriverObject.DriverUnload = NeedleUnload
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

/** Say what there is to say of a process. */
function Look(Id: ULONG): NTSTATUS {
  const process = out<EPROCESS>()
  const status = PsLookupProcessByProcessId(Id, process)
  if (!NT_SUCCESS(status)) return status
  DbgPrint('Needle: process %u is there, and is left alone\n', Id)
  ObDereferenceObject(process.value)
  return STATUS_SUCCESS
}

function NeedleDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  let status: NTSTATUS = STATUS_INVALID_DEVICE_REQUEST
  if (request.IoControlCode === IOCTL_DELIVER)
    status =
      request.InputBufferLength < ORDER_BYTES
        ? STATUS_INVALID_PARAMETER
        : Look(Irp.AssociatedIrp.SystemBuffer.u32[0])
  return Complete(Irp, status)
}

function NeedleCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function NeedleUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
