/**
 * The Windows Filtering Platform: callouts that drivers register, sublayers and filters of the base
 * filtering engine, and the question what is to become of a connection at a layer.
 */
import {
  FWP_ACTION_BLOCK,
  FWP_ACTION_CALLOUT_INSPECTION,
  FWP_ACTION_CALLOUT_TERMINATING,
  FWP_ACTION_CALLOUT_UNKNOWN,
  FWP_ACTION_CONTINUE,
  FWP_ACTION_PERMIT,
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
import {
  conditionWords,
  connectionWords,
  FIELD_TYPES,
  holds,
  layerName,
  type Condition,
  type Connection,
  type ConnectionField,
  type Layer,
} from './layers'

const FWPS_METADATA_FIELD_COMPLETION_HANDLE = 0x800
/** FWPS_CALLOUT_NOTIFY_TYPE. */
const NOTIFY_ADD_FILTER = 0
const NOTIFY_DELETE_FILTER = 1

const ACTIONS: Readonly<Record<number, string>> = {
  [FWP_ACTION_BLOCK]: 'FWP_ACTION_BLOCK',
  [FWP_ACTION_PERMIT]: 'FWP_ACTION_PERMIT',
  [FWP_ACTION_CONTINUE]: 'FWP_ACTION_CONTINUE',
  [FWP_ACTION_CALLOUT_TERMINATING]: 'FWP_ACTION_CALLOUT_TERMINATING',
  [FWP_ACTION_CALLOUT_INSPECTION]: 'FWP_ACTION_CALLOUT_INSPECTION',
  [FWP_ACTION_CALLOUT_UNKNOWN]: 'FWP_ACTION_CALLOUT_UNKNOWN',
}

const actionName = (action: number): string =>
  ACTIONS[action] ?? `0x${(action >>> 0).toString(16).toUpperCase()}`

export interface Callout {
  key: string
  id: number
  classify: Ptr
  notify: Ptr
  /** Connections that its driver has pended. */
  busy: number
}

export interface Filter {
  id: bigint
  layer: string
  sublayer: string
  weight: number
  action: number
  /** GUID of the callout that it asks; null for a filter that decides by itself. */
  callout: string | null
  conditions: readonly Condition[]
}

/** One question to a callout, by the completion handle that it was given. */
interface Asking {
  callout: Callout
  connection: Connection
  isPended: boolean
}

interface Pended extends Asking {
  /** KEVENT that the connecting thread waits for. */
  event: Ptr
}

export class FilterEngine {
  /** By id, as drivers registered them. */
  private readonly callouts = new Map<number, Callout>()
  private readonly calloutsByKey = new Map<string, Callout>()
  /** Callouts that were added to the engine, by key: the layer they are for. */
  private readonly added = new Map<string, string>()
  private readonly sublayers = new Map<string, number>()
  private readonly filters = new Map<bigint, Filter>()
  /** By the context that FwpsPendOperation0 gave out. */
  private readonly pended = new Map<Ptr, Pended>()
  private readonly asking = new Map<Ptr, Asking>()
  private lastCallout = 0x100
  private lastFilter = 0x1_0000n

  constructor(private readonly k: Kernel) {}

  // --- what drivers add ----------------------------------------------------------------------------

  /** FwpsCalloutRegister; null when there is one of that key. */
  registerCallout(key: string, classify: Ptr, notify: Ptr): Callout | null {
    const { k } = this
    if (this.calloutsByKey.has(key)) return null
    const callout = { key, id: ++this.lastCallout, classify, notify, busy: 0 }
    this.callouts.set(callout.id, callout)
    this.calloutsByKey.set(key, callout)
    if (k.tracing) {
      const routine = k.images.symbol(classify)
      k.emit({ t: 'wfp.callout.registered', callout: key, id: callout.id, routine })
    }
    return callout
  }

  callout(id: number): Callout | undefined {
    return this.callouts.get(id)
  }

  calloutByKey(key: string): Callout | undefined {
    return this.calloutsByKey.get(key)
  }

  unregisterCallout({ key, id }: Callout): void {
    this.callouts.delete(id)
    this.calloutsByKey.delete(key)
    if (this.k.tracing) this.k.emit({ t: 'wfp.callout.unregistered', callout: key, id })
  }

  /** FwpmCalloutAdd; false when there is one of that key. */
  addCallout(key: string, layer: string): boolean {
    if (this.added.has(key)) return false
    this.added.set(key, layer)
    if (this.k.tracing)
      this.k.emit({ t: 'wfp.callout.added', callout: key, layer: layerName(layer) })
    return true
  }

  isAdded(callout: string): boolean {
    return this.added.has(callout)
  }

  /** FwpmSubLayerAdd; false when there is one of that key. */
  addSublayer(key: string, weight: number): boolean {
    if (this.sublayers.has(key)) return false
    this.sublayers.set(key, weight)
    if (this.k.tracing) this.k.emit({ t: 'wfp.sublayer.added', sublayer: key, weight })
    return true
  }

  *addFilter(given: Omit<Filter, 'id'>): KernelRoutine<bigint> {
    const { k } = this
    const filter = { ...given, id: ++this.lastFilter }
    this.filters.set(filter.id, filter)
    if (k.tracing)
      k.emit({
        t: 'wfp.filter.added',
        filter: filterWords(filter.id),
        layer: layerName(filter.layer),
        sublayer: filter.sublayer,
        weight: filter.weight,
        action: actionName(filter.action),
        callout: filter.callout,
        conditions: filter.conditions.map(conditionWords),
      })
    yield* this.notify(filter, NOTIFY_ADD_FILTER)
    return filter.id
  }

  /** FwpmFilterDeleteById; false when there is none of that id. */
  *removeFilter(id: bigint): KernelRoutine<boolean> {
    const filter = this.filters.get(id)
    if (!filter) return false
    this.filters.delete(id)
    if (this.k.tracing) this.k.emit({ t: 'wfp.filter.removed', filter: filterWords(id) })
    yield* this.notify(filter, NOTIFY_DELETE_FILTER)
    return true
  }

  private *notify({ callout }: Filter, what: number): KernelRoutine<void> {
    const routine = callout === null ? undefined : this.calloutByKey(callout)?.notify
    if (routine) yield* this.k.call(routine, 'FWPS_CALLOUT_NOTIFY_FN1', [what, 0, 0])
  }

  /** Everything that is there, for memory tables. */
  get contents(): { callouts: Callout[]; filters: Filter[] } {
    return { callouts: [...this.callouts.values()], filters: [...this.filters.values()] }
  }

  /** The layer that a callout was added for; null when it was not. */
  layerOf(callout: string): string | null {
    return this.added.get(callout) ?? null
  }

  // --- what becomes of a connection ----------------------------------------------------------------

  /** Filters of a layer that apply, the heaviest sublayer and in it the heaviest filter first. */
  private matching(layer: Layer, connection: Connection): Filter[] {
    const weight = (filter: Filter): number => this.sublayers.get(filter.sublayer) ?? 0
    return [...this.filters.values()]
      .filter(
        (filter) =>
          filter.layer === layer.key && filter.conditions.every((c) => holds(c, connection)),
      )
      .sort((a, b) => weight(b) - weight(a) || b.weight - a.weight || (a.id < b.id ? -1 : 1))
  }

  /**
   * What the filters of a layer say of a connection. In each sublayer the first filter that decides
   * does; one block is enough. Without a filter it may be made.
   */
  *isAllowed(layer: Layer, connection: Connection): KernelRoutine<boolean> {
    const { k } = this
    const filters = this.matching(layer, connection)
    if (filters.length === 0) return true
    const decided = new Set<string>()
    let allowed = true
    for (const filter of filters) {
      // Removed while the one before it was asked.
      if (decided.has(filter.sublayer) || !this.filters.has(filter.id)) continue
      const action = yield* this.apply(filter, layer, connection)
      if (action !== FWP_ACTION_BLOCK && action !== FWP_ACTION_PERMIT) continue
      decided.add(filter.sublayer)
      if (action === FWP_ACTION_BLOCK) allowed = false
    }
    if (k.tracing)
      k.emit({ t: 'wfp.decided', layer: layer.name, allowed, ...connectionWords(connection) })
    return allowed
  }

  private *apply(filter: Filter, layer: Layer, connection: Connection): KernelRoutine<number> {
    const { k } = this
    const callout = filter.callout === null ? undefined : this.calloutByKey(filter.callout)
    const action = yield* this.decide(filter, callout, layer, connection)
    if (k.tracing)
      k.emit({
        t: 'wfp.classified',
        layer: layer.name,
        filter: filterWords(filter.id),
        callout: filter.callout,
        routine: callout ? k.images.symbol(callout.classify) : null,
        action: actionName(action),
        ...connectionWords(connection),
      })
    return action
  }

  private *decide(
    filter: Filter,
    callout: Callout | undefined,
    layer: Layer,
    connection: Connection,
  ): KernelRoutine<number> {
    if (filter.callout === null) return filter.action
    const isInspection = filter.action === FWP_ACTION_CALLOUT_INSPECTION
    // A callout that no driver stands behind blocks, unless it only looks.
    if (!callout) return isInspection ? FWP_ACTION_CONTINUE : FWP_ACTION_BLOCK
    const action = yield* this.classify(callout, filter, layer, connection)
    return isInspection ? FWP_ACTION_CONTINUE : action
  }

  /** Ask a callout; when it pends the connection, wait, and ask it again. */
  private *classify(
    callout: Callout,
    filter: Filter,
    layer: Layer,
    connection: Connection,
  ): KernelRoutine<number> {
    const { k } = this
    const { memory, pool } = k
    const values = FWPS_INCOMING_VALUES0.SIZE
    const meta = values + layer.fieldCount * FWP_VALUE0.SIZE
    const out = meta + FWPS_INCOMING_METADATA_VALUES0.SIZE
    const event = out + FWPS_CLASSIFY_OUT0.SIZE
    for (;;) {
      const at = pool.allocate(event + KEVENT.SIZE, 'WfpC', { system: true })
      if (!at) return FWP_ACTION_BLOCK
      writeValues(k, at, at + values, layer, connection)
      memory.setU32(at + meta, FWPS_METADATA_FIELD_COMPLETION_HANDLE)
      memory.setPtr(at + meta + FWPS_INCOMING_METADATA_VALUES0.completionHandle, at + event)
      k.dispatcher.initializeEvent(at + event, 0, false)
      memory.setU32(at + out + FWPS_CLASSIFY_OUT0.actionType, FWP_ACTION_CONTINUE)
      memory.setU32(at + out + FWPS_CLASSIFY_OUT0.rights, FWPS_RIGHT_ACTION_WRITE)
      memory.setU64(at + out + FWPS_CLASSIFY_OUT0.filterId, filter.id)
      const asking: Asking = { callout, connection, isPended: false }
      this.asking.set(at + event, asking)
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
      // Also when it was completed before the callout returned: the event is set then.
      if (asking.isPended) yield* k.dispatcher.wait([at + event])
      const action = memory.u32(at + out + FWPS_CLASSIFY_OUT0.actionType)
      pool.free(at)
      if (!asking.isPended) return action
    }
  }

  /** FwpsPendOperation0; 0 when the handle is none of a connection that is being classified, or is used. */
  pend(handle: Ptr): Ptr {
    const { k } = this
    const asking = this.asking.get(handle)
    if (!asking || asking.isPended) return 0
    const context = k.pool.allocate(16, 'WfpP', { system: true })
    if (!context) return 0
    asking.isPended = true
    asking.callout.busy++
    this.pended.set(context, { ...asking, event: handle })
    this.tell('wfp.pended', asking)
    return context
  }

  /** FwpsCompleteOperation0, from wherever: also before the callout that pended has returned. */
  complete(context: Ptr): void {
    const pended = this.pended.get(context)
    if (!pended) return
    this.pended.delete(context)
    pended.callout.busy--
    this.tell('wfp.completed', pended)
    this.k.pool.free(context)
    this.k.dispatcher.setEvent(pended.event)
  }

  private tell(t: 'wfp.pended' | 'wfp.completed', { callout, connection }: Asking): void {
    if (this.k.tracing) this.k.emit({ t, callout: callout.key, ...connectionWords(connection) })
  }
}

const filterWords = (id: bigint): string => `0x${id.toString(16).toUpperCase()}`

function writeValues(k: Kernel, at: Ptr, values: Ptr, layer: Layer, connection: Connection): void {
  const { memory } = k
  memory.setU16(at + FWPS_INCOMING_VALUES0.layerId, layer.id)
  memory.setU32(at + FWPS_INCOMING_VALUES0.valueCount, layer.fieldCount)
  memory.setPtr(at + FWPS_INCOMING_VALUES0.incomingValue, values)
  for (const [field, place] of Object.entries(layer.fields) as [ConnectionField, number][]) {
    const value = values + place * FWP_VALUE0.SIZE
    memory.setU32(value + FWP_VALUE0.type, FIELD_TYPES[field])
    memory.setU32(value + FWP_VALUE0.uint32, connection[field])
  }
}

const engines = new WeakMap<Kernel, FilterEngine>()

/** The filtering platform of a machine. */
export function filterEngine(k: Kernel): FilterEngine {
  let found = engines.get(k)
  if (!found) engines.set(k, (found = new FilterEngine(k)))
  return found
}
