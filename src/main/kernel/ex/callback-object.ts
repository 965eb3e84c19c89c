/**
 * Callback objects: a list of routines below `\Callback` (or without a name), called in the order of
 * their registration by whoever notifies.
 */
import { STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import { LIST_ENTRY } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import {
  corruptList,
  ENTRIES_MAX,
  initializeListHead,
  insertTail,
  isListEmpty,
  removeEntry,
} from '../ke/list'
import type { Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { KObject } from '../ob/kobject'
import type { RegisteredCallback } from './callback-table'

/** CALLBACK_OBJECT. */
const CALLBACK = {
  Signature: 0,
  Lock: 8,
  RegisteredCallbacks: 0x10,
  Multiple: 0x20,
  SIZE: 0x28,
} as const
/** 'Call' */
const SIGNATURE = 0x6c6c_6143
/** CALLBACK_REGISTRATION: what ExRegisterCallback gives back. */
const REGISTRATION = {
  Link: 0,
  CallbackObject: 0x10,
  Function: 0x18,
  Context: 0x20,
  Busy: 0x28,
  UnregisterWaiting: 0x2c,
  SIZE: 0x30,
} as const
const TAG = 'CbRg'

/** What a machine keeps beside the bytes: registrations as the trace knows them, and who waits to remove one. */
interface Beside {
  entries: Map<Ptr, RegisteredCallback>
  waiters: Map<Ptr, Thread>
}

const machines = new WeakMap<Kernel, Beside>()

function besides(k: Kernel): Beside {
  let found = machines.get(k)
  if (!found) machines.set(k, (found = { entries: new Map(), waiters: new Map() }))
  return found
}

/** Make a callback object with one reference, or the status that says why there is none. */
export function createCallback(
  k: Kernel,
  options: { name: string | null; multiple: boolean; permanent: boolean },
): KObject | number {
  const { name, multiple, permanent } = options
  const object = k.ob.create('Callback', CALLBACK.SIZE, { name, permanent })
  if (typeof object === 'number') return object
  const { memory } = k
  memory.setU32(object.address + CALLBACK.Signature, SIGNATURE)
  initializeListHead(memory, object.address + CALLBACK.RegisteredCallbacks)
  memory.setU8(object.address + CALLBACK.Multiple, multiple ? 1 : 0)
  return object as KObject
}

/** @returns the registration, or NULL: only one is allowed and there is one, or memory is short */
export function registerCallback(k: Kernel, object: Ptr, routine: Ptr, context: Ptr): Ptr {
  const { memory } = k
  const head = object + CALLBACK.RegisteredCallbacks
  if (memory.u8(object + CALLBACK.Multiple) === 0 && !isListEmpty(memory, head)) return 0
  const at = k.pool.allocate(REGISTRATION.SIZE, TAG, { system: true })
  if (!at) return 0
  k.ob.reference(object)
  memory.setPtr(at + REGISTRATION.CallbackObject, object)
  memory.setPtr(at + REGISTRATION.Function, routine)
  memory.setPtr(at + REGISTRATION.Context, context)
  insertTail(k, head, at + REGISTRATION.Link)
  const name = k.ob.lookup(object)?.name
  besides(k).entries.set(at, k.callbacks.add('executive', routine, name ? { about: name } : {}))
  return at
}

/** Take a registration out. Waits until its routine does not run. */
export function* unregisterCallback(k: Kernel, at: Ptr): KernelRoutine<void> {
  const { memory } = k
  const { entries, waiters } = besides(k)
  memory.setU8(at + REGISTRATION.UnregisterWaiting, 1)
  while (memory.u32(at + REGISTRATION.Busy) > 0) {
    // A routine that takes itself out waits for ever, as on Windows.
    waiters.set(at, k.thread)
    yield* k.dispatcher.park()
  }
  removeEntry(k, at + REGISTRATION.Link)
  const object = memory.ptr(at + REGISTRATION.CallbackObject)
  const entry = entries.get(at)
  entries.delete(at)
  if (entry) k.callbacks.remove(entry)
  k.pool.free(at)
  k.ob.release(object)
}

/** Call every routine, at the caller's IRQL. */
export function* notifyCallback(
  k: Kernel,
  object: Ptr,
  argument1: Ptr,
  argument2: Ptr,
): KernelRoutine<void> {
  const { memory } = k
  const { waiters } = besides(k)
  const head = object + CALLBACK.RegisteredCallbacks
  for (let at = memory.ptr(head), next, i = 0; at !== head; at = next, i++) {
    if (i === ENTRIES_MAX) corruptList(k, head)
    if (memory.u8(at + REGISTRATION.UnregisterWaiting)) {
      next = memory.ptr(at + LIST_ENTRY.Flink)
      continue
    }
    memory.setU32(at + REGISTRATION.Busy, memory.u32(at + REGISTRATION.Busy) + 1)
    yield* k.call(memory.ptr(at + REGISTRATION.Function), 'CALLBACK_FUNCTION', [
      memory.ptr(at + REGISTRATION.Context),
      argument1,
      argument2,
    ])
    // Only now: the one behind it may have gone meanwhile, while this one stays as long as it is busy.
    next = memory.ptr(at + LIST_ENTRY.Flink)
    const left = memory.u32(at + REGISTRATION.Busy) - 1
    memory.setU32(at + REGISTRATION.Busy, left)
    const waiter = waiters.get(at)
    if (left > 0 || !waiter) continue
    waiters.delete(at)
    k.dispatcher.release(waiter, STATUS_SUCCESS)
  }
}
