/**
 * User mode's own memory: a TEB for each thread and the area beside it that stands for the part of a
 * user stack on which Win32 builds what it hands to system services.
 *
 * A thread's slot lies between PEB and image: two pages of TEB, two pages of scratch. Everything in it
 * is ordinary user memory; a program may read and spoil it.
 */
import { KTHREAD, PEB, TEB } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Thread } from '../ke/thread'
import { PAGE_SIZE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import type { Process } from './process'
import { USER_LAYOUT } from './processes'

const TEB_BYTES = 2 * PAGE_SIZE
const SLOT_BYTES = 4 * PAGE_SIZE
/** First slot, from the start of the process's user space: behind the PEB and a page of air. */
const SLOTS = USER_LAYOUT.peb + 2 * PAGE_SIZE

/** Where the arguments of a system call lie in a thread's scratch area. */
export const SCRATCH = {
  /** IO_STATUS_BLOCK. */
  iosb: 0x00,
  /** LARGE_INTEGER: a time-out or a byte offset. */
  large: 0x10,
  /** A handle that a service gives back. */
  handle: 0x18,
  /** Two words that go in and out: base and size of memory, the former state of an event. */
  value: 0x20,
  size: 0x28,
  /** UNICODE_STRING and the OBJECT_ATTRIBUTES that names it. */
  string: 0x30,
  attributes: 0x40,
  /** CLIENT_ID. */
  clientId: 0x70,
  /** PS_ATTRIBUTE_LIST with one attribute. */
  psAttributes: 0x80,
  /** Array of 64 handles. */
  handles: 0x100,
  /** Characters of a name. */
  text: 0x300,
} as const
const SCRATCH_BYTES = SLOT_BYTES - TEB_BYTES
/** Characters of the longest name that fits. */
export const NAME_MAX = (SCRATCH_BYTES - SCRATCH.text) / 2

/** What the kernel keeps about a thread of a program. */
export class UserThread {
  /** System services that it is in. */
  depth = 0
  /** Status with which it has to end as soon as it is about to be in user mode. */
  ending: number | null = null
  /** It waits in a service in a way that its end may cut short. */
  interruptible = false
  /** Where it goes when it is next about to be in user mode (PsSetContextThread). */
  redirect: { start: Ptr; args: number[] } | null = null
  /** Bytes that its last transfer moved, as Win32 reports them. */
  transferred = 0

  constructor(
    /** Thread environment block. */
    readonly teb: Ptr,
  ) {}

  /** Start of its scratch area. */
  get scratch(): Ptr {
    return this.teb + TEB_BYTES
  }
}

/** What the kernel keeps about a process that runs a program. */
export class UserProcess {
  /** Status with which the whole process ends; the first one that is asked for counts. */
  exitStatus: number | null = null
  /** Written text whose line is not finished. */
  line = ''
  /** Thread slots handed out. */
  slots = 0
}

const processes = new WeakMap<Process, UserProcess>()

/** What the kernel keeps about a process that runs a program; made at the first question. */
export function userProcess(process: Process): UserProcess {
  let found = processes.get(process)
  if (!found) processes.set(process, (found = new UserProcess()))
  return found
}

/** Room for the TEB of a new thread of a process; 0 when memory or room is short. */
export function allocateTeb(k: Kernel, process: Process): Ptr {
  const owner = userProcess(process)
  const start = k.memory.sliceStart(process.slice)
  const teb = start + SLOTS + owner.slots * SLOT_BYTES
  if (teb + SLOT_BYTES > start + USER_LAYOUT.image) return 0
  if (!k.processes.commitUser(process, teb, SLOT_BYTES / PAGE_SIZE)) return 0
  owner.slots++
  return teb
}

/**
 * Give a thread its TEB. Only says where it is; `fillTeb` writes it, on the thread itself, because
 * user memory is in view only while its process runs.
 */
export function createUserThread(k: Kernel, thread: Thread, teb: Ptr): UserThread {
  const user = new UserThread(teb)
  thread.user = user
  thread.previousMode = 1
  k.memory.setPtr(thread.address + KTHREAD.Teb, teb)
  k.memory.setU8(thread.address + KTHREAD.PreviousMode, 1)
  return user
}

/** Write the TEB of the current thread. */
export function fillTeb(k: Kernel, thread: Thread, user: UserThread): void {
  const { memory } = k
  const { teb } = user
  const stack = thread.userStack
  if (stack) {
    memory.setU64(teb + TEB['NtTib.StackBase'], thread.userStackBase(memory) ?? 0n)
    memory.setPtr(teb + TEB['NtTib.StackLimit'], stack.limit)
  }
  memory.setPtr(teb + TEB['NtTib.Self'], teb)
  memory.setSize(teb + TEB['ClientId.UniqueProcess'], thread.process.id)
  memory.setSize(teb + TEB['ClientId.UniqueThread'], thread.id)
  memory.setPtr(
    teb + TEB.ProcessEnvironmentBlock,
    memory.sliceStart(thread.process.slice) + USER_LAYOUT.peb,
  )
}

/** Write the PEB of the current process. */
export function fillPeb(k: Kernel, process: Process): void {
  const { memory } = k
  const start = memory.sliceStart(process.slice)
  const peb = start + USER_LAYOUT.peb
  memory.setPtr(peb + PEB.ImageBaseAddress, start + USER_LAYOUT.image)
  memory.setPtr(peb + PEB.ProcessHeap, start + USER_LAYOUT.heap)
  memory.setU32(peb + PEB.NumberOfProcessors, 1)
  memory.setU32(peb + PEB.OSMajorVersion, 10)
  memory.setU16(peb + PEB.OSBuildNumber, 19_045)
}
