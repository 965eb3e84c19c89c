/* Requests that a work item completes later, on a handle that waits for them. */
import {
  DbgPrint,
  DelayedWorkQueue,
  IRP_MJ_DEVICE_CONTROL,
  IoAllocateWorkItem,
  IoFreeWorkItem,
  IoMarkIrpPending,
  IoQueueWorkItem,
  KeGetCurrentIrql,
  STATUS_INVALID_PARAMETER,
  STATUS_PENDING,
  STATUS_SUCCESS,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IO_WORKITEM,
  IRP,
  NTSTATUS,
  PDRIVER_UNLOAD,
  PVOID,
  UNICODE_STRING,
} from 'wdm'
import { Complete, FunctionOf, MakeDevice } from './witness'

let Item: IO_WORKITEM | null = null
let Kept: IRP | null = null
let UnloadShared: PDRIVER_UNLOAD | null = null

function Work(DeviceObject: DEVICE_OBJECT, Context: PVOID): void {
  if (Kept === null) return
  const irp = Kept
  const buffer = irp.AssociatedIrp.SystemBuffer
  DbgPrint('work irql %u\n', KeGetCurrentIrql())
  if (buffer !== null) buffer.u8[0] = 0x21
  const status = FunctionOf(irp) === 0x801 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS
  Complete(irp, status, buffer !== null ? 4 : 0)
}

function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  DbgPrint('pend %x\n', FunctionOf(Irp))
  IoMarkIrpPending(Irp)
  Kept = Irp
  IoQueueWorkItem(Item, Work, DelayedWorkQueue, null)
  return STATUS_PENDING
}

function UnloadItem(DriverObject: DRIVER_OBJECT): void {
  IoFreeWorkItem(Item)
  if (UnloadShared !== null) UnloadShared(DriverObject)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const status = MakeDevice(DriverObject, 0)
  Item = IoAllocateWorkItem(DriverObject.DeviceObject)
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  UnloadShared = DriverObject.DriverUnload
  DriverObject.DriverUnload = UnloadItem
  return status
}
