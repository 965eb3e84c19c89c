/*
 * Lodger: comes in with a device, a link and a block of memory.
 */
import {
  DbgPrint,
  ExAllocatePool2,
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
  NT_SUCCESS,
  POOL_FLAG_NON_PAGED,
  RTL_CONSTANT_STRING,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

/** Reads "Lodg" in the pool. */
const TAG = 'gdoL'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Lodger')
const LinkName = RTL_CONSTANT_STRING('\\??\\Lodger')

let Luggage: PVOID | null = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = LodgerCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = LodgerCreateClose
  DriverObject.DriverUnload = LodgerUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status

  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(device.value)
    return status
  }

  Luggage = ExAllocatePool2(POOL_FLAG_NON_PAGED, 256, TAG)
  if (Luggage === null) {
    IoDeleteSymbolicLink(LinkName)
    IoDeleteDevice(device.value)
    return STATUS_INSUFFICIENT_RESOURCES
  }
  return STATUS_SUCCESS
}

function LodgerCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function LodgerUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Lodger: goodbye\n')
}
