/*
 * EggTimer: answers a request after ten milliseconds, and keeps the count of eggs in the registry.
 */
import {
  CTL_CODE,
  DEVICE_OBJECT,
  DelayedWorkQueue,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  InterlockedCompareExchangePointer,
  InterlockedExchangePointer,
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
  KDPC,
  KTIMER,
  KeCancelTimer,
  KeFlushQueuedDpcs,
  KeInitializeDpc,
  KeInitializeTimer,
  KeSetTimer,
  METHOD_BUFFERED,
  NT_SUCCESS,
  PIO_WORKITEM,
  PIRP,
  REG_DWORD,
  RTL_CONSTANT_STRING,
  RTL_REGISTRY_SERVICES,
  RtlWriteRegistryValue,
  STATUS_DEVICE_BUSY,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_PENDING,
  STATUS_SUCCESS,
  ULONG,
  addressof,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, PVOID, Ptr, UNICODE_STRING } from 'wdm'

const IOCTL_BOIL = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** In units of 100 ns; a negative due time counts from now. */
const TEN_MILLISECONDS = -10 * 1000 * 10

// What the kernel looks at by itself has to lie in nonpaged memory, such as a device extension.
const EGG_TIMER = struct('EGG_TIMER', {
  Timer: KTIMER,
  Dpc: KDPC,
  /** For work that a DPC may not do. */
  WorkItem: PIO_WORKITEM,
  /** The packet that waits for its egg; NULL when there is none. */
  Boiling: PIRP,
  Eggs: ULONG,
})
type PEGG_TIMER = Ptr<typeof EGG_TIMER>

const DeviceName = RTL_CONSTANT_STRING('\\Device\\EggTimer')
const LinkName = RTL_CONSTANT_STRING('\\??\\EggTimer')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = EggTimerCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = EggTimerCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = EggTimerDeviceControl
  DriverObject.DriverUnload = EggTimerUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(EGG_TIMER),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status

  const timer = cast(EGG_TIMER, device.value.DeviceExtension)
  KeInitializeTimer(timer.Timer)
  // The device is what the DPC gets as its context.
  KeInitializeDpc(timer.Dpc, EggTimerDpc, device.value)
  timer.WorkItem = IoAllocateWorkItem(device.value)
  status = STATUS_INSUFFICIENT_RESOURCES
  if (timer.WorkItem !== null) status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) {
    if (timer.WorkItem !== null) IoFreeWorkItem(timer.WorkItem)
    IoDeleteDevice(device.value)
  }
  return status
}

/** Gives a packet back: how it went, and how many bytes were moved. */
function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function EggTimerCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function EggTimerDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const timer = cast(EGG_TIMER, DeviceObject.DeviceExtension)
  const control = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (control.IoControlCode !== IOCTL_BOIL) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)

  // One egg at a time. The exchange is one step, so two programs cannot both get the pot.
  if (InterlockedCompareExchangePointer(addressof(timer.Boiling), Irp, null) !== null)
    return Complete(Irp, STATUS_DEVICE_BUSY, 0)
  IoMarkIrpPending(Irp)
  KeSetTimer(timer.Timer, TEN_MILLISECONDS, timer.Dpc)
  return STATUS_PENDING
}

function EggTimerDpc(
  Dpc: KDPC,
  DeferredContext: PVOID,
  SystemArgument1: PVOID,
  SystemArgument2: PVOID,
): void {
  // The registry is no place for DISPATCH_LEVEL: a thread of the system's does it.
  const timer = cast(EGG_TIMER, cast(DEVICE_OBJECT, DeferredContext).DeviceExtension)
  IoQueueWorkItem(timer.WorkItem, EggTimerWork, DelayedWorkQueue, null)
}

function EggTimerWork(DeviceObject: DEVICE_OBJECT, Context: PVOID): void {
  Serve(cast(EGG_TIMER, DeviceObject.DeviceExtension))
}

/** Counts the egg, and gives the packet back. */
function Serve(timer: PEGG_TIMER): void {
  timer.Eggs++
  const eggs = addressof(timer.Eggs)
  RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, 'EggTimer', 'Eggs', REG_DWORD, eggs, sizeof(ULONG))
  const irp = cast(IRP, InterlockedExchangePointer(addressof(timer.Boiling), null))
  Complete(irp, STATUS_SUCCESS, 0)
}

function EggTimerUnload(DriverObject: DRIVER_OBJECT): void {
  const timer = cast(EGG_TIMER, DriverObject.DeviceObject.DeviceExtension)
  // The timer must not fire into code that is gone; its DPC may be queued already.
  KeCancelTimer(timer.Timer)
  KeFlushQueuedDpcs()
  IoFreeWorkItem(timer.WorkItem)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
