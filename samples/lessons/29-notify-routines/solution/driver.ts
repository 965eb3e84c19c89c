/*
 * Sentry: keeps a log of the processes that begin and end.
 */
import {
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
  FALSE,
  NT_SUCCESS,
  POOL_FLAG_NON_PAGED,
  PsRemoveLoadImageNotifyRoutine,
  PsSetCreateProcessNotifyRoutine,
  PsSetLoadImageNotifyRoutine,
  STATUS_INSUFFICIENT_RESOURCES,
  TRUE,
} from 'wdm'
import type {
  BOOLEAN,
  DRIVER_OBJECT,
  HANDLE,
  IMAGE_INFO,
  NTSTATUS,
  PVOID,
  ULONG,
  UNICODE_STRING,
} from 'wdm'

const TAG = 'rtnS'
const TOLD_MAX = 32

/** Ids of the processes that Sentry was told of, four bytes each. */
let Told: PVOID = null
let ToldCount: ULONG = 0

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = SentryUnload
  Told = ExAllocatePool2(POOL_FLAG_NON_PAGED, TOLD_MAX * 4, TAG)
  if (Told === null) return STATUS_INSUFFICIENT_RESOURCES
  let status = PsSetCreateProcessNotifyRoutine(SentryProcess, FALSE)
  if (NT_SUCCESS(status)) {
    status = PsSetLoadImageNotifyRoutine(SentryImage)
    if (!NT_SUCCESS(status)) PsSetCreateProcessNotifyRoutine(SentryProcess, TRUE)
  }
  if (!NT_SUCCESS(status)) ExFreePoolWithTag(Told, TAG)
  return status
}

/** Is called for every process, when it is made and when it is over. */
function SentryProcess(ParentId: HANDLE, ProcessId: HANDLE, Create: BOOLEAN): void {
  if (Create) {
    Remember(ProcessId)
    DbgPrint('Sentry: process %u begins\n', ProcessId)
  } else DbgPrint('Sentry: process %u ends\n', ProcessId)
}

function Remember(ProcessId: HANDLE): void {
  if (ToldCount === TOLD_MAX) return
  Told.u32[ToldCount] = ProcessId
  ToldCount++
}

/** Whether SentryProcess was called when the process began. */
function WasTold(ProcessId: HANDLE): boolean {
  for (let i = 0; i < ToldCount; i++) if (Told.u32[i] === ProcessId) return true
  return false
}

/** Is called for every image that is mapped. Programs' come with the id of their process, drivers' with 0. */
function SentryImage(
  FullImageName: UNICODE_STRING,
  ProcessId: HANDLE,
  ImageInfo: IMAGE_INFO,
): void {
  DbgPrint('Sentry: %wZ, process %u\n', FullImageName, ProcessId)
  if (ProcessId === 0 || WasTold(ProcessId)) return
  // The kernel tells of a process before it maps anything into it, unless the routine is not called.
  DbgPrint('Sentry: not told of process %u\n', ProcessId)
  Remember(ProcessId)
  PsSetCreateProcessNotifyRoutine(SentryProcess, FALSE)
}

function SentryUnload(DriverObject: DRIVER_OBJECT): void {
  PsRemoveLoadImageNotifyRoutine(SentryImage)
  PsSetCreateProcessNotifyRoutine(SentryProcess, TRUE)
  ExFreePoolWithTag(Told, TAG)
}
