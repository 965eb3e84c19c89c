/* Statuses of all four severities with and without Information, and statuses that the caller gets. */
import {
  DO_BUFFERED_IO,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_READ,
  IoMarkIrpPending,
  STATUS_ACCESS_DENIED,
  STATUS_BUFFER_OVERFLOW,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_DEVICE_NOT_READY,
  STATUS_END_OF_FILE,
  STATUS_NOT_IMPLEMENTED,
  STATUS_NO_MORE_ENTRIES,
  STATUS_PENDING,
  STATUS_SUCCESS,
  STATUS_UNSUCCESSFUL,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'
import { Complete, FunctionOf, MakeDevice } from './witness'

function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const buffer = Irp.AssociatedIrp.SystemBuffer
  if (buffer !== null) for (let i = 0; i < 8; i++) buffer.u8[i] = 0x41 + i
  switch (FunctionOf(Irp)) {
    case 0x800:
      return Complete(Irp, STATUS_SUCCESS, 3)
    case 0x801:
      return Complete(Irp, STATUS_UNSUCCESSFUL, 3)
    case 0x802:
      return Complete(Irp, STATUS_BUFFER_OVERFLOW, 3)
    case 0x803:
      return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 8)
    case 0x804:
      return Complete(Irp, STATUS_ACCESS_DENIED, 0)
    case 0x805:
      return Complete(Irp, STATUS_NO_MORE_ENTRIES, 0)
    case 0x806:
      IoMarkIrpPending(Irp)
      Complete(Irp, STATUS_DEVICE_NOT_READY, 0)
      return STATUS_PENDING
    default:
      return Complete(Irp, STATUS_NOT_IMPLEMENTED, 0)
  }
}

function Read(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_END_OF_FILE, 0)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const status = MakeDevice(DriverObject, DO_BUFFERED_IO)
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  DriverObject.MajorFunction[IRP_MJ_READ] = Read
  return status
}
