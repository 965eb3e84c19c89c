/*
 * Top: the highest of three drivers. It passes packets on in each of the ways that there are:
 * skipped, copied with a completion routine, waited for, and as packets of its own.
 */
import {
  CTL_CODE,
  DO_BUFFERED_IO,
  DO_DIRECT_IO,
  DO_POWER_PAGABLE,
  Executive,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_MAXIMUM_FUNCTION,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  IoAllocateIrp,
  IoAttachDevice,
  IoBuildDeviceIoControlRequest,
  IoCallDriver,
  IoCompleteRequest,
  IoCopyCurrentIrpStackLocationToNext,
  IoCreateDevice,
  IoDeleteDevice,
  IoDetachDevice,
  IoFreeIrp,
  IoGetCurrentIrpStackLocation,
  IoGetNextIrpStackLocation,
  IoMarkIrpPending,
  IoSetCompletionRoutine,
  IoSkipCurrentIrpStackLocation,
  IO_STATUS_BLOCK,
  KEVENT,
  KeInitializeEvent,
  KeSetEvent,
  KeWaitForSingleObject,
  KernelMode,
  METHOD_BUFFERED,
  NT_SUCCESS,
  NotificationEvent,
  PDEVICE_OBJECT,
  RTL_CONSTANT_STRING,
  STATUS_CONTINUE_COMPLETION,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_MORE_PROCESSING_REQUIRED,
  STATUS_PENDING,
  TRUE,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const IOCTL_ASK = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

const TOP = struct('TOP', { Lower: PDEVICE_OBJECT })

const TargetName = RTL_CONSTANT_STRING('\\Device\\Bottom')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  for (let major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++)
    DriverObject.MajorFunction[major] = TopPassThrough
  DriverObject.MajorFunction[IRP_MJ_READ] = TopRead
  DriverObject.MajorFunction[IRP_MJ_WRITE] = TopWrite
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = TopDeviceControl
  DriverObject.DriverUnload = TopUnload
  const device = out<DEVICE_OBJECT>()
  const size = sizeof(TOP)
  const status = IoCreateDevice(DriverObject, size, null, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  const lower = out<DEVICE_OBJECT>()
  const attached = IoAttachDevice(device.value, TargetName, lower)
  if (!NT_SUCCESS(attached)) {
    IoDeleteDevice(device.value)
    return attached
  }
  cast(TOP, device.value.DeviceExtension).Lower = lower.value
  device.value.Flags |= lower.value.Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE)
  return attached
}

function TopPassThrough(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(cast(TOP, DeviceObject.DeviceExtension).Lower, Irp)
}

/** Watched on its way back. */
function TopRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoCopyCurrentIrpStackLocationToNext(Irp)
  IoSetCompletionRoutine(Irp, TopReadDone, null, TRUE, TRUE, TRUE)
  return IoCallDriver(cast(TOP, DeviceObject.DeviceExtension).Lower, Irp)
}

function TopReadDone(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  if (Irp.PendingReturned) IoMarkIrpPending(Irp)
  return STATUS_CONTINUE_COMPLETION
}

/** Waited for: the packet is kept on its way back and completed here. */
function TopWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const top = cast(TOP, DeviceObject.DeviceExtension)
  const done = local(KEVENT)
  KeInitializeEvent(done, NotificationEvent, FALSE)
  IoCopyCurrentIrpStackLocationToNext(Irp)
  IoSetCompletionRoutine(Irp, TopWriteDone, done, TRUE, TRUE, TRUE)
  const sent = IoCallDriver(top.Lower, Irp)
  if (sent === STATUS_PENDING) KeWaitForSingleObject(done, Executive, KernelMode, FALSE, null)
  const told = Tell(top.Lower)
  const asked = Ask(top.Lower)
  const status = !NT_SUCCESS(told) ? told : !NT_SUCCESS(asked) ? asked : Irp.IoStatus.Status
  Irp.IoStatus.Status = status
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return status
}

function TopWriteDone(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  KeSetEvent(cast(KEVENT, Context), IO_NO_INCREMENT, FALSE)
  return STATUS_MORE_PROCESSING_REQUIRED
}

/** A packet that the I/O manager frees: it belongs to this thread. */
function Ask(lower: DEVICE_OBJECT): NTSTATUS {
  const done = local(KEVENT)
  const result = local(IO_STATUS_BLOCK)
  KeInitializeEvent(done, NotificationEvent, FALSE)
  const irp = IoBuildDeviceIoControlRequest(IOCTL_ASK, lower, null, 0, null, 0, FALSE, done, result)
  if (irp === null) return STATUS_INSUFFICIENT_RESOURCES
  const status = IoCallDriver(lower, irp)
  if (status !== STATUS_PENDING) return status
  KeWaitForSingleObject(done, Executive, KernelMode, FALSE, null)
  return result.Status
}

/** A packet of the driver's own: it has no thread, and whoever made it frees it. */
function Tell(lower: DEVICE_OBJECT): NTSTATUS {
  const irp = IoAllocateIrp(lower.StackSize, FALSE)
  if (irp === null) return STATUS_INSUFFICIENT_RESOURCES
  const done = local(KEVENT)
  KeInitializeEvent(done, NotificationEvent, FALSE)
  const next = IoGetNextIrpStackLocation(irp)
  next.MajorFunction = IRP_MJ_READ
  next.Parameters.Read.Length = 0
  IoSetCompletionRoutine(irp, TopWriteDone, done, TRUE, TRUE, TRUE)
  IoCallDriver(lower, irp)
  KeWaitForSingleObject(done, Executive, KernelMode, FALSE, null)
  const status = irp.IoStatus.Status
  IoFreeIrp(irp)
  return status
}

function TopDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const code = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl.IoControlCode
  if (code === IOCTL_ASK) return TopWrite(DeviceObject, Irp)
  return TopPassThrough(DeviceObject, Irp)
}

function TopUnload(DriverObject: DRIVER_OBJECT): void {
  const device = DriverObject.DeviceObject
  IoDetachDevice(cast(TOP, device.DeviceExtension).Lower)
  IoDeleteDevice(device)
}
