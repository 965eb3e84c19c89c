/** Handle tables: a process's numbers for objects. */
import {
  STATUS_HANDLE_NOT_CLOSABLE,
  STATUS_INVALID_HANDLE,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { hex32 } from '../../../shared/nt/format'
import type { EventBody } from '../../../shared/trace/event'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { KObject } from './kobject'

/** NtCurrentProcess(). */
export const CURRENT_PROCESS = -1
/** NtCurrentThread(). */
export const CURRENT_THREAD = -2

/** High bit of a kernel handle; Windows sign-extends it to 0xFFFFFFFF80000000. */
const KERNEL_BIT = 0x8000_0000

export interface HandleEntry {
  object: KObject
  /** Granted access. */
  access: number
  inherit: boolean
  /** OBJ_PROTECT_CLOSE. */
  protect: boolean
  /** The number as callers know it: negative for a kernel handle. */
  handle: number
  /** Driver whose code opened it; null for a program or the system. For the report of leaks. */
  driver: string | null
}

/**
 * Handles are multiples of 4; the low two bits are the application's and are ignored. Freed numbers
 * come back last in, first out, so a handle that is used after its close often means another object.
 */
export class HandleTable {
  private readonly table = new Map<number, HandleEntry>()
  private readonly free: number[] = []
  private next = 4

  constructor(
    private readonly k: Kernel,
    /** Id of the process that owns it. */
    readonly processId: number,
  ) {}

  get size(): number {
    return this.table.size
  }

  entries(): IterableIterator<HandleEntry> {
    return this.table.values()
  }

  /** Entry of a handle value with or without the kernel bit. */
  entry(handle: number): HandleEntry | undefined {
    return this.table.get(handle & 0x7fff_fffc)
  }

  /** Take a number for an object, which gains a handle and a reference. */
  open(
    object: KObject,
    access: number,
    options: { kernel?: boolean; inherit?: boolean; protect?: boolean } = {},
  ): number {
    const number = this.free.pop() ?? this.next
    if (number === this.next) this.next += 4
    const handle = options.kernel ? number | KERNEL_BIT | 0 : number
    const { k } = this
    const thread = k.scheduler?.current
    this.table.set(number, {
      object,
      access,
      inherit: options.inherit ?? false,
      protect: options.protect ?? false,
      handle,
      driver: (thread && k.driverOf(thread)) ?? null,
    })
    k.ob.handleOpened(object)
    if (k.tracing && object.type.name !== 'Token' && object.type.name !== 'Callback')
      this.emit({
        t: 'handle.opened',
        handle,
        object: k.memory.format(object.address),
        type: object.type.name,
        name: object.name,
        access: hex32(access),
      })
    return handle
  }

  /** Give a handle back; the last one of an object runs its clean-up (IRP_MJ_CLEANUP, IRP_MJ_CLOSE). */
  *close(handle: number): KernelRoutine<number> {
    const number = handle & 0x7fff_fffc
    const entry = this.table.get(number)
    if (!entry) return STATUS_INVALID_HANDLE
    if (entry.protect) return STATUS_HANDLE_NOT_CLOSABLE
    const { k } = this
    this.table.delete(number)
    this.free.push(number)
    const type = entry.object.type.name
    if (k.tracing && type !== 'Token' && type !== 'Callback')
      this.emit({
        t: 'handle.closed',
        handle: entry.handle,
        object: k.memory.format(entry.object.address),
      })
    const process = k.processes.byId(this.processId) ?? k.processes.system
    yield* k.ob.handleClosed(entry.object, process)
    return STATUS_SUCCESS
  }

  /** Second handle to the same object, in this table or another. */
  duplicate(
    handle: number,
    target: HandleTable = this,
    options: { access?: number; inherit?: boolean; kernel?: boolean } = {},
  ): number | null {
    const entry = this.entry(handle)
    if (!entry) return null
    return target.open(entry.object, options.access ?? entry.access, {
      inherit: options.inherit ?? entry.inherit,
      kernel: options.kernel ?? false,
    })
  }

  /** Close everything; what a process does when it ends. Protected handles go too. */
  *closeAll(): KernelRoutine<void> {
    for (const entry of [...this.table.values()]) {
      entry.protect = false
      yield* this.close(entry.handle)
    }
  }

  /** A kernel handle belongs to the System process whoever runs, and so does its event. */
  private emit(body: EventBody): void {
    const placed = { ...body, process: this.processId }
    this.k.emit(placed)
  }
}
