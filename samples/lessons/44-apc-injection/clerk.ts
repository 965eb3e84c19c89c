/*
 * Clerk: attaches to a program for a look, and does some work of its own in an APC of its own thread.
 */
import {
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
  KAPC,
  KAPC_STATE,
  KTHREAD,
  KeGetCurrentThread,
  KeInitializeApc,
  KeInsertQueueApc,
  KeStackAttachProcess,
  KeUnstackDetachProcess,
  KernelMode,
  NT_SUCCESS,
  ObDereferenceObject,
  OriginalApcEnvironment,
  POOL_FLAG_NON_PAGED,
  PsLookupProcessByProcessId,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  cast,
  local,
  out,
  sizeof,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, PVOID, UNICODE_STRING, EPROCESS } from 'wdm'

/** The id of explorer.exe on this machine. */
const EXPLORER = 3644
const TAG = 'krlC'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = ClerkUnload
  const process = out<EPROCESS>()
  if (NT_SUCCESS(PsLookupProcessByProcessId(EXPLORER, process))) {
    const state = local(KAPC_STATE)
    KeStackAttachProcess(process.value, state)
    KeUnstackDetachProcess(state)
    ObDereferenceObject(process.value)
  }
  const apc = cast(KAPC, ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(KAPC), TAG))
  if (apc === null) return STATUS_INSUFFICIENT_RESOURCES
  KeInitializeApc(
    apc,
    cast(KTHREAD, KeGetCurrentThread()),
    OriginalApcEnvironment,
    ClerkKernelRoutine,
    null,
    null,
    KernelMode,
    null,
  )
  if (!KeInsertQueueApc(apc, null, null, 0)) ExFreePoolWithTag(apc, TAG)
  return STATUS_SUCCESS
}

/** Runs in the thread of the driver itself, and gives the APC back. */
function ClerkKernelRoutine(
  Apc: KAPC,
  NormalRoutine: PVOID,
  NormalContext: PVOID,
  SystemArgument1: PVOID,
  SystemArgument2: PVOID,
): void {
  ExFreePoolWithTag(Apc, TAG)
  DbgPrint('Clerk: done\n')
}

function ClerkUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Clerk: ends\n')
}
