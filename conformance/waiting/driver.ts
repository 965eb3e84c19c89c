/* K069 to K079: events, waits for one and for several, mutexes, semaphores, timers. */
import {
  Executive,
  GetExceptionCode,
  KDPC,
  KEVENT,
  KMUTEX,
  KSEMAPHORE,
  KTIMER,
  KeCancelTimer,
  KeDelayExecutionThread,
  KeInitializeDpc,
  KeInitializeEvent,
  KeInitializeMutex,
  KeInitializeSemaphore,
  KeInitializeTimerEx,
  KePulseEvent,
  KeReadStateEvent,
  KeReadStateMutex,
  KeReadStateTimer,
  KeReleaseMutex,
  KeReleaseSemaphore,
  KeResetEvent,
  KeSetEvent,
  KeSetTimer,
  KeWaitForMultipleObjects,
  KeWaitForSingleObject,
  KernelMode,
  NotificationEvent,
  NotificationTimer,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  PVOID,
  PsCreateSystemThread,
  PsTerminateSystemThread,
  STATUS_MUTANT_NOT_OWNED,
  STATUS_SUCCESS,
  STATUS_TIMEOUT,
  STATUS_WAIT_0,
  SYNCHRONIZE,
  SynchronizationEvent,
  THREAD_ALL_ACCESS,
  ULONG,
  WaitAll,
  WaitAny,
  ZwClose,
  array,
  cast,
  local,
  out,
  struct,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, Ptr, UNICODE_STRING } from 'wdm'
import { Equal, Holds, Same } from './check'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = Unload
  Events()
  Several()
  Mutex()
  Semaphore()
  Timer()
  return STATUS_SUCCESS
}

/** A wait that does not wait. */
function Wait0(Object: PVOID): NTSTATUS {
  return KeWaitForSingleObject(Object, Executive, KernelMode, false, 0n)
}

function Events(): void {
  const event = local(KEVENT)
  KeInitializeEvent(event, NotificationEvent, false)
  Equal('K069', 'Type of a notification event', event.Header.Type, 0)
  Equal('K069', 'Size', event.Header.Size, 6)
  Equal('K069', 'SignalState', event.Header.SignalState, 0)
  const waiters = event.Header.WaitListHead
  Same('K069', 'the wait list, forwards', waiters.Flink, waiters)
  Same('K069', 'the wait list, backwards', waiters.Blink, waiters)
  const single = local(KEVENT)
  KeInitializeEvent(single, SynchronizationEvent, false)
  Equal('K069', 'Type of a synchronization event', single.Header.Type, 1)

  Equal('K070', 'KeSetEvent on a clear event', KeSetEvent(event, 0, false), 0)
  Holds('K070', 'KeSetEvent on a set event', KeSetEvent(event, 0, false) !== 0)
  Holds('K070', 'KeResetEvent on a set event', KeResetEvent(event) !== 0)
  Equal('K070', 'KeResetEvent on a clear event', KeResetEvent(event), 0)

  KeSetEvent(event, 0, false)
  Equal('K071', 'notification event, first wait', Wait0(event), STATUS_SUCCESS)
  Equal('K071', 'notification event, second wait', Wait0(event), STATUS_SUCCESS)
  KeSetEvent(single, 0, false)
  Equal('K071', 'synchronization event, first wait', Wait0(single), STATUS_SUCCESS)
  Equal('K071', 'synchronization event, second wait', Wait0(single), STATUS_TIMEOUT)

  Holds('K072', 'KePulseEvent on a set event', KePulseEvent(event, 0, false) !== 0)
  Equal('K072', 'the state after', KeReadStateEvent(event), 0)
  Equal('K072', 'KePulseEvent on a clear event', KePulseEvent(event, 0, false), 0)
  Equal('K072', 'the state after', KeReadStateEvent(event), 0)
}

function WaitMany(First: KEVENT, Second: KEVENT, Kind: number): NTSTATUS {
  const objects = local(array(PVOID, 2))
  objects[0] = First
  objects[1] = Second
  return KeWaitForMultipleObjects(2, objects, Kind, Executive, KernelMode, false, 0n, null)
}

function Several(): void {
  const first = local(KEVENT)
  const second = local(KEVENT)
  KeInitializeEvent(first, SynchronizationEvent, true)
  KeInitializeEvent(second, SynchronizationEvent, true)
  Equal('K073', 'WaitAny', WaitMany(first, second, WaitAny), STATUS_WAIT_0)
  Equal('K073', 'the first is consumed', KeReadStateEvent(first), 0)
  Holds('K073', 'the second is not', KeReadStateEvent(second) !== 0)

  KeSetEvent(first, 0, false)
  KeResetEvent(second)
  Equal('K074', 'WaitAll', WaitMany(first, second, WaitAll), STATUS_TIMEOUT)
  Holds('K074', 'the set one stays set', KeReadStateEvent(first) !== 0)
}

const PROBE = struct('PROBE', { Mutex: KMUTEX, Status: ULONG })
type PROBE = Ptr<typeof PROBE>

/** What another thread sees of the mutex; it gives back what it got. */
function ProbeThread(StartContext: PVOID): void {
  const probe = cast(PROBE, StartContext)
  probe.Status = Wait0(probe.Mutex)
  if (probe.Status === STATUS_SUCCESS) KeReleaseMutex(probe.Mutex, false)
  PsTerminateSystemThread(STATUS_SUCCESS)
}

function Elsewhere(Probe: PROBE): NTSTATUS {
  const handle = out<HANDLE>()
  const thread = out<PVOID>()
  PsCreateSystemThread(handle, THREAD_ALL_ACCESS, null, null, null, ProbeThread, Probe)
  ObReferenceObjectByHandle(handle.value, SYNCHRONIZE, null, KernelMode, thread, null)
  KeWaitForSingleObject(thread.value, Executive, KernelMode, false, null)
  ObDereferenceObject(thread.value)
  ZwClose(handle.value)
  return Probe.Status
}

function Mutex(): void {
  const probe = local(PROBE)
  KeInitializeMutex(probe.Mutex, 0)
  let entered = 0
  for (let i = 0; i < 10; i++) if (Wait0(probe.Mutex) === STATUS_SUCCESS) entered++
  Equal('K075', 'waits of the owner that succeed', entered, 10)
  for (let i = 0; i < 10; i++) {
    Equal('K075', 'another thread waits', Elsewhere(probe), STATUS_TIMEOUT)
    Equal('K075', 'KeReleaseMutex', KeReleaseMutex(probe.Mutex, false), i - 9)
  }
  Equal('K075', 'another thread after the last release', Elsewhere(probe), STATUS_SUCCESS)

  let status = STATUS_SUCCESS
  try {
    KeReleaseMutex(probe.Mutex, false)
  } catch {
    status = GetExceptionCode()
  }
  Equal('K076', 'the exception', status, STATUS_MUTANT_NOT_OWNED)
  Equal('K076', 'the state', KeReadStateMutex(probe.Mutex), 1)
}

function Semaphore(): void {
  const semaphore = local(KSEMAPHORE)
  KeInitializeSemaphore(semaphore, 0, 5)
  Equal('K077', 'a wait for nothing', Wait0(semaphore), STATUS_TIMEOUT)
  Equal('K077', 'one more', KeReleaseSemaphore(semaphore, 0, 1, false), 0)
  Equal('K077', 'a wait for it', Wait0(semaphore), STATUS_SUCCESS)
  Equal('K077', 'two more', KeReleaseSemaphore(semaphore, 0, 2, false), 0)
  Equal('K077', 'another one', KeReleaseSemaphore(semaphore, 0, 1, false), 2)
}

let DpcCalls = 0

function Elapsed(Dpc: KDPC, Context: PVOID, Argument1: PVOID, Argument2: PVOID): void {
  DpcCalls++
}

/** 20 ms from now, and what is long enough for it. */
const SOON = -200000n
const LONG = -1000000n

function Timer(): void {
  const timer = local(KTIMER)
  const dpc = local(KDPC)
  KeInitializeTimerEx(timer, NotificationTimer)
  KeInitializeDpc(dpc, Elapsed, null)
  KeSetTimer(timer, SOON, null)
  Equal('K078', 'armed', Wait0(timer), STATUS_TIMEOUT)
  const status = KeWaitForSingleObject(timer, Executive, KernelMode, false, LONG)
  Equal('K078', 'a long wait', status, STATUS_SUCCESS)
  Equal('K078', 'and another one', Wait0(timer), STATUS_SUCCESS)

  KeSetTimer(timer, SOON, dpc)
  Equal('K079', 'an armed timer', KeCancelTimer(timer) ? 1 : 0, 1)
  KeDelayExecutionThread(KernelMode, false, LONG)
  Equal('K079', 'no signal', KeReadStateTimer(timer) ? 1 : 0, 0)
  Equal('K079', 'no DPC', DpcCalls, 0)
  Equal('K079', 'an idle timer', KeCancelTimer(timer) ? 1 : 0, 0)
  KeSetTimer(timer, SOON, dpc)
  KeDelayExecutionThread(KernelMode, false, LONG)
  Equal('K079', 'the same DPC when nobody cancels', DpcCalls, 1)
}

function Unload(DriverObject: DRIVER_OBJECT): void {}
