/*
 * Ledger, mended: it is written down who acquires the lock, and only that one does.
 */
import {
  DO_BUFFERED_IO,
  DbgPrint,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_WRITE,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KSPIN_LOCK,
  KeAcquireSpinLock,
  KeInitializeSpinLock,
  KeReleaseSpinLock,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  ULONG,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, KIRQL, NTSTATUS, Ptr, UNICODE_STRING } from 'wdm'

const EXTENSION = struct('EXTENSION', {
  Lock: KSPIN_LOCK,
  /** Bytes written so far, and how many writes they came in. Both are guarded by Lock. */
  Total: ULONG,
  Writes: ULONG,
})
type PEXTENSION = Ptr<typeof EXTENSION>

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Ledger')
const LinkName = RTL_CONSTANT_STRING('\\??\\Ledger')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = LedgerCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = LedgerCreateClose
  DriverObject.MajorFunction[IRP_MJ_WRITE] = LedgerWrite
  DriverObject.DriverUnload = LedgerUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(EXTENSION),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO
  KeInitializeSpinLock(cast(EXTENSION, device.value.DeviceExtension).Lock)

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

function LedgerCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function LedgerWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const extension = cast(EXTENSION, DeviceObject.DeviceExtension)
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length

  const irql = out<KIRQL>()
  KeAcquireSpinLock(extension.Lock, irql)
  extension.Total += length
  extension.Writes += 1
  const average = Average(extension)
  KeReleaseSpinLock(extension.Lock, irql.value)

  DbgPrint('Ledger: %u bytes on average\n', average)
  return Complete(Irp, STATUS_SUCCESS, length)
}

/** Bytes of a write on average. The caller holds the lock. */
function Average(extension: PEXTENSION): number {
  return extension.Total / extension.Writes
}

function LedgerUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
