/*
 * guard.sys, the driver of the antivirus: told of processes that begin and end, asked about handles.
 *
 * It does what such drivers do at the least, and writes down what it is told.
 */
import {
  DbgPrint,
  EPROCESS,
  FALSE,
  MmGetSystemRoutineAddress,
  NT_SUCCESS,
  OB_CALLBACK_REGISTRATION,
  OB_FLT_REGISTRATION_VERSION,
  OB_OPERATION_HANDLE_CREATE,
  OB_OPERATION_REGISTRATION,
  OB_PREOP_SUCCESS,
  ObRegisterCallbacks,
  ObUnRegisterCallbacks,
  PsGetProcessId,
  PsSetCreateProcessNotifyRoutineEx,
  RTL_CONSTANT_STRING,
  RtlInitUnicodeString,
  TRUE,
  cast,
  local,
  out,
} from 'wdm'
import type {
  DRIVER_OBJECT,
  HANDLE,
  NTSTATUS,
  OB_PRE_OPERATION_INFORMATION,
  PS_CREATE_NOTIFY_INFO,
  PVOID,
  ULONG,
  UNICODE_STRING,
} from 'wdm'

let registration: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = GuardUnload
  const status = PsSetCreateProcessNotifyRoutineEx(OnProcess, FALSE)
  if (!NT_SUCCESS(status)) return status
  const operation = local(OB_OPERATION_REGISTRATION)
  operation.ObjectType = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  operation.Operations = OB_OPERATION_HANDLE_CREATE
  operation.PreOperation = OnHandle
  const callbacks = local(OB_CALLBACK_REGISTRATION)
  callbacks.Version = OB_FLT_REGISTRATION_VERSION
  callbacks.OperationRegistrationCount = 1
  RtlInitUnicodeString(callbacks.Altitude, '328010')
  callbacks.OperationRegistration = operation
  const handle = out<PVOID>()
  const registered = ObRegisterCallbacks(callbacks, handle)
  if (NT_SUCCESS(registered)) registration = handle.value
  else PsSetCreateProcessNotifyRoutineEx(OnProcess, TRUE)
  return registered
}

function OnProcess(Process: EPROCESS, ProcessId: HANDLE, CreateInfo: PS_CREATE_NOTIFY_INFO): void {
  DbgPrint(CreateInfo === null ? 'guard: %u ends\n' : 'guard: %u begins\n', ProcessId)
}

function OnHandle(
  RegistrationContext: PVOID,
  OperationInformation: OB_PRE_OPERATION_INFORMATION,
): ULONG {
  DbgPrint('guard: a handle to %u\n', PsGetProcessId(cast(EPROCESS, OperationInformation.Object)))
  return OB_PREOP_SUCCESS
}

function GuardUnload(DriverObject: DRIVER_OBJECT): void {
  ObUnRegisterCallbacks(registration)
  PsSetCreateProcessNotifyRoutineEx(OnProcess, TRUE)
}
