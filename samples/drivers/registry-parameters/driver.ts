/*
 * Greeter: settings from the registry.
 *
 * DriverEntry gets the path of the driver's service key. By custom, settings lie in its subkey
 * Parameters. RtlQueryRegistryValues reads several of them with one table; the Zw routines do
 * everything else, here the counter of loads that is written back.
 */
import {
  DbgPrint,
  InitializeObjectAttributes,
  KEY_READ,
  KEY_SET_VALUE,
  KEY_VALUE_PARTIAL_INFORMATION,
  KeyValuePartialInformation,
  NT_SUCCESS,
  OBJECT_ATTRIBUTES,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  REG_DWORD,
  REG_SZ,
  RTL_CONSTANT_STRING,
  RTL_QUERY_REGISTRY_DIRECT,
  RTL_QUERY_REGISTRY_SUBKEY,
  RTL_QUERY_REGISTRY_TABLE,
  RTL_QUERY_REGISTRY_TYPECHECK,
  RTL_REGISTRY_ABSOLUTE,
  RtlFreeUnicodeString,
  RtlQueryRegistryValues,
  UCHAR,
  ULONG,
  UNICODE_STRING,
  ZwClose,
  ZwOpenKey,
  ZwQueryValueKey,
  ZwSetValueKey,
  array,
  cast,
  local,
  offsetof,
  out,
  sizeof,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS } from 'wdm'

/** Where DefaultType keeps the type that TYPECHECK asks for. */
const TYPECHECK_SHIFT = 24

const LoadsName = RTL_CONSTANT_STRING('Loads')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = GreeterUnload
  DbgPrint('Greeter: service key %wZ\n', RegistryPath)

  Greet(RegistryPath)
  return CountLoad(RegistryPath)
}

/** Reads "Greeting" and "Times" and does what they say. */
function Greet(RegistryPath: UNICODE_STRING): void {
  // What is used when there is no such value in the registry.
  const times = local(ULONG)
  times[0] = 1
  // An empty string: its Buffer is NULL, so the routine allocates one.
  const greeting = local(UNICODE_STRING)

  // DIRECT writes the value to where EntryContext points. TYPECHECK refuses a value of another type,
  // which would not fit that place.
  const DIRECT = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK
  // The table ends with an entry that is all zero; local() gives zeroed memory.
  const table = local(array(RTL_QUERY_REGISTRY_TABLE, 4))
  table[0].Flags = RTL_QUERY_REGISTRY_SUBKEY
  table[0].Name = 'Parameters'
  table[1].Flags = DIRECT
  table[1].Name = 'Greeting'
  table[1].EntryContext = greeting
  table[1].DefaultType = REG_SZ << TYPECHECK_SHIFT
  table[2].Flags = DIRECT
  table[2].Name = 'Times'
  table[2].EntryContext = times
  table[2].DefaultType = REG_DWORD << TYPECHECK_SHIFT
  const status = RtlQueryRegistryValues(
    RTL_REGISTRY_ABSOLUTE,
    RegistryPath.Buffer,
    table[0],
    null,
    null,
  )
  if (!NT_SUCCESS(status)) DbgPrint('Greeter: parameters: status 0x%08X\n', status)

  // A setting is input from outside: it is checked before it is used.
  const count = Math.min(times[0], 10)
  for (let i = 0; i < count; i++) DbgPrint('Greeter: %wZ\n', greeting)
  RtlFreeUnicodeString(greeting)
}

/** Adds one to the value "Loads" of the service key. */
function CountLoad(RegistryPath: UNICODE_STRING): NTSTATUS {
  const attributes = local(OBJECT_ATTRIBUTES)
  // A kernel handle: the thread that loads a driver may belong to any process, which must not be
  // able to use the handle.
  InitializeObjectAttributes(
    attributes,
    RegistryPath,
    OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
    null,
    null,
  )
  const key = out<HANDLE>()
  let status = ZwOpenKey(key, KEY_READ | KEY_SET_VALUE, attributes)
  if (!NT_SUCCESS(status)) return status

  const loads = local(ULONG)
  loads[0] = ReadUlong(key.value, LoadsName) + 1
  status = ZwSetValueKey(key.value, LoadsName, 0, REG_DWORD, loads, sizeof(ULONG))
  if (NT_SUCCESS(status)) DbgPrint('Greeter: load number %u\n', loads[0])
  // An open handle would keep the key alive for ever.
  ZwClose(key.value)
  return status
}

/** A REG_DWORD; 0 when there is none. */
function ReadUlong(key: HANDLE, name: UNICODE_STRING): number {
  // The answer is a header with the data behind it.
  const HEADER_BYTES = offsetof(KEY_VALUE_PARTIAL_INFORMATION, 'Data')
  const buffer = local(array(UCHAR, 32))
  const needed = out<ULONG>()
  const status = ZwQueryValueKey(
    key,
    name,
    KeyValuePartialInformation,
    buffer,
    HEADER_BYTES + sizeof(ULONG),
    needed,
  )
  const information = cast(KEY_VALUE_PARTIAL_INFORMATION, buffer)
  if (!NT_SUCCESS(status) || information.Type !== REG_DWORD) return 0
  return buffer.add(HEADER_BYTES).u32[0]
}

function GreeterUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Greeter: unloaded\n')
}
