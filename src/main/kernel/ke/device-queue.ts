/** Device queues: a list of waiting requests and a flag that says whether the device is at work. */
import { IO_TYPE_DEVICE_QUEUE } from '../../../shared/nt/generated/constants'
import { KDEVICE_QUEUE, KDEVICE_QUEUE_ENTRY } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { entriesOf, initializeListHead, insertTail, removeEntry, removeHead } from './list'

const HEAD = KDEVICE_QUEUE.DeviceListHead

/** KeInitializeDeviceQueue: empty, not busy. */
export function initializeDeviceQueue(k: Kernel, queue: Ptr): void {
  const { memory } = k
  memory.setU16(queue + KDEVICE_QUEUE.Type, IO_TYPE_DEVICE_QUEUE)
  memory.setU16(queue + KDEVICE_QUEUE.Size, KDEVICE_QUEUE.SIZE)
  initializeListHead(memory, queue + HEAD)
  memory.setU64(queue + KDEVICE_QUEUE.Lock, 0n)
  memory.setU64(queue + KDEVICE_QUEUE.Busy, 0n)
}

/**
 * KeInsertDeviceQueue: true when the entry waits now; false when the queue was idle, is busy from
 * now on, and the caller starts the device.
 */
export function insertDeviceQueue(k: Kernel, queue: Ptr, entry: Ptr): boolean {
  const { memory } = k
  const busy = memory.u8(queue + KDEVICE_QUEUE.Busy) !== 0
  if (busy) insertTail(k, queue + HEAD, entry)
  else memory.setU8(queue + KDEVICE_QUEUE.Busy, 1)
  memory.setU8(entry + KDEVICE_QUEUE_ENTRY.Inserted, busy ? 1 : 0)
  return busy
}

/** KeInsertByKeyDeviceQueue: before the first entry with a greater key. */
export function insertByKeyDeviceQueue(k: Kernel, queue: Ptr, entry: Ptr, key: number): boolean {
  const { memory } = k
  const busy = memory.u8(queue + KDEVICE_QUEUE.Busy) !== 0
  memory.setU32(entry + KDEVICE_QUEUE_ENTRY.SortKey, key)
  if (busy) {
    const head = queue + HEAD
    insertTail(
      k,
      firstByKey(k, head, (other) => other > key),
      entry,
    )
  } else memory.setU8(queue + KDEVICE_QUEUE.Busy, 1)
  memory.setU8(entry + KDEVICE_QUEUE_ENTRY.Inserted, busy ? 1 : 0)
  return busy
}

/** KeRemoveDeviceQueue: the first entry; 0 and an idle queue when there is none. */
export function removeDeviceQueue(k: Kernel, queue: Ptr): Ptr {
  return taken(k, queue, removeHead(k, queue + HEAD))
}

/** KeRemoveByKeyDeviceQueue: the first entry with at least this key, else the first of all. */
export function removeByKeyDeviceQueue(k: Kernel, queue: Ptr, key: number): Ptr {
  const head = queue + HEAD
  const entry = firstByKey(k, head, (other) => other >= key)
  if (entry === head) return removeDeviceQueue(k, queue)
  removeEntry(k, entry)
  return taken(k, queue, entry)
}

/** The first entry whose key is right; the head when none is. */
function firstByKey(k: Kernel, head: Ptr, isRight: (key: number) => boolean): Ptr {
  for (const entry of entriesOf(k, head))
    if (isRight(k.memory.u32(entry + KDEVICE_QUEUE_ENTRY.SortKey))) return entry
  return head
}

function taken(k: Kernel, queue: Ptr, entry: Ptr): Ptr {
  if (entry) k.memory.setU8(entry + KDEVICE_QUEUE_ENTRY.Inserted, 0)
  else k.memory.setU8(queue + KDEVICE_QUEUE.Busy, 0)
  return entry
}

/** KeRemoveEntryDeviceQueue: whether the entry was queued. */
export function removeEntryDeviceQueue(k: Kernel, entry: Ptr): boolean {
  if (k.memory.u8(entry + KDEVICE_QUEUE_ENTRY.Inserted) === 0) return false
  k.memory.setU8(entry + KDEVICE_QUEUE_ENTRY.Inserted, 0)
  removeEntry(k, entry)
  return true
}
