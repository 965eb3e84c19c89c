/*
 * Intruder: tries to keep Keeper from being loaded at the next start, in three ways, and then
 * changes a key of its own, which is nobody else's business.
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
  STATUS_SUCCESS,
  ULONG,
  ZwClose,
  ZwDeleteKey,
  ZwDeleteValueKey,
  ZwOpenKey,
  ZwSetValueKey,
  local,
  out,
  sizeof,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

/** SERVICE_DISABLED. */
const DISABLED = 4
const Start = RTL_CONSTANT_STRING('Start')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = IntruderUnload

  const start = local(ULONG)
  start[0] = DISABLED
  const keeper = Open(
    RTL_CONSTANT_STRING('\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Keeper'),
  )
  if (keeper !== 0) {
    Tell('Intruder: Keeper not to be started: 0x%08X\n', SetStart(keeper, start))
    Tell('Intruder: Keeper without a start type: 0x%08X\n', ZwDeleteValueKey(keeper, Start))
    Tell('Intruder: Keeper without a key: 0x%08X\n', ZwDeleteKey(keeper))
    ZwClose(keeper)
  }
  const own = Open(RegistryPath)
  if (own !== 0) {
    Tell('Intruder: its own start type: 0x%08X\n', SetStart(own, start))
    ZwClose(own)
  }
  return STATUS_SUCCESS
}

/** A handle to a key; 0 when there is none. */
function Open(Path: UNICODE_STRING): HANDLE {
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, null, null)
  const key = out<HANDLE>()
  return NT_SUCCESS(ZwOpenKey(key, KEY_ALL_ACCESS, attributes)) ? key.value : 0
}

function SetStart(Key: HANDLE, Value: PVOID): NTSTATUS {
  return ZwSetValueKey(Key, Start, 0, REG_DWORD, Value, sizeof(ULONG))
}

function Tell(Text: string, Status: NTSTATUS): void {
  DbgPrint(Text, Status)
}

function IntruderUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Intruder: gone\n')
}
