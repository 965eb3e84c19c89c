/**
 * Notify routines: who is told of processes, threads and images.
 *
 * As on Windows there are three arrays of 64 entries in the kernel's data (PspCreateProcessNotifyRoutine
 * and its like). An entry points at an EX_CALLBACK_ROUTINE_BLOCK; its low four bits are a count of
 * references. The arrays are what the kernel goes by, so an entry that a driver clears is not called.
 */
import { STATUS_PROCEDURE_NOT_FOUND, STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine, RoutineName } from '../ddi/types'
import type { RegisteredCallback } from '../ex/callback-table'
import { acquireRundown, releaseRundown, waitForRundown } from '../ex/rundown'
import { changeApcDisable } from '../ke/apc'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

/** PSP_MAX_CREATE_PROCESS_NOTIFY and its like: the most routines of one kind in the whole system. */
export const NOTIFY_ROUTINES_MAX = 64

/** EX_CALLBACK_ROUTINE_BLOCK. */
export const BLOCK = { RundownProtect: 0, Function: 8, Context: 0x10, SIZE: 0x18 } as const
const BLOCK_TAG = 'Cbrb'
/** The low bits of an EX_FAST_REF; all set in a fresh entry. */
const FAST_REF_BITS = 0xfn

export type NotifyKind = 'process' | 'thread' | 'image'

/** The arrays, by the names of their variables. */
export const VARIABLES: Readonly<Record<NotifyKind, string>> = {
  process: 'PspCreateProcessNotifyRoutine',
  thread: 'PspCreateThreadNotifyRoutine',
  image: 'PspLoadImageNotifyRoutine',
}

/** Which form of process routine an entry is: the context of its block, as on Windows. */
export const NOTIFY_PLAIN = 0
export const NOTIFY_EX = 2

/** One of the three arrays. */
export class NotifyArray {
  private readonly array: Ptr
  private readonly registered = new Map<Ptr, RegisteredCallback>()

  constructor(
    private readonly k: Kernel,
    readonly kind: NotifyKind,
  ) {
    this.array = k.ob.data.variable(VARIABLES[kind], NOTIFY_ROUTINES_MAX * 8)
  }

  private block(slot: number): Ptr {
    const { memory } = this.k
    const value = memory.u64(this.array + slot * 8) & ~FAST_REF_BITS
    return value === 0n ? 0 : memory.index(value)
  }

  /** Whether anything is registered; asked before anything is prepared for a call. */
  get isEmpty(): boolean {
    return this.registered.size === 0
  }

  has(routine: Ptr, context: number): boolean {
    return this.find(routine, context) >= 0
  }

  private find(routine: Ptr, context: number): number {
    const { memory } = this.k
    for (let slot = 0; slot < NOTIFY_ROUTINES_MAX; slot++) {
      const block = this.block(slot)
      if (!block || memory.ptr(block + BLOCK.Function) !== routine) continue
      if (memory.u32(block + BLOCK.Context) === context) return slot
    }
    return -1
  }

  /**
   * Take a routine in.
   * @param full the status when all entries are taken or memory is short
   */
  add(routine: Ptr, context: number, full: number): number {
    const { k } = this
    const { memory } = k
    const slot = Array.from({ length: NOTIFY_ROUTINES_MAX }, (_, i) => i).find(
      (i) => this.block(i) === 0,
    )
    const block = slot === undefined ? 0 : k.pool.allocate(BLOCK.SIZE, BLOCK_TAG, { system: true })
    if (slot === undefined || !block) return full
    memory.setPtr(block + BLOCK.Function, routine)
    memory.setU32(block + BLOCK.Context, context)
    memory.setU64(this.array + slot * 8, memory.address(block) | FAST_REF_BITS)
    this.registered.set(
      block,
      k.callbacks.add(this.kind, routine, context === NOTIFY_EX ? { about: 'may veto' } : {}),
    )
    return STATUS_SUCCESS
  }

  /**
   * Take a routine out; one entry, when it was registered more than once. Back when nobody is in it any
   * more: a routine that takes itself out waits for ever, as on Windows.
   */
  *remove(routine: Ptr, context: number): KernelRoutine<number> {
    const { k } = this
    const slot = this.find(routine, context)
    if (slot < 0) return STATUS_PROCEDURE_NOT_FOUND
    const block = this.block(slot)
    k.memory.setU64(this.array + slot * 8, 0n)
    const entry = this.registered.get(block)
    if (!entry) return STATUS_SUCCESS
    this.registered.delete(block)
    yield* waitForRundown(k, block + BLOCK.RundownProtect)
    k.callbacks.remove(entry)
    k.pool.free(block)
    return STATUS_SUCCESS
  }

  /**
   * Call every routine, one after the other, inside a critical region.
   * @param how signature and arguments for an entry of that context
   */
  *call(
    how: (context: number) => { routine: RoutineName; args: number[] } | null,
  ): KernelRoutine<void> {
    if (this.isEmpty) return
    const { k } = this
    const { memory, thread } = k
    changeApcDisable(k, thread, -1)
    for (let slot = 0; slot < NOTIFY_ROUTINES_MAX; slot++) {
      // Looked at anew each time: the routine before may have changed the array.
      const block = this.block(slot)
      if (!block || !acquireRundown(k, block + BLOCK.RundownProtect)) continue
      const form = how(memory.u32(block + BLOCK.Context))
      if (form) yield* k.call(memory.ptr(block + BLOCK.Function), form.routine, form.args)
      releaseRundown(k, block + BLOCK.RundownProtect)
    }
    changeApcDisable(k, thread, 1)
  }
}
