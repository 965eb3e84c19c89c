/*
 * Gate, the honest one: counts how often programs open a process, by the callback that is there for it.
 *
 * ObRegisterCallbacks tells a driver before a handle to a process is made, by whatever way. It costs
 * nothing at other system calls, survives an update of Windows, and tools can see who has registered.
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

const IOCTL_COUNT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Gate')
const LinkName = RTL_CONSTANT_STRING('\\??\\Gate')

let opens: ULONG = 0
let registration: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = GateCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = GateCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = GateDeviceControl
  DriverObject.DriverUnload = GateUnload
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
  operation.Operations = OB_OPERATION_HANDLE_CREATE
  operation.PreOperation = GatePreOperation
  const callbacks = local(OB_CALLBACK_REGISTRATION)
  callbacks.Version = OB_FLT_REGISTRATION_VERSION
  callbacks.OperationRegistrationCount = 1
  RtlInitUnicodeString(callbacks.Altitude, '321500')
  callbacks.OperationRegistration = operation
  const handle = out<PVOID>()
  const status = ObRegisterCallbacks(callbacks, handle)
  if (NT_SUCCESS(status)) registration = handle.value
  return status
}

function GatePreOperation(
  RegistrationContext: PVOID,
  OperationInformation: OB_PRE_OPERATION_INFORMATION,
): ULONG {
  // Programs only, as the driver that it stands for.
  if (!OperationInformation.KernelHandle) opens++
  return OB_PREOP_SUCCESS
}

function GateDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_COUNT) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.OutputBufferLength < 4) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  Irp.AssociatedIrp.SystemBuffer.u32[0] = opens
  return Complete(Irp, STATUS_SUCCESS, 4)
}

function GateCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function GateUnload(DriverObject: DRIVER_OBJECT): void {
  ObUnRegisterCallbacks(registration)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
