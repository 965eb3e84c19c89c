/*
 * Ember, the honest one: reads its own service key as it starts.
 *
 * It opens the key with the rights that it needs for that, and leaves it where it is.
 */
import {
  DbgPrint,
  InitializeObjectAttributes,
  KEY_READ,
  NT_SUCCESS,
  OBJECT_ATTRIBUTES,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  STATUS_SUCCESS,
  ZwClose,
  ZwOpenKey,
  local,
  out,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, UNICODE_STRING } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = EmberUnload
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(
    attributes,
    RegistryPath,
    OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
    null,
    null,
  )
  const key = out<HANDLE>()
  const status = ZwOpenKey(key, KEY_READ, attributes)
  if (!NT_SUCCESS(status)) return status
  ZwClose(key.value)
  DbgPrint('Ember: works, with its key\n')
  return STATUS_SUCCESS
}

function EmberUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Ember: ends\n')
}
