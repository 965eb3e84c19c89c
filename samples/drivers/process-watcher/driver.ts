/*
 * Watcher: is told of every process, and forbids one.
 *
 * The routine runs in the process that creates the new one, before its first thread has run. What it
 * leaves in CreationStatus decides whether there will be one.
 */
import {
  DbgPrint,
  FALSE,
  NT_SUCCESS,
  PsGetProcessId,
  PsSetCreateProcessNotifyRoutineEx,
  PsSetLoadImageNotifyRoutine,
  PsRemoveLoadImageNotifyRoutine,
  RTL_CONSTANT_STRING,
  RtlEqualUnicodeString,
  STATUS_ACCESS_DENIED,
  TRUE,
} from 'wdm'
import type {
  DRIVER_OBJECT,
  EPROCESS,
  HANDLE,
  IMAGE_INFO,
  NTSTATUS,
  PS_CREATE_NOTIFY_INFO,
  UNICODE_STRING,
} from 'wdm'

const Forbidden = RTL_CONSTANT_STRING('evil.exe')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = WatcherUnload

  // Wants an image that was linked with /INTEGRITYCHECK; STATUS_ACCESS_DENIED otherwise.
  let status = PsSetCreateProcessNotifyRoutineEx(WatcherProcess, FALSE)
  if (!NT_SUCCESS(status)) return status
  status = PsSetLoadImageNotifyRoutine(WatcherImage)
  // A routine that stays registered after the driver is gone stops the machine at the next process.
  if (!NT_SUCCESS(status)) PsSetCreateProcessNotifyRoutineEx(WatcherProcess, TRUE)
  return status
}

function WatcherProcess(
  Process: EPROCESS,
  ProcessId: HANDLE,
  CreateInfo: PS_CREATE_NOTIFY_INFO,
): void {
  // NULL: the process ends.
  if (CreateInfo === null) {
    DbgPrint('Watcher: process %u ends\n', PsGetProcessId(Process))
    return
  }
  DbgPrint('Watcher: process %u begins, %wZ\n', ProcessId, CreateInfo.ImageFileName)
  if (RtlEqualUnicodeString(CreateInfo.CommandLine, Forbidden, TRUE)) {
    DbgPrint('Watcher: forbidden\n')
    CreateInfo.CreationStatus = STATUS_ACCESS_DENIED
  }
}

function WatcherImage(
  FullImageName: UNICODE_STRING,
  ProcessId: HANDLE,
  ImageInfo: IMAGE_INFO,
): void {
  // Drivers are images of the system: process 0.
  DbgPrint('Watcher: %wZ mapped into process %u\n', FullImageName, ProcessId)
}

function WatcherUnload(DriverObject: DRIVER_OBJECT): void {
  PsRemoveLoadImageNotifyRoutine(WatcherImage)
  PsSetCreateProcessNotifyRoutineEx(WatcherProcess, TRUE)
}
