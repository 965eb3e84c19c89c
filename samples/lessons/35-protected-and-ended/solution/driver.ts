/*
 * Guard: the driver of the antivirus. It is asked before a handle to a process is made.
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
  PROCESS_TERMINATE,
  PsGetProcessId,
  RTL_CONSTANT_STRING,
  RtlInitUnicodeString,
  cast,
  local,
  out,
} from 'wdm'
import type {
  DRIVER_OBJECT,
  NTSTATUS,
  OB_PRE_OPERATION_INFORMATION,
  PVOID,
  ULONG,
  UNICODE_STRING,
} from 'wdm'

/** The id of guard.exe on this machine. */
const GUARD = 2456

let registration: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = GuardUnload
  const operation = local(OB_OPERATION_REGISTRATION)
  operation.ObjectType = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  operation.Operations = OB_OPERATION_HANDLE_CREATE
  operation.PreOperation = GuardPreOperation
  const callbacks = local(OB_CALLBACK_REGISTRATION)
  callbacks.Version = OB_FLT_REGISTRATION_VERSION
  callbacks.OperationRegistrationCount = 1
  RtlInitUnicodeString(callbacks.Altitude, '321800')
  callbacks.OperationRegistration = operation
  const handle = out<PVOID>()
  const status = ObRegisterCallbacks(callbacks, handle)
  if (NT_SUCCESS(status)) registration = handle.value
  return status
}

/** Before a handle to a process is made, and before Windows looks whether that is allowed. */
function GuardPreOperation(
  RegistrationContext: PVOID,
  OperationInformation: OB_PRE_OPERATION_INFORMATION,
): ULONG {
  if (PsGetProcessId(cast(EPROCESS, OperationInformation.Object)) !== GUARD) return OB_PREOP_SUCCESS
  const information = OperationInformation.Parameters.CreateHandleInformation
  if ((information.DesiredAccess & PROCESS_TERMINATE) === 0) return OB_PREOP_SUCCESS
  if (OperationInformation.KernelHandle) {
    // A driver asks. It cannot be kept from it, but somebody should know before it happens.
    DbgPrint('Guard: the kernel wants to end guard.exe\n')
    return OB_PREOP_SUCCESS
  }
  information.DesiredAccess = information.DesiredAccess & ~PROCESS_TERMINATE
  DbgPrint('Guard: a program wants to end guard.exe\n')
  return OB_PREOP_SUCCESS
}

function GuardUnload(DriverObject: DRIVER_OBJECT): void {
  ObUnRegisterCallbacks(registration)
}
