/*
 * Spring: keeps a cache below its own Parameters while it starts, and takes it away again.
 */
import {
  DELETE,
  DbgPrint,
  InitializeObjectAttributes,
  KEY_ALL_ACCESS,
  NT_SUCCESS,
  OBJECT_ATTRIBUTES,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  REG_OPTION_NON_VOLATILE,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  STATUS_UNSUCCESSFUL,
  ZwClose,
  ZwCreateKey,
  ZwDeleteKey,
  local,
  out,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, ULONG, UNICODE_STRING } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = SpringUnload
  const key = Create(RegistryPath, 0)
  const parameters = Create(RTL_CONSTANT_STRING('Parameters'), key)
  const cache = Create(RTL_CONSTANT_STRING('Cache'), parameters)
  if (cache === 0) return STATUS_UNSUCCESSFUL
  const status = ZwDeleteKey(cache)
  ZwClose(cache)
  ZwClose(parameters)
  ZwClose(key)
  DbgPrint('Spring: tidied up (0x%08X)\n', status)
  return STATUS_SUCCESS
}

/** Open or make a key, by its path or by its name below another; 0 where that fails. */
function Create(Name: UNICODE_STRING, Root: HANDLE): HANDLE {
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Root, null)
  const key = out<HANDLE>()
  const access = KEY_ALL_ACCESS | DELETE
  const made = out<ULONG>()
  const status = ZwCreateKey(key, access, attributes, 0, null, REG_OPTION_NON_VOLATILE, made)
  return NT_SUCCESS(status) ? key.value : 0
}

function SpringUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Spring: ends\n')
}
