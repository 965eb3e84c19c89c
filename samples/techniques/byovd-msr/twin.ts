/*
 * Tuner, mended: one register, and only to be looked at.
 *
 * Which registers a tool needs is known when it is written. Everything else is refused, and a setting
 * that has to be changed would get a control code of its own, which takes a setting and no register.
 */
import {
  CTL_CODE,
  DbgPrint,
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
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_ACCESS_DENIED,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  ULONG,
  ULONGLONG,
  __readmsr,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, Ptr, UNICODE_STRING, NTSTATUS } from 'wdm'

const IOCTL_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_WRITE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

const REQUEST = struct('REQUEST', {
  Value: ULONGLONG,
  Register: ULONG,
})
type REQUEST = Ptr<typeof REQUEST>
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Tuner')
const LinkName = RTL_CONSTANT_STRING('\\??\\Tuner')

/** Settings of the processor, SpeedStep among them. */
const IA32_MISC_ENABLE = 0x1a0

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = TunerCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = TunerCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = TunerDeviceControl
  DriverObject.DriverUnload = TunerUnload
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
  return status
}

/** Read the register of the settings. */
function Access(Request: REQUEST, IsWrite: boolean): NTSTATUS {
  if (IsWrite || Request.Register !== IA32_MISC_ENABLE) {
    DbgPrint("Tuner: register 0x%X is nobody's business\n", Request.Register)
    return STATUS_ACCESS_DENIED
  }
  Request.Value = __readmsr(IA32_MISC_ENABLE)
  return STATUS_SUCCESS
}

function TunerDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const call = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  const size = sizeof(REQUEST)
  if (call.InputBufferLength < size || call.OutputBufferLength < size)
    return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  const request = cast(REQUEST, Irp.AssociatedIrp.SystemBuffer)
  let status: NTSTATUS = STATUS_INVALID_DEVICE_REQUEST
  if (call.IoControlCode === IOCTL_READ) status = Access(request, false)
  if (call.IoControlCode === IOCTL_WRITE) status = Access(request, true)
  return Complete(Irp, status, NT_SUCCESS(status) ? size : 0)
}

function TunerCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function TunerUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
