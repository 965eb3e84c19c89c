/**
 * The Windows Filtering Platform: callouts that drivers register, sublayers and filters of the base
 * filtering engine, and the question what is to become of a connection. The lab has one layer,
 * FWPM_LAYER_ALE_AUTH_CONNECT_V4: a program is about to connect.
 */
import {
  FWP_ACTION_BLOCK,
  FWP_ACTION_CALLOUT_INSPECTION,
  FWP_ACTION_CALLOUT_TERMINATING,
  FWP_ACTION_CALLOUT_UNKNOWN,
  FWP_ACTION_CONTINUE,
  FWP_ACTION_PERMIT,
  FWP_UINT16,
  FWP_UINT32,
  FWP_UINT8,
  FWPS_LAYER_ALE_AUTH_CONNECT_V4,
  FWPS_RIGHT_ACTION_WRITE,
} from '../../../shared/nt/generated/constants'
import {
  FWPS_CLASSIFY_OUT0,
  FWPS_INCOMING_METADATA_VALUES0,
  FWPS_INCOMING_VALUES0,
  FWP_VALUE0,
  KEVENT,
} from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

export const LAYER_ALE_AUTH_CONNECT_V4 = '{C38D57D1-05A7-4C33-904F-7FBCEEE60E82}'
const CONDITION_REMOTE_ADDRESS = '{B235AE9A-1D64-49B8-A44C-5FF3D9095045}'
const CONDITION_REMOTE_PORT = '{C35A604D-D22B-4E1A-91B4-68F674EE674B}'
const CONDITION_PROTOCOL = '{3971EF2B-623E-4F9A-8CB1-6E79B806B9A7}'

/** FWPS_FIELD_ALE_AUTH_CONNECT_V4: places of the values that the lab knows. */
const FIELD = {
  localAddress: 2,
  localPort: 4,
  protocol: 5,
  remoteAddress: 6,
  remotePort: 7,
  count: 8,
}
const FWPS_METADATA_FIELD_COMPLETION_HANDLE = 0x800
/** FWPS_CALLOUT_NOTIFY_ADD_FILTER */
const NOTIFY_ADD_FILTER = 0

export interface Callout {
  key: string
  id: number
  classify: Ptr
  notify: Ptr
  /** Connections that its driver has pended. */
  busy: number
}

export interface Condition {
  field: string
  value: number
}

export interface Filter {
  id: bigint
  layer: string
  sublayer: string
  weight: number
  action: number
  callout: string
  conditions: readonly Condition[]
}

/** What a program wants to connect to. */
export interface Connection {
  localAddress: number
  localPort: number
  protocol: number
  remoteAddress: number
  remotePort: number
}

export interface Pended {
  callout: Callout
  /** KEVENT that the connecting thread waits for. */
  event: Ptr
}

export class FilterEngine {
  /** By id, as drivers registered them. */
  readonly callouts = new Map<number, Callout>()
  /** Callouts that were added to the engine, by key: the layer they are for. */
  readonly added = new Map<string, string>()
  readonly sublayers = new Map<string, number>()
  readonly filters: Filter[] = []
  /** By the context that FwpsPendOperation0 gave out. */
  readonly pended = new Map<Ptr, Pended>()
  private lastCallout = 0x100
  private lastFilter = 0x1_0000n
  /** The callout that is being asked, by the completion handle it was given. */
  private readonly asking = new Map<Ptr, Callout>()

  constructor(private readonly k: Kernel) {}

  registerCallout(key: string, classify: Ptr, notify: Ptr): Callout | null {
    for (const callout of this.callouts.values()) if (callout.key === key) return null
    const callout = { key, id: ++this.lastCallout, classify, notify, busy: 0 }
    this.callouts.set(callout.id, callout)
    return callout
  }

  calloutByKey(key: string): Callout | undefined {
    for (const callout of this.callouts.values()) if (callout.key === key) return callout
    return undefined
  }

  *addFilter(filter: Omit<Filter, 'id'>): KernelRoutine<bigint> {
    const id = ++this.lastFilter
    this.filters.push({ ...filter, id })
    const callout = this.calloutByKey(filter.callout)
    if (callout?.notify)
      yield* this.k.call(callout.notify, 'FWPS_CALLOUT_NOTIFY_FN1', [NOTIFY_ADD_FILTER, 0, 0])
    return id
  }

  /** Filters of a layer that apply, the heaviest sublayer and in it the heaviest filter first. */
  private matching(layer: string, connection: Connection): Filter[] {
    const weight = (filter: Filter): number => this.sublayers.get(filter.sublayer) ?? 0
    return this.filters
      .filter(
        (filter) => filter.layer === layer && filter.conditions.every((c) => holds(c, connection)),
      )
      .sort((a, b) => weight(b) - weight(a) || b.weight - a.weight || (a.id < b.id ? -1 : 1))
  }

  /**
   * Whether a connection may be made. In each sublayer the first filter that decides does; one block
   * is enough. Without a filter it may.
   */
  *mayConnect(connection: Connection): KernelRoutine<boolean> {
    const decided = new Set<string>()
    let allowed = true
    for (const filter of this.matching(LAYER_ALE_AUTH_CONNECT_V4, connection)) {
      if (decided.has(filter.sublayer)) continue
      const action = yield* this.decide(filter, connection)
      if (action !== FWP_ACTION_BLOCK && action !== FWP_ACTION_PERMIT) continue
      decided.add(filter.sublayer)
      if (action === FWP_ACTION_BLOCK) allowed = false
    }
    return allowed
  }

  private *decide(filter: Filter, connection: Connection): KernelRoutine<number> {
    const isCallout =
      filter.action === FWP_ACTION_CALLOUT_TERMINATING ||
      filter.action === FWP_ACTION_CALLOUT_INSPECTION ||
      filter.action === FWP_ACTION_CALLOUT_UNKNOWN
    if (!isCallout) return filter.action
    const callout = this.calloutByKey(filter.callout)
    // A callout that no driver stands behind blocks, unless it only looks.
    if (!callout)
      return filter.action === FWP_ACTION_CALLOUT_INSPECTION
        ? FWP_ACTION_CONTINUE
        : FWP_ACTION_BLOCK
    const action = yield* this.classify(callout, filter, connection)
    return filter.action === FWP_ACTION_CALLOUT_INSPECTION ? FWP_ACTION_CONTINUE : action
  }

  /** Ask a callout; when it pends the connection, wait, and ask it again. */
  private *classify(
    callout: Callout,
    filter: Filter,
    connection: Connection,
  ): KernelRoutine<number> {
    const { k } = this
    const { memory, pool } = k
    for (;;) {
      const values = FWPS_INCOMING_VALUES0.SIZE
      const meta = values + FIELD.count * FWP_VALUE0.SIZE
      const out = meta + FWPS_INCOMING_METADATA_VALUES0.SIZE
      const event = out + FWPS_CLASSIFY_OUT0.SIZE
      const at = pool.allocate(event + KEVENT.SIZE, 'WfpC', { system: true })
      if (!at) return FWP_ACTION_BLOCK
      writeValues(k, at, at + values, connection)
      memory.setU32(at + meta, FWPS_METADATA_FIELD_COMPLETION_HANDLE)
      memory.setPtr(at + meta + FWPS_INCOMING_METADATA_VALUES0.completionHandle, at + event)
      k.dispatcher.initializeEvent(at + event, 0, false)
      memory.setU32(at + out + FWPS_CLASSIFY_OUT0.actionType, FWP_ACTION_CONTINUE)
      memory.setU32(at + out + FWPS_CLASSIFY_OUT0.rights, FWPS_RIGHT_ACTION_WRITE)
      memory.setU64(at + out + FWPS_CLASSIFY_OUT0.filterId, filter.id)
      this.asking.set(at + event, callout)
      yield* k.call(callout.classify, 'FWPS_CALLOUT_CLASSIFY_FN1', [
        at,
        at + meta,
        0,
        0,
        0,
        0,
        at + out,
      ])
      this.asking.delete(at + event)
      const isPended = [...this.pended.values()].some((pended) => pended.event === at + event)
      if (isPended) {
        yield* k.dispatcher.wait([at + event])
        pool.free(at)
        continue
      }
      const action = memory.u32(at + out + FWPS_CLASSIFY_OUT0.actionType)
      pool.free(at)
      return action
    }
  }

  /** FwpsPendOperation0; 0 when the handle is none of a connection that is being classified. */
  pend(handle: Ptr): Ptr {
    const callout = this.asking.get(handle)
    const context = callout ? this.k.pool.allocate(16, 'WfpP', { system: true }) : 0
    if (!callout || !context) return 0
    callout.busy++
    this.pended.set(context, { callout, event: handle })
    return context
  }

  /** FwpsCompleteOperation0. */
  complete(context: Ptr): void {
    const pended = this.pended.get(context)
    if (!pended) return
    this.pended.delete(context)
    pended.callout.busy--
    this.k.pool.free(context)
    this.k.dispatcher.setEvent(pended.event)
  }
}

function holds({ field, value }: Condition, connection: Connection): boolean {
  if (field === CONDITION_REMOTE_ADDRESS) return connection.remoteAddress === value
  if (field === CONDITION_REMOTE_PORT) return connection.remotePort === value
  if (field === CONDITION_PROTOCOL) return connection.protocol === value
  // What the lab does not know of a connection is no reason to let it pass the filter.
  return true
}

function writeValues(k: Kernel, at: Ptr, values: Ptr, connection: Connection): void {
  const { memory } = k
  memory.setU16(at + FWPS_INCOMING_VALUES0.layerId, FWPS_LAYER_ALE_AUTH_CONNECT_V4)
  memory.setU32(at + FWPS_INCOMING_VALUES0.valueCount, FIELD.count)
  memory.setPtr(at + FWPS_INCOMING_VALUES0.incomingValue, values)
  const put = (field: number, type: number, value: number): void => {
    memory.setU32(values + field * FWP_VALUE0.SIZE + FWP_VALUE0.type, type)
    memory.setU32(values + field * FWP_VALUE0.SIZE + FWP_VALUE0.uint32, value)
  }
  put(FIELD.localAddress, FWP_UINT32, connection.localAddress)
  put(FIELD.localPort, FWP_UINT16, connection.localPort)
  put(FIELD.protocol, FWP_UINT8, connection.protocol)
  put(FIELD.remoteAddress, FWP_UINT32, connection.remoteAddress)
  put(FIELD.remotePort, FWP_UINT16, connection.remotePort)
}

const engines = new WeakMap<Kernel, FilterEngine>()

/** The filtering platform of a machine. */
export function filterEngine(k: Kernel): FilterEngine {
  let found = engines.get(k)
  if (!found) engines.set(k, (found = new FilterEngine(k)))
  return found
}
