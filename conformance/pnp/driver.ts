/*
 * K065 to K067: how PnP packets arrive, and when a device goes that is pulled out while it is open.
 * The function driver of a device on the machine's own bus looks at every packet that comes by.
 */
import {
  DEVICE_CAPABILITIES,
  DO_DEVICE_INITIALIZING,
  DO_POWER_PAGABLE,
  FILE_DEVICE_UNKNOWN,
  GUID,
  IO_NO_INCREMENT,
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  IRP_MJ_SYSTEM_CONTROL,
  IRP_MN_QUERY_CAPABILITIES,
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
  STATUS_NOT_SUPPORTED,
  STATUS_SUCCESS,
  UNICODE_STRING,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS } from 'wdm'
import { Equal, Holds } from './check'

const EXTENSION = struct('EXTENSION', { Lower: PDEVICE_OBJECT, Interface: UNICODE_STRING })

let Surprises = 0
let Closes = 0

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverExtension.AddDevice = AddDevice
  DriverObject.DriverUnload = Unload
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = Succeed
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Close
  DriverObject.MajorFunction[IRP_MJ_POWER] = PassDown
  DriverObject.MajorFunction[IRP_MJ_SYSTEM_CONTROL] = PassDown
  DriverObject.MajorFunction[IRP_MJ_PNP] = Pnp
  return STATUS_SUCCESS
}

function Unload(DriverObject: DRIVER_OBJECT): void {}

function AddDevice(DriverObject: DRIVER_OBJECT, PhysicalDeviceObject: DEVICE_OBJECT): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  const status = IoCreateDevice(
    DriverObject,
    sizeof(EXTENSION),
    null,
    FILE_DEVICE_UNKNOWN,
    0,
    false,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  const extension = cast(EXTENSION, device.value.DeviceExtension)
  extension.Lower = IoAttachDeviceToDeviceStack(device.value, PhysicalDeviceObject)
  const guid = local(GUID)
  guid.Data1 = 0x65
  IoRegisterDeviceInterface(PhysicalDeviceObject, guid, null, extension.Interface)
  device.value.Flags |= DO_POWER_PAGABLE
  device.value.Flags &= ~DO_DEVICE_INITIALIZING
  return STATUS_SUCCESS
}

function Pnp(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const extension = cast(EXTENSION, DeviceObject.DeviceExtension)
  const stack = IoGetCurrentIrpStackLocation(Irp)
  Equal('K066', 'IoStatus.Status of a PnP packet', Irp.IoStatus.Status, STATUS_NOT_SUPPORTED)
  switch (stack.MinorFunction) {
    case IRP_MN_QUERY_CAPABILITIES: {
      const block = stack.Parameters.DeviceCapabilities.Capabilities
      const capabilities = cast(DEVICE_CAPABILITIES, block)
      Equal('K065', 'Size', capabilities.Size, 0x40)
      Equal('K065', 'Version', capabilities.Version, 1)
      Equal('K065', 'Address', capabilities.Address, 0xffffffff)
      Equal('K065', 'UINumber', capabilities.UINumber, 0xffffffff)
      return PassDown(DeviceObject, Irp)
    }
    case IRP_MN_START_DEVICE: {
      IoForwardIrpSynchronously(extension.Lower, Irp)
      const status = Irp.IoStatus.Status
      IoSetDeviceInterfaceState(extension.Interface, true)
      IoCompleteRequest(Irp, IO_NO_INCREMENT)
      return status
    }
    case IRP_MN_SURPRISE_REMOVAL:
      Surprises++
      Equal('K067', 'closed handles at SURPRISE_REMOVAL', Closes, 0)
      Irp.IoStatus.Status = STATUS_SUCCESS
      return PassDown(DeviceObject, Irp)
    case IRP_MN_REMOVE_DEVICE: {
      Equal('K067', 'SURPRISE_REMOVAL packets', Surprises, 1)
      Holds('K067', 'the handle is closed before REMOVE_DEVICE', Closes === 1)
      IoSetDeviceInterfaceState(extension.Interface, false)
      RtlFreeUnicodeString(extension.Interface)
      Irp.IoStatus.Status = STATUS_SUCCESS
      const lower = extension.Lower
      const status = PassDown(DeviceObject, Irp)
      IoDetachDevice(lower)
      IoDeleteDevice(DeviceObject)
      return status
    }
    default:
      return PassDown(DeviceObject, Irp)
  }
}

function PassDown(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(cast(EXTENSION, DeviceObject.DeviceExtension).Lower, Irp)
}

function Succeed(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function Close(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Closes++
  return Succeed(DeviceObject, Irp)
}
