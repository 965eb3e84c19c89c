/*
 * Shout: a filter. It attaches its own device on top of the device of lower.ts, so that every packet
 * comes through here first, and turns what is read into capital letters on the way back.
 *
 *   program -> I/O manager -> Shout (stack location 2) -> Poem (stack location 1)
 *
 * Going down, a packet visits dispatch routines; coming up after IoCompleteRequest, it visits
 * completion routines. Poem knows nothing of all this.
 */
import {
  DO_BUFFERED_IO,
  DO_DIRECT_IO,
  DbgPrint,
  FALSE,
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
  FILE_DEVICE_UNKNOWN,
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
  /** The device that ours is attached to: where packets go next. */
  Lower: PDEVICE_OBJECT,
})

const TargetName = RTL_CONSTANT_STRING('\\Device\\Poem')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  // A filter answers for every IRP_MJ code: one that it does not pass on never reaches the driver
  // below.
  for (let major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++)
    DriverObject.MajorFunction[major] = ShoutPassThrough
  DriverObject.MajorFunction[IRP_MJ_READ] = ShoutRead
  DriverObject.DriverUnload = ShoutUnload

  // No name and no link: nobody opens a filter, it stands in the way of others.
  const device = out<DEVICE_OBJECT>()
  const created = IoCreateDevice(
    DriverObject,
    sizeof(FILTER),
    null,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(created)) return created

  const lower = out<DEVICE_OBJECT>()
  const attached = IoAttachDevice(device.value, TargetName, lower)
  if (!NT_SUCCESS(attached)) {
    IoDeleteDevice(device.value)
    return attached
  }
  cast(FILTER, device.value.DeviceExtension).Lower = lower.value

  // The I/O manager looks at the flags of the top device only: buffers have to be what the driver
  // below expects.
  device.value.Flags |= lower.value.Flags & (DO_BUFFERED_IO | DO_DIRECT_IO)
  DbgPrint('Shout: attached, stack size %u\n', device.value.StackSize)
  return attached
}

/** Not our business: the driver below gets the packet with our own stack location. */
function ShoutPassThrough(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(cast(FILTER, DeviceObject.DeviceExtension).Lower, Irp)
}

function ShoutRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  // The completion routine is kept in the next stack location, so that one has to be filled in; a
  // packet whose location was skipped cannot have one.
  IoCopyCurrentIrpStackLocationToNext(Irp)
  IoSetCompletionRoutine(Irp, ShoutReadComplete, null, TRUE, FALSE, FALSE)
  // From here on the packet is the driver's below. It may be gone when IoCallDriver returns.
  return IoCallDriver(cast(FILTER, DeviceObject.DeviceExtension).Lower, Irp)
}

/** The driver below has completed the packet. May run in any thread, up to DISPATCH_LEVEL. */
function ShoutReadComplete(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  // A packet that was pended below has to be pended here as well, because the dispatch routine has
  // returned the STATUS_PENDING of the driver below.
  if (Irp.PendingReturned) IoMarkIrpPending(Irp)

  const text = Irp.AssociatedIrp.SystemBuffer
  const length = Number(Irp.IoStatus.Information)
  for (let i = 0; i < length; i++) if (text.u8[i] >= 0x61 && text.u8[i] <= 0x7a) text.u8[i] -= 0x20
  DbgPrint('Shout: %u bytes on their way up\n', length)
  // Go on with the completion routines above.
  return STATUS_CONTINUE_COMPLETION
}

function ShoutUnload(DriverObject: DRIVER_OBJECT): void {
  const device = DriverObject.DeviceObject
  IoDetachDevice(cast(FILTER, device.DeviceExtension).Lower)
  IoDeleteDevice(device)
}
