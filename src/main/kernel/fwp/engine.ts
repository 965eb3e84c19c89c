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
import { FWPS_CLASSIFY_OUT0 } from '../../../shared/nt/generated/offsets'
import { hex } from '../../../shared/nt/format'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { placeWords, type Place } from '../net/address'
import {
  ALE_CONNECT_REDIRECT_V4,
  conditionWords,
  connectionWords,
  holds,
  layerName,
  type Connection,
  type Layer,
} from './layers'
import {
  questionBytes,
  writeQuestion,
  type Callout,
  type Classification,
  type Filter,
} from './question'
import { Redirection } from './redirect'

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

const actionName = (action: number): string => ACTIONS[action] ?? hex(action >>> 0)

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
  /** By the handles that FwpsAcquireClassifyHandle0 gave out: connections at the redirect layer, and whom they ask. */
  private readonly classifyHandles = new Map<bigint, Redirection>()
  private readonly redirections = new Map<
    Ptr,
    { redirection: Redirection; filter: Filter | null }
  >()
  /** Local proxies: redirect handles by the ids of the processes that connections are sent to. */
  private readonly proxies = new Map<number, number>()
  private lastClassifyHandle = 0n
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

  /** FwpmCalloutDeleteByKey; false when it was not added. */
  removeCallout(key: string): boolean {
    if (!this.added.delete(key)) return false
    if (this.k.tracing) this.k.emit({ t: 'wfp.callout.removed', callout: key })
    return true
  }

  /** FwpmSubLayerDeleteByKey; false when there is none. */
  removeSublayer(key: string): boolean {
    if (!this.sublayers.delete(key)) return false
    if (this.k.tracing) this.k.emit({ t: 'wfp.sublayer.removed', sublayer: key })
    return true
  }

  /** Filters that a callout or a sublayer cannot go without. */
  hasFiltersOf(key: string): boolean {
    return [...this.filters.values()].some(
      ({ callout, sublayer }) => callout === key || sublayer === key,
    )
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
        filter: hex(filter.id),
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
    if (this.k.tracing) this.k.emit({ t: 'wfp.filter.removed', filter: hex(id) })
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
   * Where callouts of the redirect layer send a connection.
   * @returns null when one of them blocks it
   */
  *redirect(connection: Connection): KernelRoutine<Place | null> {
    const asked = { address: connection.remoteAddress, port: connection.remotePort }
    if (this.matching(ALE_CONNECT_REDIRECT_V4, connection).length === 0) return asked
    const { process } = connection
    const redirection = new Redirection(this.k, connection, this.proxies.get(process.id) ?? 0)
    const { first } = redirection
    if (!first) return null
    this.redirections.set(first, { redirection, filter: null })
    const isAllowed = yield* this.isAllowed(ALE_CONNECT_REDIRECT_V4, connection, redirection)
    const { destination } = redirection
    this.redirections.delete(first)
    for (const [handle, of] of this.classifyHandles)
      if (of === redirection) this.classifyHandles.delete(handle)
    redirection.free()
    return isAllowed ? destination : null
  }

  /**
   * What the filters of a layer say of a connection. In each sublayer the first filter that decides
   * does; one block is enough, but for one that comes after a callout permitted without leave to write.
   * Without a filter it may be made.
   */
  *isAllowed(
    layer: Layer,
    connection: Connection,
    redirection: Redirection | null = null,
  ): KernelRoutine<boolean> {
    const { k } = this
    const filters = this.matching(layer, connection)
    if (filters.length === 0) return true
    const decided = new Set<string>()
    const what = { layer, connection, redirection, rights: FWPS_RIGHT_ACTION_WRITE }
    let allowed = true
    for (const filter of filters) {
      // Removed while the one before it was asked.
      if (decided.has(filter.sublayer) || !this.filters.has(filter.id)) continue
      const { rights } = what
      const action = yield* this.apply(filter, what)
      if (action !== FWP_ACTION_BLOCK && action !== FWP_ACTION_PERMIT) continue
      decided.add(filter.sublayer)
      // After a hard permit only a callout can still block: its veto.
      const counts = (rights & FWPS_RIGHT_ACTION_WRITE) !== 0 || filter.callout !== null
      if (action === FWP_ACTION_BLOCK && counts) allowed = false
    }
    if (k.tracing)
      k.emit({ t: 'wfp.decided', layer: layer.name, allowed, ...connectionWords(connection) })
    return allowed
  }

  private *apply(filter: Filter, what: Classification): KernelRoutine<number> {
    const { k } = this
    const callout = filter.callout === null ? undefined : this.calloutByKey(filter.callout)
    const action = yield* this.decide(filter, callout, what)
    if (k.tracing)
      k.emit({
        t: 'wfp.classified',
        layer: what.layer.name,
        filter: hex(filter.id),
        callout: filter.callout,
        routine: callout ? k.images.symbol(callout.classify) : null,
        action: actionName(action),
        ...connectionWords(what.connection),
        ...(what.redirection?.isChanged ? { redirected: true as const } : {}),
        ...(what.redirection?.isOfProxy ? { proxy: true as const } : {}),
      })
    return action
  }

  private *decide(
    filter: Filter,
    callout: Callout | undefined,
    what: Classification,
  ): KernelRoutine<number> {
    if (filter.callout === null) return filter.action
    const isInspection = filter.action === FWP_ACTION_CALLOUT_INSPECTION
    // A callout that no driver stands behind blocks, unless it only looks.
    if (!callout) return isInspection ? FWP_ACTION_CONTINUE : FWP_ACTION_BLOCK
    const action = yield* this.classify(callout, filter, what)
    return isInspection ? FWP_ACTION_CONTINUE : action
  }

  /** Ask a callout; when it pends the connection, wait, and ask it again. */
  private *classify(callout: Callout, filter: Filter, what: Classification): KernelRoutine<number> {
    const { k } = this
    const { memory, pool } = k
    const { connection, redirection } = what
    for (;;) {
      const at = pool.allocate(questionBytes(what), 'WfpC', { system: true })
      if (!at) return FWP_ACTION_BLOCK
      const asked = writeQuestion(k, at, filter, callout, what)
      const asking: Asking = { callout, connection, isPended: false }
      this.asking.set(asked.event, asking)
      const question = redirection && this.redirections.get(redirection.first)
      if (question) question.filter = filter
      yield* k.call(callout.classify, 'FWPS_CALLOUT_CLASSIFY_FN1', [
        at,
        asked.meta,
        redirection?.current ?? 0,
        redirection?.first ?? 0,
        asked.filter,
        0,
        asked.out,
      ])
      this.asking.delete(asked.event)
      // Also when it was completed before the callout returned: the event is set then.
      if (asking.isPended) yield* k.dispatcher.wait([asked.event])
      const action = memory.u32(asked.out + FWPS_CLASSIFY_OUT0.actionType)
      what.rights &= memory.u32(asked.out + FWPS_CLASSIFY_OUT0.rights)
      pool.free(at)
      if (!asking.isPended) return action
      what.rights = FWPS_RIGHT_ACTION_WRITE
    }
  }

  // --- redirection, as callouts do it --------------------------------------------------------------

  /** FwpsAcquireClassifyHandle0; 0 for what is no context of a connection at the redirect layer. */
  acquireClassifyHandle(context: Ptr): bigint {
    const found = this.redirections.get(context)
    if (!found) return 0n
    const handle = ++this.lastClassifyHandle
    this.classifyHandles.set(handle, found.redirection)
    return handle
  }

  releaseClassifyHandle(handle: bigint): void {
    this.classifyHandles.delete(handle)
  }

  redirectionOf(handle: bigint): Redirection | undefined {
    return this.classifyHandles.get(handle)
  }

  /** FwpsApplyModifiedLayerData0. */
  applyRedirection(redirection: Redirection, draft: Ptr): void {
    const { k } = this
    const before = redirection.destination
    const { to, target, handle } = redirection.apply(draft)
    if (target !== 0 && handle !== 0) this.proxies.set(target, handle)
    if (to.address === before.address && to.port === before.port) return
    const filter = this.redirections.get(redirection.first)?.filter
    if (!k.tracing || !filter) return
    const callout = filter.callout === null ? undefined : this.calloutByKey(filter.callout)
    k.emit({
      t: 'wfp.redirected',
      layer: ALE_CONNECT_REDIRECT_V4.name,
      filter: hex(filter.id),
      callout: filter.callout,
      routine: callout ? k.images.symbol(callout.classify) : null,
      to: placeWords(to),
      target: target || null,
      handle: handle !== 0,
      ...connectionWords(redirection.connection),
    })
  }

  /** FwpsQueryConnectionRedirectState0. */
  redirectState(records: Ptr, handle: number): number {
    return this.redirections.get(records)?.redirection.stateFor(handle) ?? 0
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

const engines = new WeakMap<Kernel, FilterEngine>()

/** The filtering platform of a machine. */
export function filterEngine(k: Kernel): FilterEngine {
  let found = engines.get(k)
  if (!found) engines.set(k, (found = new FilterEngine(k)))
  return found
}
