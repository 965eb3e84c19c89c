/* Sentry: a security product. It lets miner.exe not begin, when its DriverEntry has run. */
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

const Unwanted = RTL_CONSTANT_STRING('\\miner.exe')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = SentryUnload
  const status = PsSetCreateProcessNotifyRoutineEx(SentryNotify, FALSE)
  DbgPrint('Sentry: on guard\n')
  return status
}

function SentryNotify(
  Process: EPROCESS,
  ProcessId: HANDLE,
  CreateInfo: PS_CREATE_NOTIFY_INFO,
): void {
  if (CreateInfo === null) return
  if (!EndsWith(CreateInfo.ImageFileName, Unwanted)) return
  CreateInfo.CreationStatus = STATUS_ACCESS_DENIED
  DbgPrint('Sentry: %wZ is not let in\n', CreateInfo.ImageFileName)
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

function SentryUnload(DriverObject: DRIVER_OBJECT): void {
  PsSetCreateProcessNotifyRoutineEx(SentryNotify, TRUE)
}
