/*
 * Heron, the honest one: has nothing to hide, and so no hurry.
 *
 * ObRegisterCallbacks tells the driver before a handle to a process is made. It stays registered for as
 * long as the driver is loaded, and a flag says whether anybody wants to know.
 */
import {
  CTL_CODE,
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
  OB_OPERATION_REGISTRATION,
  OB_PREOP_SUCCESS,
  ObRegisterCallbacks,
  ObUnRegisterCallbacks,
  RTL_CONSTANT_STRING,
  RtlInitUnicodeString,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
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

const IOCTL_BEGIN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_END = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Heron')
const LinkName = RTL_CONSTANT_STRING('\\??\\Heron')

let isCounting = false
let opens: ULONG = 0
let registration: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = HeronCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = HeronCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = HeronDeviceControl
  DriverObject.DriverUnload = HeronUnload
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

function Begin(): void {
  isCounting = true
}

function End(): void {
  isCounting = false
}

/** Ask to be told before a handle to a process is made. */
function Register(): NTSTATUS {
  const operation = local(OB_OPERATION_REGISTRATION)
  operation.ObjectType = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  operation.Operations = OB_OPERATION_HANDLE_CREATE
  operation.PreOperation = HeronPreOperation
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

function HeronPreOperation(
  RegistrationContext: PVOID,
  OperationInformation: OB_PRE_OPERATION_INFORMATION,
): ULONG {
  if (isCounting && !OperationInformation.KernelHandle) opens++
  return OB_PREOP_SUCCESS
}

function HeronDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode === IOCTL_BEGIN) {
    opens = 0
    Begin()
    return Complete(Irp, STATUS_SUCCESS, 0)
  }
  if (request.IoControlCode !== IOCTL_END) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.OutputBufferLength < 4) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  End()
  Irp.AssociatedIrp.SystemBuffer.u32[0] = opens
  return Complete(Irp, STATUS_SUCCESS, 4)
}

function HeronCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function HeronUnload(DriverObject: DRIVER_OBJECT): void {
  ObUnRegisterCallbacks(registration)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
