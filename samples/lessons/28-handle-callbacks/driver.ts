/*
 * Shield: protects vault.exe, so that no other program can end it or reach into it.
 */
import {
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
  PROCESS_CREATE_THREAD,
  PROCESS_SUSPEND_RESUME,
  PROCESS_TERMINATE,
  PROCESS_VM_OPERATION,
  PROCESS_VM_READ,
  PROCESS_VM_WRITE,
  PsGetCurrentProcess,
  PsGetProcessImageFileName,
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

/** What nobody gets: to end it, to look into its memory or change it, to run code in it. */
const DANGEROUS =
  PROCESS_TERMINATE |
  PROCESS_CREATE_THREAD |
  PROCESS_VM_OPERATION |
  PROCESS_VM_READ |
  PROCESS_VM_WRITE |
  PROCESS_SUSPEND_RESUME

let registration: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = ShieldUnload
  const operation = local(OB_OPERATION_REGISTRATION)
  operation.ObjectType = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  operation.Operations = OB_OPERATION_HANDLE_CREATE
  operation.PreOperation = ShieldPreOperation
  const callbacks = local(OB_CALLBACK_REGISTRATION)
  callbacks.Version = OB_FLT_REGISTRATION_VERSION
  callbacks.OperationRegistrationCount = 1
  RtlInitUnicodeString(callbacks.Altitude, '321700')
  callbacks.OperationRegistration = operation
  const handle = out<PVOID>()
  const status = ObRegisterCallbacks(callbacks, handle)
  if (NT_SUCCESS(status)) registration = handle.value
  return status
}

/** Whether a process is vault.exe. EPROCESS has the first 14 letters of the name of its image. */
function IsVault(Process: EPROCESS): boolean {
  const name = PsGetProcessImageFileName(Process)
  // 'vault.ex', as the eight bytes lie in memory.
  return name.u64[0] === 0x78652e746c756176n
}

function ShieldPreOperation(
  RegistrationContext: PVOID,
  OperationInformation: OB_PRE_OPERATION_INFORMATION,
): ULONG {
  // The kernel itself keeps its rights, and so does the process towards itself.
  if (OperationInformation.KernelHandle) return OB_PREOP_SUCCESS
  const process = cast(EPROCESS, OperationInformation.Object)
  if (!IsVault(process) || process === PsGetCurrentProcess()) return OB_PREOP_SUCCESS
  // Rights can be taken away, never added. The caller is told nothing: it gets a handle that is good for little.
  OperationInformation.Parameters.CreateHandleInformation.DesiredAccess &= ~DANGEROUS
  return OB_PREOP_SUCCESS
}

function ShieldUnload(DriverObject: DRIVER_OBJECT): void {
  ObUnRegisterCallbacks(registration)
}
