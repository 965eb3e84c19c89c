/*
 * Lamp: the smallest function driver that plug and play allows. The filter in driver.ts sits above it.
 */
import {
  DO_BUFFERED_IO,
  DO_DEVICE_INITIALIZING,
  DO_POWER_PAGABLE,
  FALSE,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  GUID,
  IO_NO_INCREMENT,
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  IRP_MJ_READ,
  IRP_MJ_SYSTEM_CONTROL,
  IRP_MN_QUERY_REMOVE_DEVICE,
  IRP_MN_REMOVE_DEVICE,
  IRP_MN_START_DEVICE,
  IRP_MN_SURPRISE_REMOVAL,
  IoAttachDeviceToDeviceStack,
  IoCallDriver,
  IoCompleteRequest,
  IoCreateDevice,
  IoDeleteDevice,
  IoDetachDevice,
  IoForwardIrpSynchronously,
  IoGetCurrentIrpStackLocation,
  IoRegisterDeviceInterface,
  IoSetDeviceInterfaceState,
  IoSkipCurrentIrpStackLocation,
  NT_SUCCESS,
  PDEVICE_OBJECT,
  RtlFreeUnicodeString,
  STATUS_NO_SUCH_DEVICE,
  STATUS_SUCCESS,
  TRUE,
  UNICODE_STRING,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, NTSTATUS, IRP } from 'wdm'

const LAMP = struct('LAMP', { Lower: PDEVICE_OBJECT, InterfaceName: UNICODE_STRING })

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverExtension.AddDevice = LampAddDevice
  DriverObject.DriverUnload = LampUnload
  DriverObject.MajorFunction[IRP_MJ_CREATE] = LampCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = LampCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = LampCreateClose
  DriverObject.MajorFunction[IRP_MJ_READ] = LampRead
  DriverObject.MajorFunction[IRP_MJ_POWER] = LampPassDown
  DriverObject.MajorFunction[IRP_MJ_SYSTEM_CONTROL] = LampPassDown
  DriverObject.MajorFunction[IRP_MJ_PNP] = LampPnp
  return STATUS_SUCCESS
}

function LampUnload(DriverObject: DRIVER_OBJECT): void {}

function LampAddDevice(DriverObject: DRIVER_OBJECT, PhysicalDeviceObject: DEVICE_OBJECT): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  const created = IoCreateDevice(
    DriverObject,
    sizeof(LAMP),
    null,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(created)) return created
  const lamp = cast(LAMP, device.value.DeviceExtension)
  lamp.Lower = IoAttachDeviceToDeviceStack(device.value, PhysicalDeviceObject)
  if (lamp.Lower === null) {
    IoDeleteDevice(device.value)
    return STATUS_NO_SUCH_DEVICE
  }
  const guid = local(GUID)
  guid.Data1 = 0x1a2b3c4d
  guid.Data2 = 0x5e6f
  guid.Data3 = 0x4711
  guid.Data4[7] = 0x02
  const registered = IoRegisterDeviceInterface(PhysicalDeviceObject, guid, null, lamp.InterfaceName)
  if (!NT_SUCCESS(registered)) {
    IoDetachDevice(lamp.Lower)
    IoDeleteDevice(device.value)
    return registered
  }
  device.value.Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE
  device.value.Flags &= ~DO_DEVICE_INITIALIZING
  return STATUS_SUCCESS
}

function LampPnp(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const lamp = cast(LAMP, DeviceObject.DeviceExtension)
  switch (IoGetCurrentIrpStackLocation(Irp).MinorFunction) {
    case IRP_MN_START_DEVICE: {
      IoForwardIrpSynchronously(lamp.Lower, Irp)
      const status = Irp.IoStatus.Status
      if (NT_SUCCESS(status)) IoSetDeviceInterfaceState(lamp.InterfaceName, TRUE)
      IoCompleteRequest(Irp, IO_NO_INCREMENT)
      return status
    }
    case IRP_MN_QUERY_REMOVE_DEVICE:
      Irp.IoStatus.Status = STATUS_SUCCESS
      return LampPassDown(DeviceObject, Irp)
    case IRP_MN_SURPRISE_REMOVAL:
      IoSetDeviceInterfaceState(lamp.InterfaceName, FALSE)
      Irp.IoStatus.Status = STATUS_SUCCESS
      return LampPassDown(DeviceObject, Irp)
    case IRP_MN_REMOVE_DEVICE: {
      IoSetDeviceInterfaceState(lamp.InterfaceName, FALSE)
      RtlFreeUnicodeString(lamp.InterfaceName)
      Irp.IoStatus.Status = STATUS_SUCCESS
      const status = LampPassDown(DeviceObject, Irp)
      IoDetachDevice(lamp.Lower)
      IoDeleteDevice(DeviceObject)
      return status
    }
    default:
      return LampPassDown(DeviceObject, Irp)
  }
}

function LampPassDown(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(cast(LAMP, DeviceObject.DeviceExtension).Lower, Irp)
}

function LampCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

/** The lamp says that it is lit: one byte. */
function LampRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Read.Length
  if (length > 0) Irp.AssociatedIrp.SystemBuffer.u8[0] = 1
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = length > 0 ? 1 : 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}
