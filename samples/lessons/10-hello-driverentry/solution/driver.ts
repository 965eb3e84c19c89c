/*
 * Hello: a driver that does nothing but begin.
 *
 * The kernel has mapped this file as an image, made a driver object for it, and calls DriverEntry.
 */
import { DbgPrint, STATUS_SUCCESS } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DbgPrint('Hello from ring 0, service key %wZ\n', RegistryPath)
  return STATUS_SUCCESS
}
