/**
 * The object manager: objects with a header before them, counted references, names, handles.
 *
 * An object is known by the address of its body. OBJECT_HEADER lies 0x30 bytes before it and holds
 * the truth (PointerCount, HandleCount, TypeIndex, Flags); the companion `KObject` only adds what
 * drivers cannot see. A reference that drops to zero deletes the object, at once or, when a driver
 * has to be called at PASSIVE_LEVEL, on a system thread.
 */
import { OBJECT_TYPE } from '../../../shared/nt/generated/offsets'
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
import { Recent } from '../recent'
import { assert } from '../stop'
import { DeferredDeletions } from './deferred'
import { CURRENT_PROCESS, CURRENT_THREAD, type HandleEntry, type HandleTable } from './handle'
import { BODY, Headers, NAME_INFO_BYTES, placeText, textBytes } from './header'
import { KObject, type CreateOptions } from './kobject'
import { Namespace, type Directory } from './namespace'
import { NtData } from './nt-data'
import { ObjectCallbacks } from './object-callbacks'
import { mapAccess, type KernelObjectType, type TypeName } from './object-type'
import { TypeTable } from './type-table'

export { BODY } from './header'
export { KObject, type CreateOptions } from './kobject'

/** Deleted objects whose addresses are remembered, to know a stale pointer when one comes. */
const REMEMBERED_DELETIONS = 4096

/** A handle turned into an object. `object` is referenced only when `referenceByHandle` says so. */
export interface Resolved {
  status: number
  object: KObject | null
  access: number
}

export class ObjectManager {
  readonly data: NtData
  readonly namespace: Namespace
  /** Drivers that are asked before handles to processes and threads are opened. */
  readonly callbacks: ObjectCallbacks
  private readonly headers: Headers
  private readonly typeTable: TypeTable
  private readonly objects = new Map<Ptr, KObject>()
  /** Type of each object deleted lately, by address. */
  private readonly deleted = new Recent<KernelObjectType>(REMEMBERED_DELETIONS)
  private readonly deferred: DeferredDeletions

  constructor(private readonly k: Kernel) {
    this.data = new NtData(k)
    this.deferred = new DeferredDeletions(k)
    this.callbacks = new ObjectCallbacks(k)
    this.headers = new Headers(k.memory, k.random.split('ob').below(256))
    k.memory.setU8(this.data.variable('ObHeaderCookie', 1), this.headers.cookie)
    this.typeTable = new TypeTable(k, this.data, this.headers)
    for (const object of this.typeTable.objects()) this.objects.set(object.address, object)
    this.namespace = new Namespace(k, this)
    this.namespace.createBootDirectories()
  }

  /** Every type by name; components set the procedures of theirs. */
  get types(): Readonly<Record<TypeName, KernelObjectType>> {
    return this.typeTable.types
  }

  /** Zeroed kernel memory. */
  private allocate(bytes: number, tag: string): Ptr {
    return this.k.pool.allocate(bytes, tag, { system: true })
  }

  /**
   * Fill the UNICODE_STRING at `at` with a copy of `text` in a block of its own; `freeText` gives
   * that back. False when memory is short.
   */
  writeText(at: Ptr, text: string): boolean {
    const buffer = this.allocate(textBytes(text), 'ObNm')
    if (buffer) placeText(this.k.memory, at, buffer, text)
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
    const type = this.types[typeName]
    const name = options.name ?? null
    const prefix = name === null ? 0 : NAME_INFO_BYTES
    const bodyEnd = prefix + BODY + ((bodyBytes + 7) & ~7)
    const leaf = name === null ? '' : name.slice(name.lastIndexOf('\\') + 1)
    const block = this.allocate(bodyEnd + textBytes(leaf), type.facts.tag)
    if (!block) return STATUS_INSUFFICIENT_RESOURCES
    const address = block + prefix + BODY
    this.headers.initialize(address, {
      typeIndex: type.facts.index,
      permanent: options.permanent ?? (type.facts.permanent && name !== null),
      named: name !== null,
    })
    const object = new KObject(
      type,
      address,
      block,
      name === null ? 0 : block + bodyEnd,
      options.data as D,
    )
    const { onDelete } = options
    if (onDelete) object.onDelete = () => onDelete(object)
    object.onLastHandleClosed = options.onLastHandleClosed ?? null
    if (name !== null) {
      const status = this.namespace.insert(name, object)
      if (status !== STATUS_SUCCESS) {
        this.k.pool.free(block)
        return status
      }
      this.headers.setPointerCount(address, 2)
    }
    this.deleted.delete(address)
    this.objects.set(address, object)
    this.typeTable.count(type, OBJECT_TYPE.TotalNumberOfObjects, 1)
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
    return this.typeTable.of(object)
  }

  /** The type that a POBJECT_TYPE points at. */
  typeAt(pointer: Ptr): KernelObjectType | undefined {
    return this.typeTable.at(pointer)
  }

  pointerCount(object: Ptr): number {
    return this.headers.pointerCount(object)
  }

  handleCount(object: Ptr): number {
    return this.headers.handleCount(object)
  }

  // --- references ------------------------------------------------------------------------------

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
    const count = this.headers.pointerCount(object) + 1
    if (count <= 1)
      this.badReference(
        object,
        `A reference was taken to ${this.describe(object)}, which has no references left.`,
        1,
        count,
      )
    this.headers.setPointerCount(object, count)
    return count
  }

  /** Count one reference less; the deletion that follows from zero is the caller's. */
  private lower(object: Ptr): number {
    if (this.deleted.has(object))
      this.badReference(object, `The deleted ${this.describe(object)} was dereferenced.`, -1, -1)
    const count = this.headers.pointerCount(object) - 1
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
    this.headers.setPointerCount(object, count)
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
      const routine = this.beginDelete(this.objects.get(object)!)
      if (routine) this.deferred.add(routine)
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
    this.deferred.add(routine)
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

  private finishDelete(object: KObject): void {
    const { k } = this
    this.emitLife('object.deleted', object)
    if (object.directory) this.namespace.remove(object)
    this.objects.delete(object.address)
    this.deleted.add(object.address, object.type)
    this.typeTable.count(object.type, OBJECT_TYPE.TotalNumberOfObjects, -1)
    k.pool.free(object.block)
  }

  // --- names -----------------------------------------------------------------------------------

  /** Give an object made with room for a name that name; the namespace calls it. */
  nameObject(object: KObject, directory: Directory, leaf: string): void {
    assert(object.text, 'the object was made without room for a name')
    this.headers.setName(object.address, directory.object.address, object.text, leaf)
    object.directory = directory
    object.leaf = leaf
  }

  isPermanent(object: Ptr): boolean {
    return this.headers.isPermanent(object)
  }

  /** ObMakeTemporaryObject: the name goes when (or as soon as) no handle is open. */
  makeTemporary(object: Ptr): void {
    this.headers.clearPermanent(object)
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
    this.headers.setHandleCount(object.address, this.handleCount(object.address) + 1)
    this.typeTable.count(object.type, OBJECT_TYPE.TotalNumberOfHandles, 1)
  }

  /** A handle is gone: clean up after the last one, then drop its reference. Called by the tables. */
  *handleClosed(object: KObject, process: Process): KernelRoutine<void> {
    if (this.handleCount(object.address) === 1) {
      if (object.type.onLastHandleClosed) yield* object.type.onLastHandleClosed(object, process)
      if (object.onLastHandleClosed) yield* object.onLastHandleClosed()
    }
    // The clean-up may have waited, and another handle may have come meanwhile: read it again.
    this.headers.setHandleCount(object.address, this.handleCount(object.address) - 1)
    this.typeTable.count(object.type, OBJECT_TYPE.TotalNumberOfHandles, -1)
    this.dropNameIfUnused(object)
    yield* this.dereference(object.address)
  }
}
