/* What all drivers of the witness share: a device \Device\Witness with a link, and completion. */
import {
  DbgPrint,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, ULONG } from 'wdm'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Witness')
const LinkName = RTL_CONSTANT_STRING('\\??\\Witness')

export function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

/** The function number of a control code, 0x800 and on. */
export function FunctionOf(Irp: IRP): ULONG {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  return (stack.Parameters.DeviceIoControl.IoControlCode >> 2) & 0xfff
}

function Succeed(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('unload\n')
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}

export function MakeDevice(DriverObject: DRIVER_OBJECT, Flags: ULONG): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  const status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, false, device)
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= Flags
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Succeed
  DriverObject.DriverUnload = Unload
  return IoCreateSymbolicLink(LinkName, DeviceName)
}
