/*
 * Bouncer, the honest one: lets a program not start that is known to be malicious.
 *
 * The same routine with another name in it, as a security product would have a list of them.
 */
import {
  DbgPrint,
  FALSE,
  PWSTR,
  PsSetCreateProcessNotifyRoutineEx,
  RTL_CONSTANT_STRING,
  RtlEqualUnicodeString,
  STATUS_ACCESS_DENIED,
  TRUE,
  UNICODE_STRING,
  cast,
  local,
} from 'wdm'
import type { DRIVER_OBJECT, EPROCESS, HANDLE, NTSTATUS, PS_CREATE_NOTIFY_INFO } from 'wdm'

/** The image that may not begin. */
const Unwanted = RTL_CONSTANT_STRING('\\miner.exe')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = BouncerUnload
  return PsSetCreateProcessNotifyRoutineEx(BouncerNotify, FALSE)
}

function BouncerNotify(
  Process: EPROCESS,
  ProcessId: HANDLE,
  CreateInfo: PS_CREATE_NOTIFY_INFO,
): void {
  // It is told of the end of a process as well, without anything about it.
  if (CreateInfo === null) return
  if (!EndsWith(CreateInfo.ImageFileName, Unwanted)) return
  CreateInfo.CreationStatus = STATUS_ACCESS_DENIED
  DbgPrint('Bouncer: %wZ may not begin\n', CreateInfo.ImageFileName)
}

/** Whether a path ends with a name, whatever the case. */
function EndsWith(Path: UNICODE_STRING, Name: UNICODE_STRING): boolean {
  if (Path.Length < Name.Length) return false
  const end = local(UNICODE_STRING)
  end.Length = Name.Length
  end.MaximumLength = Name.Length
  end.Buffer = cast(PWSTR, Path.Buffer.add(Path.Length - Name.Length))
  return RtlEqualUnicodeString(end, Name, TRUE) !== 0
}

function BouncerUnload(DriverObject: DRIVER_OBJECT): void {
  PsSetCreateProcessNotifyRoutineEx(BouncerNotify, TRUE)
}
