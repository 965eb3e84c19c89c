/*
 * Beacon: the driver of your own company. It is honest, and has to load on every machine of it.
 */
import { DbgPrint, STATUS_SUCCESS } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = BeaconUnload
  DbgPrint('Beacon: at work\n')
  return STATUS_SUCCESS
}

function BeaconUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Beacon: done\n')
}
