/**
 * Object callbacks: drivers that are asked before a handle to a process or thread is opened or
 * duplicated, and told afterwards (ObRegisterCallbacks).
 *
 * The list of a type is a list in memory, at OBJECT_TYPE.CallbackList, of CALLBACK_ENTRY_ITEMs in
 * order of their altitudes. It is what the kernel goes by: an entry that is unlinked is not asked.
 */
import {
  OB_CALLBACK_REGISTRATION,
  OB_OPERATION_REGISTRATION,
  OB_POST_OPERATION_INFORMATION,
  OB_PRE_DUPLICATE_HANDLE_INFORMATION,
  OB_PRE_OPERATION_INFORMATION,
  OBJECT_TYPE,
} from '../../../shared/nt/generated/offsets'
import {
  OB_FLT_REGISTRATION_VERSION,
  OB_OPERATION_HANDLE_CREATE,
  OB_OPERATION_HANDLE_DUPLICATE,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_ACCESS_DENIED,
  STATUS_FLT_INSTANCE_ALTITUDE_COLLISION,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { hex32 } from '../../../shared/nt/format'
import type { KernelRoutine } from '../ddi/types'
import type { RegisteredCallback } from '../ex/callback-table'
import { acquireRundown, releaseRundown, waitForRundown } from '../ex/rundown'
import { entriesOf, insertTail, removeEntry } from '../ke/list'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import { captureName } from './attributes'
import { compareAltitudes, isAltitude } from './altitude'
import type { KObject } from './kobject'
import { mapAccess, type KernelObjectType } from './object-type'

/** CALLBACK_ENTRY_ITEM, as public listings show it. */
export const ITEM = {
  EntryItemList: 0,
  Operations: 0x10,
  Enabled: 0x14,
  CallbackEntry: 0x18,
  ObjectType: 0x20,
  PreOperation: 0x28,
  PostOperation: 0x30,
  Rundown: 0x38,
  SIZE: 0x40,
} as const
/** CALLBACK_ENTRY: one registration; its items lie behind it. The registration handle points here. */
export const ENTRY = {
  Version: 0,
  RegistrationContext: 8,
  Altitude: 0x10,
  Count: 0x20,
  SIZE: 0x28,
} as const
const TAG = 'ObCb'
const OPERATIONS = OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE
/** Entries of a list that one operation asks at most: a list that a driver tied in a knot ends here. */
const ITEMS_MAX = 1024

interface Registration {
  altitude: string
  items: Ptr[]
  entries: RegisteredCallback[]
}

export interface OpenOptions {
  kernel?: boolean
  inherit?: boolean
  /** Process whose table gets the handle; the current one by default. */
  process?: Process
  /** Duplicate of a handle of that process; not given for a new handle. */
  from?: Process
}

export class ObjectCallbacks {
  private readonly registrations = new Map<Ptr, Registration>()

  constructor(private readonly k: Kernel) {}

  // --- registration --------------------------------------------------------------------------------

  /**
   * ObRegisterCallbacks.
   * @returns STATUS_ACCESS_DENIED for a routine outside of an image linked with /INTEGRITYCHECK,
   * STATUS_FLT_INSTANCE_ALTITUDE_COLLISION for an altitude that is taken
   */
  register(
    at: Ptr,
    typeOf: (pointer: Ptr) => KernelObjectType | null | undefined,
  ): { status: number; handle: Ptr } {
    const { memory, pool } = this.k
    const fail = (status: number): { status: number; handle: Ptr } => ({ status, handle: 0 })
    const count = memory.u16(at + OB_CALLBACK_REGISTRATION.OperationRegistrationCount)
    const version = memory.u16(at + OB_CALLBACK_REGISTRATION.Version)
    if ((version & 0xff00) !== OB_FLT_REGISTRATION_VERSION || count === 0)
      return fail(STATUS_INVALID_PARAMETER)
    const altitude = captureName(this.k, at + OB_CALLBACK_REGISTRATION.Altitude).text
    if (!isAltitude(altitude)) return fail(STATUS_INVALID_PARAMETER)
    const operations: { type: KernelObjectType; at: Ptr }[] = []
    const first = memory.ptr(at + OB_CALLBACK_REGISTRATION.OperationRegistration)
    for (let i = 0; i < count; i++) {
      const operation = first + i * OB_OPERATION_REGISTRATION.SIZE
      const type = typeOf(memory.ptr(operation + OB_OPERATION_REGISTRATION.ObjectType))
      const status = this.checkOperation(operation, type ?? null)
      if (status !== STATUS_SUCCESS) return fail(status)
      operations.push({ type: type!, at: operation })
    }
    for (const registration of this.registrations.values())
      if (compareAltitudes(registration.altitude, altitude) === 0)
        return fail(STATUS_FLT_INSTANCE_ALTITUDE_COLLISION)
    const bytes = ENTRY.SIZE + count * ITEM.SIZE
    const entry = pool.allocate(bytes, TAG, { system: true })
    if (!entry) return fail(STATUS_INSUFFICIENT_RESOURCES)
    memory.setU16(entry + ENTRY.Version, version)
    memory.setU16(entry + ENTRY.Count, count)
    const context = memory.ptr(at + OB_CALLBACK_REGISTRATION.RegistrationContext)
    memory.setPtr(entry + ENTRY.RegistrationContext, context)
    this.k.ob.writeText(entry + ENTRY.Altitude, altitude)
    const registration: Registration = { altitude, items: [], entries: [] }
    this.registrations.set(entry, registration)
    operations.forEach((operation, i) =>
      this.addItem(entry, entry + ENTRY.SIZE + i * ITEM.SIZE, registration, operation),
    )
    return { status: STATUS_SUCCESS, handle: entry }
  }

  private checkOperation(at: Ptr, type: KernelObjectType | null): number {
    const { memory, loader } = this.k
    const operations = memory.u32(at + OB_OPERATION_REGISTRATION.Operations)
    const pre = memory.ptr(at + OB_OPERATION_REGISTRATION.PreOperation)
    const post = memory.ptr(at + OB_OPERATION_REGISTRATION.PostOperation)
    if (!type || (type.name !== 'Process' && type.name !== 'Thread'))
      return STATUS_INVALID_PARAMETER
    if (operations === 0 || operations & ~OPERATIONS) return STATUS_INVALID_PARAMETER
    if (pre === 0 && post === 0) return STATUS_INVALID_PARAMETER
    const trusted = [pre, post].every(
      (routine) => routine === 0 || loader.modules.isTrusted(routine),
    )
    return trusted ? STATUS_SUCCESS : STATUS_ACCESS_DENIED
  }

  private addItem(
    entry: Ptr,
    item: Ptr,
    registration: Registration,
    operation: { type: KernelObjectType; at: Ptr },
  ): void {
    const { k } = this
    const { memory } = k
    const { type, at } = operation
    const operations = memory.u32(at + OB_OPERATION_REGISTRATION.Operations)
    const pre = memory.ptr(at + OB_OPERATION_REGISTRATION.PreOperation)
    const post = memory.ptr(at + OB_OPERATION_REGISTRATION.PostOperation)
    memory.setU32(item + ITEM.Operations, operations)
    memory.setU32(item + ITEM.Enabled, 1)
    memory.setPtr(item + ITEM.CallbackEntry, entry)
    memory.setPtr(item + ITEM.ObjectType, type.address)
    memory.setPtr(item + ITEM.PreOperation, pre)
    memory.setPtr(item + ITEM.PostOperation, post)
    const head = type.address + OBJECT_TYPE.CallbackList
    let next = head
    for (const entry of entriesOf(k, head))
      if (compareAltitudes(this.altitudeOf(entry), registration.altitude) <= 0) {
        next = entry
        break
      }
    // In front of the first one that is lower, or at the end.
    insertTail(k, next, item)
    registration.items.push(item)
    const words = [
      operations & OB_OPERATION_HANDLE_CREATE ? 'open' : '',
      operations & OB_OPERATION_HANDLE_DUPLICATE ? 'duplicate' : '',
    ].filter((word) => word !== '')
    const about = `${type.name} handles: ${words.join(', ')}`
    for (const routine of [pre, post])
      if (routine)
        registration.entries.push(
          k.callbacks.add('object', routine, { altitude: registration.altitude, about }),
        )
  }

  private altitudeOf(item: Ptr): string {
    const entry = this.k.memory.ptr(item + ITEM.CallbackEntry)
    return this.registrations.get(entry)?.altitude ?? '0'
  }

  /**
   * ObUnRegisterCallbacks. Back when no operation is in its routines any more; from inside one of them
   * that is never, as on Windows.
   * @returns false for a handle that is none (used twice, for instance)
   */
  *unregister(handle: Ptr): KernelRoutine<boolean> {
    const { k } = this
    const registration = this.registrations.get(handle)
    if (!registration) return false
    this.registrations.delete(handle)
    const items = registration.items.splice(0)
    for (const item of items) if (k.memory.ptr(item) !== 0) removeEntry(k, item)
    for (const item of items) yield* waitForRundown(k, item + ITEM.Rundown)
    for (const entry of registration.entries) k.callbacks.remove(entry)
    k.ob.freeText(handle + ENTRY.Altitude)
    k.pool.free(handle)
    return true
  }

  // --- operations ----------------------------------------------------------------------------------

  /** `ob.openHandle` by way of the callbacks of the object's type. */
  *open(object: KObject, access: number, options: OpenOptions = {}): KernelRoutine<number> {
    const { k } = this
    const { from, ...rest } = options
    const head = object.type.address + OBJECT_TYPE.CallbackList
    if (k.memory.ptr(head) === head) return k.ob.openHandle(object, access, rest)
    const operation = new Operation(k, object, mapAccess(object.type, access), options)
    const asked: Ptr[] = []
    for (const { item, registration } of this.itemsFor(head, operation.kind)) {
      // Gone while the one before it ran. What a driver tied into the list itself has no registration.
      if (registration && !registration.items.includes(item)) continue
      if (!acquireRundown(k, item + ITEM.Rundown)) continue
      asked.push(item)
      yield* operation.ask(item)
    }
    const handle = k.ob.openHandle(object, operation.access, rest)
    // Back through the stack: who was asked first is told last.
    for (const item of asked.reverse()) {
      yield* operation.tell(item, handle !== 0)
      releaseRundown(k, item + ITEM.Rundown)
    }
    operation.release()
    return handle
  }

  /** Entries that listen to an operation, in order of altitude, as the list in memory has them now. */
  private itemsFor(
    head: Ptr,
    kind: number,
  ): { item: Ptr; registration: Registration | undefined }[] {
    const { memory } = this.k
    const items: { item: Ptr; registration: Registration | undefined }[] = []
    let item = memory.ptr(head)
    for (let i = 0; item !== head && i < ITEMS_MAX; i++, item = memory.ptr(item))
      if (memory.u32(item + ITEM.Enabled) & 1 && memory.u32(item + ITEM.Operations) & kind)
        items.push({
          item,
          registration: this.registrations.get(memory.ptr(item + ITEM.CallbackEntry)),
        })
    return items
  }
}

const PRE = 0
const PARAMETERS = OB_PRE_OPERATION_INFORMATION.SIZE
const POST = PARAMETERS + OB_PRE_DUPLICATE_HANDLE_INFORMATION.SIZE
const GRANTED = POST + OB_POST_OPERATION_INFORMATION.SIZE
const BYTES = GRANTED + 8

/** One opening or duplication on its way through the callbacks. */
class Operation {
  readonly kind: number
  private readonly block: Ptr
  /** CallContext of each item, from its pre-operation routine to its post-operation routine. */
  private readonly contexts = new Map<Ptr, Ptr>()

  constructor(
    private readonly k: Kernel,
    private readonly object: KObject,
    /** Rights that are left. */
    public access: number,
    options: OpenOptions,
  ) {
    const { memory } = k
    const { from, kernel = false, process } = options
    this.kind = from ? OB_OPERATION_HANDLE_DUPLICATE : OB_OPERATION_HANDLE_CREATE
    this.block = k.pool.allocate(BYTES, TAG, { system: true })
    if (!this.block) return
    const parameters = this.block + PARAMETERS
    memory.setU32(parameters, access)
    memory.setU32(parameters + 4, access)
    if (from) {
      const target = process ?? k.processes.current
      memory.setPtr(parameters + OB_PRE_DUPLICATE_HANDLE_INFORMATION.SourceProcess, from.address)
      memory.setPtr(parameters + OB_PRE_DUPLICATE_HANDLE_INFORMATION.TargetProcess, target.address)
    }
    for (const at of [this.block + PRE, this.block + POST]) {
      memory.setU32(at + OB_PRE_OPERATION_INFORMATION.Operation, this.kind)
      memory.setU32(at + OB_PRE_OPERATION_INFORMATION.Flags, kernel ? 1 : 0)
      memory.setPtr(at + OB_PRE_OPERATION_INFORMATION.Object, object.address)
      memory.setPtr(at + OB_PRE_OPERATION_INFORMATION.ObjectType, object.type.address)
    }
    memory.setPtr(this.block + OB_PRE_OPERATION_INFORMATION.Parameters, parameters)
    memory.setPtr(
      this.block + POST + OB_POST_OPERATION_INFORMATION.Parameters,
      this.block + GRANTED,
    )
  }

  private context(item: Ptr): Ptr {
    const { memory } = this.k
    return memory.ptr(memory.ptr(item + ITEM.CallbackEntry) + ENTRY.RegistrationContext)
  }

  /** The pre-operation routine: it may take rights away, never add any. */
  *ask(item: Ptr): KernelRoutine<void> {
    const { k, block } = this
    const { memory } = k
    const routine = memory.ptr(item + ITEM.PreOperation)
    if (!routine || !block) return
    const before = this.access
    memory.setU32(block + PARAMETERS, before)
    memory.setPtr(block + OB_PRE_OPERATION_INFORMATION.CallContext, 0)
    yield* k.call(routine, 'OB_PRE_OPERATION_CALLBACK', [this.context(item), block])
    this.contexts.set(item, memory.ptr(block + OB_PRE_OPERATION_INFORMATION.CallContext))
    this.access = (before & memory.u32(block + PARAMETERS)) >>> 0
    if (this.access !== before && k.tracing)
      k.emit({
        t: 'access.stripped',
        object: k.memory.format(this.object.address),
        before: hex32(before),
        after: hex32(this.access),
        routine: k.images.symbol(routine),
      })
  }

  /** The post-operation routine. */
  *tell(item: Ptr, opened: boolean): KernelRoutine<void> {
    const { k, block } = this
    const { memory } = k
    const routine = memory.ptr(item + ITEM.PostOperation)
    if (!routine || !block) return
    const post = block + POST
    memory.setPtr(post + OB_POST_OPERATION_INFORMATION.CallContext, this.contexts.get(item) ?? 0)
    const status = opened ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES
    memory.setU32(post + OB_POST_OPERATION_INFORMATION.ReturnStatus, status)
    memory.setU32(block + GRANTED, opened ? this.access : 0)
    yield* k.call(routine, 'OB_POST_OPERATION_CALLBACK', [this.context(item), post])
  }

  release(): void {
    if (this.block) this.k.pool.free(this.block)
  }
}
