/*
 * Warden, the honest one: keeps a process from being ended, by the callback that is there for it.
 *
 * ObRegisterCallbacks asks the driver before a handle to a process is made, and lets it take rights
 * away. The process can still be looked at, which is why task managers go on working.
 */
import {
  CTL_CODE,
  DbgPrint,
  EPROCESS,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_SECURE_OPEN,
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
  METHOD_BUFFERED,
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
  PROCESS_TERMINATE,
  PsGetProcessId,
  RTL_CONSTANT_STRING,
  RtlInitUnicodeString,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  cast,
  local,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IRP,
  OB_PRE_OPERATION_INFORMATION,
  PVOID,
  UNICODE_STRING,
  NTSTATUS,
  ULONG,
} from 'wdm'

const IOCTL_PROTECT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Warden')
const LinkName = RTL_CONSTANT_STRING('\\??\\Warden')

let protectedId: ULONG = 0
let registration: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = WardenCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = WardenCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = WardenDeviceControl
  DriverObject.DriverUnload = WardenUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    0,
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  else {
    status = Register()
    if (!NT_SUCCESS(status)) {
      IoDeleteSymbolicLink(LinkName)
      IoDeleteDevice(device.value)
    }
  }
  return status
}

/** Ask to be told before a handle to a process is made. */
function Register(): NTSTATUS {
  const operation = local(OB_OPERATION_REGISTRATION)
  operation.ObjectType = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  operation.Operations = OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE
  operation.PreOperation = WardenPreOperation
  const callbacks = local(OB_CALLBACK_REGISTRATION)
  callbacks.Version = OB_FLT_REGISTRATION_VERSION
  callbacks.OperationRegistrationCount = 1
  RtlInitUnicodeString(callbacks.Altitude, '321600')
  callbacks.OperationRegistration = operation
  const handle = out<PVOID>()
  const status = ObRegisterCallbacks(callbacks, handle)
  if (NT_SUCCESS(status)) registration = handle.value
  return status
}

function WardenPreOperation(
  RegistrationContext: PVOID,
  OperationInformation: OB_PRE_OPERATION_INFORMATION,
): ULONG {
  if (OperationInformation.KernelHandle) return OB_PREOP_SUCCESS
  if (PsGetProcessId(cast(EPROCESS, OperationInformation.Object)) !== protectedId)
    return OB_PREOP_SUCCESS
  const information = OperationInformation.Parameters.CreateHandleInformation
  information.DesiredAccess = information.DesiredAccess & ~PROCESS_TERMINATE
  DbgPrint('Warden: nobody ends process %u\n', protectedId)
  return OB_PREOP_SUCCESS
}

function WardenDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_PROTECT)
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.InputBufferLength < 4) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  protectedId = Irp.AssociatedIrp.SystemBuffer.u32[0]
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function WardenCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function WardenUnload(DriverObject: DRIVER_OBJECT): void {
  ObUnRegisterCallbacks(registration)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
