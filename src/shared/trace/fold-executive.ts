/**
 * The executive's part of the machine at step n: who is told of what, who was let in, what is in the
 * registry, and which routines wait for a thread.
 */
import type { CallbackKind, EventOf, EventType, TraceEvent } from './event'

export interface CallbackState {
  id: number
  kind: CallbackKind
  routine: string
  altitude: string | null
  about: string | null
  /** Driver that registered it. */
  driver: string | null
  /** Step at which it did. */
  seq: number
}

/** A key that the run touched, with the values that it wrote. */
export interface RegistryKeyState {
  key: string
  values: { name: string; data: string | null }[]
}

/** A decision about rights: a descriptor that was asked, or a callback that took rights away. */
export interface AccessState {
  seq: number
  object: string
  /** Who asked, or the routine that took rights away. */
  by: string
  wanted: string
  granted: string
  status: string | null
}

export interface ExecutiveState {
  /** In the order of their registration. */
  callbacks: CallbackState[]
  /** By name. */
  registry: RegistryKeyState[]
  /** The latest decisions, oldest first. */
  access: AccessState[]
  /** What programs made of their privileges: enabled besides those that were from the beginning. */
  privileges: { process: number; enabled: string[] }[]
  /** APCs that wait for their threads. */
  apcs: { apc: string; thread: number; mode: 'kernel' | 'user'; routine: string }[]
  /** Processes that threads are attached to, the innermost last. */
  attached: { thread: number; process: number; name: string }[]
}

export const EXECUTIVE_EVENTS = [
  'callback.registered',
  'callback.removed',
  'access.checked',
  'access.stripped',
  'privileges.adjusted',
  'registry',
  'apc.queued',
  'apc.delivered',
  'process.attached',
  'process.detached',
] as const satisfies readonly EventType[]

type ExecutiveEvent = EventOf<(typeof EXECUTIVE_EVENTS)[number]>

/** Decisions about rights that are kept. */
const ACCESS_KEPT = 32

export function emptyExecutive(): ExecutiveState {
  return { callbacks: [], registry: [], access: [], privileges: [], apcs: [], attached: [] }
}

const NAMES = new Set<string>(EXECUTIVE_EVENTS)

export function isExecutiveEvent(event: TraceEvent): event is ExecutiveEvent {
  return NAMES.has(event.t)
}

/** Apply an event to the state, in place. */
export function foldExecutive(state: ExecutiveState, event: ExecutiveEvent): void {
  switch (event.t) {
    case 'callback.registered': {
      const { id, kind, routine, altitude, about, driver = null, seq } = event
      state.callbacks.push({ id, kind, routine, altitude, about, driver, seq })
      break
    }
    case 'callback.removed':
      drop(state.callbacks, (item) => item.id === event.id)
      break
    case 'access.checked':
      decided(state, {
        seq: event.seq,
        object: event.object,
        by: event.user,
        wanted: event.desired,
        granted: event.granted,
        status: event.status,
      })
      break
    case 'access.stripped':
      decided(state, {
        seq: event.seq,
        object: event.object,
        by: event.routine,
        wanted: event.before,
        granted: event.after,
        status: null,
      })
      break
    case 'privileges.adjusted': {
      const { process, enabled, disabled } = event
      const before = state.privileges.find((item) => item.process === process)?.enabled ?? []
      drop(state.privileges, (item) => item.process === process)
      const now = [...before, ...enabled].filter((name) => !disabled.includes(name))
      if (now.length > 0) state.privileges.push({ process, enabled: now })
      break
    }
    case 'registry':
      foldRegistry(state, event)
      break
    case 'apc.queued': {
      const { apc, target, mode, routine } = event
      state.apcs.push({ apc, thread: target, mode, routine })
      break
    }
    case 'apc.delivered':
      drop(state.apcs, (item) => item.apc === event.apc)
      break
    case 'process.attached':
      state.attached.push({ thread: event.thread, process: event.id, name: event.name })
      break
    case 'process.detached': {
      const index = state.attached.findLastIndex((item) => item.thread === event.thread)
      if (index >= 0) state.attached.splice(index, 1)
      break
    }
  }
}

function drop<T>(list: T[], match: (item: T) => boolean): void {
  const index = list.findIndex(match)
  if (index >= 0) list.splice(index, 1)
}

function decided(state: ExecutiveState, decision: AccessState): void {
  state.access.push(decision)
  if (state.access.length > ACCESS_KEPT) state.access.shift()
}

/** Position of a key, or where it belongs, by name without case. */
function place(keys: readonly RegistryKeyState[], name: string): { at: number; found: boolean } {
  const wanted = name.toUpperCase()
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]!.key.toUpperCase() < wanted) low = middle + 1
    else high = middle
  }
  return { at: low, found: keys[low]?.key.toUpperCase() === wanted }
}

function foldRegistry(state: ExecutiveState, event: EventOf<'registry'>): void {
  if ((Number(event.status) | 0) < 0) return
  const { at, found } = place(state.registry, event.key)
  if (event.operation === 'delete') {
    if (found) state.registry.splice(at, 1)
    return
  }
  if (!found) state.registry.splice(at, 0, { key: event.key, values: [] })
  const { values } = state.registry[at]!
  const name = event.value
  if (name === null) return
  const same = (item: { name: string }): boolean => item.name.toUpperCase() === name.toUpperCase()
  if (event.operation === 'deleteValue') drop(values, same)
  if (event.operation !== 'set') return
  const value = values.find(same)
  const data = event.data ?? null
  if (value) value.data = data
  else values.push({ name, data })
}
