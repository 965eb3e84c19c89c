/*
 * Plumb: a minifilter that watches what programs are told of their folders.
 */
import {
  DbgPrint,
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
  PWSTR,
  STATUS_SUCCESS,
  UNICODE_STRING,
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
} from 'wdm'

/** Where the name begins in a FILE_BOTH_DIR_INFORMATION. */
const NAME_OFFSET = 94

let filter: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const operations = local(array(FLT_OPERATION_REGISTRATION, 2))
  operations[0].MajorFunction = IRP_MJ_DIRECTORY_CONTROL
  operations[0].PostOperation = PlumbPostDirectoryControl
  operations[1].MajorFunction = IRP_MJ_OPERATION_END
  const registration = local(FLT_REGISTRATION)
  registration.Size = sizeof(FLT_REGISTRATION)
  registration.Version = FLT_REGISTRATION_VERSION
  registration.OperationRegistration = cast(FLT_OPERATION_REGISTRATION, operations)
  registration.FilterUnloadCallback = PlumbUnload
  const registered = out<PVOID>()
  let status = FltRegisterFilter(DriverObject, registration, registered)
  if (!NT_SUCCESS(status)) return status
  filter = registered.value
  status = FltStartFiltering(filter)
  if (!NT_SUCCESS(status)) FltUnregisterFilter(filter)
  return status
}

/** Print a name that stands in an entry. */
function Say(Text: string, Entry: FILE_BOTH_DIR_INFORMATION): void {
  const name = local(UNICODE_STRING)
  name.Length = Entry.FileNameLength
  name.MaximumLength = Entry.FileNameLength
  name.Buffer = cast(PWSTR, addressof(Entry.FileName))
  DbgPrint(Text, name)
}

/** Bytes of an entry: the fields before the name and the name, and up to the next multiple of eight. */
function SizeOf(Entry: FILE_BOTH_DIR_INFORMATION): ULONG {
  return (NAME_OFFSET + Entry.FileNameLength + 7) & ~7
}

/** What lies directly behind an entry, whether the chain leads there or not. */
function Behind(Entry: FILE_BOTH_DIR_INFORMATION): FILE_BOTH_DIR_INFORMATION {
  return cast(FILE_BOTH_DIR_INFORMATION, Entry.add(SizeOf(Entry)))
}

function PlumbPostDirectoryControl(
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
  let entry = cast(FILE_BOTH_DIR_INFORMATION, request.DirectoryBuffer)
  for (;;) {
    Say('Plumb: listed %wZ\n', entry)
    if (entry.NextEntryOffset > SizeOf(entry)) Say('Plumb: hidden %wZ\n', Behind(entry))
    if (entry.NextEntryOffset === 0) return FLT_POSTOP_FINISHED_PROCESSING
    entry = cast(FILE_BOTH_DIR_INFORMATION, entry.add(entry.NextEntryOffset))
  }
}

function PlumbUnload(Flags: ULONG): NTSTATUS {
  FltUnregisterFilter(filter)
  return STATUS_SUCCESS
}
