/* Packets of the driver's own: fields, stack locations, completion routines on the way up. */
import {
  DbgPrint,
  FILE_DEVICE_UNKNOWN,
  IRP_MJ_READ,
  IoAllocateIrp,
  IoAttachDeviceToDeviceStack,
  IoCallDriver,
  IoCopyCurrentIrpStackLocationToNext,
  IoCreateDevice,
  IoDeleteDevice,
  IoDetachDevice,
  IoFreeIrp,
  IoGetCurrentIrpStackLocation,
  IoGetNextIrpStackLocation,
  IoReuseIrp,
  IoSetCompletionRoutine,
  IoSetNextIrpStackLocation,
  PVOID,
  STATUS_DEVICE_BUSY,
  STATUS_MORE_PROCESSING_REQUIRED,
  STATUS_SUCCESS,
  ULONG_PTR,
  cast,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'
import { Complete, MakeDevice } from './witness'

let Low: DEVICE_OBJECT | null = null
let High: DEVICE_OBJECT | null = null

function Done(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  const number = Number(cast(ULONG_PTR, Context))
  DbgPrint(
    'done %u device %u status %x pending %u location %u\n',
    number,
    DeviceObject === null ? 0 : DeviceObject === High ? 2 : 1,
    Irp.IoStatus.Status,
    Irp.PendingReturned ? 1 : 0,
    Irp.CurrentLocation,
  )
  if (number === 9) return STATUS_MORE_PROCESSING_REQUIRED
  return STATUS_SUCCESS
}

function Read(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  DbgPrint(
    'read device %u location %u own %u key %u\n',
    DeviceObject === High ? 2 : 1,
    Irp.CurrentLocation,
    stack.DeviceObject === DeviceObject ? 1 : 0,
    stack.Parameters.Read.Key,
  )
  if (DeviceObject === High) {
    IoCopyCurrentIrpStackLocationToNext(Irp)
    IoSetCompletionRoutine(Irp, Done, cast(PVOID, 1), true, true, true)
    return IoCallDriver(Low, Irp)
  }
  return Complete(Irp, STATUS_DEVICE_BUSY, 0)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const irp = IoAllocateIrp(3, false)
  const first = cast(ULONG_PTR, irp.Tail.Overlay.CurrentStackLocation) - cast(ULONG_PTR, irp)
  const device = out<DEVICE_OBJECT>()
  const none = DriverObject.MajorFunction[IRP_MJ_READ]

  DbgPrint(
    'type %u count %u location %u first %u\n',
    irp.Type,
    irp.StackCount,
    irp.CurrentLocation,
    first,
  )
  IoSetNextIrpStackLocation(irp)
  DbgPrint('location %u\n', irp.CurrentLocation)
  IoReuseIrp(irp, STATUS_DEVICE_BUSY)
  DbgPrint('reused %u %x\n', irp.CurrentLocation, irp.IoStatus.Status)
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  const low = device.value
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  const high = device.value
  Low = low
  High = high
  DbgPrint('attached to low %u\n', IoAttachDeviceToDeviceStack(high, low) === low ? 1 : 0)
  DbgPrint('stack sizes %u %u\n', low.StackSize, high.StackSize)
  const newest = DriverObject.DeviceObject === high ? 1 : 0
  DbgPrint('list %u %u\n', newest, high.NextDevice === low ? 1 : 0)
  DriverObject.MajorFunction[IRP_MJ_READ] = Read
  IoGetNextIrpStackLocation(irp).MajorFunction = IRP_MJ_READ
  IoGetNextIrpStackLocation(irp).Parameters.Read.Key = 77
  IoSetCompletionRoutine(irp, Done, cast(PVOID, 9), true, true, true)
  const status = IoCallDriver(high, irp)
  DbgPrint('returned %x\n', status)
  IoFreeIrp(irp)
  IoDetachDevice(low)
  IoDeleteDevice(high)
  IoDeleteDevice(low)
  DriverObject.MajorFunction[IRP_MJ_READ] = none
  return MakeDevice(DriverObject, 0)
}
