/* Events: what setting, clearing and waiting return, and what is consumed. */
import {
  DbgPrint,
  Executive,
  KEVENT,
  KeClearEvent,
  KeInitializeEvent,
  KeReadStateEvent,
  KeResetEvent,
  KeSetEvent,
  KeWaitForMultipleObjects,
  KeWaitForSingleObject,
  KernelMode,
  NotificationEvent,
  PVOID,
  SynchronizationEvent,
  WaitAll,
  WaitAny,
  array,
  local,
} from 'wdm'
import type { DRIVER_OBJECT, LONG, NTSTATUS, UNICODE_STRING } from 'wdm'
import { MakeDevice } from './witness'

function Wait0(Object: PVOID): NTSTATUS {
  return KeWaitForSingleObject(Object, Executive, KernelMode, false, 0n)
}

function WaitMany(Objects: PVOID, Kind: number): NTSTATUS {
  return KeWaitForMultipleObjects(2, Objects, Kind, Executive, KernelMode, false, 0n, null)
}

function IsSet(Value: LONG): number {
  return Value !== 0 ? 1 : 0
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const one = local(KEVENT)
  const two = local(KEVENT)
  const objects = local(array(PVOID, 2))
  objects[0] = one
  objects[1] = two

  KeInitializeEvent(one, NotificationEvent, false)
  KeInitializeEvent(two, SynchronizationEvent, false)
  const sizes = one.Header.Size
  DbgPrint('types %u %u sizes %u %u\n', one.Header.Type, two.Header.Type, sizes, two.Header.Size)
  DbgPrint('set %u\n', IsSet(KeSetEvent(one, 0, false)))
  DbgPrint('set %u\n', IsSet(KeSetEvent(one, 0, false)))
  DbgPrint('state %u\n', IsSet(KeReadStateEvent(one)))
  DbgPrint('wait %x\n', Wait0(one))
  DbgPrint('wait %x\n', Wait0(one))
  DbgPrint('reset %u\n', IsSet(KeResetEvent(one)))
  DbgPrint('reset %u\n', IsSet(KeResetEvent(one)))
  DbgPrint('wait %x\n', Wait0(one))
  KeSetEvent(two, 0, false)
  DbgPrint('wait %x\n', Wait0(two))
  DbgPrint('wait %x\n', Wait0(two))
  KeSetEvent(two, 0, false)
  KeClearEvent(two)
  DbgPrint('cleared %x\n', Wait0(two))
  KeSetEvent(two, 0, false)
  DbgPrint('all %x\n', WaitMany(objects, WaitAll))
  DbgPrint('any %x\n', WaitMany(objects, WaitAny))
  DbgPrint('any %x\n', WaitMany(objects, WaitAny))
  return MakeDevice(DriverObject, 0)
}
