/*
 * Moss, the honest one: watches what is listed, and changes none of it.
 *
 * The same callback at the same place. It reads the answer and lets it be: STATUS_SUCCESS after an
 * operation means that the registry's own answer stands.
 */
import {
  CmRegisterCallbackEx,
  CmUnRegisterCallback,
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
  KEY_BASIC_INFORMATION,
  KeyBasicInformation,
  LARGE_INTEGER,
  NT_SUCCESS,
  POOL_FLAG_PAGED,
  REG_ENUMERATE_KEY_INFORMATION,
  REG_POST_OPERATION_INFORMATION,
  RTL_CONSTANT_STRING,
  RegNtPostEnumerateKey,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  ULONG_PTR,
  addressof,
  cast,
  sizeof,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'

const TAG = 'ssoM'

/** Identifies the callback when it is taken out. */
let cookie: LARGE_INTEGER = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = MossUnload
  const place = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(LARGE_INTEGER), TAG)
  if (place === null) return STATUS_INSUFFICIENT_RESOURCES
  cookie = cast(LARGE_INTEGER, place)
  const status = CmRegisterCallbackEx(
    MossCallback,
    RTL_CONSTANT_STRING('362000'),
    DriverObject,
    null,
    cookie,
    null,
  )
  if (!NT_SUCCESS(status)) ExFreePoolWithTag(place, TAG)
  return status
}

function MossCallback(CallbackContext: PVOID, Argument1: PVOID, Argument2: PVOID): NTSTATUS {
  const notify = Number(cast(ULONG_PTR, Argument1))
  if (notify !== RegNtPostEnumerateKey) return STATUS_SUCCESS
  const told = cast(REG_POST_OPERATION_INFORMATION, Argument2)
  if (!NT_SUCCESS(told.Status)) return STATUS_SUCCESS
  const asked = cast(REG_ENUMERATE_KEY_INFORMATION, told.PreInformation)
  // The names of services are asked for in the short form.
  if (asked.KeyInformationClass !== KeyBasicInformation) return STATUS_SUCCESS
  if (IsOwnName(cast(KEY_BASIC_INFORMATION, asked.KeyInformation)))
    DbgPrint('Moss: my key was listed, number %u\n', asked.Index)
  return STATUS_SUCCESS
}

/** Whether an entry names the driver's key: 'Moss', four characters. */
function IsOwnName(Entry: KEY_BASIC_INFORMATION): boolean {
  return Entry.NameLength === 8 && addressof(Entry.Name).u64[0] === 0x00730073006f004dn
}

function MossUnload(DriverObject: DRIVER_OBJECT): void {
  CmUnRegisterCallback(cookie)
  ExFreePoolWithTag(cookie, TAG)
}
