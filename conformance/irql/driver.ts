/* K080 to K084: DPCs, spin locks, fast mutexes, critical regions. */
import {
  APC_LEVEL,
  DISPATCH_LEVEL,
  ExAcquireFastMutex,
  ExInitializeFastMutex,
  ExReleaseFastMutex,
  Executive,
  FAST_MUTEX,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KDPC,
  KSPIN_LOCK,
  KTHREAD,
  KeAcquireSpinLock,
  KeAreApcsDisabled,
  KeEnterCriticalRegion,
  KeGetCurrentIrql,
  KeInitializeDpc,
  KeInitializeSpinLock,
  KeInsertQueueDpc,
  KeLeaveCriticalRegion,
  KeLowerIrql,
  KeRaiseIrql,
  KeReleaseSpinLock,
  KeWaitForSingleObject,
  KernelMode,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  PASSIVE_LEVEL,
  PVOID,
  PsCreateSystemThread,
  PsGetCurrentThread,
  PsTerminateSystemThread,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  SYNCHRONIZE,
  THREAD_ALL_ACCESS,
  ULONG_PTR,
  ZwClose,
  cast,
  local,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  HANDLE,
  IRP,
  KIRQL,
  NTSTATUS,
  UNICODE_STRING,
} from 'wdm'
import { Equal, Holds, Same } from './check'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Level')
const LinkName = RTL_CONSTANT_STRING('\\??\\Level')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  Deferred()
  SpinLock()
  FastMutex()
  InSystemThread()

  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, false, device)
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Dispatch
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Dispatch
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch
  DriverObject.DriverUnload = Unload
  return IoCreateSymbolicLink(LinkName, DeviceName)
}

let Calls = 0
let CallIrql = 0
let First = 0

function Routine(Dpc: KDPC, Context: PVOID, Argument1: PVOID, Argument2: PVOID): void {
  Calls++
  CallIrql = KeGetCurrentIrql()
  First = Number(cast(ULONG_PTR, Argument1))
}

function Deferred(): void {
  const dpc = local(KDPC)
  const context = cast(PVOID, 0x77)
  KeInitializeDpc(dpc, Routine, context)
  Equal('K080', 'Type', dpc.Type, 0x13)
  Equal('K080', 'Importance', dpc.Importance, 1)
  Equal('K080', 'Number', dpc.Number, 0)
  Holds('K080', 'DeferredRoutine', dpc.DeferredRoutine === Routine)
  Same('K080', 'DeferredContext', dpc.DeferredContext, context)

  const queued = KeInsertQueueDpc(dpc, cast(PVOID, 1), null)
  Equal('K081', 'it has run before the next statement', Calls, 1)
  Equal('K081', 'at DISPATCH_LEVEL', CallIrql, DISPATCH_LEVEL)
  Equal('K081', 'KeInsertQueueDpc at PASSIVE_LEVEL', queued ? 1 : 0, 1)

  const old = out<KIRQL>()
  KeRaiseIrql(DISPATCH_LEVEL, old)
  Equal('K081', 'at DISPATCH_LEVEL', KeInsertQueueDpc(dpc, cast(PVOID, 2), null) ? 1 : 0, 1)
  Equal('K081', 'a second time', KeInsertQueueDpc(dpc, cast(PVOID, 3), null) ? 1 : 0, 0)
  Equal('K081', 'it has not run yet', Calls, 1)
  KeLowerIrql(old.value)
  Equal('K081', 'it ran when the IRQL dropped, once', Calls, 2)
  Equal('K081', 'with the first arguments', First, 2)
}

function SpinLock(): void {
  const lock = local(KSPIN_LOCK)
  const old = out<KIRQL>()
  KeInitializeSpinLock(lock)
  KeAcquireSpinLock(lock, old)
  Equal('K082', 'the value while held', Number(lock.u64[0]), 1)
  Equal('K082', 'the IRQL while held', KeGetCurrentIrql(), DISPATCH_LEVEL)
  Equal('K082', 'the old IRQL', old.value, PASSIVE_LEVEL)
  KeReleaseSpinLock(lock, old.value)
  Equal('K082', 'the value after', Number(lock.u64[0]), 0)
  Equal('K082', 'the IRQL after', KeGetCurrentIrql(), PASSIVE_LEVEL)
}

function FastMutex(): void {
  const mutex = local(FAST_MUTEX)
  ExInitializeFastMutex(mutex)
  Equal('K083', 'Count', mutex.Count, 1)
  Same('K083', 'Owner', mutex.Owner, null)
  ExAcquireFastMutex(mutex)
  Equal('K083', 'Count while held', mutex.Count, 0)
  Same('K083', 'Owner while held', mutex.Owner, PsGetCurrentThread())
  Equal('K083', 'IRQL while held', KeGetCurrentIrql(), APC_LEVEL)
  ExReleaseFastMutex(mutex)
  Equal('K083', 'Count after', mutex.Count, 1)
  Same('K083', 'Owner after', mutex.Owner, null)
  Equal('K083', 'IRQL after', KeGetCurrentIrql(), PASSIVE_LEVEL)
}

/** Enter twice and leave twice; KernelApcDisable has to follow. */
function Regions(): void {
  const thread = cast(KTHREAD, PsGetCurrentThread())
  const start = thread.KernelApcDisable
  KeEnterCriticalRegion()
  Equal('K084', 'entered', thread.KernelApcDisable, start - 1)
  KeEnterCriticalRegion()
  Equal('K084', 'entered twice', thread.KernelApcDisable, start - 2)
  Equal('K084', 'APCs are disabled', KeAreApcsDisabled() ? 1 : 0, 1)
  KeLeaveCriticalRegion()
  Equal('K084', 'left', thread.KernelApcDisable, start - 1)
  Equal('K084', 'APCs are still disabled', KeAreApcsDisabled() ? 1 : 0, 1)
  KeLeaveCriticalRegion()
  Equal('K084', 'left twice', thread.KernelApcDisable, start)
}

function RegionsThread(StartContext: PVOID): void {
  const thread = cast(KTHREAD, PsGetCurrentThread())
  Equal('K084', 'a system thread begins with', thread.KernelApcDisable, 0)
  Equal('K084', 'APCs before, in a system thread', KeAreApcsDisabled() ? 1 : 0, 0)
  Regions()
  Equal('K084', 'APCs after, in a system thread', KeAreApcsDisabled() ? 1 : 0, 0)
  PsTerminateSystemThread(STATUS_SUCCESS)
}

function InSystemThread(): void {
  const handle = out<HANDLE>()
  const thread = out<PVOID>()
  PsCreateSystemThread(handle, THREAD_ALL_ACCESS, null, null, null, RegionsThread, null)
  ObReferenceObjectByHandle(handle.value, SYNCHRONIZE, null, KernelMode, thread, null)
  KeWaitForSingleObject(thread.value, Executive, KernelMode, false, null)
  ObDereferenceObject(thread.value)
  ZwClose(handle.value)
}

function Dispatch(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  if (stack.MajorFunction === IRP_MJ_DEVICE_CONTROL) {
    Equal('K084', 'APCs before, in a dispatch routine', KeAreApcsDisabled() ? 1 : 0, 1)
    Regions()
    Equal('K084', 'APCs after, in a dispatch routine', KeAreApcsDisabled() ? 1 : 0, 1)
  }
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
