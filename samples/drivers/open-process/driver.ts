/*
 * Doorman: sees who opens which process, and asks the kernel something itself.
 *
 * The programs come from ring 3, by the instruction syscall. This driver is in ring 0 already: its own
 * call, a Zw routine, goes to the same table of services without a change of ring or stack.
 */
import {
  DbgPrint,
  EPROCESS,
  MmGetSystemRoutineAddress,
  NT_SUCCESS,
  OB_CALLBACK_REGISTRATION,
  OB_FLT_REGISTRATION_VERSION,
  OB_OPERATION_HANDLE_CREATE,
  OB_OPERATION_REGISTRATION,
  OB_PREOP_SUCCESS,
  ObRegisterCallbacks,
  ObUnRegisterCallbacks,
  PVOID,
  PsGetCurrentProcessId,
  PsGetProcessId,
  RTL_CONSTANT_STRING,
  RtlInitUnicodeString,
  SystemBasicInformation,
  UCHAR,
  ZwQuerySystemInformation,
  array,
  cast,
  local,
  out,
} from 'wdm'
import type {
  DRIVER_OBJECT,
  NTSTATUS,
  OB_PRE_OPERATION_INFORMATION,
  UNICODE_STRING,
  ULONG,
} from 'wdm'

/** SYSTEM_BASIC_INFORMATION: its bytes, and where PageSize lies in it. */
const BASIC_BYTES = 64
const PAGE_SIZE_AT = 2

let registration: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = DoormanUnload
  AskTheKernel()

  const operation = local(OB_OPERATION_REGISTRATION)
  operation.ObjectType = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  operation.Operations = OB_OPERATION_HANDLE_CREATE
  operation.PreOperation = DoormanPreOperation

  const callbacks = local(OB_CALLBACK_REGISTRATION)
  callbacks.Version = OB_FLT_REGISTRATION_VERSION
  callbacks.OperationRegistrationCount = 1
  RtlInitUnicodeString(callbacks.Altitude, '321100')
  callbacks.OperationRegistration = operation

  const handle = out<PVOID>()
  const status = ObRegisterCallbacks(callbacks, handle)
  if (NT_SUCCESS(status)) registration = handle.value
  return status
}

/** A system call from ring 0. The previous mode is KernelMode, so the buffer may lie in the kernel. */
function AskTheKernel(): void {
  const buffer = local(array(UCHAR, BASIC_BYTES))
  const returned = out<ULONG>()
  const status = ZwQuerySystemInformation(
    SystemBasicInformation,
    cast(PVOID, buffer),
    BASIC_BYTES,
    returned,
  )
  if (NT_SUCCESS(status))
    DbgPrint('Doorman: a page has %u bytes\n', cast(PVOID, buffer).u32[PAGE_SIZE_AT])
}

/** Runs inside of NtOpenProcess, on the thread of whoever called it. */
function DoormanPreOperation(
  RegistrationContext: PVOID,
  OperationInformation: OB_PRE_OPERATION_INFORMATION,
): ULONG {
  const process = cast(EPROCESS, OperationInformation.Object)
  const information = OperationInformation.Parameters.CreateHandleInformation
  DbgPrint(
    'Doorman: process %u opens process %u for 0x%X\n',
    PsGetCurrentProcessId(),
    PsGetProcessId(process),
    information.DesiredAccess,
  )
  return OB_PREOP_SUCCESS
}

function DoormanUnload(DriverObject: DRIVER_OBJECT): void {
  ObUnRegisterCallbacks(registration)
}
