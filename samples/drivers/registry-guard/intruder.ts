/*
 * Intruder: tries to keep Keeper from being loaded at the next start, by its service key.
 */
import {
  DbgPrint,
  InitializeObjectAttributes,
  KEY_ALL_ACCESS,
  NT_SUCCESS,
  OBJECT_ATTRIBUTES,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  REG_DWORD,
  RTL_CONSTANT_STRING,
  ULONG,
  ZwClose,
  ZwDeleteKey,
  ZwOpenKey,
  ZwSetValueKey,
  local,
  out,
  sizeof,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, UNICODE_STRING } from 'wdm'

/** SERVICE_DISABLED. */
const DISABLED = 4

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = IntruderUnload

  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(
    attributes,
    RTL_CONSTANT_STRING('\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Keeper'),
    OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
    null,
    null,
  )
  const key = out<HANDLE>()
  const status = ZwOpenKey(key, KEY_ALL_ACCESS, attributes)
  if (!NT_SUCCESS(status)) return status

  const start = local(ULONG)
  start[0] = DISABLED
  const set = ZwSetValueKey(
    key.value,
    RTL_CONSTANT_STRING('Start'),
    0,
    REG_DWORD,
    start,
    sizeof(ULONG),
  )
  DbgPrint('Intruder: ZwSetValueKey 0x%08X\n', set)
  DbgPrint('Intruder: ZwDeleteKey 0x%08X\n', ZwDeleteKey(key.value))
  return ZwClose(key.value)
}

function IntruderUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Intruder: gone\n')
}
