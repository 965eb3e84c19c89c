/*
 * Reaper, the honest one: a watch that reports whether the antivirus runs.
 *
 * The same thread, the same list. It tells what it finds and opens nothing: to know that a process is
 * there, no handle to it is needed.
 */
import {
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
  Executive,
  FALSE,
  IO_NO_INCREMENT,
  KEVENT,
  KeInitializeEvent,
  KeSetEvent,
  KeWaitForSingleObject,
  KernelMode,
  LARGE_INTEGER,
  NT_SUCCESS,
  NotificationEvent,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  POOL_FLAG_NON_PAGED,
  POOL_FLAG_PAGED,
  PsCreateSystemThread,
  PsTerminateSystemThread,
  RTL_CONSTANT_STRING,
  RtlEqualUnicodeString,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  STATUS_TIMEOUT,
  SYSTEM_PROCESS_INFORMATION,
  SystemProcessInformation,
  THREAD_ALL_ACCESS,
  TRUE,
  ZwClose,
  ZwQuerySystemInformation,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const WANTED = RTL_CONSTANT_STRING('guard.exe')
const TAG = 'paeR'
/** Room for the list of processes and their threads. */
const LIST_BYTES = 0x10000
/** Between two looks at the list: a second, in units of 100 ns. */
const PERIOD = -10_000_000n

const REAPER = struct('REAPER', {
  /** Set when the thread is to end. */
  Stop: KEVENT,
  /** How long the thread waits for that before it looks again. */
  Period: LARGE_INTEGER,
})

let reaper: PVOID = null
/** The thread; referenced, so that it outlives itself until the driver has waited for it. */
let thread: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = ReaperUnload
  reaper = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(REAPER), TAG)
  if (reaper === null) return STATUS_INSUFFICIENT_RESOURCES
  KeInitializeEvent(cast(REAPER, reaper).Stop, NotificationEvent, FALSE)
  cast(REAPER, reaper).Period.QuadPart = PERIOD
  const handle = out<HANDLE>()
  const status = PsCreateSystemThread(
    handle,
    THREAD_ALL_ACCESS,
    null,
    null,
    null,
    ReaperThread,
    reaper,
  )
  if (!NT_SUCCESS(status)) {
    ExFreePoolWithTag(reaper, TAG)
    return status
  }
  const object = out<PVOID>()
  ObReferenceObjectByHandle(handle.value, THREAD_ALL_ACCESS, null, KernelMode, object, null)
  thread = object.value
  ZwClose(handle.value)
  return STATUS_SUCCESS
}

function ReaperThread(StartContext: PVOID): void {
  const own = cast(REAPER, StartContext)
  while (
    KeWaitForSingleObject(own.Stop, Executive, KernelMode, FALSE, own.Period) === STATUS_TIMEOUT
  )
    Look()
  PsTerminateSystemThread(STATUS_SUCCESS)
}

/** Go through the processes that there are. */
function Look(): void {
  const list = ExAllocatePool2(POOL_FLAG_PAGED, LIST_BYTES, TAG)
  if (list === null) return
  if (NT_SUCCESS(ZwQuerySystemInformation(SystemProcessInformation, list, LIST_BYTES, null))) {
    let entry = cast(SYSTEM_PROCESS_INFORMATION, list)
    for (;;) {
      if (RtlEqualUnicodeString(entry.ImageName, WANTED, TRUE)) Found(entry.UniqueProcessId)
      if (entry.NextEntryOffset === 0) break
      entry = cast(SYSTEM_PROCESS_INFORMATION, entry.add(entry.NextEntryOffset))
    }
  }
  ExFreePoolWithTag(list, TAG)
}

/** Say that it is there. */
function Found(Id: HANDLE): void {
  DbgPrint('Reaper: the antivirus runs, process %u\n', Id)
}

function ReaperUnload(DriverObject: DRIVER_OBJECT): void {
  // Code that is gone cannot be run: first the thread has to have ended.
  KeSetEvent(cast(REAPER, reaper).Stop, IO_NO_INCREMENT, FALSE)
  KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, null)
  ObDereferenceObject(thread)
  ExFreePoolWithTag(reaper, TAG)
}
