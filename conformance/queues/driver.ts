/* K061 to K064 and K068: device queues, work items, remove locks. */
import {
  DISPATCH_LEVEL,
  DelayedWorkQueue,
  ExGetPreviousMode,
  Executive,
  FILE_DEVICE_UNKNOWN,
  IO_REMOVE_LOCK,
  IoAcquireRemoveLock,
  IoAllocateWorkItem,
  IoCreateDevice,
  IoDeleteDevice,
  IoFreeWorkItem,
  IoInitializeRemoveLock,
  IoQueueWorkItem,
  IoReleaseRemoveLock,
  IoReleaseRemoveLockAndWait,
  KDEVICE_QUEUE,
  KDEVICE_QUEUE_ENTRY,
  KEVENT,
  KeGetCurrentIrql,
  KeInitializeDeviceQueue,
  KeInitializeEvent,
  KeInsertDeviceQueue,
  KeLowerIrql,
  KeRaiseIrql,
  KeRemoveDeviceQueue,
  KeRemoveEntryDeviceQueue,
  KeSetEvent,
  KeWaitForSingleObject,
  KernelMode,
  NotificationEvent,
  PASSIVE_LEVEL,
  PVOID,
  PsGetCurrentProcessId,
  STATUS_DELETE_PENDING,
  STATUS_SUCCESS,
  cast,
  local,
  out,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, KIRQL, NTSTATUS, Ptr, UNICODE_STRING } from 'wdm'
import { Equal, Holds, Same } from './check'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = Unload
  DeviceQueue()
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  WorkItem(device.value)
  RemoveLock()
  return STATUS_SUCCESS
}

function DeviceQueue(): void {
  const queue = local(KDEVICE_QUEUE)
  const first = local(KDEVICE_QUEUE_ENTRY)
  const second = local(KDEVICE_QUEUE_ENTRY)
  const third = local(KDEVICE_QUEUE_ENTRY)
  KeInitializeDeviceQueue(queue)
  Equal('K061', 'Type', queue.Type, 0x14)
  Equal('K061', 'Size', queue.Size, 0x28)
  Equal('K061', 'Busy', queue.Busy ? 1 : 0, 0)

  // The routines for device queues are for DISPATCH_LEVEL.
  const old = out<KIRQL>()
  KeRaiseIrql(DISPATCH_LEVEL, old)
  Equal('K061', 'the first insertion', KeInsertDeviceQueue(queue, first) ? 1 : 0, 0)
  Equal('K061', 'Busy after it', queue.Busy ? 1 : 0, 1)
  Equal('K061', 'its entry is not inserted', first.Inserted ? 1 : 0, 0)
  Equal('K061', 'the second insertion', KeInsertDeviceQueue(queue, second) ? 1 : 0, 1)
  Equal('K061', 'its entry is inserted', second.Inserted ? 1 : 0, 1)
  KeInsertDeviceQueue(queue, third)

  Same('K062', 'the first that waits', KeRemoveDeviceQueue(queue), second)
  Same('K062', 'the next', KeRemoveDeviceQueue(queue), third)
  Equal('K062', 'Busy while there were entries', queue.Busy ? 1 : 0, 1)
  Same('K062', 'the empty queue', KeRemoveDeviceQueue(queue), null)
  Equal('K062', 'Busy after that', queue.Busy ? 1 : 0, 0)

  KeInsertDeviceQueue(queue, first)
  KeInsertDeviceQueue(queue, second)
  Equal('K063', 'a queued entry', KeRemoveEntryDeviceQueue(queue, second) ? 1 : 0, 1)
  Equal('K063', 'the same again', KeRemoveEntryDeviceQueue(queue, second) ? 1 : 0, 0)
  KeRemoveDeviceQueue(queue)
  KeLowerIrql(old.value)
}

const WORK = struct('WORK', { Event: KEVENT, Item: PVOID })
type WORK = Ptr<typeof WORK>

function Work(DeviceObject: DEVICE_OBJECT, Context: PVOID): void {
  Equal('K064', 'IRQL', KeGetCurrentIrql(), PASSIVE_LEVEL)
  Equal('K064', 'the process is System', PsGetCurrentProcessId(), 4)
  Equal('K064', 'the previous mode', ExGetPreviousMode(), KernelMode)
  KeSetEvent(cast(WORK, Context).Event, 0, false)
}

function WorkItem(DeviceObject: DEVICE_OBJECT): void {
  const work = local(WORK)
  KeInitializeEvent(work.Event, NotificationEvent, false)
  const item = IoAllocateWorkItem(DeviceObject)
  IoQueueWorkItem(item, Work, DelayedWorkQueue, work)
  const status = KeWaitForSingleObject(work.Event, Executive, KernelMode, false, null)
  Equal('K064', 'the routine ran', status, STATUS_SUCCESS)
  IoFreeWorkItem(item)
}

function RemoveLock(): void {
  const lock = local(IO_REMOVE_LOCK)
  IoInitializeRemoveLock(lock, 'kcol', 0, 0)
  Equal('K068', 'acquired', IoAcquireRemoveLock(lock, null), STATUS_SUCCESS)
  Equal('K068', 'acquired twice', IoAcquireRemoveLock(lock, null), STATUS_SUCCESS)
  Equal('K068', 'acquired three times', IoAcquireRemoveLock(lock, null), STATUS_SUCCESS)
  IoReleaseRemoveLock(lock, null)
  IoReleaseRemoveLock(lock, null)
  IoReleaseRemoveLockAndWait(lock, null)
  Equal('K068', 'after the removal', IoAcquireRemoveLock(lock, null), STATUS_DELETE_PENDING)
  Holds('K068', 'it stays so', IoAcquireRemoveLock(lock, null) === STATUS_DELETE_PENDING)
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteDevice(DriverObject.DeviceObject)
}
