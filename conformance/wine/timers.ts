/* Timers of both kinds, armed, elapsed and cancelled. */
import {
  DbgPrint,
  Executive,
  KTIMER,
  KeCancelTimer,
  KeDelayExecutionThread,
  KeInitializeTimerEx,
  KeSetTimer,
  KeWaitForSingleObject,
  KernelMode,
  NotificationTimer,
  SynchronizationTimer,
  local,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'
import { MakeDevice } from './witness'

const DUE = -200000n

function Wait(Object: PVOID, Time: bigint): NTSTATUS {
  return KeWaitForSingleObject(Object, Executive, KernelMode, false, Time)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const timer = local(KTIMER)
  const single = local(KTIMER)

  KeInitializeTimerEx(timer, NotificationTimer)
  KeInitializeTimerEx(single, SynchronizationTimer)
  DbgPrint('set %u\n', KeSetTimer(timer, DUE, null))
  DbgPrint('set again %u\n', KeSetTimer(timer, DUE, null))
  DbgPrint('wait %x\n', Wait(timer, 0n))
  DbgPrint('wait %x\n', Wait(timer, -10000000n))
  DbgPrint('wait %x\n', Wait(timer, 0n))
  DbgPrint('cancel %u\n', KeCancelTimer(timer))
  DbgPrint('set %u\n', KeSetTimer(timer, DUE, null))
  DbgPrint('cancel %u\n', KeCancelTimer(timer))
  DbgPrint('cancel %u\n', KeCancelTimer(timer))
  DbgPrint('wait %x\n', Wait(timer, -1000000n))
  KeSetTimer(single, DUE, null)
  DbgPrint('single %x\n', Wait(single, -10000000n))
  DbgPrint('single %x\n', Wait(single, 0n))
  DbgPrint('delay %x\n', KeDelayExecutionThread(KernelMode, false, DUE))
  return MakeDevice(DriverObject, 0)
}
