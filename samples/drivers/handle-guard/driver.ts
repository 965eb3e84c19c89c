/*
 * Guard: takes dangerous rights away from handles to a process that asked for protection.
 *
 * A callback on handles is asked before a handle to a process is opened or duplicated. It cannot
 * refuse the handle, but it decides what the handle is good for.
 */
import {
  DbgPrint,
  EPROCESS,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  MmGetSystemRoutineAddress,
  NT_SUCCESS,
  OB_CALLBACK_REGISTRATION,
  OB_FLT_REGISTRATION_VERSION,
  OB_OPERATION_HANDLE_CREATE,
  OB_OPERATION_HANDLE_DUPLICATE,
  OB_OPERATION_REGISTRATION,
  OB_PREOP_SUCCESS,
  ObRegisterCallbacks,
  ObUnRegisterCallbacks,
  PROCESS_CREATE_THREAD,
  PROCESS_TERMINATE,
  PROCESS_VM_OPERATION,
  PROCESS_VM_WRITE,
  PsGetCurrentProcessId,
  PsGetProcessId,
  RTL_CONSTANT_STRING,
  RtlInitUnicodeString,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  cast,
  local,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  HANDLE,
  IRP,
  NTSTATUS,
  OB_PRE_OPERATION_INFORMATION,
  PVOID,
  ULONG,
  UNICODE_STRING,
} from 'wdm'
import { IOCTL_GUARD_PROTECT_ME } from './ioctl'

/** What nobody gets to the protected process. */
const DANGEROUS =
  PROCESS_TERMINATE | PROCESS_CREATE_THREAD | PROCESS_VM_OPERATION | PROCESS_VM_WRITE

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Guard')
const LinkName = RTL_CONSTANT_STRING('\\??\\Guard')

/** Process that is protected; 0 for none. */
let protectedId: HANDLE = 0
let registration: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = GuardCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = GuardCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = GuardDeviceControl
  DriverObject.DriverUnload = GuardUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (NT_SUCCESS(status)) {
    status = Register()
    if (!NT_SUCCESS(status)) IoDeleteSymbolicLink(LinkName)
  }
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

/** Registers the callback for handles to processes. */
function Register(): NTSTATUS {
  const operation = local(OB_OPERATION_REGISTRATION)
  // PsProcessType is a variable that the kernel exports.
  operation.ObjectType = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  operation.Operations = OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE
  operation.PreOperation = GuardPreOperation

  const callbacks = local(OB_CALLBACK_REGISTRATION)
  callbacks.Version = OB_FLT_REGISTRATION_VERSION
  callbacks.OperationRegistrationCount = 1
  // Who is asked first: the highest altitude. Each one is taken once in the whole system.
  RtlInitUnicodeString(callbacks.Altitude, '321000')
  callbacks.OperationRegistration = operation

  const handle = out<PVOID>()
  const status = ObRegisterCallbacks(callbacks, handle)
  if (NT_SUCCESS(status)) registration = handle.value
  return status
}

function GuardPreOperation(
  RegistrationContext: PVOID,
  OperationInformation: OB_PRE_OPERATION_INFORMATION,
): ULONG {
  const process = cast(EPROCESS, OperationInformation.Object)
  if (protectedId === 0 || PsGetProcessId(process) !== protectedId) return OB_PREOP_SUCCESS
  // The kernel itself keeps its rights.
  if (OperationInformation.KernelHandle) return OB_PREOP_SUCCESS

  // Both forms of the parameters begin with the rights. They can be taken away, never added.
  const information = OperationInformation.Parameters.CreateHandleInformation
  const before = information.DesiredAccess
  information.DesiredAccess = before & ~DANGEROUS
  DbgPrint(
    'Guard: handle to process %u: 0x%X becomes 0x%X\n',
    protectedId,
    before,
    before & ~DANGEROUS,
  )
  return OB_PREOP_SUCCESS
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function GuardCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function GuardDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  if (stack.Parameters.DeviceIoControl.IoControlCode !== IOCTL_GUARD_PROTECT_ME)
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST)
  protectedId = PsGetCurrentProcessId()
  return Complete(Irp, STATUS_SUCCESS)
}

function GuardUnload(DriverObject: DRIVER_OBJECT): void {
  // First the callback: it must not be called any more when the rest goes.
  ObUnRegisterCallbacks(registration)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
