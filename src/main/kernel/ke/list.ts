/** LIST_ENTRY lists in simulated memory, with the checks of Windows' own list functions. */
import type { Kernel } from '../kernel'
import type { Memory, Ptr } from '../mm/memory'
import { RunLimit } from '../stop'

const BLINK = 8

export function initializeListHead(memory: Memory, head: Ptr): void {
  memory.setPtr(head, head)
  memory.setPtr(head + BLINK, head)
}

export function isListEmpty(memory: Memory, head: Ptr): boolean {
  return memory.ptr(head) === head
}

/** Whether an entry whose links are NULL when it is in no list is in one. */
export function isInList(memory: Memory, entry: Ptr): boolean {
  return memory.ptr(entry) !== 0
}

/** Entries that a list may have: whoever ties a knot into one does not tie up the kernel. */
export const ENTRIES_MAX = 100_000

/** The entries of a list, first to last. @bugcheck 0x139 parameter 1 = 3 when it has no end */
export function* entriesOf(k: Kernel, head: Ptr): Generator<Ptr> {
  let at = k.memory.ptr(head)
  for (let i = 0; at !== head; i++) {
    if (i === ENTRIES_MAX) corruptList(k, head)
    yield at
    at = k.memory.ptr(at)
  }
}

/**
 * What hangs one behind the other up to NULL, by the pointer `link` bytes into each.
 * A chain without end, which Windows would walk for ever, ends the run as a hang.
 */
export function* chainOf(k: Kernel, first: Ptr, link: number): Generator<Ptr> {
  let at = first
  for (let i = 0; at !== 0; i++) {
    if (i === ENTRIES_MAX)
      throw new RunLimit(
        'hang',
        'list',
        `The chain that begins at ${k.memory.format(first)} leads back into itself: the kernel would walk it for ever.`,
      )
    yield at
    at = k.memory.ptr(at + link)
  }
}

/** InsertTailList. @bugcheck 0x139 parameter 1 = 3 when the list is damaged */
export function insertTail(k: Kernel, head: Ptr, entry: Ptr): void {
  const { memory } = k
  const last = memory.ptr(head + BLINK)
  if (memory.ptr(last) !== head) corruptList(k, head)
  memory.setPtr(entry, head)
  memory.setPtr(entry + BLINK, last)
  memory.setPtr(last, entry)
  memory.setPtr(head + BLINK, entry)
}

/** InsertHeadList. @bugcheck 0x139 parameter 1 = 3 when the list is damaged */
export function insertHead(k: Kernel, head: Ptr, entry: Ptr): void {
  const { memory } = k
  const first = memory.ptr(head)
  if (memory.ptr(first + BLINK) !== head) corruptList(k, head)
  memory.setPtr(entry, first)
  memory.setPtr(entry + BLINK, head)
  memory.setPtr(first + BLINK, entry)
  memory.setPtr(head, entry)
}

/** RemoveEntryList; true when the list is empty now. The entry's own links stay as they are. */
export function removeEntry(k: Kernel, entry: Ptr): boolean {
  const { memory } = k
  const next = memory.ptr(entry)
  const previous = memory.ptr(entry + BLINK)
  if (memory.ptr(next + BLINK) !== entry || memory.ptr(previous) !== entry) corruptList(k, entry)
  memory.setPtr(previous, next)
  memory.setPtr(next + BLINK, previous)
  return next === previous
}

/** RemoveHeadList; 0 when the list is empty. */
export function removeHead(k: Kernel, head: Ptr): Ptr {
  const first = k.memory.ptr(head)
  if (first === head) return 0
  removeEntry(k, first)
  return first
}

/** Links that do not point back at each other: bug check 0x139. */
export function corruptList(k: Kernel, entry: Ptr): never {
  k.bugCheck(
    0x139,
    3n,
    0n,
    0n,
    0n,
    `The LIST_ENTRY at ${k.memory.format(entry)} is damaged: its neighbours do not point back at it.`,
  )
}
