/*
 * Undertow, the honest one: a filter of the old kind that reports which files are opened.
 *
 * Monitors were made like this before minifilters. It looks at the packet on its way down and lets it
 * go on as it is.
 */
import {
  DO_DEVICE_INITIALIZING,
  DbgPrint,
  FALSE,
  FILE_DEVICE_DISK_FILE_SYSTEM,
  IRP_MJ_CREATE,
  IRP_MJ_MAXIMUM_FUNCTION,
  IoAttachDevice,
  IoCallDriver,
  IoCreateDevice,
  IoDeleteDevice,
  IoGetCurrentIrpStackLocation,
  IoSkipCurrentIrpStackLocation,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

let lower: DEVICE_OBJECT = null
let own: DEVICE_OBJECT = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) DriverObject.MajorFunction[i] = UndertowPass
  DriverObject.MajorFunction[IRP_MJ_CREATE] = UndertowCreate
  // No DriverUnload: a legacy filter cannot leave safely, a packet may be under way below it.
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  own = device.value
  const below = out<DEVICE_OBJECT>()
  status = IoAttachDevice(own, RTL_CONSTANT_STRING('\\Device\\HarddiskVolume1'), below)
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(own)
    return status
  }
  lower = below.value
  own.Flags &= ~DO_DEVICE_INITIALIZING
  return STATUS_SUCCESS
}

function UndertowPass(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(lower, Irp)
}

function UndertowCreate(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const file = IoGetCurrentIrpStackLocation(Irp).FileObject
  DbgPrint('Undertow: %wZ is opened\n', file.FileName)
  return UndertowPass(DeviceObject, Irp)
}
