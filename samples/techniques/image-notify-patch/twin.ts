/*
 * Usher, the honest one: keeps a list of the drivers that were loaded.
 *
 * That is what image notify routines are for. They have no vote, unlike those of processes: who wants to
 * keep a driver out has to do that where it is decided, in the policy of the machine.
 */
import { DbgPrint, PsRemoveLoadImageNotifyRoutine, PsSetLoadImageNotifyRoutine } from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, UNICODE_STRING, IMAGE_INFO } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = UsherUnload
  return PsSetLoadImageNotifyRoutine(UsherNotify)
}

function UsherNotify(
  FullImageName: UNICODE_STRING,
  ProcessId: HANDLE,
  ImageInfo: IMAGE_INFO,
): void {
  if (ProcessId !== 0 || FullImageName === null) return
  DbgPrint('Usher: %wZ was loaded at %p\n', FullImageName, ImageInfo.ImageBase)
}

function UsherUnload(DriverObject: DRIVER_OBJECT): void {
  PsRemoveLoadImageNotifyRoutine(UsherNotify)
}
