/**
 * The driver framework (KMDF) of a machine: its objects by handle, as a tree, and the drivers that it
 * stands in front of. Everything below it is WDM: devices, packets, work items, spin locks.
 */
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import { NtException } from '../stop'
import { STATUS_INVALID_HANDLE } from '../../../shared/nt/generated/ntstatus'
import { freeDeferred, type DeferredData } from './deferred'
import type { IoQueue } from './queue'
import type { RequestData } from './request'

/** A lock lies at the beginning of a handle's memory, the context behind it. */
const CONTEXT = 0x20
const CONTEXT_MAX = 0x1_0000
/** Parents above an object at most: they are taken down from the bottom. */
const DEPTH_MAX = 64

export type WdfKind =
  | 'driver'
  | 'init'
  | 'device'
  | 'queue'
  | 'request'
  | 'memory'
  | 'spinlock'
  | 'waitlock'
  | 'workitem'
  | 'timer'
  | 'dpc'
  | 'target'

/** Kinds whose life the trace tells in events of their own, or not at all. */
const UNTOLD: ReadonlySet<WdfKind> = new Set(['init', 'queue', 'request'])

/** WDF_OBJECT_ATTRIBUTES, as far as it is looked at. */
export interface Attributes {
  parent: Ptr
  cleanup: Ptr
  destroy: Ptr
  contextBytes: number
}

export const NO_ATTRIBUTES: Attributes = { parent: 0, cleanup: 0, destroy: 0, contextBytes: 0 }

/** What the framework knows of an object. */
export class WdfObject<D = unknown> {
  readonly children = new Set<WdfObject>()
  /** Its callbacks for the end run; the handle is good until they are through. */
  isGoing = false
  /** Parents above it. */
  readonly depth: number

  constructor(
    readonly kind: WdfKind,
    /** What the driver knows it by. */
    readonly handle: Ptr,
    readonly parent: WdfObject | null,
    readonly attributes: Attributes,
    public data: D,
  ) {
    this.depth = parent ? parent.depth + 1 : 0
  }

  /** Memory that the driver asked for with the object. */
  get context(): Ptr {
    return this.handle + CONTEXT
  }
}

export interface DriverData {
  object: Ptr
  deviceAdd: Ptr
  unload: Ptr
}

export interface InitData {
  driver: WdfObject<DriverData>
  /** Device below which the new one goes; 0 for a control device. */
  pdo: Ptr
  name: string | null
  ioType: number
  /** EvtIoInCallerContext; 0 for none. */
  inCaller: Ptr
  /** What the driver does at changes of PnP and power; null when it did not say. */
  power: PowerCallbacks | null
  /** Device that came of it; null so far. */
  device: WdfObject<DeviceData> | null
}

/** WDF_PNPPOWER_EVENT_CALLBACKS, as far as they are called; 0 for none. */
export interface PowerCallbacks {
  prepare: Ptr
  release: Ptr
  d0Entry: Ptr
  d0Exit: Ptr
  surprise: Ptr
}

export interface DeviceData {
  driver: WdfObject<DriverData>
  /** DEVICE_OBJECT. */
  device: Ptr
  /** Device below; 0 for a control device. */
  below: Ptr
  pdo: Ptr
  name: string | null
  links: string[]
  /** The queue that requests go to. */
  queue: IoQueue | null
  /** EvtIoInCallerContext: sees requests before they are queued; 0 for none. */
  inCaller: Ptr
  power: PowerCallbacks | null
  /** The driver has its hardware, and it is switched on. */
  isPrepared: boolean
  isInD0: boolean
}

/** Memory of a WDFMEMORY: of the pool, or a program's pages that are locked and mapped. */
export interface MemoryData {
  buffer: Ptr
  size: number
  /** 0 for memory of the pool. */
  mdl: Ptr
}

/** Where the framework gets its memory: the pool, or that of a host process. */
export interface Store {
  /** Zeroed memory; 0 when there is none. */
  allocate(bytes: number): Ptr
  free(at: Ptr): void
}

/** What a host process has instead of a device of its own: the reflector's place in the stack. */
export interface HostSide {
  device: Ptr
  below: Ptr
  pdo: Ptr
}

export class Framework {
  /** By driver object. */
  readonly drivers = new Map<Ptr, WdfObject<DriverData>>()
  private readonly objects = new Map<Ptr, WdfObject>()
  private readonly devices = new Map<Ptr, WdfObject<DeviceData>>()

  /** @param host  null for the kernel's own framework */
  constructor(
    readonly k: Kernel,
    readonly store: Store,
    readonly host: HostSide | null = null,
  ) {}

  /** Make an object; null when memory is short, the context absurdly large, or its parent already going. */
  create<D>(
    kind: WdfKind,
    parent: WdfObject | null,
    data: D,
    attributes: Attributes = NO_ATTRIBUTES,
  ): WdfObject<D> | null {
    if (attributes.contextBytes > CONTEXT_MAX) return null
    const bytes = CONTEXT + attributes.contextBytes
    const named = attributes.parent ? this.objects.get(attributes.parent) : undefined
    const under = named ?? parent ?? (kind === 'driver' ? null : this.callingDriver())
    if (under && (under.isGoing || under.depth >= DEPTH_MAX)) return null
    const handle = this.store.allocate(bytes)
    if (!handle) return null
    const object = new WdfObject(kind, handle, under, attributes, data)
    under?.children.add(object)
    this.objects.set(handle, object)
    if (this.k.tracing && !UNTOLD.has(kind))
      this.k.emit({
        t: 'wdf.object.created',
        object: this.k.memory.format(handle),
        kind,
        parent: under ? this.k.memory.format(under.handle) : null,
      })
    return object
  }

  /**
   * The object behind a handle that a driver gave.
   * @bugcheck 0x10D with 4 for NULL, with 5 for a handle that is none of this kind
   * @throws NtException in a host process, where it ends the process
   */
  object<D>(handle: Ptr, kind: WdfKind): WdfObject<D> {
    const { k } = this
    const found = this.objects.get(handle)
    if (this.host && found?.kind !== kind)
      throw new NtException(STATUS_INVALID_HANDLE, k.memory.address(handle))
    if (handle === 0)
      k.bugCheck(
        0x10d,
        4n,
        0n,
        k.images.nearestCode(k.thread),
        0n,
        'A framework routine was given NULL.',
      )
    if (found?.kind !== kind)
      k.bugCheck(
        0x10d,
        5n,
        k.memory.address(handle),
        0n,
        0n,
        `A framework routine was given ${found ? `a ${found.kind}` : 'something that is no framework object'} for a ${kind}.`,
      )
    return found as WdfObject<D>
  }

  /** The driver whose code runs: parent of what it makes without naming one. */
  private callingDriver(): WdfObject | null {
    const { k } = this
    const name = k.driverOf(k.thread)
    for (const driver of this.drivers.values())
      if (this.host || k.devices.driverName(driver.data.object) === name) return driver
    return null
  }

  any(handle: Ptr): WdfObject | undefined {
    return this.objects.get(handle)
  }

  /** The framework's device of a DEVICE_OBJECT. */
  deviceOf(device: Ptr): WdfObject<DeviceData> | undefined {
    return this.devices.get(device)
  }

  allDevices(): WdfObject<DeviceData>[] {
    return [...this.devices.values()]
  }

  addDevice(object: WdfObject<DeviceData>): void {
    this.devices.set(object.data.device, object)
  }

  /**
   * Delete an object with its children: children first, clean-up before destruction.
   * @param withParent  nobody asked for it, its parent goes
   */
  *remove(object: WdfObject, withParent = false): KernelRoutine<void> {
    const { k } = this
    if (object.isGoing) return
    object.isGoing = true
    if (object.kind === 'queue') yield* (object.data as IoQueue).purge()
    if (object.kind === 'queue' && k.tracing)
      k.emit({ t: 'wdf.queue.deleted', queue: k.memory.format(object.handle) })
    for (const child of [...object.children]) yield* this.remove(child, true)
    const { cleanup, destroy } = object.attributes
    if (cleanup) yield* k.call(cleanup, 'FN_WDF_OBJECT_CONTEXT_CLEANUP', [object.handle])
    if (object.kind === 'device') this.removeDevice(object as WdfObject<DeviceData>)
    if (object.kind === 'memory') {
      const { buffer, mdl } = object.data as MemoryData
      if (mdl) k.mdls.free(mdl)
      else if (this.host) this.store.free(buffer)
      else k.pool.free(buffer)
    }
    if (object.kind === 'request') {
      const { host } = object.data as RequestData
      for (const buffer of host ? [host.input, host.output] : [])
        if (buffer) this.store.free(buffer)
    }
    if (object.kind === 'timer' || object.kind === 'dpc')
      freeDeferred(k, object.data as DeferredData)
    if (object.kind === 'waitlock') k.pool.free((object.data as { event: Ptr }).event)
    if (object.kind === 'workitem') k.workQueue.freeIoItem((object.data as { item: Ptr }).item)
    if (destroy) yield* k.call(destroy, 'FN_WDF_OBJECT_CONTEXT_DESTROY', [object.handle])
    object.parent?.children.delete(object)
    this.objects.delete(object.handle)
    if (k.tracing && !UNTOLD.has(object.kind))
      k.emit({
        t: 'wdf.object.deleted',
        object: k.memory.format(object.handle),
        kind: object.kind,
        withParent,
      })
    this.store.free(object.handle)
  }

  private removeDevice({ data }: WdfObject<DeviceData>): void {
    const { k } = this
    this.devices.delete(data.device)
    for (const link of data.links) k.ob.namespace.deleteSymbolicLink(link)
    // The device of a host is the reflector's.
    if (this.host) return
    if (data.below) k.devices.detach(data.below)
    k.devices.delete(data.device)
  }
}

/** Every queue of a device. */
export function queuesOf(device: WdfObject<DeviceData>): IoQueue[] {
  return [...device.children].flatMap(({ kind, data }) =>
    kind === 'queue' ? [data as IoQueue] : [],
  )
}

const frameworks = new WeakMap<Kernel, Framework>()

const hosted = new WeakMap<Kernel, Map<Process, Framework>>()

/**
 * The framework of the code that runs: that of a host process, or the kernel's, which begins with the
 * first driver that uses it.
 */
export function framework(k: Kernel): Framework {
  // A DPC borrows whatever thread it finds; what runs there is of the kernel.
  const own = k.dpcs.running ? undefined : hosted.get(k)?.get(k.thread.process)
  if (own) return own
  let found = frameworks.get(k)
  if (!found) {
    const { pool } = k
    found = new Framework(k, {
      allocate: (bytes) => pool.allocate(bytes, 'Wdf ', { system: true }),
      free: (at) => pool.free(at),
    })
    frameworks.set(k, found)
  }
  return found
}

/** Make a framework that of a host process. */
export function hostFramework(k: Kernel, process: Process, own: Framework): Framework {
  const known = hosted.get(k) ?? new Map<Process, Framework>()
  hosted.set(k, known.set(process, own))
  return own
}

/** A host process has ended: what its driver had made outside of it goes, too. */
export function forgetHost(k: Kernel, process: Process): void {
  const own = hosted.get(k)?.get(process)
  hosted.get(k)?.delete(process)
  for (const { data } of own?.allDevices() ?? [])
    for (const link of data.links) k.ob.namespace.deleteSymbolicLink(link)
}
