/*
 * Hatch: what one program writes, another one reads.
 */
import {
  DO_BUFFERED_IO,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  IoMarkIrpPending,
  KSPIN_LOCK,
  KeAcquireSpinLock,
  KeInitializeSpinLock,
  KeReleaseSpinLock,
  NT_SUCCESS,
  PIRP,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_CANCELLED,
  STATUS_DEVICE_BUSY,
  STATUS_DEVICE_NOT_READY,
  STATUS_PENDING,
  STATUS_SUCCESS,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, KIRQL, NTSTATUS, Ptr, UNICODE_STRING } from 'wdm'

const HATCH = struct('HATCH', {
  Lock: KSPIN_LOCK,
  /** The read that waits for a portion; NULL when none does. */
  Waiting: PIRP,
})
type PHATCH = Ptr<typeof HATCH>

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Hatch')
const LinkName = RTL_CONSTANT_STRING('\\??\\Hatch')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = HatchCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = HatchCreateClose
  DriverObject.MajorFunction[IRP_MJ_READ] = HatchRead
  DriverObject.MajorFunction[IRP_MJ_WRITE] = HatchWrite
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = HatchCleanup
  DriverObject.DriverUnload = HatchUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(HATCH),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO
  KeInitializeSpinLock(cast(HATCH, device.value.DeviceExtension).Lock)
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

/** Gives a packet back: how it went, and how many bytes were moved. */
function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function HatchCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function HatchRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const hatch = cast(HATCH, DeviceObject.DeviceExtension)
  const irql = out<KIRQL>()
  KeAcquireSpinLock(hatch.Lock, irql)
  const isFree = hatch.Waiting === null
  if (isFree) {
    // Marked first: from the moment that it can be found, the packet may be completed.
    IoMarkIrpPending(Irp)
    hatch.Waiting = Irp
  }
  KeReleaseSpinLock(hatch.Lock, irql.value)
  return isFree ? STATUS_PENDING : Complete(Irp, STATUS_DEVICE_BUSY, 0)
}

function HatchWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const reader = TakeWaiting(cast(HATCH, DeviceObject.DeviceExtension))
  if (reader === null) return Complete(Irp, STATUS_DEVICE_NOT_READY, 0)

  const space = IoGetCurrentIrpStackLocation(reader).Parameters.Read.Length
  const given = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  const count = Math.min(space, given)
  RtlCopyMemory(reader.AssociatedIrp.SystemBuffer, Irp.AssociatedIrp.SystemBuffer, count)
  Complete(reader, STATUS_SUCCESS, count)
  return Complete(Irp, STATUS_SUCCESS, count)
}

/** The read that waits, if any. From here on it is the caller's. */
function TakeWaiting(hatch: PHATCH): IRP | null {
  const irql = out<KIRQL>()
  KeAcquireSpinLock(hatch.Lock, irql)
  const irp = hatch.Waiting
  hatch.Waiting = null
  KeReleaseSpinLock(hatch.Lock, irql.value)
  return irp
}

/** The last handle was closed: nobody will ask for more through this file. */
function HatchCleanup(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const reader = TakeWaiting(cast(HATCH, DeviceObject.DeviceExtension))
  if (reader !== null) Complete(reader, STATUS_CANCELLED, 0)
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function HatchUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
