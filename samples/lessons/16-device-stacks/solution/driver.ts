/*
 * Shout: a filter on top of the device of lower.ts. What is read comes back in capital letters.
 */
import {
  DO_BUFFERED_IO,
  DO_DIRECT_IO,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IRP_MJ_MAXIMUM_FUNCTION,
  IRP_MJ_READ,
  IoAttachDevice,
  IoCallDriver,
  IoCopyCurrentIrpStackLocationToNext,
  IoCreateDevice,
  IoDeleteDevice,
  IoDetachDevice,
  IoMarkIrpPending,
  IoSetCompletionRoutine,
  IoSkipCurrentIrpStackLocation,
  NT_SUCCESS,
  PDEVICE_OBJECT,
  RTL_CONSTANT_STRING,
  STATUS_CONTINUE_COMPLETION,
  TRUE,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const FILTER = struct('FILTER', {
  /** The device below ours: where packets go next. */
  Lower: PDEVICE_OBJECT,
})

const TargetName = RTL_CONSTANT_STRING('\\Device\\Poem')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  // Every kind of packet comes through here, so every kind has to be passed on.
  for (let major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++)
    DriverObject.MajorFunction[major] = ShoutPassOn
  DriverObject.MajorFunction[IRP_MJ_READ] = ShoutRead
  DriverObject.DriverUnload = ShoutUnload

  // No name and no link: nobody opens a filter.
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(FILTER),
    null,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status

  const lower = out<DEVICE_OBJECT>()
  status = IoAttachDevice(device.value, TargetName, lower)
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(device.value)
    return status
  }
  cast(FILTER, device.value.DeviceExtension).Lower = lower.value
  // The I/O manager looks at the flags of the topmost device: buffers as the driver below wants them.
  device.value.Flags |= lower.value.Flags & (DO_BUFFERED_IO | DO_DIRECT_IO)
  return status
}

/** Gives the packet to the driver below, with the stack location that was ours. */
function ShoutPassOn(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(cast(FILTER, DeviceObject.DeviceExtension).Lower, Irp)
}

function ShoutRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  // A completion routine is kept in the next stack location, so that one has to be filled in.
  IoCopyCurrentIrpStackLocationToNext(Irp)
  IoSetCompletionRoutine(Irp, ShoutReadComplete, null, TRUE, FALSE, FALSE)
  return IoCallDriver(cast(FILTER, DeviceObject.DeviceExtension).Lower, Irp)
}

/** The driver below has completed the packet. */
function ShoutReadComplete(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  // Pended below means pended here: our dispatch routine returned the same STATUS_PENDING.
  if (Irp.PendingReturned) IoMarkIrpPending(Irp)
  const text = Irp.AssociatedIrp.SystemBuffer
  const length = Number(Irp.IoStatus.Information)
  for (let i = 0; i < length; i++) if (text.u8[i] >= 0x61 && text.u8[i] <= 0x7a) text.u8[i] -= 0x20
  return STATUS_CONTINUE_COMPLETION
}

function ShoutUnload(DriverObject: DRIVER_OBJECT): void {
  const device = DriverObject.DeviceObject
  IoDetachDevice(cast(FILTER, device.DeviceExtension).Lower)
  IoDeleteDevice(device)
}
