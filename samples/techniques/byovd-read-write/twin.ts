/*
 * Tuner, mended: reads and writes the settings of the device, and nothing else.
 *
 * What a program names is the number of a setting, not an address. The driver checks it against how
 * many there are, and knows by itself where they lie.
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
  PVOID,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  ULONGLONG,
  array,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, ULONG, UNICODE_STRING, NTSTATUS } from 'wdm'

const IOCTL_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_WRITE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

const REQUEST = struct('REQUEST', {
  Address: ULONGLONG,
  Value: ULONGLONG,
})
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Tuner')
const LinkName = RTL_CONSTANT_STRING('\\??\\Tuner')

const SETTINGS = 16

const EXTENSION = struct('EXTENSION', {
  Settings: array(ULONGLONG, SETTINGS),
})

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = TunerCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = TunerCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = TunerDeviceControl
  DriverObject.DriverUnload = TunerUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(EXTENSION),
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

function TunerDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const call = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (call.InputBufferLength < sizeof(REQUEST)) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  const request = cast(REQUEST, Irp.AssociatedIrp.SystemBuffer)
  if (request.Address >= SETTINGS) {
    DbgPrint('Tuner: there is no setting %p\n', cast(PVOID, request.Address))
    return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  }
  const settings = cast(EXTENSION, DeviceObject.DeviceExtension).Settings
  const index = Number(request.Address)
  if (call.IoControlCode === IOCTL_WRITE) {
    settings[index] = request.Value
    return Complete(Irp, STATUS_SUCCESS, 0)
  }
  if (call.IoControlCode !== IOCTL_READ) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (call.OutputBufferLength < sizeof(REQUEST)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  request.Value = settings[index]
  return Complete(Irp, STATUS_SUCCESS, sizeof(REQUEST))
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
