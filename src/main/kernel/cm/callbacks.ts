/**
 * Registry callbacks: drivers that are asked before an operation on the registry and told after it
 * (CmRegisterCallbackEx).
 *
 * CallbackListHead is a list in memory in order of altitude; an entry that is unlinked is not asked.
 */
import { LIST_ENTRY, REG_POST_OPERATION_INFORMATION } from '../../../shared/nt/generated/offsets'
import {
  STATUS_CALLBACK_BYPASS,
  STATUS_FLT_INSTANCE_ALTITUDE_COLLISION,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { RegisteredCallback } from '../ex/callback-table'
import { acquireRundown, releaseRundown, waitForRundown } from '../ex/rundown'
import { entriesOf, initializeListHead, insertTail, removeEntry } from '../ke/list'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { compareAltitudes, isAltitude } from '../ob/altitude'

/** CM_CALLBACK_CONTEXT_BLOCK, as public listings show it. */
export const BLOCK = {
  CallbackListEntry: 0,
  /** EX_RUNDOWN_REF: who is in the routine. */
  Rundown: 0x10,
  Cookie: 0x18,
  CallerContext: 0x20,
  Function: 0x28,
  Altitude: 0x30,
  SIZE: 0x50,
} as const
const TAG = 'CMcb'
/** Cookies begin somewhere in the past, as times do. */
const FIRST_COOKIE = 0x1d7_3c12_0000_0001n
const CALLBACKS_MAX = 1024

/** An operation as callbacks see it. */
export interface RegistryOperation {
  /** REG_NOTIFY_CLASS before and after it. */
  pre: number
  post: number
  /** Key object that it is about; one that opens a key has `result` instead. */
  object: Ptr
  /** Size of the structure that describes it. */
  bytes: number
  /** Where CallContext lies in that structure. */
  callContext: number
  /** Fill it; more memory comes from `take`. */
  fill(at: Ptr, take: (bytes: number) => Ptr): void
  /** Bytes that `fill` takes in addition. */
  more?: number
  /** It was done: put its results into the structure, where callbacks see and change them. */
  leave?(at: Ptr): void
  /** The key object that the structure names as the result. */
  result?(at: Ptr): Ptr
  /** All is said: take over the results that the structure has now. */
  take?(at: Ptr): void
}

interface Registration {
  cookie: bigint
  altitude: string | null
  entry: RegisteredCallback
}

/** One callback on its way through an operation. */
interface Asked {
  block: Ptr
  registration: Registration | undefined
  /** CallContext, from its pre-notification to its post-notification. */
  context: Ptr
}

export class RegistryCallbacks {
  private readonly head: Ptr
  private readonly blocks = new Map<Ptr, Registration>()
  private nextCookie = FIRST_COOKIE

  constructor(private readonly k: Kernel) {
    this.head = k.ob.data.variable('CallbackListHead', LIST_ENTRY.SIZE)
    initializeListHead(k.memory, this.head)
  }

  /**
   * CmRegisterCallbackEx; without an altitude CmRegisterCallback, which is asked last.
   * @returns STATUS_FLT_INSTANCE_ALTITUDE_COLLISION for an altitude that is taken
   */
  register(
    routine: Ptr,
    context: Ptr,
    altitude: string | null,
  ): { status: number; cookie: bigint } {
    const { k } = this
    const { memory } = k
    const fail = (status: number) => ({ status, cookie: 0n })
    if (altitude !== null && !isAltitude(altitude)) return fail(STATUS_INVALID_PARAMETER)
    for (const other of this.blocks.values())
      if (altitude !== null && other.altitude !== null)
        if (compareAltitudes(other.altitude, altitude) === 0)
          return fail(STATUS_FLT_INSTANCE_ALTITUDE_COLLISION)
    const block = k.pool.allocate(BLOCK.SIZE, TAG, { system: true })
    if (!block) return fail(STATUS_INSUFFICIENT_RESOURCES)
    const cookie = this.nextCookie++
    memory.setU64(block + BLOCK.Cookie, cookie)
    memory.setPtr(block + BLOCK.CallerContext, context)
    memory.setPtr(block + BLOCK.Function, routine)
    if (altitude !== null) k.ob.writeText(block + BLOCK.Altitude, altitude)
    insertTail(k, this.placeFor(altitude), block)
    const entry = k.callbacks.add('registry', routine, altitude === null ? {} : { altitude })
    this.blocks.set(block, { cookie, altitude, entry })
    return { status: STATUS_SUCCESS, cookie }
  }

  /** Entry in front of which an altitude belongs, or the head. */
  private placeFor(altitude: string | null): Ptr {
    if (altitude !== null)
      for (const at of entriesOf(this.k, this.head)) {
        const other = this.blocks.get(at)?.altitude ?? null
        if (other === null || compareAltitudes(other, altitude) < 0) return at
      }
    return this.head
  }

  /**
   * CmUnRegisterCallback. Back when nobody is in the routine any more; from inside it that is never, as
   * on Windows.
   */
  *unregister(cookie: bigint): KernelRoutine<number> {
    const { k } = this
    const found = this.find(cookie)
    if (!found) return STATUS_INVALID_PARAMETER
    const { block, registration } = found
    this.blocks.delete(block)
    const next = k.memory.ptr(block)
    // A driver may have unlinked it.
    if (next !== 0 && k.memory.ptr(next + LIST_ENTRY.Blink) === block) removeEntry(k, block)
    yield* waitForRundown(k, block + BLOCK.Rundown)
    k.callbacks.remove(registration.entry)
    if (registration.altitude !== null) k.ob.freeText(block + BLOCK.Altitude)
    k.pool.free(block)
    return STATUS_SUCCESS
  }

  private find(cookie: bigint): { block: Ptr; registration: Registration } | undefined {
    for (const [block, registration] of this.blocks)
      if (registration.cookie === cookie) return { block, registration }
    return undefined
  }

  isCookie(cookie: bigint): boolean {
    return this.find(cookie) !== undefined
  }

  /** Blocks in order of altitude, as the list in memory has them now. */
  private order(): Asked[] {
    const { memory } = this.k
    const asked: Asked[] = []
    let at = memory.ptr(this.head)
    for (let i = 0; at !== this.head && i < CALLBACKS_MAX; i++, at = memory.ptr(at))
      asked.push({ block: at, registration: this.blocks.get(at), context: 0 })
    return asked
  }

  /**
   * Do an operation by way of the callbacks. One that answers with an error ends it with that status;
   * STATUS_CALLBACK_BYPASS ends it with success, and the callback has done it itself. Afterwards one that
   * answers STATUS_CALLBACK_BYPASS has put the status of its choice into ReturnStatus.
   */
  *around(
    operation: RegistryOperation,
    perform: () => KernelRoutine<number> | number,
  ): KernelRoutine<number> {
    const { k } = this
    if (this.blocks.size === 0) return yield* done(perform())
    const { memory } = k
    const size = operation.bytes + (operation.more ?? 0) + REG_POST_OPERATION_INFORMATION.SIZE + 32
    const info = k.pool.allocate(size, TAG, { system: true })
    if (!info) return STATUS_INSUFFICIENT_RESOURCES
    let next = info + ((operation.bytes + 7) & ~7)
    const take = (bytes: number): Ptr => {
      const at = next
      next += (bytes + 7) & ~7
      return at
    }
    operation.fill(info, take)
    const post = take(REG_POST_OPERATION_INFORMATION.SIZE)
    const told: Asked[] = []
    let status: number = STATUS_SUCCESS
    for (const asked of this.order()) {
      memory.setPtr(info + operation.callContext, 0)
      const answer = yield* this.call(asked, operation.pre, info)
      if (answer === null) continue
      status = answer
      if (status >>> 31 !== 0) break
      asked.context = memory.ptr(info + operation.callContext)
      told.push(asked)
    }
    if (status === STATUS_CALLBACK_BYPASS) status = STATUS_SUCCESS
    else if (status >>> 31 === 0) {
      status = yield* done(perform())
      operation.leave?.(info)
    }
    for (const asked of told.reverse()) {
      const object = operation.result
        ? status === STATUS_SUCCESS
          ? operation.result(info)
          : 0
        : operation.object
      memory.setPtr(post + REG_POST_OPERATION_INFORMATION.Object, object)
      memory.setU32(post + REG_POST_OPERATION_INFORMATION.Status, status)
      memory.setPtr(post + REG_POST_OPERATION_INFORMATION.PreInformation, info)
      memory.setU32(post + REG_POST_OPERATION_INFORMATION.ReturnStatus, status)
      memory.setPtr(post + REG_POST_OPERATION_INFORMATION.CallContext, asked.context)
      const answer = yield* this.call(asked, operation.post, post)
      if (answer === STATUS_CALLBACK_BYPASS)
        status = memory.u32(post + REG_POST_OPERATION_INFORMATION.ReturnStatus)
    }
    operation.take?.(info)
    k.pool.free(info)
    return status
  }

  /** Ask one callback; null when it has gone since the operation began. */
  private *call(asked: Asked, notify: number, info: Ptr): KernelRoutine<number | null> {
    const { k } = this
    const { memory } = k
    const { block, registration } = asked
    // What a driver linked in itself has no registration and stays until it is unlinked.
    if (registration && this.blocks.get(block) !== registration) return null
    if (!acquireRundown(k, block + BLOCK.Rundown)) return null
    const routine = memory.ptr(block + BLOCK.Function)
    const context = memory.ptr(block + BLOCK.CallerContext)
    const answer = yield* k.call(routine, 'EX_CALLBACK_FUNCTION', [context, notify, info])
    releaseRundown(k, block + BLOCK.Rundown)
    return answer >>> 0
  }
}

function* done(result: KernelRoutine<number> | number): KernelRoutine<number> {
  return typeof result === 'number' ? result : yield* result
}
