/* Mutexes and semaphores: counts, owners, limits. */
import {
  DbgPrint,
  Executive,
  KMUTEX,
  KSEMAPHORE,
  KeInitializeMutex,
  KeInitializeSemaphore,
  KeReleaseMutex,
  KeReleaseSemaphore,
  KeWaitForSingleObject,
  KernelMode,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  PsCreateSystemThread,
  PsTerminateSystemThread,
  STATUS_SUCCESS,
  SYNCHRONIZE,
  ZwClose,
  cast,
  local,
  out,
  struct,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, PVOID, UNICODE_STRING, Ptr } from 'wdm'
import { MakeDevice } from './witness'

const LOCKS = struct('LOCKS', { Mutex: KMUTEX })
type LOCKS = Ptr<typeof LOCKS>

function Wait0(Object: PVOID): NTSTATUS {
  return KeWaitForSingleObject(Object, Executive, KernelMode, false, 0n)
}

function Other(Context: PVOID): void {
  const mutex = cast(LOCKS, Context).Mutex
  const status = Wait0(mutex)
  DbgPrint('other %x\n', status)
  if (status === STATUS_SUCCESS) KeReleaseMutex(mutex, false)
  PsTerminateSystemThread(STATUS_SUCCESS)
}

function Elsewhere(Locks: LOCKS): void {
  const handle = out<HANDLE>()
  const thread = out<PVOID>()
  PsCreateSystemThread(handle, SYNCHRONIZE, null, null, null, Other, Locks)
  ObReferenceObjectByHandle(handle.value, SYNCHRONIZE, null, KernelMode, thread, null)
  KeWaitForSingleObject(thread.value, Executive, KernelMode, false, null)
  ObDereferenceObject(thread.value)
  ZwClose(handle.value)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const locks = local(LOCKS)
  const semaphore = local(KSEMAPHORE)

  KeInitializeMutex(locks.Mutex, 0)
  DbgPrint('mutex %x\n', Wait0(locks.Mutex))
  DbgPrint('mutex %x\n', Wait0(locks.Mutex))
  Elsewhere(locks)
  DbgPrint('release %d\n', KeReleaseMutex(locks.Mutex, false))
  Elsewhere(locks)
  DbgPrint('release %d\n', KeReleaseMutex(locks.Mutex, false))
  Elsewhere(locks)
  KeInitializeSemaphore(semaphore, 0, 5)
  DbgPrint('semaphore %x\n', Wait0(semaphore))
  DbgPrint('release %d\n', KeReleaseSemaphore(semaphore, 0, 1, false))
  DbgPrint('semaphore %x\n', Wait0(semaphore))
  DbgPrint('release %d\n', KeReleaseSemaphore(semaphore, 0, 2, false))
  DbgPrint('release %d\n', KeReleaseSemaphore(semaphore, 0, 1, false))
  DbgPrint('semaphore %x\n', Wait0(semaphore))
  return MakeDevice(DriverObject, 0)
}
