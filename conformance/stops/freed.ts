/* K088: a block that is freed twice. */
import { ExAllocatePoolWithTag, ExFreePoolWithTag, NonPagedPoolNx, STATUS_SUCCESS } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'
import { Stops } from './check'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const block = ExAllocatePoolWithTag(NonPagedPoolNx, 64, 'kcol')
  ExFreePoolWithTag(block, 'kcol')
  Stops('K088', 0xc2, 7)
  ExFreePoolWithTag(block, 'kcol')
  return STATUS_SUCCESS
}
