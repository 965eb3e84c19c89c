/*
 * Watch: an upper filter. The registry names it in UpperFilters of the lamp's key, so the PnP manager
 * puts it on top of the lamp's stack, and everything that is wanted of the lamp comes by here.
 *
 * A filter adds something and takes nothing away: it looks like the device below, passes on what it
 * does not know, and never completes a packet that is not its own.
 */
import {
  DEVICE_CAPABILITIES,
  DO_BUFFERED_IO,
  DO_DEVICE_INITIALIZING,
  DO_DIRECT_IO,
  DO_POWER_INRUSH,
  DO_POWER_PAGABLE,
  DbgPrint,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  FILE_REMOVABLE_MEDIA,
  IO_NO_INCREMENT,
  IO_REMOVE_LOCK,
  IRP_MJ_MAXIMUM_FUNCTION,
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  IRP_MJ_READ,
  IRP_MN_QUERY_CAPABILITIES,
  IRP_MN_REMOVE_DEVICE,
  IRP_MN_START_DEVICE,
  IoAcquireRemoveLock,
  IoAttachDeviceToDeviceStack,
  IoCallDriver,
  IoCompleteRequest,
  IoCreateDevice,
  IoDeleteDevice,
  IoDetachDevice,
  IoForwardIrpSynchronously,
  IoGetCurrentIrpStackLocation,
  IoInitializeRemoveLock,
  IoReleaseRemoveLock,
  IoReleaseRemoveLockAndWait,
  IoSkipCurrentIrpStackLocation,
  NT_SUCCESS,
  PDEVICE_OBJECT,
  PoCallDriver,
  STATUS_NO_SUCH_DEVICE,
  STATUS_SUCCESS,
  ULONG,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, NTSTATUS, Ptr, UNICODE_STRING, IRP } from 'wdm'

/** SurpriseRemovalOK, a bit of DEVICE_CAPABILITIES: no warning when somebody pulls the plug. */
const SURPRISE_REMOVAL_OK = 0x200

const WATCH = struct('WATCH', {
  Lower: PDEVICE_OBJECT,
  RemoveLock: IO_REMOVE_LOCK,
  Reads: ULONG,
})
type PWATCH = Ptr<typeof WATCH>

const watchOf = (device: DEVICE_OBJECT): PWATCH => cast(WATCH, device.DeviceExtension)

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  // Every code: one that a filter leaves out never reaches the driver below.
  for (let major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++)
    DriverObject.MajorFunction[major] = WatchPassDown
  DriverObject.MajorFunction[IRP_MJ_READ] = WatchRead
  DriverObject.MajorFunction[IRP_MJ_POWER] = WatchPower
  DriverObject.MajorFunction[IRP_MJ_PNP] = WatchPnp
  DriverObject.DriverExtension.AddDevice = WatchAddDevice
  DriverObject.DriverUnload = WatchUnload
  return STATUS_SUCCESS
}

function WatchUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Watch: unloaded\n')
}

function WatchAddDevice(
  DriverObject: DRIVER_OBJECT,
  PhysicalDeviceObject: DEVICE_OBJECT,
): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  const created = IoCreateDevice(
    DriverObject,
    sizeof(WATCH),
    null,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(created)) return created
  const watch = watchOf(device.value)
  IoInitializeRemoveLock(watch.RemoveLock, 'hctW', 0, 0)
  watch.Lower = IoAttachDeviceToDeviceStack(device.value, PhysicalDeviceObject)
  if (watch.Lower === null) {
    IoDeleteDevice(device.value)
    return STATUS_NO_SUCH_DEVICE
  }
  // The I/O manager and the power manager look at the device on top: it has to say what the ones
  // below have said.
  const copied = DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE | DO_POWER_INRUSH
  device.value.Flags |= watch.Lower.Flags & copied
  device.value.DeviceType = watch.Lower.DeviceType
  device.value.Characteristics = watch.Lower.Characteristics
  device.value.Flags &= ~DO_DEVICE_INITIALIZING
  DbgPrint('Watch: attached\n')
  return STATUS_SUCCESS
}

/** Not our business. */
function WatchPassDown(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const watch = watchOf(DeviceObject)
  const entered = IoAcquireRemoveLock(watch.RemoveLock, Irp)
  if (!NT_SUCCESS(entered)) return Complete(Irp, entered)
  IoSkipCurrentIrpStackLocation(Irp)
  const status = IoCallDriver(watch.Lower, Irp)
  IoReleaseRemoveLock(watch.RemoveLock, Irp)
  return status
}

function WatchPower(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const watch = watchOf(DeviceObject)
  const entered = IoAcquireRemoveLock(watch.RemoveLock, Irp)
  if (!NT_SUCCESS(entered)) return Complete(Irp, entered)
  DbgPrint('Watch: power packet %u\n', IoGetCurrentIrpStackLocation(Irp).MinorFunction)
  IoSkipCurrentIrpStackLocation(Irp)
  const status = PoCallDriver(watch.Lower, Irp)
  IoReleaseRemoveLock(watch.RemoveLock, Irp)
  return status
}

function WatchRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const watch = watchOf(DeviceObject)
  watch.Reads++
  return WatchPassDown(DeviceObject, Irp)
}

function WatchPnp(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const watch = watchOf(DeviceObject)
  switch (IoGetCurrentIrpStackLocation(Irp).MinorFunction) {
    case IRP_MN_START_DEVICE: {
      const status = PassDownAndWait(watch, Irp)
      // Only now the driver below knows what kind of medium it has.
      if (NT_SUCCESS(status))
        DeviceObject.Characteristics |= watch.Lower.Characteristics & FILE_REMOVABLE_MEDIA
      return Complete(Irp, status)
    }
    case IRP_MN_QUERY_CAPABILITIES: {
      // The others have filled the structure in; the filter adds to it on the way back.
      const status = PassDownAndWait(watch, Irp)
      const parameters = IoGetCurrentIrpStackLocation(Irp).Parameters
      if (NT_SUCCESS(status))
        cast(DEVICE_CAPABILITIES, parameters.DeviceCapabilities.Capabilities).CapabilityFlags |=
          SURPRISE_REMOVAL_OK
      return Complete(Irp, status)
    }
    case IRP_MN_REMOVE_DEVICE: {
      const entered = IoAcquireRemoveLock(watch.RemoveLock, Irp)
      if (!NT_SUCCESS(entered)) return Complete(Irp, entered)
      IoReleaseRemoveLockAndWait(watch.RemoveLock, Irp)
      DbgPrint('Watch: %u reads went by\n', watch.Reads)
      Irp.IoStatus.Status = STATUS_SUCCESS
      IoSkipCurrentIrpStackLocation(Irp)
      const status = IoCallDriver(watch.Lower, Irp)
      IoDetachDevice(watch.Lower)
      IoDeleteDevice(DeviceObject)
      return status
    }
    default:
      return WatchPassDown(DeviceObject, Irp)
  }
}

/** Let the drivers below have the packet first; it is ours again afterwards. */
function PassDownAndWait(watch: PWATCH, Irp: IRP): NTSTATUS {
  IoForwardIrpSynchronously(watch.Lower, Irp)
  return Irp.IoStatus.Status
}

/** Complete a packet that has been down already, or that came too late. */
function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}
