/** Linked lists of driver code: LIST_ENTRY and SINGLE_LIST_ENTRY, plain and under a spin lock. */
import type { Kernel } from '../kernel'
import { DISPATCH_LEVEL } from '../ke/irql'
import {
  corruptList,
  initializeListHead,
  insertHead,
  insertTail,
  isListEmpty,
  removeEntry,
} from '../ke/list'
import { afterSpin, type MaySpin } from '../ke/spinlock'
import type { Ptr } from '../mm/memory'
import { ddi, t, type KernelRoutine } from './types'

const LIST = t.ptr('LIST_ENTRY')
const SINGLE = t.ptr('SINGLE_LIST_ENTRY')
const LOCK = t.ptr('KSPIN_LOCK')
const BLINK = 8

/** RemoveHeadList: the first entry, or the head itself when the list is empty, as in C. */
function removeFirst(k: Kernel, head: Ptr): Ptr {
  const { memory } = k
  const entry = memory.ptr(head)
  const next = memory.ptr(entry)
  if (memory.ptr(entry + BLINK) !== head || memory.ptr(next + BLINK) !== entry) corruptList(k, head)
  memory.setPtr(head, next)
  memory.setPtr(next + BLINK, head)
  return entry
}

/** RemoveTailList, likewise. */
function removeLast(k: Kernel, head: Ptr): Ptr {
  const { memory } = k
  const entry = memory.ptr(head + BLINK)
  const previous = memory.ptr(entry + BLINK)
  if (memory.ptr(entry) !== head || memory.ptr(previous) !== entry) corruptList(k, head)
  memory.setPtr(head + BLINK, previous)
  memory.setPtr(previous, head)
  return entry
}

/** Put `list`, a chain without a head of its own, behind the last entry. */
function append(k: Kernel, head: Ptr, list: Ptr): void {
  const { memory } = k
  const end = memory.ptr(head + BLINK)
  if (memory.ptr(end) !== head) corruptList(k, head)
  const last = memory.ptr(list + BLINK)
  memory.setPtr(end, list)
  memory.setPtr(head + BLINK, last)
  memory.setPtr(last, head)
  memory.setPtr(list + BLINK, end)
}

function push(k: Kernel, head: Ptr, entry: Ptr): Ptr {
  const first = k.memory.ptr(head)
  k.memory.setPtr(entry, first)
  k.memory.setPtr(head, entry)
  return first
}

function pop(k: Kernel, head: Ptr): Ptr {
  const first = k.memory.ptr(head)
  if (first !== 0) k.memory.setPtr(head, k.memory.ptr(first))
  return first
}

/** Do `work` under a spin lock, whatever the IRQL is; Windows switches interrupts off for it. */
function locked<T>(k: Kernel, lock: Ptr, routine: string, work: () => T): MaySpin<T> {
  const { spinLocks } = k
  if (k.irql.level < DISPATCH_LEVEL) {
    const finish = (old: number): T => {
      const result = work()
      spinLocks.release(lock, old, routine)
      return result
    }
    const old = spinLocks.acquire(lock, routine)
    return typeof old === 'number' ? finish(old) : afterAcquired(old, finish)
  }
  const finish = (): T => {
    const result = work()
    spinLocks.releaseFromDpcLevel(lock)
    return result
  }
  const waiting = spinLocks.acquireAtDpcLevel(lock)
  return waiting ? afterSpin(waiting, finish) : finish()
}

function* afterAcquired<T>(
  acquired: KernelRoutine<number>,
  finish: (old: number) => T,
): KernelRoutine<T> {
  return finish(yield* acquired)
}

const summaries = {
  single: 'Takes the first entry off a singly linked list; NULL when it is empty.',
  push: 'Puts an entry at the front of a singly linked list.',
}

export const LIST_DDIS = {
  InitializeListHead: ddi({
    params: { ListHead: LIST },
    returns: t.void,
    docs: 'wdm/nf-wdm-initializelisthead',
    traced: false,
    run: (k, a) => initializeListHead(k.memory, a.ListHead),
  }),
  IsListEmpty: ddi({
    params: { ListHead: LIST },
    returns: t.boolean,
    docs: 'wdm/nf-wdm-islistempty',
    traced: false,
    run: (k, a) => isListEmpty(k.memory, a.ListHead),
  }),
  InsertTailList: ddi({
    params: { ListHead: LIST, Entry: LIST },
    returns: t.void,
    docs: 'wdm/nf-wdm-inserttaillist',
    traced: false,
    run: (k, a) => insertTail(k, a.ListHead, a.Entry),
  }),
  InsertHeadList: ddi({
    params: { ListHead: LIST, Entry: LIST },
    returns: t.void,
    docs: 'wdm/nf-wdm-insertheadlist',
    traced: false,
    run: (k, a) => insertHead(k, a.ListHead, a.Entry),
  }),
  RemoveEntryList: ddi({
    params: { Entry: LIST },
    returns: t.boolean,
    docs: 'wdm/nf-wdm-removeentrylist',
    traced: false,
    run: (k, a) => removeEntry(k, a.Entry),
  }),
  RemoveHeadList: ddi({
    params: { ListHead: LIST },
    returns: LIST,
    docs: 'wdm/nf-wdm-removeheadlist',
    traced: false,
    run: (k, a) => removeFirst(k, a.ListHead),
  }),
  RemoveTailList: ddi({
    params: { ListHead: LIST },
    returns: LIST,
    docs: 'wdm/nf-wdm-removetaillist',
    traced: false,
    run: (k, a) => removeLast(k, a.ListHead),
  }),
  AppendTailList: ddi({
    params: { ListHead: LIST, ListToAppend: LIST },
    returns: t.void,
    irql: [0, 15],
    summary: 'Puts a chain of entries that has no head of its own behind a list.',
    docs: 'wdm/nf-wdm-appendtaillist',
    traced: false,
    run: (k, a) => append(k, a.ListHead, a.ListToAppend),
  }),
  PushEntryList: ddi({
    params: { ListHead: SINGLE, Entry: SINGLE },
    returns: t.void,
    irql: [0, 15],
    summary: summaries.push,
    docs: 'wdm/nf-wdm-pushentrylist',
    traced: false,
    run(k, a) {
      push(k, a.ListHead, a.Entry)
    },
  }),
  PopEntryList: ddi({
    params: { ListHead: SINGLE },
    returns: SINGLE,
    irql: [0, 15],
    summary: summaries.single,
    docs: 'wdm/nf-wdm-popentrylist',
    traced: false,
    run: (k, a) => pop(k, a.ListHead),
  }),
  ExInterlockedInsertTailList: ddi({
    params: { ListHead: LIST, ListEntry: LIST, Lock: LOCK },
    returns: LIST,
    docs: 'wdm/nf-wdm-exinterlockedinserttaillist',
    run: (k, a) =>
      locked(k, a.Lock, 'ExInterlockedInsertTailList', () => {
        const last = isListEmpty(k.memory, a.ListHead) ? 0 : k.memory.ptr(a.ListHead + BLINK)
        insertTail(k, a.ListHead, a.ListEntry)
        return last
      }),
  }),
  ExInterlockedInsertHeadList: ddi({
    params: { ListHead: LIST, ListEntry: LIST, Lock: LOCK },
    returns: LIST,
    docs: 'wdm/nf-wdm-exinterlockedinsertheadlist',
    run: (k, a) =>
      locked(k, a.Lock, 'ExInterlockedInsertHeadList', () => {
        const first = isListEmpty(k.memory, a.ListHead) ? 0 : k.memory.ptr(a.ListHead)
        insertHead(k, a.ListHead, a.ListEntry)
        return first
      }),
  }),
  ExInterlockedRemoveHeadList: ddi({
    params: { ListHead: LIST, Lock: LOCK },
    returns: LIST,
    docs: 'wdm/nf-wdm-exinterlockedremoveheadlist',
    run: (k, a) =>
      locked(k, a.Lock, 'ExInterlockedRemoveHeadList', () =>
        isListEmpty(k.memory, a.ListHead) ? 0 : removeFirst(k, a.ListHead),
      ),
  }),
  ExInterlockedPushEntryList: ddi({
    params: { ListHead: SINGLE, ListEntry: SINGLE, Lock: LOCK },
    returns: SINGLE,
    irql: [0, 15],
    summary: `${summaries.push} Under a spin lock; gives the former first entry.`,
    docs: 'wdm/nf-wdm-exinterlockedpushentrylist',
    run: (k, a) =>
      locked(k, a.Lock, 'ExInterlockedPushEntryList', () => push(k, a.ListHead, a.ListEntry)),
  }),
  ExInterlockedPopEntryList: ddi({
    params: { ListHead: SINGLE, Lock: LOCK },
    returns: SINGLE,
    irql: [0, 15],
    summary: `${summaries.single} Under a spin lock.`,
    docs: 'wdm/nf-wdm-exinterlockedpopentrylist',
    run: (k, a) => locked(k, a.Lock, 'ExInterlockedPopEntryList', () => pop(k, a.ListHead)),
  }),
}
