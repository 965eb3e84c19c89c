/**
 * The object manager: objects with a header before them, counted references, names, handles.
 *
 * An object is known by the address of its body. OBJECT_HEADER lies 0x30 bytes before it and holds
 * the truth (PointerCount, HandleCount, TypeIndex, Flags); the companion `KObject` only adds what
 * drivers cannot see. A reference that drops to zero deletes the object, at once or, when a driver
 * has to be called at PASSIVE_LEVEL, on a system thread.
 */
import {
  OBJECT_HEADER,
  OBJECT_HEADER_NAME_INFO,
  OBJECT_TYPE,
} from '../../../shared/nt/generated/offsets'
import {
  STATUS_ACCESS_DENIED,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_HANDLE,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import { assert } from '../stop'
import { CURRENT_PROCESS, CURRENT_THREAD, type HandleEntry, type HandleTable } from './handle'
import { Namespace, type Directory } from './namespace'
import { NtData } from './nt-data'
import { KernelObjectType, mapAccess, TYPE_FACTS, TYPE_INFO, type TypeName } from './object-type'

/** From the header to the body. */
export const BODY = OBJECT_HEADER.Body

const NAME_INFO = OBJECT_HEADER_NAME_INFO.SIZE

/** Bits of OBJECT_HEADER.Flags. */
const FLAG_KERNEL_OBJECT = 0x02
const FLAG_PERMANENT = 0x10
/** Bit of OBJECT_HEADER.InfoMask: OBJECT_HEADER_NAME_INFO lies before the header. */
const INFO_NAME = 0x02

/** Deleted objects whose addresses are remembered, to know a stale pointer when one comes. */
const REMEMBERED_DELETIONS = 4096

/** What the kernel knows about an object besides its bytes. */
export class KObject<D = unknown> {
  /** Directory that holds its name, while it has one. */
  directory: Directory | null = null
  /** Last part of its name; null for an unnamed object. */
  leaf: string | null = null
  /** Full path that it had when its name was taken away. */
  formerName: string | null = null

  constructor(
    readonly type: KernelObjectType,
    /** Body. */
    readonly address: Ptr,
    /** First byte of the allocation. */
    readonly block: Ptr,
    /** Where the characters of its name lie; 0 for an object made without one. */
    readonly text: Ptr,
    /** The component's own companion. */
    public data: D,
    /** Clean-up of this one object; set by `create`. */
    public onDelete: (() => KernelRoutine<void> | void) | null = null,
  ) {}

  /** Full path, or null when it has no name. */
  get name(): string | null {
    if (this.leaf === null) return null
    if (!this.directory) return this.leaf
    const parent = this.directory.object.name
    return parent === '\\' ? parent + this.leaf : `${parent}\\${this.leaf}`
  }
}

export interface CreateOptions<D> {
  /** Absolute path to insert the object at. */
  name?: string | null
  data?: D
  /** Runs before the type's own delete procedure. */
  onDelete?: (object: KObject<D>) => KernelRoutine<void> | void
  /** Keep the name without handles; by default as the type does. */
  permanent?: boolean
}

/** A handle turned into an object. `object` is referenced only when `referenceByHandle` says so. */
export interface Resolved {
  status: number
  object: KObject | null
  access: number
}

export class ObjectManager {
  readonly data: NtData
  readonly namespace: Namespace
  readonly types: Readonly<Record<TypeName, KernelObjectType>>
  private readonly byIndex = new Map<number, KernelObjectType>()
  private readonly byTypeAddress = new Map<Ptr, KernelObjectType>()
  private readonly objects = new Map<Ptr, KObject>()
  /** Type of each object deleted lately, by address. */
  private readonly deleted = new Map<Ptr, KernelObjectType>()
  private readonly toDelete: KObject[] = []
  private reaper = false
  /** ObHeaderCookie: mixed into every TypeIndex, as Windows 10 does. */
  private readonly cookie: number

  constructor(private readonly k: Kernel) {
    this.cookie = k.random.split('ob').below(256)
    this.data = new NtData(k)
    k.memory.setU8(this.data.variable('ObHeaderCookie', 1), this.cookie)
    this.types = this.createTypes()
    this.namespace = new Namespace(k, this)
    this.namespace.createBootDirectories()
  }

  private createTypes(): Record<TypeName, KernelObjectType> {
    const { memory } = this.k
    const types = {} as Record<TypeName, KernelObjectType>
    // The type of types comes first; every other type is an object of it.
    for (const [name, facts] of Object.entries(TYPE_FACTS) as [
      TypeName,
      (typeof TYPE_FACTS)[TypeName],
    ][]) {
      const block = this.allocate(NAME_INFO + BODY + OBJECT_TYPE.SIZE + textBytes(name), 'ObjT')
      assert(block, 'no memory for the object types')
      const address = block + NAME_INFO + BODY
      const variable = facts.variable ? this.data.variable(facts.variable, 8) : 0
      if (variable) memory.setPtr(variable, address)
      const type = new KernelObjectType(name, facts, address, variable)
      types[name] = type
      this.byIndex.set(facts.index, type)
      this.byTypeAddress.set(address, type)
      memory.setU8(address + OBJECT_TYPE.Index, facts.index)
      memory.setU16(address + TYPE_INFO.Length, 0x78)
      const { read, write, execute, all } = facts.mapping
      ;[read, write, execute, all, all].forEach((mask, i) =>
        memory.setU32(address + TYPE_INFO.GenericMapping + 4 * i, mask),
      )
      memory.setPtr(address + OBJECT_TYPE.CallbackList, address + OBJECT_TYPE.CallbackList)
      memory.setPtr(address + OBJECT_TYPE.CallbackList + 8, address + OBJECT_TYPE.CallbackList)
      memory.setPtr(address + OBJECT_TYPE.TypeList, address + OBJECT_TYPE.TypeList)
      memory.setPtr(address + OBJECT_TYPE.TypeList + 8, address + OBJECT_TYPE.TypeList)
      this.placeText(address + OBJECT_TYPE.Name, address + OBJECT_TYPE.SIZE, name)
    }
    for (const type of Object.values(types)) {
      const block = type.address - BODY - NAME_INFO
      this.initHeader(type.address - BODY, types.Type, true, true)
      this.objects.set(
        type.address,
        new KObject(types.Type, type.address, block, type.address + OBJECT_TYPE.SIZE, type),
      )
      this.counted(types.Type, OBJECT_TYPE.TotalNumberOfObjects, 1)
    }
    return types
  }

  /** Zeroed kernel memory. */
  private allocate(bytes: number, tag: string): Ptr {
    return this.k.pool.allocate(bytes, poolTag(tag), { system: true })
  }

  private initHeader(
    header: Ptr,
    type: KernelObjectType,
    permanent: boolean,
    named: boolean,
  ): void {
    const { memory } = this.k
    memory.setSize(header + OBJECT_HEADER.PointerCount, 1)
    memory.setSize(header + OBJECT_HEADER.HandleCount, 0)
    memory.setU8(header + OBJECT_HEADER.TypeIndex, this.encodeIndex(header, type.facts.index))
    memory.setU8(header + OBJECT_HEADER.InfoMask, named ? INFO_NAME : 0)
    memory.setU8(
      header + OBJECT_HEADER.Flags,
      FLAG_KERNEL_OBJECT | (permanent ? FLAG_PERMANENT : 0),
    )
  }

  /** Index as it is stored: mixed with the cookie and the second byte of the header's address. */
  private encodeIndex(header: Ptr, index: number): number {
    return (index ^ this.cookie ^ (header >>> 8)) & 0xff
  }

  private counted(type: KernelObjectType, counter: number, by: number): void {
    const at = type.address + counter
    this.k.memory.setU32(at, (this.k.memory.u32(at) + by) >>> 0)
  }

  /**
   * Fill the UNICODE_STRING at `at` with a copy of `text` in a block of its own; `freeText` gives
   * that back. False when memory is short.
   */
  writeText(at: Ptr, text: string): boolean {
    const buffer = this.allocate(textBytes(text), 'ObNm')
    if (buffer) this.placeText(at, buffer, text)
    return buffer !== 0
  }

  /** Free the characters of a UNICODE_STRING that `writeText` filled. */
  freeText(at: Ptr): void {
    const { memory, pool } = this.k
    const buffer = memory.ptr(at + 8)
    if (buffer && pool.block(buffer)) pool.free(buffer)
    memory.setU32(at, 0)
    memory.setPtr(at + 8, 0)
  }

  /** Fill the UNICODE_STRING at `at` with `text`, its characters lying at `buffer`. */
  placeText(at: Ptr, buffer: Ptr, text: string): void {
    const { memory } = this.k
    const bytes = text.length * 2
    memory.setText16(buffer, text)
    memory.setU16(buffer + bytes, 0)
    memory.setU16(at, bytes)
    memory.setU16(at + 2, bytes + 2)
    memory.setPtr(at + 8, buffer)
  }

  // --- life ------------------------------------------------------------------------------------

  /**
   * Make an object with one reference, the caller's; a name adds one of its own.
   * @returns the object, or the NTSTATUS that says why there is none (name collision, no memory ...)
   */
  create<D = undefined>(
    typeName: TypeName,
    bodyBytes: number,
    options: CreateOptions<D> = {},
  ): KObject<D> | number {
    const { memory } = this.k
    const type = this.types[typeName]
    const name = options.name ?? null
    const prefix = name === null ? 0 : NAME_INFO
    const bodyEnd = prefix + BODY + ((bodyBytes + 7) & ~7)
    const leaf = name === null ? '' : name.slice(name.lastIndexOf('\\') + 1)
    const block = this.allocate(bodyEnd + textBytes(leaf), type.facts.tag)
    if (!block) return STATUS_INSUFFICIENT_RESOURCES
    const header = block + prefix
    const address = header + BODY
    const permanent = options.permanent ?? (type.facts.permanent && name !== null)
    this.initHeader(header, type, permanent, name !== null)
    const object = new KObject(
      type,
      address,
      block,
      name === null ? 0 : block + bodyEnd,
      options.data as D,
    )
    const { onDelete } = options
    if (onDelete) object.onDelete = () => onDelete(object)
    if (name !== null) {
      const status = this.namespace.insert(name, object)
      if (status !== STATUS_SUCCESS) {
        this.k.pool.free(block)
        return status
      }
      memory.setSize(header + OBJECT_HEADER.PointerCount, 2)
    }
    this.deleted.delete(address)
    this.objects.set(address, object)
    this.counted(type, OBJECT_TYPE.TotalNumberOfObjects, 1)
    this.emitLife('object.created', object)
    return object
  }

  /** `create` where failing is a defect of the simulator: objects of the boot. */
  createSystem<D = undefined>(
    type: TypeName,
    bodyBytes: number,
    options: CreateOptions<D> = {},
  ): KObject<D> {
    const object = this.create(type, bodyBytes, options)
    assert(typeof object !== 'number', `cannot create ${type} ${options.name ?? ''}`)
    return object
  }

  private emitLife(t: 'object.created' | 'object.deleted', object: KObject): void {
    const { k } = this
    const type = object.type.name
    // What exists at boot is the machine, not part of the run; the run begins with event 1.
    if (!k.tracing || k.events === 0 || type === 'Token' || type === 'Callback') return
    const address = k.memory.format(object.address)
    const name = object.name ?? object.formerName
    k.emit(
      t === 'object.created'
        ? { t, type, object: address, name }
        : { t, type, object: address, name },
    )
  }

  /** The companion of an object; undefined for a pointer to anything else. */
  lookup(object: Ptr): KObject | undefined {
    return this.objects.get(object)
  }

  /** All objects that live, in order of creation. */
  all(): IterableIterator<KObject> {
    return this.objects.values()
  }

  /** The type that the header names, or undefined when the bytes make no sense. */
  typeOf(object: Ptr): KernelObjectType | undefined {
    const header = object - BODY
    const stored = this.k.memory.u8(header + OBJECT_HEADER.TypeIndex)
    return this.byIndex.get(this.encodeIndex(header, stored))
  }

  /** The type that a POBJECT_TYPE points at. */
  typeAt(pointer: Ptr): KernelObjectType | undefined {
    return this.byTypeAddress.get(pointer)
  }

  pointerCount(object: Ptr): number {
    return this.count(object - BODY + OBJECT_HEADER.PointerCount)
  }

  handleCount(object: Ptr): number {
    return this.count(object - BODY + OBJECT_HEADER.HandleCount)
  }

  // Counts are LONG64. They are read and written in halves: this runs for every request, and a
  // damaged count only has to be recognisably wrong, not exact beyond 2^53.
  private count(at: Ptr): number {
    const { memory } = this.k
    return memory.i32(at + 4) * 0x1_0000_0000 + memory.u32(at)
  }

  private setCount(at: Ptr, value: number): void {
    const { memory } = this.k
    memory.setU32(at, value)
    memory.setU32(at + 4, Math.floor(value / 0x1_0000_0000))
  }

  private badReference(object: Ptr, what: string, verb: 1 | -1, count: number): never {
    const { k } = this
    const type = this.deleted.get(object) ?? this.objects.get(object)?.type
    const address = k.memory.address(object)
    k.verifier.check(
      'VR-OBJ-REFZERO',
      true,
      [0x3fn, address, BigInt.asUintN(64, BigInt(verb)), 0n],
      what,
    )
    return k.bugCheck(
      0x18,
      type ? k.memory.address(type.address) : 0n,
      address,
      verb === 1 ? 0x10n : 2n,
      BigInt.asUintN(64, BigInt(count)),
      what,
    )
  }

  private describe(object: Ptr): string {
    const known = this.objects.get(object)
    const type = known?.type ?? this.deleted.get(object)
    const name = known?.name
    const at = this.k.memory.format(object)
    return type ? `${type.name.toLowerCase()} object ${name ? `${name} (${at})` : at}` : at
  }

  /**
   * ObReferenceObject: count one reference more. Returns the new count.
   * @bugcheck 0x18 REFERENCE_BY_POINTER when the object has none left (it was deleted)
   */
  reference(object: Ptr): number {
    if (this.deleted.has(object))
      this.badReference(
        object,
        `A reference was taken to the deleted ${this.describe(object)}.`,
        1,
        0,
      )
    const at = object - BODY + OBJECT_HEADER.PointerCount
    const count = this.count(at) + 1
    if (count <= 1)
      this.badReference(
        object,
        `A reference was taken to ${this.describe(object)}, which has no references left.`,
        1,
        count,
      )
    this.setCount(at, count)
    return count
  }

  /** Count one reference less; the deletion that follows from zero is the caller's. */
  private lower(object: Ptr): number {
    if (this.deleted.has(object))
      this.badReference(object, `The deleted ${this.describe(object)} was dereferenced.`, -1, -1)
    const at = object - BODY + OBJECT_HEADER.PointerCount
    const count = this.count(at) - 1
    if (count < 0)
      this.badReference(
        object,
        `${this.describe(object)} was dereferenced more often than referenced.`,
        -1,
        count,
      )
    if (count === 0 && this.handleCount(object) > 0)
      this.badReference(
        object,
        `The last reference to ${this.describe(object)} was dropped while handles to it are open.`,
        -1,
        count,
      )
    this.setCount(at, count)
    if (count === 0 && !this.objects.has(object))
      this.badReference(object, `${this.describe(object)} is no object.`, -1, count)
    return count
  }

  /**
   * ObDereferenceObject: drop a reference; the last one deletes the object. Returns what is left.
   * @bugcheck 0x18 REFERENCE_BY_POINTER when there is none to drop, or handles are still open
   */
  *dereference(object: Ptr): KernelRoutine<number> {
    const left = this.lower(object)
    if (left === 0) {
      const routine = this.beginDelete(this.objects.get(object)!)
      if (routine) yield* routine
    }
    return left
  }

  /** `dereference` for code that cannot wait: a delete procedure that calls a driver runs later. */
  release(object: Ptr): number {
    const left = this.lower(object)
    if (left === 0) {
      const known = this.objects.get(object)!
      const routine = this.beginDelete(known)
      if (routine) this.deleteLater(known, routine)
    }
    return left
  }

  /** Delete at once if nothing has to wait; else the routine that does it at PASSIVE_LEVEL. */
  private beginDelete(object: KObject): KernelRoutine<void> | null {
    const own = object.onDelete?.()
    const typed = object.type.onDelete?.(object)
    if (!own && !typed) {
      this.finishDelete(object)
      return null
    }
    const routine = this.deleteRoutine(object, own ?? null, typed ?? null)
    if (this.k.irql.level === 0) return routine
    this.deleteLater(object, routine)
    return null
  }

  private *deleteRoutine(
    object: KObject,
    own: KernelRoutine<void> | null,
    typed: KernelRoutine<void> | null,
  ): KernelRoutine<void> {
    if (own) yield* own
    if (typed) yield* typed
    this.finishDelete(object)
  }

  private readonly waitingRoutines = new Map<KObject, KernelRoutine<void>>()

  private deleteLater(object: KObject, routine: KernelRoutine<void>): void {
    this.toDelete.push(object)
    this.waitingRoutines.set(object, routine)
    if (this.reaper) return
    this.reaper = true
    const { k } = this
    const thread = k.scheduler.createThread({
      process: k.processes.system,
      name: 'ObpRemoveObjectRoutine',
      priority: 13,
    })
    k.scheduler.start(thread, this.reap(), 'nt!ObpRemoveObjectRoutine')
  }

  private *reap(): KernelRoutine<void> {
    for (let object = this.toDelete.shift(); object; object = this.toDelete.shift()) {
      const routine = this.waitingRoutines.get(object)
      this.waitingRoutines.delete(object)
      if (routine) yield* routine
    }
    this.reaper = false
  }

  private finishDelete(object: KObject): void {
    const { k } = this
    this.emitLife('object.deleted', object)
    if (object.directory) this.namespace.remove(object)
    this.objects.delete(object.address)
    this.deleted.set(object.address, object.type)
    if (this.deleted.size > REMEMBERED_DELETIONS) {
      const oldest = this.deleted.keys().next().value
      if (oldest !== undefined) this.deleted.delete(oldest)
    }
    this.counted(object.type, OBJECT_TYPE.TotalNumberOfObjects, -1)
    k.pool.free(object.block)
  }

  // --- names -----------------------------------------------------------------------------------

  /** Write the name into OBJECT_HEADER_NAME_INFO; the namespace calls it. */
  nameObject(object: KObject, directory: Directory, leaf: string): void {
    const { memory } = this.k
    const info = object.address - BODY - NAME_INFO
    assert(object.block <= info, 'the object was made without room for a name')
    if (object.text) this.placeText(info + OBJECT_HEADER_NAME_INFO.Name, object.text, leaf)
    memory.setPtr(info + OBJECT_HEADER_NAME_INFO.Directory, directory.object.address)
    memory.setU32(info + OBJECT_HEADER_NAME_INFO.ReferenceCount, 1)
    object.directory = directory
    object.leaf = leaf
  }

  isPermanent(object: Ptr): boolean {
    return (this.k.memory.u8(object - BODY + OBJECT_HEADER.Flags) & FLAG_PERMANENT) !== 0
  }

  /** ObMakeTemporaryObject: the name goes when (or as soon as) no handle is open. */
  makeTemporary(object: Ptr): void {
    const { memory } = this.k
    const at = object - BODY + OBJECT_HEADER.Flags
    memory.setU8(at, memory.u8(at) & ~FLAG_PERMANENT)
    const known = this.objects.get(object)
    if (known) this.dropNameIfUnused(known)
  }

  /** Take the name of a temporary object without handles out of the namespace, with its reference. */
  dropNameIfUnused(object: KObject): void {
    if (!object.directory || this.isPermanent(object.address)) return
    if (this.handleCount(object.address) > 0) return
    this.namespace.remove(object)
    this.release(object.address)
  }

  /** Find an object by its whole path; a remainder counts as not found. */
  find(path: string, type?: TypeName): KObject | undefined {
    const found = this.namespace.lookup(path, { openLink: type === 'SymbolicLink' })
    if (!found.object || found.remainder !== '') return undefined
    return type === undefined || found.object.type.name === type ? found.object : undefined
  }

  /** Find an object by name and take a reference to it. */
  referenceByName(path: string, type: KernelObjectType | null): Resolved {
    const found = this.namespace.lookup(path, { openLink: type?.name === 'SymbolicLink' })
    if (!found.object) return { status: found.status, object: null, access: 0 }
    if (found.remainder !== '')
      return { status: STATUS_OBJECT_NAME_NOT_FOUND, object: null, access: 0 }
    if (type && found.object.type !== type)
      return { status: STATUS_OBJECT_TYPE_MISMATCH, object: null, access: 0 }
    this.reference(found.object.address)
    return { status: STATUS_SUCCESS, object: found.object, access: type?.facts.mapping.all ?? 0 }
  }

  // --- handles ---------------------------------------------------------------------------------

  /** Process whose address space and handle table count now. */
  get process(): Process {
    return this.k.processes.current
  }

  private get systemTable(): HandleTable {
    return this.k.processes.system.handles
  }

  /**
   * Open a handle to an object; it holds a reference of its own.
   * @param kernel OBJ_KERNEL_HANDLE: in the System process's table, with the high bit set
   */
  openHandle(
    object: KObject,
    access: number,
    options: { kernel?: boolean; inherit?: boolean; process?: Process } = {},
  ): number {
    const process = options.kernel ? this.k.processes.system : (options.process ?? this.process)
    return process.handles.open(object, mapAccess(object.type, access), {
      kernel: options.kernel ?? false,
      inherit: options.inherit ?? false,
    })
  }

  /** Entry behind a handle of the current process or a kernel handle; undefined when there is none. */
  handleEntry(handle: number, mode: 0 | 1): HandleEntry | undefined {
    if (handle < 0) return mode === 1 ? undefined : this.systemTable.entry(handle & 0x7fff_ffff)
    return this.process.handles.entry(handle)
  }

  /** The table and the entry's own number behind a handle. */
  private tableOf(handle: number, mode: 0 | 1): HandleTable | undefined {
    if (handle < 0) return mode === 1 ? undefined : this.systemTable
    return this.process.handles
  }

  /**
   * Look a handle up and check type and access, without taking a reference. Rights are checked for
   * UserMode only.
   */
  resolveHandle(
    handle: number,
    access: number,
    type: KernelObjectType | null,
    mode: 0 | 1,
  ): Resolved {
    let object: KObject | undefined
    let granted: number
    if (handle === CURRENT_PROCESS || handle === CURRENT_THREAD) {
      const address =
        handle === CURRENT_PROCESS ? this.process.address : this.k.scheduler.current.address
      object = this.objects.get(address)
      granted = 0x1f_ffff
    } else {
      const entry = this.handleEntry(handle, mode)
      object = entry?.object
      granted = entry?.access ?? 0
    }
    if (!object) return { status: STATUS_INVALID_HANDLE, object: null, access: 0 }
    if (type && object.type !== type)
      return { status: STATUS_OBJECT_TYPE_MISMATCH, object: null, access: 0 }
    if (mode === 1 && mapAccess(object.type, access) & ~granted)
      return { status: STATUS_ACCESS_DENIED, object: null, access: 0 }
    return { status: STATUS_SUCCESS, object, access: granted }
  }

  /** `resolveHandle` with a reference taken on success. */
  referenceByHandle(
    handle: number,
    access: number,
    type: KernelObjectType | null,
    mode: 0 | 1,
  ): Resolved {
    const resolved = this.resolveHandle(handle, access, type, mode)
    if (resolved.object) this.reference(resolved.object.address)
    return resolved
  }

  /** NtClose for the current process: STATUS_INVALID_HANDLE and nothing else for a bad handle. */
  *closeHandle(handle: number, mode: 0 | 1): KernelRoutine<number> {
    const table = this.tableOf(handle, mode)
    if (!table) return STATUS_INVALID_HANDLE
    return yield* table.close(handle)
  }

  /** A handle was opened: count it. Called by the tables. */
  handleOpened(object: KObject): void {
    this.reference(object.address)
    const at = object.address - BODY + OBJECT_HEADER.HandleCount
    this.setCount(at, this.count(at) + 1)
    this.counted(object.type, OBJECT_TYPE.TotalNumberOfHandles, 1)
  }

  /** A handle is gone: clean up after the last one, then drop its reference. Called by the tables. */
  *handleClosed(object: KObject, process: Process): KernelRoutine<void> {
    const at = object.address - BODY + OBJECT_HEADER.HandleCount
    if (this.count(at) === 1 && object.type.onLastHandleClosed)
      yield* object.type.onLastHandleClosed(object, process)
    // The clean-up may have waited, and another handle may have come meanwhile: read it again.
    this.setCount(at, this.count(at) - 1)
    this.counted(object.type, OBJECT_TYPE.TotalNumberOfHandles, -1)
    this.dropNameIfUnused(object)
    yield* this.dereference(object.address)
  }
}

/** A pool tag as the number that the pool takes: the first character is the lowest byte. */
export function poolTag(text: string): number {
  let tag = 0
  for (let i = 3; i >= 0; i--)
    tag = (tag << 8) | (i < text.length ? text.charCodeAt(i) & 0xff : 0x20)
  return tag >>> 0
}

/** Bytes of a zero-terminated UTF-16 copy. */
function textBytes(text: string): number {
  return text.length * 2 + 2
}
