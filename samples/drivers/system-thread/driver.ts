/*
 * Worker: a thread of the driver's own.
 *
 * A driver has no main loop; its code runs when somebody calls it. When it needs a place to wait in,
 * it makes a thread of the System process. The thread sleeps on an event; a write puts a job into
 * the mailbox and sets the event. At the unload the driver asks the thread to end and waits until it
 * has: code that is gone cannot be run.
 */
import {
  DO_BUFFERED_IO,
  DbgPrint,
  Executive,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_WRITE,
  InterlockedExchange,
  InterlockedExchangeAdd,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KEVENT,
  KeInitializeEvent,
  KeSetEvent,
  KeWaitForSingleObject,
  KernelMode,
  LONG,
  NT_SUCCESS,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  PVOID,
  PsCreateSystemThread,
  PsTerminateSystemThread,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  SynchronizationEvent,
  THREAD_ALL_ACCESS,
  TRUE,
  BOOLEAN,
  ZwClose,
  addressof,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, HANDLE, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const WORKER = struct('WORKER', {
  /** Set when there is something to do. A synchronization event lets one wait through and clears itself. */
  Wake: KEVENT,
  /** Bytes that were written and not counted yet. */
  Bytes: LONG,
  Stop: BOOLEAN,
  /** Thread object; referenced, so that it outlives the thread. */
  Thread: PVOID,
})

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Worker')
const LinkName = RTL_CONSTANT_STRING('\\??\\Worker')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = WorkerCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = WorkerCreateClose
  DriverObject.MajorFunction[IRP_MJ_WRITE] = WorkerWrite
  DriverObject.DriverUnload = WorkerUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(WORKER),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO

  status = IoCreateSymbolicLink(LinkName, DeviceName)
  // The thread comes last: from here on nothing fails, so nobody has to stop it again.
  if (NT_SUCCESS(status)) status = StartThread(device.value)
  if (!NT_SUCCESS(status)) {
    IoDeleteSymbolicLink(LinkName)
    IoDeleteDevice(device.value)
  }
  return status
}

function StartThread(DeviceObject: DEVICE_OBJECT): NTSTATUS {
  const worker = cast(WORKER, DeviceObject.DeviceExtension)
  KeInitializeEvent(worker.Wake, SynchronizationEvent, FALSE)

  const handle = out<HANDLE>()
  const status = PsCreateSystemThread(
    handle,
    THREAD_ALL_ACCESS,
    null,
    null,
    null,
    WorkerThread,
    worker,
  )
  if (!NT_SUCCESS(status)) return status

  // A handle belongs to one process; a pointer to the object is good everywhere. Trade it in.
  const thread = out<PVOID>()
  ObReferenceObjectByHandle(handle.value, THREAD_ALL_ACCESS, null, KernelMode, thread, null)
  worker.Thread = thread.value
  ZwClose(handle.value)
  return STATUS_SUCCESS
}

function WorkerThread(StartContext: PVOID): void {
  const worker = cast(WORKER, StartContext)
  let total = 0
  for (;;) {
    KeWaitForSingleObject(worker.Wake, Executive, KernelMode, FALSE, null)
    // Several writes may come before the thread gets the processor: an event counts nothing, so the
    // amount is taken over and set to zero in one step.
    const bytes = InterlockedExchange(addressof(worker.Bytes), 0)
    if (bytes > 0) {
      total += bytes
      DbgPrint('Worker: %d bytes, %d in all\n', bytes, total)
    }
    if (worker.Stop) break
  }
  PsTerminateSystemThread(STATUS_SUCCESS)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function WorkerCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function WorkerWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const worker = cast(WORKER, DeviceObject.DeviceExtension)
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  InterlockedExchangeAdd(addressof(worker.Bytes), length)
  KeSetEvent(worker.Wake, IO_NO_INCREMENT, FALSE)
  return Complete(Irp, STATUS_SUCCESS, length)
}

function WorkerUnload(DriverObject: DRIVER_OBJECT): void {
  const worker = cast(WORKER, DriverObject.DeviceObject.DeviceExtension)
  worker.Stop = TRUE
  KeSetEvent(worker.Wake, IO_NO_INCREMENT, FALSE)
  // A thread object is signaled when its thread has ended.
  KeWaitForSingleObject(worker.Thread, Executive, KernelMode, FALSE, null)
  ObDereferenceObject(worker.Thread)

  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
