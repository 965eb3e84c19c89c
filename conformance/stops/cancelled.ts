/* K060: a packet that was completed with its cancel routine still set, then cancelled. */
import {
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP,
  IRP_MJ_WRITE,
  IoAllocateIrp,
  IoCallDriver,
  IoCancelIrp,
  IoCompleteRequest,
  IoCreateDevice,
  IoGetNextIrpStackLocation,
  IoReleaseCancelSpinLock,
  IoSetCancelRoutine,
  IoSetCompletionRoutine,
  STATUS_MORE_PROCESSING_REQUIRED,
  STATUS_SUCCESS,
  ULONG_PTR,
  cast,
  offsetof,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'
import { StopsWith } from './check'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  DriverObject.MajorFunction[IRP_MJ_WRITE] = Write
  const irp = IoAllocateIrp(1, false)
  IoGetNextIrpStackLocation(irp).MajorFunction = IRP_MJ_WRITE
  IoSetCompletionRoutine(irp, Keep, null, true, true, true)
  IoCallDriver(device.value, irp)
  const routine = irp.add(offsetof(IRP, 'CancelRoutine')).u64[0]
  StopsWith('K060', 0x48, cast(ULONG_PTR, irp), routine)
  IoCancelIrp(irp)
  return STATUS_SUCCESS
}

function Write(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSetCancelRoutine(Irp, Cancel)
  Irp.IoStatus.Status = STATUS_SUCCESS
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function Cancel(DeviceObject: DEVICE_OBJECT, Irp: IRP): void {
  IoReleaseCancelSpinLock(Irp.CancelIrql)
}

function Keep(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  // What a packet looks like once its last location is through.
  Irp.CurrentLocation = Irp.StackCount + 2
  return STATUS_MORE_PROCESSING_REQUIRED
}
