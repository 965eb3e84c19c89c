/*
 * Harbour: a rootkit's driver. What matters here is not what it does but how it is signed,
 * see harbour.package.json.
 */
import { DbgPrint, STATUS_SUCCESS } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = HarbourUnload
  DbgPrint('Harbour: in the kernel\n')
  return STATUS_SUCCESS
}

function HarbourUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Harbour: gone\n')
}
