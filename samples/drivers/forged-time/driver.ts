/*
 * Harbour: a driver like any other. What matters here is how it is signed.
 *
 *   harbour.package.json   a certificate that expired in 2014, a stamp that claims 2013
 *   scenario.json          a machine with Windows 10 1607 as newly installed: it loads the driver
 *   refused.json           a machine with Windows 11 22H2 and its block list: it does not
 */
import { DbgPrint, STATUS_SUCCESS } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = HarbourUnload
  DbgPrint('Harbour: loaded, compiled in 2024, signed "in 2013"\n')
  return STATUS_SUCCESS
}

function HarbourUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Harbour: unloaded\n')
}
