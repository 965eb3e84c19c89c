/*
 * Watch: looks for processes that are somebody else.
 */
import {
  CTL_CODE,
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
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
  POOL_FLAG_NON_PAGED,
  PsGetProcessImageFileName,
  PsLookupProcessByProcessId,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IRP,
  NTSTATUS,
  PVOID,
  ULONG,
  ULONGLONG,
  UNICODE_STRING,
  EPROCESS,
} from 'wdm'

const IOCTL_SCAN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Watch')
const LinkName = RTL_CONSTANT_STRING('\\??\\Watch')
const TAG = 'hctW'

/** The id of the process System, on every Windows. */
const SYSTEM = 4
/** Ids are multiples of four; on this machine they stay below this one. */
const IDS_END = 4400
/** Processes that are looked at. */
const PROCESSES_MAX = 128

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

/** Who a process is: the address of its token, without the four bits that count references. */
function TokenOf(Process: EPROCESS): ULONGLONG {
  return Process.Token.Value & ~0xfn
}

/**
 * Look at the token of each process. One that an earlier process has as well is borrowed.
 * The answer is how many are, and the id of the first that borrowed.
 */
function Scan(Answer: PVOID): NTSTATUS {
  const tokens = ExAllocatePool2(POOL_FLAG_NON_PAGED, PROCESSES_MAX * 8, TAG)
  if (tokens === null) return STATUS_INSUFFICIENT_RESOURCES
  const process = out<EPROCESS>()
  let seen = 0
  let borrowed: ULONG = 0
  let first: ULONG = 0
  for (let id = SYSTEM; id < IDS_END && seen < PROCESSES_MAX; id += 4) {
    if (!NT_SUCCESS(PsLookupProcessByProcessId(id, process))) continue
    const token = TokenOf(process.value)
    let isBorrowed = false
    for (let i = 0; i < seen; i++) if (tokens.u64[i] === token) isBorrowed = true
    tokens.u64[seen] = token
    seen++
    if (isBorrowed) {
      if (borrowed === 0) first = id
      borrowed++
      DbgPrint('Watch: %s has a token of somebody else\n', PsGetProcessImageFileName(process.value))
    }
    ObDereferenceObject(process.value)
  }
  ExFreePoolWithTag(tokens, TAG)
  DbgPrint('Watch: looked at %u tokens\n', seen)
  Answer.u32[0] = borrowed
  Answer.u32[1] = first
  return STATUS_SUCCESS
}

function WatchDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_SCAN) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.OutputBufferLength < 8) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  const status = Scan(Irp.AssociatedIrp.SystemBuffer)
  return Complete(Irp, status, NT_SUCCESS(status) ? 8 : 0)
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
