/* Device queues: who is busy, who waits, in which order. */
import {
  DISPATCH_LEVEL,
  DbgPrint,
  KDEVICE_QUEUE,
  KDEVICE_QUEUE_ENTRY,
  KeInitializeDeviceQueue,
  KeInsertDeviceQueue,
  KeLowerIrql,
  KeRaiseIrql,
  KeRemoveDeviceQueue,
  local,
  out,
} from 'wdm'
import type { DRIVER_OBJECT, KIRQL, NTSTATUS, UNICODE_STRING } from 'wdm'
import { MakeDevice } from './witness'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const queue = local(KDEVICE_QUEUE)
  const first = local(KDEVICE_QUEUE_ENTRY)
  const second = local(KDEVICE_QUEUE_ENTRY)
  const third = local(KDEVICE_QUEUE_ENTRY)
  const irql = out<KIRQL>()

  KeInitializeDeviceQueue(queue)
  DbgPrint('type %u size %u busy %u\n', queue.Type, queue.Size, queue.Busy)
  KeRaiseIrql(DISPATCH_LEVEL, irql)
  let inserted = KeInsertDeviceQueue(queue, first)
  DbgPrint('insert %u busy %u in %u\n', inserted, queue.Busy, first.Inserted)
  inserted = KeInsertDeviceQueue(queue, second)
  DbgPrint('insert %u busy %u in %u\n', inserted, queue.Busy, second.Inserted)
  inserted = KeInsertDeviceQueue(queue, third)
  DbgPrint('insert %u in %u\n', inserted, third.Inserted)
  let entry = KeRemoveDeviceQueue(queue)
  const isSecond = entry === second ? 1 : 0
  DbgPrint('removed second %u busy %u in %u\n', isSecond, queue.Busy, second.Inserted)
  entry = KeRemoveDeviceQueue(queue)
  const isThird = entry === third ? 1 : 0
  DbgPrint('removed third %u busy %u in %u\n', isThird, queue.Busy, third.Inserted)
  entry = KeRemoveDeviceQueue(queue)
  DbgPrint('empty %u busy %u\n', entry === null ? 1 : 0, queue.Busy)
  KeLowerIrql(irql.value)
  return MakeDevice(DriverObject, 0)
}
