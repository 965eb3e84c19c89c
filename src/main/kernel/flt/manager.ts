/**
 * The filter manager: minifilters by altitude, and the volumes that they are attached to.
 *
 * A volume is a device object that a driver created as that of a file system
 * (FILE_DEVICE_DISK_FILE_SYSTEM and its kin). Requests to files on one pass through the callbacks of
 * every filter that has started, from the highest altitude down, and back from the lowest up.
 */
import {
  FILE_DEVICE_CD_ROM_FILE_SYSTEM,
  FILE_DEVICE_DISK_FILE_SYSTEM,
  FILE_DEVICE_NETWORK_FILE_SYSTEM,
  FLTFL_CALLBACK_DATA_POST_OPERATION,
  FLT_PREOP_COMPLETE,
  FLT_PREOP_SUCCESS_NO_CALLBACK,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_FLT_INSTANCE_ALTITUDE_COLLISION,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { DEVICE_OBJECT, FLT_RELATED_OBJECTS, IRP } from '../../../shared/nt/generated/offsets'
import { hex32 } from '../../../shared/nt/format'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Thread } from '../ke/thread'
import type { Ptr } from '../mm/memory'
import { compareAltitudes } from './altitude'
import { Operation } from './operation'
import { Ports } from './ports'

/** FLT_INSTANCE_TEARDOWN for a filter that goes. */
const TEARDOWN_FILTER_UNLOAD = 2
/** FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT */
const AUTOMATIC_ATTACHMENT = 1
const OBJECT_BYTES = 0x40

const FILE_SYSTEMS: readonly number[] = [
  FILE_DEVICE_DISK_FILE_SYSTEM,
  FILE_DEVICE_CD_ROM_FILE_SYSTEM,
  FILE_DEVICE_NETWORK_FILE_SYSTEM,
]

/** A kind of context that a filter declared. */
export interface ContextKind {
  type: number
  size: number
  tag: number
}

export interface Filter {
  /** FLT_FILTER: what the driver knows it by. */
  address: Ptr
  driver: Ptr
  /** Service of the driver. */
  name: string
  altitude: string
  started: boolean
  callbacks: ReadonlyMap<number, { pre: Ptr; post: Ptr }>
  contexts: readonly ContextKind[]
  setup: Ptr
  teardown: Ptr
  /** FilterUnloadCallback; 0 for a filter that only its DriverUnload can end. */
  unload: Ptr
  /** FLT_INSTANCE by volume device; 0 for a volume that it did not want. */
  instances: Map<Ptr, Ptr>
}

/** FLT_PREOP_CALLBACK_STATUS and FLT_POSTOP_CALLBACK_STATUS by name. */
const PRE_RESULTS = [
  'FLT_PREOP_SUCCESS_WITH_CALLBACK',
  'FLT_PREOP_SUCCESS_NO_CALLBACK',
  'FLT_PREOP_PENDING',
  'FLT_PREOP_DISALLOW_FASTIO',
  'FLT_PREOP_COMPLETE',
  'FLT_PREOP_SYNCHRONIZE',
  'FLT_PREOP_DISALLOW_FSFILTER_IO',
]
const POST_RESULTS = [
  'FLT_POSTOP_FINISHED_PROCESSING',
  'FLT_POSTOP_MORE_PROCESSING_REQUIRED',
  'FLT_POSTOP_DISALLOW_FSFILTER_IO',
]
const preResult = (answer: number): string => PRE_RESULTS[answer] ?? String(answer)
const postResult = (answer: number): string => POST_RESULTS[answer] ?? String(answer)

export class FilterManager {
  /** In the order of altitudes, the highest first. */
  private readonly filters: Filter[] = []
  /** FLT_VOLUME by device. */
  private readonly volumes = new Map<Ptr, Ptr>()
  /** Threads that send a request for a filter, which only those below it are to see. */
  private readonly senders = new Map<Thread, Filter>()
  readonly ports: Ports

  constructor(readonly k: Kernel) {
    this.ports = new Ports(k)
  }

  /** Memory that stands for an object of the manager's; drivers see its address only. */
  makeObject(): Ptr {
    return this.k.pool.allocate(OBJECT_BYTES, 'FMob', { system: true })
  }

  add(filter: Filter): void {
    const at = this.filters.findIndex(
      (other) => compareAltitudes(filter.altitude, other.altitude) > 0,
    )
    this.filters.splice(at < 0 ? this.filters.length : at, 0, filter)
    const { k } = this
    if (k.tracing)
      k.emit({
        t: 'minifilter.registered',
        ...this.names(filter),
        altitude: filter.altitude,
        operations: [...filter.callbacks.keys()],
      })
  }

  /** Every registered filter, the highest altitude first. */
  all(): readonly Filter[] {
    return this.filters
  }

  find(address: Ptr): Filter | undefined {
    return this.filters.find((filter) => filter.address === address)
  }

  ofInstance(instance: Ptr): Filter | undefined {
    return this.filters.find((filter) => [...filter.instances.values()].includes(instance))
  }

  /** Do I/O for a filter; the filters above it and it itself are not asked about it. */
  *below(filter: Filter, work: () => KernelRoutine<number>): KernelRoutine<number> {
    const { thread } = this.k
    const outer = this.senders.get(thread)
    this.senders.set(thread, filter)
    try {
      return yield* work()
    } finally {
      if (outer) this.senders.set(thread, outer)
      else this.senders.delete(thread)
    }
  }

  /** FltStartFiltering: attach to the volumes that there are. Others are attached when they are used. */
  *start(filter: Filter): KernelRoutine<number> {
    const same = this.filters.some(
      (other) =>
        other !== filter &&
        other.started &&
        compareAltitudes(other.altitude, filter.altitude) === 0,
    )
    if (same) return STATUS_FLT_INSTANCE_ALTITUDE_COLLISION
    filter.started = true
    if (this.k.tracing) this.k.emit({ t: 'minifilter.started', ...this.names(filter) })
    for (const object of [...this.k.ob.all()])
      if (object.type.name === 'Device' && this.isVolume(object.address))
        yield* this.attach(filter, object.address)
    return STATUS_SUCCESS
  }

  /** FltUnregisterFilter: off every volume, ports closed. */
  *remove(filter: Filter): KernelRoutine<void> {
    const { k } = this
    filter.started = false
    yield* this.ports.closeAll(filter.address)
    for (const [device, instance] of filter.instances) {
      if (!instance) continue
      if (filter.teardown) {
        const related = this.relatedObjects(filter, instance, device)
        yield* k.call(filter.teardown, 'FLT_INSTANCE_TEARDOWN_CALLBACK', [
          related,
          TEARDOWN_FILTER_UNLOAD,
        ])
        k.pool.free(related)
      }
      k.pool.free(instance)
    }
    filter.instances.clear()
    const at = this.filters.indexOf(filter)
    if (at >= 0) this.filters.splice(at, 1)
    if (k.tracing) k.emit({ t: 'minifilter.removed', ...this.names(filter) })
    k.pool.free(filter.address)
  }

  isVolume(device: Ptr): boolean {
    return FILE_SYSTEMS.includes(this.k.memory.u32(device + DEVICE_OBJECT.DeviceType))
  }

  private volume(device: Ptr): Ptr {
    let volume = this.volumes.get(device)
    if (volume === undefined) this.volumes.set(device, (volume = this.makeObject()))
    return volume
  }

  private relatedObjects(filter: Filter, instance: Ptr, device: Ptr): Ptr {
    const { memory, pool } = this.k
    const at = pool.allocate(FLT_RELATED_OBJECTS.SIZE, 'FMro', { system: true })
    if (!at) return 0
    memory.setU16(at + FLT_RELATED_OBJECTS.Size, FLT_RELATED_OBJECTS.SIZE)
    memory.setPtr(at + FLT_RELATED_OBJECTS.Filter, filter.address)
    memory.setPtr(at + FLT_RELATED_OBJECTS.Volume, this.volume(device))
    memory.setPtr(at + FLT_RELATED_OBJECTS.Instance, instance)
    return at
  }

  /** The instance of a filter on a volume; the filter is asked when it is new there. 0 for none. */
  private *attach(filter: Filter, device: Ptr): KernelRoutine<Ptr> {
    const { k } = this
    const known = filter.instances.get(device)
    if (known !== undefined) return known
    const instance = this.makeObject()
    filter.instances.set(device, instance)
    if (!filter.setup || !instance) return this.attached(filter, instance, device)
    const related = this.relatedObjects(filter, instance, device)
    const type = k.memory.u32(device + DEVICE_OBJECT.DeviceType)
    const status = related
      ? yield* k.call(filter.setup, 'FLT_INSTANCE_SETUP_CALLBACK', [
          related,
          AUTOMATIC_ATTACHMENT,
          type,
          0,
        ])
      : -1
    if (related) k.pool.free(related)
    if ((status | 0) >= 0) return this.attached(filter, instance, device)
    k.pool.free(instance)
    filter.instances.set(device, 0)
    return 0
  }

  private attached(filter: Filter, instance: Ptr, device: Ptr): Ptr {
    const { k } = this
    if (k.tracing && instance)
      k.emit({
        t: 'minifilter.attached',
        ...this.names(filter),
        instance: k.memory.format(instance),
        volume: k.devices.nameOf(device) ?? k.memory.format(device),
      })
    return instance
  }

  /** How the trace calls a filter. */
  private names({ address, name }: Filter): { filter: string; name: string } {
    return { filter: this.k.memory.format(address), name }
  }

  /** Tell what a callback said of an operation. */
  private tell(
    filter: Filter,
    operation: Operation,
    phase: 'pre' | 'post',
    answer: { routine: Ptr; result: string; status: number | null; changed?: boolean },
  ): void {
    const { k } = this
    if (!k.tracing) return
    k.emit({
      t: 'minifilter.called',
      ...this.names(filter),
      altitude: filter.altitude,
      phase,
      irp: k.irps.number(operation.irp),
      operation: operation.major,
      file: operation.fileName,
      routine: k.images.symbol(answer.routine),
      result: answer.result,
      status: answer.status === null ? null : hex32(answer.status),
      ...(answer.changed ? { changed: true as const } : {}),
    })
  }

  // --- requests ------------------------------------------------------------------------------------

  /**
   * Ask the filters about a packet that is about to be sent.
   * @returns null when no filter has anything to do with it
   */
  *before(irp: Ptr, file: Ptr): KernelRoutine<Operation | null> {
    const { k } = this
    if (!file || !this.filters.some((filter) => filter.started)) return null
    const operation = Operation.begin(k, irp, file)
    if (!operation) return null
    const device = operation.volumeDevice
    if (!this.isVolume(device)) {
      operation.end()
      return null
    }
    const sender = this.senders.get(k.thread)
    const first = sender ? this.filters.indexOf(sender) + 1 : 0
    for (const filter of this.filters.slice(first)) {
      const callbacks = filter.callbacks.get(operation.major)
      if (!filter.started || !callbacks) continue
      const instance = yield* this.attach(filter, device)
      if (!instance) continue
      if (!callbacks.pre) {
        operation.watching.push({ filter, context: 0 })
        continue
      }
      const place = operation.contextPlace()
      const related = operation.related(filter, instance, this.volume(device))
      const answer = yield* k.call(callbacks.pre, 'FLT_PRE_OPERATION_CALLBACK', [
        operation.data,
        related,
        place,
      ])
      const isEnd = answer === FLT_PREOP_COMPLETE
      this.tell(filter, operation, 'pre', {
        routine: callbacks.pre,
        result: preResult(answer),
        status: isEnd ? operation.status : null,
      })
      if (isEnd) {
        operation.completed = true
        break
      }
      operation.applyChanges()
      if (answer !== FLT_PREOP_SUCCESS_NO_CALLBACK)
        operation.watching.push({ filter, context: k.memory.ptr(place) })
    }
    return operation
  }

  /** Complete a packet as the filter said that stopped it. */
  *finishEarly(operation: Operation): KernelRoutine<number> {
    const { k } = this
    const { status, information, irp } = operation
    k.memory.setU32(irp + IRP['IoStatus.Status'], status)
    k.memory.setSize(irp + IRP['IoStatus.Information'], information)
    yield* k.irps.complete(irp)
    return status
  }

  /** Tell the filters that want to know how the request ended; they may change what the caller gets. */
  *after(
    operation: Operation,
    result: { status: number; information: number },
  ): KernelRoutine<{ status: number; information: number }> {
    const { k } = this
    operation.setResult(result.status, result.information)
    operation.setFlag(FLTFL_CALLBACK_DATA_POST_OPERATION)
    const device = operation.volumeDevice
    for (const { filter, context } of operation.watching.reverse()) {
      const post = filter.callbacks.get(operation.major)?.post
      const instance = filter.instances.get(device)
      // A filter that left in the meantime has nothing to be called in.
      if (!post || !instance || !filter.started) continue
      const related = operation.related(filter, instance, this.volume(device))
      const args = [operation.data, related, context, 0]
      const before = k.tracing ? operation.answer() : ''
      const answer = yield* k.call(post, 'FLT_POST_OPERATION_CALLBACK', args)
      this.tell(filter, operation, 'post', {
        routine: post,
        result: postResult(answer),
        status: operation.status,
        changed: k.tracing && operation.answer() !== before,
      })
    }
    const { status, information } = operation
    operation.end()
    return { status, information }
  }
}

/** The filter manager of a machine; it begins with the first minifilter. */
export function filterManager(k: Kernel): FilterManager {
  return (k.io.filters ??= new FilterManager(k))
}
