/* Bottom: the device that the stack stands on. It answers reads, and control codes of the filters above. */
import {
  DO_BUFFERED_IO,
  DO_POWER_PAGABLE,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  IoMarkIrpPending,
  KDPC,
  KTIMER,
  KeCancelTimer,
  KeFlushQueuedDpcs,
  KeInitializeDpc,
  KeInitializeTimer,
  KeSetTimer,
  NT_SUCCESS,
  PIRP,
  RTL_CONSTANT_STRING,
  STATUS_PENDING,
  STATUS_SUCCESS,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const BOTTOM = struct('BOTTOM', { Timer: KTIMER, Dpc: KDPC, Waiting: PIRP })

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Bottom')
const LinkName = RTL_CONSTANT_STRING('\\??\\Bottom')

const ONE_MILLISECOND = -1 * 1000 * 10

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = BottomNow
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = BottomNow
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = BottomNow
  DriverObject.MajorFunction[IRP_MJ_WRITE] = BottomNow
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = BottomLater
  DriverObject.MajorFunction[IRP_MJ_READ] = BottomLater
  DriverObject.DriverUnload = BottomUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(BOTTOM),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE
  const bottom = cast(BOTTOM, device.value.DeviceExtension)
  KeInitializeTimer(bottom.Timer)
  KeInitializeDpc(bottom.Dpc, BottomDpc, bottom)
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function BottomNow(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

/** A read or a control code is answered a millisecond later; Parameters of both begin with the length. */
function BottomLater(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const bottom = cast(BOTTOM, DeviceObject.DeviceExtension)
  IoMarkIrpPending(Irp)
  bottom.Waiting = Irp
  KeSetTimer(bottom.Timer, ONE_MILLISECOND, bottom.Dpc)
  return STATUS_PENDING
}

function BottomDpc(Dpc: PVOID, Context: PVOID, Argument1: PVOID, Argument2: PVOID): void {
  const bottom = cast(BOTTOM, Context)
  const irp = bottom.Waiting
  bottom.Waiting = null
  const length = IoGetCurrentIrpStackLocation(irp).Parameters.Read.Length
  for (let i = 0; i < length; i++) irp.AssociatedIrp.SystemBuffer.u8[i] = 0x2a
  Complete(irp, STATUS_SUCCESS, length)
}

function BottomUnload(DriverObject: DRIVER_OBJECT): void {
  const bottom = cast(BOTTOM, DriverObject.DeviceObject.DeviceExtension)
  KeCancelTimer(bottom.Timer)
  KeFlushQueuedDpcs()
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
