/* Middle: a filter that passes everything on and watches nothing. */
import {
  DO_BUFFERED_IO,
  DO_DIRECT_IO,
  DO_POWER_PAGABLE,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IRP_MJ_MAXIMUM_FUNCTION,
  IoAttachDevice,
  IoCallDriver,
  IoCreateDevice,
  IoDeleteDevice,
  IoDetachDevice,
  IoSkipCurrentIrpStackLocation,
  NT_SUCCESS,
  PDEVICE_OBJECT,
  RTL_CONSTANT_STRING,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const MIDDLE = struct('MIDDLE', { Lower: PDEVICE_OBJECT })

const TargetName = RTL_CONSTANT_STRING('\\Device\\Bottom')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  for (let major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++)
    DriverObject.MajorFunction[major] = MiddlePassThrough
  DriverObject.DriverUnload = MiddleUnload
  const device = out<DEVICE_OBJECT>()
  const size = sizeof(MIDDLE)
  const status = IoCreateDevice(DriverObject, size, null, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  const lower = out<DEVICE_OBJECT>()
  const attached = IoAttachDevice(device.value, TargetName, lower)
  if (!NT_SUCCESS(attached)) {
    IoDeleteDevice(device.value)
    return attached
  }
  cast(MIDDLE, device.value.DeviceExtension).Lower = lower.value
  device.value.Flags |= lower.value.Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE)
  return attached
}

function MiddlePassThrough(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(cast(MIDDLE, DeviceObject.DeviceExtension).Lower, Irp)
}

function MiddleUnload(DriverObject: DRIVER_OBJECT): void {
  const device = DriverObject.DeviceObject
  IoDetachDevice(cast(MIDDLE, device.DeviceExtension).Lower)
  IoDeleteDevice(device)
}
