/**
 * The part of the fold that keeps who sits in the way of files and connections, and what framework
 * drivers have: minifilters, the filtering platform, queues. Objects and hosts: fold-frameworks.ts.
 */
import type { EventOf, EventType, TraceEvent } from './event'
import type { FilteringEventBody } from './event-filtering'
import {
  foldFrameworks,
  type FrameworkHostState,
  type FrameworkObjectState,
} from './fold-frameworks'

export interface MinifilterState {
  filter: string
  name: string
  altitude: string
  operations: number[]
  started: boolean
  instances: { instance: string; volume: string }[]
  /** Programs that are connected to its ports. */
  clients: { client: string; port: string; process: number }[]
  /** Callbacks that ran, and operations that they ended themselves. */
  called: number
  ended: number
  /** Step of the registration. */
  seq: number
}

export interface CalloutState {
  callout: string
  /** null while no driver stands behind it. */
  id: number | null
  routine: string | null
  driver: string | null
  /** Layer that it was added for; null while it was not. */
  layer: string | null
  seq: number
}

export interface PlatformFilterState {
  filter: string
  layer: string
  sublayer: string
  weight: number
  action: string
  callout: string | null
  conditions: string[]
  /** What it said last, and of what. */
  last: { action: string; remote: string; seq: number } | null
  seq: number
}

export interface QueueState {
  queue: string
  device: string
  dispatch: string
  isDefault: boolean
  purged: boolean
  driver: string | null
  /** Requests that wait, and those that the driver has, by their packets. */
  waiting: number[]
  presented: number[]
  seq: number
}

export interface FilteringState {
  /** In the order of their altitudes, the highest first. */
  minifilters: MinifilterState[]
  callouts: CalloutState[]
  sublayers: { sublayer: string; weight: number; seq: number }[]
  filters: PlatformFilterState[]
  queues: QueueState[]
  /** In the order in which they were made. */
  objects: FrameworkObjectState[]
  /** Those that ended, too. */
  hosts: FrameworkHostState[]
}

type FilteringEvent = EventOf<FilteringEventBody['t']>

export function emptyFiltering(): FilteringState {
  return {
    ...{ minifilters: [], callouts: [], sublayers: [], filters: [] },
    ...{ queues: [], objects: [], hosts: [] },
  }
}

const FAMILIES = /^(?:minifilter|wfp|wdf)\./
const isFamily = new Map<EventType, boolean>()

export function isFilteringEvent(event: TraceEvent): event is FilteringEvent {
  let known = isFamily.get(event.t)
  if (known === undefined) isFamily.set(event.t, (known = FAMILIES.test(event.t)))
  return known
}

/** Apply an event to the state, in place. */
export function foldFiltering(state: FilteringState, event: FilteringEvent): void {
  if (event.t.startsWith('minifilter.')) foldMinifilter(state, event)
  else if (event.t.startsWith('wfp.')) foldPlatform(state, event)
  else {
    foldQueue(state, event)
    foldFrameworks(state, event)
  }
}

function drop<T>(list: T[], match: (item: T) => boolean): void {
  const index = list.findIndex(match)
  if (index >= 0) list.splice(index, 1)
}

/** Above zero when `a` is higher: decimals of any length. */
function compareAltitudes(a: string, b: string): number {
  const [wholeA = '', restA = ''] = a.split('.')
  const [wholeB = '', restB = ''] = b.split('.')
  const width = Math.max(wholeA.length, wholeB.length)
  const left = wholeA.padStart(width, '0') + restA
  const right = wholeB.padStart(width, '0') + restB
  const length = Math.max(left.length, right.length)
  const [one, two] = [left.padEnd(length, '0'), right.padEnd(length, '0')]
  return one === two ? 0 : one > two ? 1 : -1
}

function foldMinifilter(state: FilteringState, event: FilteringEvent): void {
  if (event.t === 'minifilter.registered') {
    const { filter, name, altitude, operations, seq } = event
    const at = state.minifilters.findIndex(
      (other) => compareAltitudes(altitude, other.altitude) > 0,
    )
    state.minifilters.splice(at < 0 ? state.minifilters.length : at, 0, {
      ...{ filter, name, altitude, operations, started: false },
      ...{ instances: [], clients: [], called: 0, ended: 0, seq },
    })
    return
  }
  if (!('filter' in event)) return
  const found = state.minifilters.find(({ filter }) => filter === event.filter)
  if (!found) return
  switch (event.t) {
    case 'minifilter.started':
      found.started = true
      break
    case 'minifilter.attached':
      found.instances.push({ instance: event.instance, volume: event.volume })
      break
    case 'minifilter.removed':
      drop(state.minifilters, (item) => item === found)
      break
    case 'minifilter.called':
      found.called++
      if (event.phase === 'pre' && event.status !== null) found.ended++
      break
    case 'minifilter.connected':
      found.clients.push({ client: event.client, port: event.port, process: event.process })
      break
    case 'minifilter.disconnected':
      drop(found.clients, ({ client }) => client === event.client)
      break
  }
}

function calloutOf(state: FilteringState, callout: string, seq: number): CalloutState {
  let found = state.callouts.find((item) => item.callout === callout)
  if (!found) {
    found = { callout, id: null, routine: null, driver: null, layer: null, seq }
    state.callouts.push(found)
  }
  return found
}

function foldPlatform(state: FilteringState, event: FilteringEvent): void {
  switch (event.t) {
    case 'wfp.callout.registered': {
      const found = calloutOf(state, event.callout, event.seq)
      found.id = event.id
      found.routine = event.routine
      found.driver = event.driver ?? null
      break
    }
    case 'wfp.callout.unregistered': {
      const found = calloutOf(state, event.callout, event.seq)
      found.id = found.routine = found.driver = null
      if (found.layer === null) drop(state.callouts, (item) => item === found)
      break
    }
    case 'wfp.callout.added':
      calloutOf(state, event.callout, event.seq).layer = event.layer
      break
    case 'wfp.sublayer.added': {
      const { sublayer, weight, seq } = event
      state.sublayers.push({ sublayer, weight, seq })
      break
    }
    case 'wfp.callout.removed': {
      const found = calloutOf(state, event.callout, event.seq)
      found.layer = null
      if (found.id === null) drop(state.callouts, (item) => item === found)
      break
    }
    case 'wfp.sublayer.removed':
      drop(state.sublayers, ({ sublayer }) => sublayer === event.sublayer)
      break
    case 'wfp.filter.added': {
      const { filter, layer, sublayer, weight, action, callout, conditions, seq } = event
      state.filters.push({
        ...{ filter, layer, sublayer, weight, action, callout, conditions, last: null, seq },
      })
      break
    }
    case 'wfp.filter.removed':
      drop(state.filters, ({ filter }) => filter === event.filter)
      break
    case 'wfp.classified': {
      const found = state.filters.find(({ filter }) => filter === event.filter)
      if (found) found.last = { action: event.action, remote: event.remote, seq: event.seq }
      break
    }
  }
}

function foldQueue(state: FilteringState, event: FilteringEvent): void {
  if (event.t === 'wdf.queue.created') {
    const { queue, device, dispatch, isDefault, driver = null, seq } = event
    state.queues.push({
      ...{ queue, device, dispatch, isDefault, purged: false, driver },
      ...{ waiting: [], presented: [], seq },
    })
    return
  }
  // What was in a host process went with it.
  if (event.t === 'wdf.host.ended')
    state.queues = state.queues.filter(({ device }) => device !== event.device)
  if (!('queue' in event)) return
  const found = state.queues.findLast(({ queue }) => queue === event.queue)
  if (!found) return
  const leave = (irp: number): void => {
    drop(found.waiting, (item) => item === irp)
    drop(found.presented, (item) => item === irp)
  }
  switch (event.t) {
    case 'wdf.queue.purged':
      found.purged = true
      break
    case 'wdf.queue.deleted':
      drop(state.queues, (item) => item === found)
      break
    case 'wdf.request.queued':
      // It leaves the queue that it came through before.
      for (const { presented } of state.queues) drop(presented, (item) => item === event.irp)
      found.waiting.push(event.irp)
      break
    case 'wdf.request.presented':
      leave(event.irp)
      found.presented.push(event.irp)
      break
    case 'wdf.request.completed':
    case 'wdf.request.cancelled':
    case 'wdf.request.forwarded':
      leave(event.irp)
      break
  }
}
