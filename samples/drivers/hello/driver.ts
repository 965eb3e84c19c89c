/*
 * TestDriver: the smallest driver that a program can talk to.
 *
 *   load     the kernel maps the image, makes the driver object and calls DriverEntry
 *   open     CreateFile on \\.\TestDevice arrives as IRP_MJ_CREATE
 *   close    CloseHandle arrives as IRP_MJ_CLEANUP, then IRP_MJ_CLOSE
 *   unload   the kernel calls DriverUnload; everything that DriverEntry made has to go
 */
import {
  DbgPrint,
  FALSE,
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
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

// A device gets its name below \Device, where user mode cannot look. User mode looks into \??, so a
// symbolic link there leads to the device.
const DeviceName = RTL_CONSTANT_STRING('\\Device\\TestDevice')
const LinkName = RTL_CONSTANT_STRING('\\??\\TestDevice')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DbgPrint('TestDriver: DriverEntry, service key %wZ\n', RegistryPath)

  // One entry point for each IRP_MJ code. An entry that is not set keeps the kernel's own routine,
  // which completes every packet with STATUS_INVALID_DEVICE_REQUEST.
  DriverObject.MajorFunction[IRP_MJ_CREATE] = TestDriverCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = TestDriverCreateClose
  // A driver without DriverUnload stays loaded until the machine goes down.
  DriverObject.DriverUnload = TestDriverUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status

  status = IoCreateSymbolicLink(LinkName, DeviceName)
  // A DriverEntry that fails is never unloaded: it has to undo what it did.
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function TestDriverCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  DbgPrint('TestDriver: %s\n', stack.MajorFunction === IRP_MJ_CREATE ? 'create' : 'close')

  // Say how it went, then give the packet back. After IoCompleteRequest it belongs to the I/O
  // manager, so Irp must not be touched any more: the return value is a constant.
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function TestDriverUnload(DriverObject: DRIVER_OBJECT): void {
  // First the name, so that nobody opens the device while it goes.
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
  DbgPrint('TestDriver: unloaded\n')
}
