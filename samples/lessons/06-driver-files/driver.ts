/*
 * Lantern: a driver that does nothing but begin. What counts here is how its file is signed.
 */
import { DbgPrint, STATUS_SUCCESS } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = LanternUnload
  DbgPrint('Lantern: lit\n')
  return STATUS_SUCCESS
}

function LanternUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Lantern: out\n')
}
