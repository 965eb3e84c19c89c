/**
 * Processes and thread objects: EPROCESS and ETHREAD in memory, the list of processes that drivers
 * can walk (and unlink from), user address spaces.
 */
import {
  CLIENT_ID,
  EPROCESS,
  ETHREAD,
  KPROCESS,
  KTHREAD,
  LIST_ENTRY,
} from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import { initializeListHead, insertTail, removeEntry } from '../ke/list'
import type { Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PTE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { processEnding } from '../verifier/rules/memory'
import { HandleTable } from '../ob/handle'
import type { KObject } from '../ob/object'
import { assert, RunLimit } from '../stop'
import { integrityName } from '../se/sid'
import type { Identity, TokenData } from '../se/token'
import { Process } from './process'

/** Where things lie in a process's 8 MiB of user space, as offsets from its start. */
export const USER_LAYOUT = {
  peb: 0x1_0000,
  /** Program image, one megabyte. */
  image: 0x10_0000,
  heap: 0x20_0000,
  heapEnd: 0x60_0000,
  /** User stacks, from the end downwards. */
  stacks: 0x60_0000,
  stacksEnd: 0x80_0000,
} as const

const USER_STACK_BYTES = 16 * PAGE_SIZE
/** A stack and the guard page below it. */
const USER_STACK_SLOT = USER_STACK_BYTES + PAGE_SIZE

/** KOBJECTS values of DISPATCHER_HEADER.Type. */
const PROCESS_OBJECT = 3
const THREAD_OBJECT = 6
/** Protected, signer WinSystem. */
const PROTECTION_SYSTEM = 0x72
const FLAGS_PROCESS_INSERTED = 1 << 26
const FLAGS_PROCESS_EXITING = 1 << 2
const FLAGS3_SYSTEM_PROCESS = 1 << 12
const HIGHEST_USER_ADDRESS = 0x7fff_fffe_ffffn

/** EPROCESS.Flags.BreakOnTermination. */
export const FLAGS_BREAK_ON_TERMINATION = 1 << 13

/** What a process is made of besides its name. */
export interface ProcessOptions {
  /** By default the next free one. */
  id?: number
  /** Id of its parent; the System process by default. */
  parent?: number
  user?: string
  elevated?: boolean
  /** Where its image lies on its volume; `\\Lab\\NAME` by default. */
  path?: string
  /** What follows its name on the command line; nothing by default. */
  arguments?: string
  session?: number
  /** PS_PROTECTION. */
  protection?: number
  /** The machine stops when it ends. */
  critical?: boolean
}

export class Processes {
  /** The System process, id 4: no user space. */
  readonly system: Process
  private readonly byPid = new Map<number, Process>()
  private readonly byEprocess = new Map<Ptr, Process>()
  private readonly tokens = new Map<Process, KObject<TokenData>>()
  private readonly userStacks = new Map<Process, number>()
  private readonly listHead: Ptr
  private nextPid = 0x1004
  /** Somebody who watches the machine from outside: told when a process is about to end. */
  onExit: ((process: Process) => void) | null = null

  constructor(private readonly k: Kernel) {
    const { memory, ob } = k
    this.listHead = ob.data.variable('PsActiveProcessHead', LIST_ENTRY.SIZE)
    initializeListHead(memory, this.listHead)
    this.system = this.build('System', 4, -1, 0, { user: 'SYSTEM', elevated: true })
    memory.setU8(this.system.address + EPROCESS.Protection, PROTECTION_SYSTEM)
    memory.setU32(this.system.address + EPROCESS.Flags3, FLAGS3_SYSTEM_PROCESS)
    memory.setPtr(ob.data.variable('PsInitialSystemProcess', 8), this.system.address)
  }

  // --- life ------------------------------------------------------------------------------------

  /**
   * Make a user process: address space, handle table, EPROCESS, a place in PsActiveProcessHead. There
   * is no memory in its address space before it gets its first thread.
   */
  create(name: string, options: ProcessOptions = {}): Process {
    const { memory } = this.k
    const slice = memory.createSlice()
    const id = options.id ?? this.nextPid
    if (options.id === undefined) this.nextPid += 4 + 4 * (id % 7)
    const parent = options.parent ?? this.system.id
    const process = this.build(name, id, slice, parent, {
      user: options.user ?? 'user',
      elevated: options.elevated ?? false,
      ...(options.session === undefined ? {} : { session: options.session }),
    })
    const { path, session = 0, protection = 0, critical = false } = options
    if (path !== undefined) process.path = path
    process.arguments = options.arguments ?? ''
    process.session = session
    memory.setU8(process.address + EPROCESS.Protection, protection)
    const flags = process.address + EPROCESS.Flags
    if (critical) memory.setU32(flags, memory.u32(flags) | FLAGS_BREAK_ON_TERMINATION)
    const start = memory.sliceStart(slice)
    process.heap = start + USER_LAYOUT.heap
    memory.setPtr(process.address + EPROCESS.Peb, start + USER_LAYOUT.peb)
    memory.setPtr(process.address + EPROCESS.SectionBaseAddress, start + USER_LAYOUT.image)
    const token = this.tokenOf(process)
    this.k.emit({
      t: 'process.created',
      id,
      name,
      parent,
      user: token.user,
      integrity: integrityName(token.integrity),
      admin: token.elevated,
      ...(session ? { session } : {}),
      ...(protection ? { protection } : {}),
      ...(critical ? { critical } : {}),
    })
    return process
  }

  private build(name: string, id: number, slice: number, parent: number, token: Identity): Process {
    const { k } = this
    const { memory, ob } = k
    const object = ob.create<Process | null>('Process', EPROCESS.SIZE, {
      data: null,
      onDelete: (deleted) => this.forget(deleted.data),
    })
    if (typeof object === 'number')
      throw new RunLimit('limit', 'memory', `no memory left for the process ${name}`)
    const at = object.address
    const process = new Process(id, name, at, slice, new HandleTable(k, id))
    object.data = process
    memory.setU8(at + EPROCESS['Pcb.Header.Type'], PROCESS_OBJECT)
    memory.setU8(at + EPROCESS['Pcb.Header.Size'], (KPROCESS.SIZE / 4) & 0xff)
    initializeListHead(memory, at + EPROCESS['Pcb.Header.WaitListHead'])
    initializeListHead(memory, at + EPROCESS['Pcb.ThreadListHead'])
    initializeListHead(memory, at + EPROCESS['Pcb.ProfileListHead'])
    initializeListHead(memory, at + EPROCESS.ThreadListHead)
    // A physical address that no other process has; nothing in the machine goes through it.
    memory.setU64(at + EPROCESS['Pcb.DirectoryTableBase'], BigInt(0x1ad000 + (slice + 1) * 0x5000))
    memory.setU8(at + EPROCESS['Pcb.BasePriority'], 8)
    memory.setU64(at + EPROCESS.UniqueProcessId, BigInt(id))
    memory.setU64(at + EPROCESS.InheritedFromUniqueProcessId, BigInt(parent))
    memory.setU64(at + EPROCESS.CreateTime, BigInt(k.tick))
    memory.setU32(at + EPROCESS.Flags, FLAGS_PROCESS_INSERTED)
    memory.setU32(at + EPROCESS.ExitStatus, 0x103)
    memory.setU8(at + EPROCESS.PriorityClass, 2)
    if (slice >= 0) memory.setU64(at + EPROCESS.HighestUserAddress, HIGHEST_USER_ADDRESS)
    for (let i = 0; i < 14 && i < name.length; i++)
      memory.setU8(at + EPROCESS.ImageFileName + i, name.charCodeAt(i) & 0xff)
    const tokenObject = k.se.tokens.create(token)
    this.tokens.set(process, tokenObject)
    // EX_FAST_REF: the low four bits count cached references.
    memory.setU64(at + EPROCESS['Token.Value'], memory.address(tokenObject.address) | 0xfn)
    insertTail(k, this.listHead, at + EPROCESS.ActiveProcessLinks)
    this.byPid.set(id, process)
    this.byEprocess.set(at, process)
    return process
  }

  /** Nobody holds a process any more: its memory and its token go. */
  private forget(process: Process | null): void {
    const token = process && this.tokens.get(process)
    if (!process || !token) return
    this.byEprocess.delete(process.address)
    this.tokens.delete(process)
    if (process.slice >= 0) this.k.memory.releaseSlice(process.slice)
    this.k.ob.release(token.address)
  }

  /**
   * A process has ended: close its handles, take it off the list, signal it. Its threads have to be
   * gone (or be the one that runs this).
   */
  *exit(process: Process, exitCode: number): KernelRoutine<void> {
    if (process.exitCode !== null) return
    this.onExit?.(process)
    const { k } = this
    const { memory } = k
    process.exitCode = exitCode
    const at = process.address
    memory.setU32(at + EPROCESS.Flags, memory.u32(at + EPROCESS.Flags) | FLAGS_PROCESS_EXITING)
    memory.setU32(at + EPROCESS.ExitStatus, exitCode >>> 0)
    const parent = memory.size(at + EPROCESS.InheritedFromUniqueProcessId)
    yield* k.notifications.processExited(process, parent)
    yield* process.handles.closeAll()
    k.mm.sections.processExited(process)
    processEnding(k, process)
    memory.setU64(at + EPROCESS.ExitTime, BigInt(k.tick))
    k.dispatcher.signalProcessExit(at)
    k.emit({ t: 'process.exited', id: process.id, name: process.name, exitCode })
    this.byPid.delete(process.id)
    removeEntry(k, at + EPROCESS.ActiveProcessLinks)
    // Whoever still holds a reference keeps the EPROCESS; look-ups by id no longer find it.
    yield* k.ob.dereference(at)
  }

  // --- questions -------------------------------------------------------------------------------

  /** Process whose address space is current: the thread's own, or the one it is attached to. */
  get current(): Process {
    const thread = this.k.scheduler.current
    return thread.attached ?? thread.process
  }

  byId(id: number): Process | undefined {
    return this.byPid.get(id)
  }

  byAddress(address: Ptr): Process | undefined {
    return this.byEprocess.get(address)
  }

  /** Processes that live, in order of creation. */
  all(): Process[] {
    return [...this.byPid.values()]
  }

  /** Companion of the token a process was given at its start. */
  tokenOf(process: Process): TokenData {
    const token = this.tokens.get(process)
    assert(token, `no token for process ${process.id}`)
    return token.data
  }

  /** PsIsProtectedProcess: EPROCESS.Protection as it stands in memory. */
  isProtected(process: Ptr): boolean {
    return (this.k.memory.u8(process + EPROCESS.Protection) & 7) !== 0
  }

  // --- threads ---------------------------------------------------------------------------------

  /** An ETHREAD for a thread of a process, in its thread lists; 0 when memory is short. The scheduler calls it. */
  createThreadObject(process: Process, id: number): Ptr {
    const { k } = this
    const { memory, ob } = k
    const object = ob.create<number>('Thread', ETHREAD.SIZE, {
      data: id,
      // A thread keeps its process until it is deleted itself.
      onDelete: () => {
        ob.release(process.address)
      },
    })
    if (typeof object === 'number') return 0
    ob.reference(process.address)
    const at = object.address
    memory.setU8(at + ETHREAD['Tcb.Header.Type'], THREAD_OBJECT)
    memory.setU8(at + ETHREAD['Tcb.Header.Size'], (KTHREAD.SIZE / 4) & 0xff)
    initializeListHead(memory, at + ETHREAD['Tcb.Header.WaitListHead'])
    initializeListHead(memory, at + ETHREAD['Tcb.MutantListHead.Flink'])
    initializeListHead(memory, at + ETHREAD['IrpList.Flink'])
    k.dispatcher.initializeEvent(at + KTHREAD.SuspendEvent, 1, false)
    for (const state of [
      ETHREAD['Tcb.ApcState.ApcListHead'],
      ETHREAD['Tcb.SavedApcState.ApcListHead'],
    ]) {
      initializeListHead(memory, at + state)
      initializeListHead(memory, at + state + LIST_ENTRY.SIZE)
    }
    memory.setPtr(at + ETHREAD['Tcb.ApcState.Process'], process.address)
    memory.setPtr(at + ETHREAD['Tcb.Process'], process.address)
    memory.setU8(at + ETHREAD['Tcb.PreviousMode'], process.slice < 0 ? 0 : 1)
    memory.setU8(at + ETHREAD['Tcb.BasePriority'], 8)
    memory.setU64(at + ETHREAD.Cid + CLIENT_ID.UniqueProcess, BigInt(process.id))
    memory.setU64(at + ETHREAD.Cid + CLIENT_ID.UniqueThread, BigInt(id))
    memory.setU64(at + ETHREAD.CreateTime, BigInt(k.tick))
    insertTail(
      k,
      process.address + EPROCESS['Pcb.ThreadListHead'],
      at + ETHREAD['Tcb.ThreadListEntry.Flink'],
    )
    insertTail(k, process.address + EPROCESS.ThreadListHead, at + ETHREAD['ThreadListEntry.Flink'])
    this.countThreads(process, 1)
    ob.reference(process.address)
    return at
  }

  /** A thread has ended: take its ETHREAD off the lists and drop the system's reference. */
  threadExited(thread: Thread): void {
    const { k } = this
    const { memory } = k
    const at = thread.address
    if (!k.ob.lookup(at)) return
    memory.setU64(at + ETHREAD.ExitTime, BigInt(k.tick))
    memory.setU32(at + ETHREAD.CrossThreadFlags, memory.u32(at + ETHREAD.CrossThreadFlags) | 1)
    removeEntry(k, at + ETHREAD['Tcb.ThreadListEntry.Flink'])
    removeEntry(k, at + ETHREAD['ThreadListEntry.Flink'])
    this.countThreads(thread.process, -1)
    k.ob.release(at)
    k.ob.release(thread.process.address)
  }

  private countThreads(process: Process, by: number): void {
    const at = process.address + EPROCESS.ActiveThreads
    this.k.memory.setU32(at, this.k.memory.u32(at) + by)
  }

  // --- user memory -----------------------------------------------------------------------------

  /** Fresh memory in a process that need not be current; false when memory is short. */
  commitUser(process: Process, at: Ptr, pages: number): boolean {
    const { memory } = this.k
    const flags = PTE.read | PTE.write | PTE.user
    return memory.inSlice(process.slice, () => memory.commit(at, pages, flags))
  }

  /** The page that a process's PEB lies in, when it gets its first thread. */
  commitPeb(process: Process): boolean {
    return this.commitUser(process, this.k.memory.sliceStart(process.slice) + USER_LAYOUT.peb, 1)
  }

  /** A stack for a program's thread, with a guard page below it; null when memory or room is short. */
  allocateUserStack(process: Process): { limit: Ptr; base: Ptr } | null {
    const { memory } = this.k
    const count = this.userStacks.get(process) ?? 0
    const base = memory.sliceStart(process.slice) + USER_LAYOUT.stacksEnd - count * USER_STACK_SLOT
    const limit = base - USER_STACK_BYTES
    if (limit - PAGE_SIZE < memory.sliceStart(process.slice) + USER_LAYOUT.stacks) return null
    if (!this.commitUser(process, limit, USER_STACK_BYTES / PAGE_SIZE)) return null
    this.userStacks.set(process, count + 1)
    return { limit, base }
  }

  /**
   * Whole pages of a process's user space, zeroed, never handed out twice; 0 when it is full. What a
   * program's heap and VirtualAlloc are made from.
   */
  allocateUser(process: Process, bytes: number): Ptr {
    const pages = Math.max(1, Math.ceil(bytes / PAGE_SIZE))
    const before = process.heap
    const at = this.reserveUser(process, bytes)
    if (!at) return 0
    if (this.commitUser(process, at, pages)) return at
    process.heap = before
    return 0
  }

  /** The same without memory behind the pages: for what is mapped there. */
  reserveUser(process: Process, bytes: number): Ptr {
    const pages = Math.max(1, Math.ceil(bytes / PAGE_SIZE))
    const at = (process.heap + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)
    const end = this.k.memory.sliceStart(process.slice) + USER_LAYOUT.heapEnd
    if (pages > (end - at) / PAGE_SIZE) return 0
    process.heap = at + pages * PAGE_SIZE
    return at
  }
}
