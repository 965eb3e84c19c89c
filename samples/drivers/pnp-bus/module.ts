/*
 * Module: the function driver of what is in the rack. It says when a module comes and goes.
 */
import {
  DO_DEVICE_INITIALIZING,
  DO_POWER_PAGABLE,
  DbgPrint,
  FALSE,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  IRP_MJ_SYSTEM_CONTROL,
  IRP_MN_QUERY_REMOVE_DEVICE,
  IRP_MN_REMOVE_DEVICE,
  IRP_MN_START_DEVICE,
  IRP_MN_SURPRISE_REMOVAL,
  DevicePropertyAddress,
  IoAttachDeviceToDeviceStack,
  IoCallDriver,
  IoCompleteRequest,
  IoCreateDevice,
  IoDeleteDevice,
  IoDetachDevice,
  IoForwardIrpSynchronously,
  IoGetCurrentIrpStackLocation,
  IoGetDeviceProperty,
  IoSkipCurrentIrpStackLocation,
  NT_SUCCESS,
  PDEVICE_OBJECT,
  STATUS_NO_SUCH_DEVICE,
  STATUS_SUCCESS,
  ULONG,
  addressof,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, NTSTATUS, UNICODE_STRING, IRP } from 'wdm'

const EXTENSION = struct('EXTENSION', { Lower: PDEVICE_OBJECT, Slot: ULONG })

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverExtension.AddDevice = ModuleAddDevice
  DriverObject.DriverUnload = ModuleUnload
  DriverObject.MajorFunction[IRP_MJ_SYSTEM_CONTROL] = ModulePassDown
  DriverObject.MajorFunction[IRP_MJ_POWER] = ModulePassDown
  DriverObject.MajorFunction[IRP_MJ_PNP] = ModulePnp
  return STATUS_SUCCESS
}

function ModuleUnload(DriverObject: DRIVER_OBJECT): void {}

function ModuleAddDevice(
  DriverObject: DRIVER_OBJECT,
  PhysicalDeviceObject: DEVICE_OBJECT,
): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  const created = IoCreateDevice(
    DriverObject,
    sizeof(EXTENSION),
    null,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(created)) return created
  const extension = cast(EXTENSION, device.value.DeviceExtension)
  // The bus driver said in which slot the module is.
  const length = out<ULONG>()
  IoGetDeviceProperty(
    PhysicalDeviceObject,
    DevicePropertyAddress,
    4,
    addressof(extension.Slot),
    length,
  )
  extension.Lower = IoAttachDeviceToDeviceStack(device.value, PhysicalDeviceObject)
  if (extension.Lower === null) {
    IoDeleteDevice(device.value)
    return STATUS_NO_SUCH_DEVICE
  }
  device.value.Flags |= DO_POWER_PAGABLE
  device.value.Flags &= ~DO_DEVICE_INITIALIZING
  return STATUS_SUCCESS
}

function ModulePnp(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const extension = cast(EXTENSION, DeviceObject.DeviceExtension)
  switch (IoGetCurrentIrpStackLocation(Irp).MinorFunction) {
    case IRP_MN_START_DEVICE: {
      IoForwardIrpSynchronously(extension.Lower, Irp)
      const status = Irp.IoStatus.Status
      DbgPrint('Module: started in slot %u\n', extension.Slot)
      IoCompleteRequest(Irp, IO_NO_INCREMENT)
      return status
    }
    case IRP_MN_SURPRISE_REMOVAL:
      DbgPrint('Module: slot %u lost it\n', extension.Slot)
      Irp.IoStatus.Status = STATUS_SUCCESS
      return ModulePassDown(DeviceObject, Irp)
    case IRP_MN_QUERY_REMOVE_DEVICE:
      Irp.IoStatus.Status = STATUS_SUCCESS
      return ModulePassDown(DeviceObject, Irp)
    case IRP_MN_REMOVE_DEVICE: {
      DbgPrint('Module: removed from slot %u\n', extension.Slot)
      Irp.IoStatus.Status = STATUS_SUCCESS
      const lower = extension.Lower
      const status = ModulePassDown(DeviceObject, Irp)
      IoDetachDevice(lower)
      IoDeleteDevice(DeviceObject)
      return status
    }
    default:
      return ModulePassDown(DeviceObject, Irp)
  }
}

function ModulePassDown(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(cast(EXTENSION, DeviceObject.DeviceExtension).Lower, Irp)
}
