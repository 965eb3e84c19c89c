/* K088: a block of zero bytes, with the verifier. */
import { ExAllocatePoolWithTag, NonPagedPoolNx, STATUS_SUCCESS } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'
import { Stops } from './check'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  Stops('K088', 0xc4, 0)
  ExAllocatePoolWithTag(NonPagedPoolNx, 0, 'kcol')
  return STATUS_SUCCESS
}
