/*
 * Visitor: calls on the managers of the kernel, one after the other.
 */
import {
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IoCreateDevice,
  IoDeleteDevice,
  NT_SUCCESS,
  POOL_FLAG_PAGED,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'

/** Reads "Vist" in the pool. */
const TAG = 'tsiV'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Visitor')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = VisitorUnload

  // The I/O manager makes the device, the object manager gives it its name.
  const device = out<DEVICE_OBJECT>()
  const status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status

  // The memory manager has the pool.
  const block = ExAllocatePool2(POOL_FLAG_PAGED, 64, TAG)
  if (block !== null) ExFreePoolWithTag(block, TAG)

  DbgPrint('Visitor: called on three managers\n')
  return STATUS_SUCCESS
}

function VisitorUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteDevice(DriverObject.DeviceObject)
}
