/*
 * Later: one request on its way through three kinds of context.
 *
 *   dispatch routine   the caller's thread, PASSIVE_LEVEL    sets a timer, returns STATUS_PENDING
 *   DPC of the timer   any thread,          DISPATCH_LEVEL   may not wait or touch paged memory
 *   work item          a system thread,     PASSIVE_LEVEL    may do anything; completes the packet
 *
 * Interrupt handlers of real drivers hand their work on in the same way.
 */
import {
  DEVICE_OBJECT,
  DbgPrint,
  DelayedWorkQueue,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  CTL_CODE,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoAllocateWorkItem,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoFreeWorkItem,
  IoGetCurrentIrpStackLocation,
  IoMarkIrpPending,
  IoQueueWorkItem,
  InterlockedCompareExchangePointer,
  InterlockedExchangePointer,
  KDPC,
  KTIMER,
  KeCancelTimer,
  KeFlushQueuedDpcs,
  KeGetCurrentIrql,
  KeInitializeDpc,
  KeInitializeTimer,
  KeSetTimer,
  METHOD_BUFFERED,
  NT_SUCCESS,
  PIO_WORKITEM,
  PIRP,
  IRP,
  RTL_CONSTANT_STRING,
  STATUS_DEVICE_BUSY,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_PENDING,
  STATUS_SUCCESS,
  addressof,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const IOCTL_ANSWER_LATER = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** Times are counted in units of 100 ns; a negative due time is relative to now. */
const TEN_MILLISECONDS = -10 * 1000 * 10

// Timers, DPCs and everything else that the kernel looks at by itself has to lie in nonpaged memory:
// here, in the device extension.
const LATER = struct('LATER', {
  Timer: KTIMER,
  Dpc: KDPC,
  WorkItem: PIO_WORKITEM,
  /** The packet that waits for its answer; NULL when there is none. */
  Pending: PIRP,
})

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Later')
const LinkName = RTL_CONSTANT_STRING('\\??\\Later')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = LaterCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = LaterCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = LaterDeviceControl
  DriverObject.DriverUnload = LaterUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(LATER),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status

  const later = cast(LATER, device.value.DeviceExtension)
  KeInitializeTimer(later.Timer)
  // The context is what the DPC gets as its second argument: the way from a timer to the device.
  KeInitializeDpc(later.Dpc, LaterTimerDpc, device.value)
  later.WorkItem = IoAllocateWorkItem(device.value)

  status = STATUS_INSUFFICIENT_RESOURCES
  if (later.WorkItem !== null) status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) {
    if (later.WorkItem !== null) IoFreeWorkItem(later.WorkItem)
    IoDeleteDevice(device.value)
  }
  return status
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function LaterCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function LaterDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const later = cast(LATER, DeviceObject.DeviceExtension)
  const stack = IoGetCurrentIrpStackLocation(Irp)
  if (stack.Parameters.DeviceIoControl.IoControlCode !== IOCTL_ANSWER_LATER)
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)

  // There is room for one packet. The exchange happens in one step, so two threads cannot both get
  // the place.
  const place = addressof(later.Pending)
  if (InterlockedCompareExchangePointer(place, Irp, null) !== null)
    return Complete(Irp, STATUS_DEVICE_BUSY, 0)

  DbgPrint('Later: dispatch routine at IRQL %u\n', KeGetCurrentIrql())
  IoMarkIrpPending(Irp)
  KeSetTimer(later.Timer, TEN_MILLISECONDS, later.Dpc)
  return STATUS_PENDING
}

function LaterTimerDpc(
  Dpc: KDPC,
  DeferredContext: PVOID,
  SystemArgument1: PVOID,
  SystemArgument2: PVOID,
): void {
  DbgPrint('Later: DPC at IRQL %u\n', KeGetCurrentIrql())
  // The work item knows its device, so it needs no context of its own.
  const later = cast(LATER, cast(DEVICE_OBJECT, DeferredContext).DeviceExtension)
  IoQueueWorkItem(later.WorkItem, LaterWork, DelayedWorkQueue, null)
}

function LaterWork(DeviceObject: DEVICE_OBJECT, Context: PVOID): void {
  DbgPrint('Later: work item at IRQL %u\n', KeGetCurrentIrql())
  const later = cast(LATER, DeviceObject.DeviceExtension)
  const irp = cast(IRP, InterlockedExchangePointer(addressof(later.Pending), null))
  Complete(irp, STATUS_SUCCESS, 0)
}

function LaterUnload(DriverObject: DRIVER_OBJECT): void {
  const later = cast(LATER, DriverObject.DeviceObject.DeviceExtension)
  // A timer that fires after the unload would call code that is not there any more: bug check 0xCE.
  // Cancelling is not enough, because its DPC may be queued already.
  KeCancelTimer(later.Timer)
  KeFlushQueuedDpcs()
  IoFreeWorkItem(later.WorkItem)

  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
