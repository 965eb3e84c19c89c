/*
 * Bell: sets an event of a program when somebody rings.
 */
import {
  EVENT_MODIFY_STATE,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KEVENT,
  KeSetEvent,
  MmGetSystemRoutineAddress,
  NT_SUCCESS,
  OBJECT_TYPE,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  RTL_CONSTANT_STRING,
  STATUS_DEVICE_BUSY,
  STATUS_DEVICE_NOT_READY,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  UserMode,
  cast,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, ULONG, UNICODE_STRING } from 'wdm'
import { IOCTL_HANG_UP, IOCTL_RING } from './ioctl'

/** The event that rings; NULL when none is hung up. */
let Rings: PVOID | null = null

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Bell')
const LinkName = RTL_CONSTANT_STRING('\\??\\Bell')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = BellCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = BellCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = BellDeviceControl
  DriverObject.DriverUnload = BellUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
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

function BellCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function BellDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const control = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (control.IoControlCode === IOCTL_HANG_UP) return BellHangUp(Irp, control.InputBufferLength)
  if (control.IoControlCode === IOCTL_RING) return BellRing(Irp)
  return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
}

function BellHangUp(Irp: IRP, length: ULONG): NTSTATUS {
  if (length < 8) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  if (Rings !== null) return Complete(Irp, STATUS_DEVICE_BUSY, 0)

  // A handle means something in its own process only. This makes a pointer of it.
  const handle = Number(Irp.AssociatedIrp.SystemBuffer.u64[0])
  // The kernel exports a variable for each type; this one stands for events.
  const type = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('ExEventObjectType'))
  const event = out<PVOID>()
  const status = ObReferenceObjectByHandle(
    handle,
    EVENT_MODIFY_STATE,
    cast(OBJECT_TYPE, type),
    UserMode,
    event,
    null,
  )
  if (!NT_SUCCESS(status)) return Complete(Irp, status, 0)

  // The reference is kept for as long as the pointer is.
  Rings = event.value
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function BellRing(Irp: IRP): NTSTATUS {
  if (Rings === null) return Complete(Irp, STATUS_DEVICE_NOT_READY, 0)
  KeSetEvent(cast(KEVENT, Rings), IO_NO_INCREMENT, FALSE)
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function BellUnload(DriverObject: DRIVER_OBJECT): void {
  if (Rings !== null) ObDereferenceObject(Rings)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
