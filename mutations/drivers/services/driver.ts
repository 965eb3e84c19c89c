/*
 * Clerk: a driver that calls the system: registry, handles, objects, work items, timers, lists.
 *
 * The control code takes an event of the program by its handle, notes the request in a list, and has
 * a work item set the event later. What comes from the program is looked at before it is used.
 */
import {
  CTL_CODE,
  DelayedWorkQueue,
  EVENT_MODIFY_STATE,
  ExAllocatePool2,
  ExAllocatePoolWithTag,
  ExFreePoolWithTag,
  ExInitializeWorkItem,
  ExQueueWorkItem,
  Executive,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  FILE_READ_ACCESS,
  FILE_WRITE_ACCESS,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  InitializeListHead,
  InitializeObjectAttributes,
  InsertTailList,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  IsListEmpty,
  KDPC,
  KEVENT,
  KEY_READ,
  KSPIN_LOCK,
  KTIMER,
  KeAcquireSpinLock,
  KeCancelTimer,
  KeDelayExecutionThread,
  KeFlushQueuedDpcs,
  KeInitializeDpc,
  KeInitializeEvent,
  KeInitializeSpinLock,
  KeInitializeTimer,
  KeReleaseSpinLock,
  KeSetEvent,
  KeSetTimerEx,
  KeWaitForSingleObject,
  KernelMode,
  KeyValuePartialInformation,
  LIST_ENTRY,
  METHOD_BUFFERED,
  NT_SUCCESS,
  NonPagedPoolNx,
  OBJECT_ATTRIBUTES,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  POOL_FLAG_NON_PAGED,
  PVOID,
  PsLookupProcessByProcessId,
  RTL_CONSTANT_STRING,
  RemoveEntryList,
  RemoveHeadList,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  SynchronizationEvent,
  UCHAR,
  ULONGLONG,
  UserMode,
  WORK_QUEUE_ITEM,
  ZwClose,
  ZwCreateEvent,
  ZwOpenKey,
  ZwQueryValueKey,
  array,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  EPROCESS,
  HANDLE,
  IRP,
  KIRQL,
  NTSTATUS,
  Ptr,
  ULONG,
  UNICODE_STRING,
} from 'wdm'

const IOCTL_NOTE = CTL_CODE(
  FILE_DEVICE_UNKNOWN,
  0x800,
  METHOD_BUFFERED,
  FILE_READ_ACCESS | FILE_WRITE_ACCESS,
)

const TAG = 'krlC'

const REQUEST = struct('REQUEST', { Event: ULONGLONG, Process: ULONGLONG })

const NOTE = struct('NOTE', { Link: LIST_ENTRY, Event: PVOID, Work: WORK_QUEUE_ITEM })
type PNOTE = Ptr<typeof NOTE>

const CLERK = struct('CLERK', {
  Lock: KSPIN_LOCK,
  Notes: LIST_ENTRY,
  Idle: KEVENT,
  Clock: KTIMER,
  Tick: KDPC,
  Scratch: PVOID,
})

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Clerk')
const LinkName = RTL_CONSTANT_STRING('\\??\\Clerk')
const ValueName = RTL_CONSTANT_STRING('Start')

let device: DEVICE_OBJECT = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = ClerkCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = ClerkCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = ClerkDeviceControl
  DriverObject.DriverUnload = ClerkUnload

  const read = ReadStart(RegistryPath)
  if (!NT_SUCCESS(read)) return read
  const signalled = SignalOnce()
  if (!NT_SUCCESS(signalled)) return signalled

  const created = out<DEVICE_OBJECT>()
  const size = sizeof(CLERK)
  let status = IoCreateDevice(
    DriverObject,
    size,
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    created,
  )
  if (!NT_SUCCESS(status)) return status
  device = created.value
  const clerk = cast(CLERK, device.DeviceExtension)
  KeInitializeSpinLock(clerk.Lock)
  InitializeListHead(clerk.Notes)
  KeInitializeEvent(clerk.Idle, SynchronizationEvent, FALSE)
  KeInitializeTimer(clerk.Clock)
  KeInitializeDpc(clerk.Tick, ClerkTick, clerk)
  clerk.Scratch = ExAllocatePoolWithTag(NonPagedPoolNx, 30, TAG)
  if (clerk.Scratch === null) {
    IoDeleteDevice(device)
    return STATUS_INSUFFICIENT_RESOURCES
  }
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) {
    ExFreePoolWithTag(clerk.Scratch, TAG)
    IoDeleteDevice(device)
    return status
  }
  KeSetTimerEx(clerk.Clock, -10000, 1, clerk.Tick)
  return STATUS_SUCCESS
}

/** The service's own key: a value that every service has. */
function ReadStart(RegistryPath: UNICODE_STRING): NTSTATUS {
  const attributes = local(OBJECT_ATTRIBUTES)
  const flags = OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE
  InitializeObjectAttributes(attributes, RegistryPath, flags, null, null)
  const key = out<HANDLE>()
  let status = ZwOpenKey(key, KEY_READ, attributes)
  if (!NT_SUCCESS(status)) return status
  const value = local(array(UCHAR, 64))
  const needed = out<ULONG>()
  status = ZwQueryValueKey(key.value, ValueName, KeyValuePartialInformation, value, 64, needed)
  ZwClose(key.value)
  return status
}

/** An event object of its own, by handle and by pointer. */
function SignalOnce(): NTSTATUS {
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, null, OBJ_KERNEL_HANDLE, null, null)
  const handle = out<HANDLE>()
  let status = ZwCreateEvent(handle, EVENT_MODIFY_STATE, attributes, SynchronizationEvent, FALSE)
  if (!NT_SUCCESS(status)) return status
  const event = out<PVOID>()
  status = ObReferenceObjectByHandle(
    handle.value,
    EVENT_MODIFY_STATE,
    null,
    KernelMode,
    event,
    null,
  )
  ZwClose(handle.value)
  if (!NT_SUCCESS(status)) return status
  KeSetEvent(cast(KEVENT, event.value), IO_NO_INCREMENT, FALSE)
  ObDereferenceObject(event.value)
  return STATUS_SUCCESS
}

function ClerkTick(Dpc: PVOID, Context: PVOID, Argument1: PVOID, Argument2: PVOID): void {
  const clerk = cast(CLERK, Context)
  for (let i = 0; i < 30; i++) clerk.Scratch.u8[i] = i
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function ClerkCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function ClerkDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const control = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (control.IoControlCode !== IOCTL_NOTE) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (control.InputBufferLength < sizeof(REQUEST)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  const request = cast(REQUEST, Irp.AssociatedIrp.SystemBuffer)
  return Complete(Irp, Note(request.Event, request.Process), 0)
}

/** Take the program's event by its handle, make a note of it, and let a worker do the rest. */
function Note(handle: ULONGLONG, id: ULONGLONG): NTSTATUS {
  const clerk = cast(CLERK, device.DeviceExtension)
  const process = out<EPROCESS>()
  let status = PsLookupProcessByProcessId(Number(id), process)
  if (!NT_SUCCESS(status)) return status
  ObDereferenceObject(process.value)

  const event = out<PVOID>()
  status = ObReferenceObjectByHandle(
    Number(handle),
    EVENT_MODIFY_STATE,
    null,
    UserMode,
    event,
    null,
  )
  if (!NT_SUCCESS(status)) return status
  const note = cast(NOTE, ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(NOTE), TAG))
  if (note === null) {
    ObDereferenceObject(event.value)
    return STATUS_INSUFFICIENT_RESOURCES
  }
  note.Event = event.value
  ExInitializeWorkItem(note.Work, ClerkWork, note)
  const irql = out<KIRQL>()
  KeAcquireSpinLock(clerk.Lock, irql)
  InsertTailList(clerk.Notes, note.Link)
  KeReleaseSpinLock(clerk.Lock, irql.value)
  ExQueueWorkItem(note.Work, DelayedWorkQueue)
  KeWaitForSingleObject(clerk.Idle, Executive, KernelMode, FALSE, null)
  return STATUS_SUCCESS
}

function ClerkWork(Context: PVOID): void {
  const clerk = cast(CLERK, device.DeviceExtension)
  const note: PNOTE = cast(NOTE, Context)
  const irql = out<KIRQL>()
  KeAcquireSpinLock(clerk.Lock, irql)
  RemoveEntryList(note.Link)
  KeReleaseSpinLock(clerk.Lock, irql.value)
  KeDelayExecutionThread(KernelMode, FALSE, -20000)
  KeSetEvent(cast(KEVENT, note.Event), IO_NO_INCREMENT, FALSE)
  ObDereferenceObject(note.Event)
  ExFreePoolWithTag(note, TAG)
  KeSetEvent(clerk.Idle, IO_NO_INCREMENT, FALSE)
}

function ClerkUnload(DriverObject: DRIVER_OBJECT): void {
  const clerk = cast(CLERK, DriverObject.DeviceObject.DeviceExtension)
  KeCancelTimer(clerk.Clock)
  KeFlushQueuedDpcs()
  while (!IsListEmpty(clerk.Notes)) RemoveHeadList(clerk.Notes)
  ExFreePoolWithTag(clerk.Scratch, TAG)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
