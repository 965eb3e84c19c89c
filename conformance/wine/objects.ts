/* Handles and objects of kernel mode: events and threads, references, wrong types. */
import {
  DbgPrint,
  EVENT_ALL_ACCESS,
  Executive,
  InitializeObjectAttributes,
  KEVENT,
  KeGetCurrentIrql,
  KeReadStateEvent,
  KeWaitForSingleObject,
  KernelMode,
  MmGetSystemRoutineAddress,
  NotificationEvent,
  OBJECT_ATTRIBUTES,
  OBJECT_TYPE,
  OBJ_KERNEL_HANDLE,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  PVOID,
  PsCreateSystemThread,
  PsTerminateSystemThread,
  RTL_CONSTANT_STRING,
  THREAD_ALL_ACCESS,
  ULONG_PTR,
  ZwClose,
  ZwCreateEvent,
  cast,
  local,
  out,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, OUT, UNICODE_STRING } from 'wdm'
import { MakeDevice } from './witness'

let Seen = 0

function Thread(Context: PVOID): void {
  Seen = Number(cast(ULONG_PTR, Context)) + KeGetCurrentIrql()
  PsTerminateSystemThread(0x1234)
}

/** An exported variable, such as the object types are. */
function Exported(Name: UNICODE_STRING): OBJECT_TYPE {
  return cast(OBJECT_TYPE, MmGetSystemRoutineAddress(Name))
}

function Reference(Handle: HANDLE, Type: OBJECT_TYPE | null, Object: OUT<PVOID>): NTSTATUS {
  return ObReferenceObjectByHandle(Handle, 0, Type, KernelMode, Object, null)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const events = Exported(RTL_CONSTANT_STRING('ExEventObjectType'))
  const threads = Exported(RTL_CONSTANT_STRING('PsThreadType'))
  const attributes = local(OBJECT_ATTRIBUTES)
  const event = out<HANDLE>()
  const thread = out<HANDLE>()
  const one = out<PVOID>()
  const two = out<PVOID>()

  InitializeObjectAttributes(attributes, null, OBJ_KERNEL_HANDLE, 0, null)
  const kind = NotificationEvent
  DbgPrint('create %x\n', ZwCreateEvent(event, EVENT_ALL_ACCESS, attributes, kind, true))
  DbgPrint('null %x\n', Reference(0, events, one))
  DbgPrint('event %x\n', Reference(event.value, events, one))
  DbgPrint('again %x\n', Reference(event.value, null, two))
  DbgPrint('same %u\n', one.value === two.value ? 1 : 0)
  DbgPrint('type %x\n', Reference(event.value, threads, two))
  DbgPrint('state %u\n', KeReadStateEvent(cast(KEVENT, one.value)) !== 0 ? 1 : 0)
  DbgPrint('wait %x\n', KeWaitForSingleObject(one.value, Executive, KernelMode, false, 0n))
  ObDereferenceObject(one.value)
  ObDereferenceObject(one.value)
  DbgPrint('close %x\n', ZwClose(event.value))
  const all = THREAD_ALL_ACCESS
  const context = cast(PVOID, 7)
  DbgPrint('thread %x\n', PsCreateSystemThread(thread, all, null, null, null, Thread, context))
  DbgPrint('object %x\n', Reference(thread.value, threads, one))
  DbgPrint('wait %x\n', KeWaitForSingleObject(one.value, Executive, KernelMode, false, null))
  DbgPrint('context %u\n', Seen)
  ObDereferenceObject(one.value)
  DbgPrint('close %x\n', ZwClose(thread.value))
  return MakeDevice(DriverObject, 0)
}
