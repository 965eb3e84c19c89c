/*
 * Watch: looks for processes that somebody hides.
 */
import {
  CONTAINING_RECORD,
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
  NT_SUCCESS,
  ObDereferenceObject,
  PsGetProcessId,
  PsGetProcessImageFileName,
  PsLookupProcessByProcessId,
  RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, HANDLE, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const IOCTL_SCAN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Watch')
const LinkName = RTL_CONSTANT_STRING('\\??\\Watch')

/** The id of the process System, on every Windows. */
const SYSTEM = 4
/** Ids are multiples of four; on this machine they stay below this one. */
const IDS_END = 4400

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = WatchCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = WatchCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = WatchDeviceControl
  DriverObject.DriverUnload = WatchUnload
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

/** Whether the process with an id hangs in the list of all processes, which begins at System. */
function IsListed(Id: HANDLE): boolean {
  const system = out<EPROCESS>()
  if (!NT_SUCCESS(PsLookupProcessByProcessId(SYSTEM, system))) return false
  ObDereferenceObject(system.value)
  const first = system.value.ActiveProcessLinks
  if (Id === SYSTEM) return true
  // The list is a ring. Its head is no process: the field that would be its id is always zero.
  for (let link = first.Flink; link !== first; link = link.Flink)
    if (CONTAINING_RECORD(link, EPROCESS, 'ActiveProcessLinks').UniqueProcessId === Id) return true
  return false
}

/** Ask of each process whether it is listed, and say which one is not. */
function Scan(): NTSTATUS {
  const system = out<EPROCESS>()
  const status = PsLookupProcessByProcessId(SYSTEM, system)
  if (!NT_SUCCESS(status)) return status
  ObDereferenceObject(system.value)
  const first = system.value.ActiveProcessLinks
  let seen = 0
  for (let link = first.Flink; link !== first; link = link.Flink) {
    const process = CONTAINING_RECORD(link, EPROCESS, 'ActiveProcessLinks')
    // The head of the list.
    if (process.UniqueProcessId === 0) continue
    seen++
    if (!IsListed(PsGetProcessId(process)))
      DbgPrint('Watch: hidden process %s\n', PsGetProcessImageFileName(process))
  }
  DbgPrint('Watch: looked at %u processes\n', seen + 1)
  return STATUS_SUCCESS
}

function WatchDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  return Complete(
    Irp,
    request.IoControlCode === IOCTL_SCAN ? Scan() : STATUS_INVALID_DEVICE_REQUEST,
  )
}

function WatchCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function WatchUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
