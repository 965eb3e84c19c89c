/*
 * Eaves, the honest one: a filter above the keyboard that swaps Y and Z.
 *
 * That is what such filters are there for: keyboards of other countries, keys that do something else.
 * It changes the codes in passing and keeps none of them.
 */
import {
  DO_BUFFERED_IO,
  DO_DEVICE_INITIALIZING,
  FALSE,
  FILE_DEVICE_KEYBOARD,
  IRP_MJ_MAXIMUM_FUNCTION,
  IRP_MJ_READ,
  IoAttachDevice,
  IoCallDriver,
  IoCopyCurrentIrpStackLocationToNext,
  IoCreateDevice,
  IoDeleteDevice,
  IoMarkIrpPending,
  IoSetCompletionRoutine,
  IoSkipCurrentIrpStackLocation,
  KEYBOARD_INPUT_DATA,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  TRUE,
  array,
  cast,
  out,
  sizeof,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

/** Scan codes of the two keys. */
const KEY_Y = 0x15
const KEY_Z = 0x2c

let lower: DEVICE_OBJECT = null
let own: DEVICE_OBJECT = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) DriverObject.MajorFunction[i] = EavesPass
  DriverObject.MajorFunction[IRP_MJ_READ] = EavesRead
  // No DriverUnload: a read is always under way, and its completion routine lies in this image.
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_KEYBOARD, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  own = device.value
  own.Flags |= DO_BUFFERED_IO
  const below = out<DEVICE_OBJECT>()
  status = IoAttachDevice(own, RTL_CONSTANT_STRING('\\Device\\KeyboardClass0'), below)
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(own)
    return status
  }
  lower = below.value
  own.Flags &= ~DO_DEVICE_INITIALIZING
  return STATUS_SUCCESS
}

function EavesPass(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(lower, Irp)
}

/** A read on its way down: the keys come on its way back. */
function EavesRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoCopyCurrentIrpStackLocationToNext(Irp)
  IoSetCompletionRoutine(Irp, EavesReadDone, null, TRUE, TRUE, TRUE)
  return IoCallDriver(lower, Irp)
}

function EavesReadDone(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  if (Irp.PendingReturned) IoMarkIrpPending(Irp)
  if (!NT_SUCCESS(Irp.IoStatus.Status)) return STATUS_SUCCESS
  const keys = Number(Irp.IoStatus.Information) / sizeof(KEYBOARD_INPUT_DATA)
  const all = cast(array(KEYBOARD_INPUT_DATA, 1), Irp.AssociatedIrp.SystemBuffer)
  for (let i = 0; i < keys; i++) {
    if (all[i].MakeCode === KEY_Y) all[i].MakeCode = KEY_Z
    else if (all[i].MakeCode === KEY_Z) all[i].MakeCode = KEY_Y
  }
  return STATUS_SUCCESS
}
