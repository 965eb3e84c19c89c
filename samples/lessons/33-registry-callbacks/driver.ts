/*
 * Keeper: sees to it that nobody changes its service key, by which Windows starts it.
 */
import {
  CmCallbackGetKeyObjectIDEx,
  CmCallbackReleaseKeyObjectIDEx,
  CmRegisterCallbackEx,
  CmUnRegisterCallback,
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
  LARGE_INTEGER,
  NT_SUCCESS,
  POOL_FLAG_PAGED,
  PWSTR,
  REG_SET_VALUE_KEY_INFORMATION,
  RTL_CONSTANT_STRING,
  RegNtPreSetValueKey,
  RtlCopyUnicodeString,
  RtlEqualUnicodeString,
  STATUS_ACCESS_DENIED,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  TRUE,
  ULONG_PTR,
  UNICODE_STRING,
  cast,
  out,
  sizeof,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, PVOID } from 'wdm'

const TAG = 'peeK'

/** What the callback needs; its address is the context that it gets. */
let path: UNICODE_STRING = null
let cookie: LARGE_INTEGER = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = KeeperUnload

  // RegistryPath is gone after DriverEntry: what is needed of it is copied.
  const copy = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(UNICODE_STRING) + RegistryPath.Length, TAG)
  const place = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(LARGE_INTEGER), TAG)
  if (copy === null || place === null) {
    if (copy !== null) ExFreePoolWithTag(copy, TAG)
    if (place !== null) ExFreePoolWithTag(place, TAG)
    return STATUS_INSUFFICIENT_RESOURCES
  }
  path = cast(UNICODE_STRING, copy)
  path.Buffer = cast(PWSTR, copy.add(sizeof(UNICODE_STRING)))
  path.MaximumLength = RegistryPath.Length
  RtlCopyUnicodeString(path, RegistryPath)
  cookie = cast(LARGE_INTEGER, place)

  const status = CmRegisterCallbackEx(
    KeeperCallback,
    RTL_CONSTANT_STRING('360000'),
    DriverObject,
    null,
    cookie,
    null,
  )
  if (!NT_SUCCESS(status)) Free()
  return status
}

function KeeperCallback(CallbackContext: PVOID, Argument1: PVOID, Argument2: PVOID): NTSTATUS {
  // Argument1 is a REG_NOTIFY_CLASS, which says what Argument2 points at.
  const notify = Number(cast(ULONG_PTR, Argument1))
  if (notify === RegNtPreSetValueKey) {
    const information = cast(REG_SET_VALUE_KEY_INFORMATION, Argument2)
    const whose = IsOwnKey(information.Object)
      ? 'Keeper: %wZ stays as it is\n'
      : 'Keeper: not mine: %wZ\n'
    DbgPrint(whose, information.ValueName)
    return STATUS_ACCESS_DENIED
  }
  return STATUS_SUCCESS
}

/** Whether a key object is the driver's own service key. */
function IsOwnKey(Key: PVOID): boolean {
  const name = out<UNICODE_STRING>()
  const status = CmCallbackGetKeyObjectIDEx(cookie, Key, null, name, 0)
  if (!NT_SUCCESS(status)) return false
  const isOwn = RtlEqualUnicodeString(name.value, path, TRUE)
  // The name is a copy, and has to be given back.
  CmCallbackReleaseKeyObjectIDEx(name.value)
  return isOwn !== 0
}

function Free(): void {
  ExFreePoolWithTag(path, TAG)
  ExFreePoolWithTag(cookie, TAG)
}

function KeeperUnload(DriverObject: DRIVER_OBJECT): void {
  CmUnRegisterCallback(cookie)
  Free()
}
