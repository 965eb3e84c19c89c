/**
 * The machine at step n, as a fold over the trace. Pure; the pictures draw this state and nothing
 * else. `fold` mutates and returns its own draft for speed: callers that keep a state clone it.
 */
import type { TraceEvent, ObjectType, SourcePlace, RoutineKind } from './event'
import { foldFiles, type FileState } from './fold-files'
import {
  emptyExecutive,
  foldExecutive,
  isExecutiveEvent,
  type ExecutiveState,
} from './fold-executive'
import {
  emptyFiltering,
  foldFiltering,
  isFilteringEvent,
  type FilteringState,
} from './fold-filtering'
import { emptyNetwork, foldNetwork, isNetworkEvent, type NetworkState } from './fold-network'
import { emptyHardware, foldHardware, type HardwareState } from './fold-hardware'
import { foldPnp, type DevNodeView, type InterfaceState } from './fold-pnp'

export interface DeviceState {
  device: string
  name: string | null
  owner: string
  attachedTo: string | null
  stackSize: number
  flags: number
  extension: number
}

export interface IrpState {
  irp: number
  address: string
  major: number
  minor: number
  ioctl: string | null
  stackCount: number
  location: number
  device: string | null
  status: string | null
  information: number
  phase: 'created' | 'with driver' | 'pending' | 'completed' | 'finished' | 'freed'
  createdAt: number
  completedAt: number[]
  inputLength: number
  outputLength: number
}

export interface BlockState {
  block: string
  bytes: number
  tag: string
  pool: 'nonpaged' | 'paged'
  allocatedAt: number
  freedAt: number | null
  at: SourcePlace | null
}

export interface FrameState {
  kind: RoutineKind
  name: string
  irp: number | null
  seq: number
  at: SourcePlace | null
}

/** A process and the token that it was given at its start. */
export interface ProcessState {
  id: number
  name: string
  exitCode: number | null
  parent: number | null
  user: string | null
  /** `low`, `medium`, `high`, `system`. */
  integrity: string | null
  /** Privileges of an administrator. */
  admin: boolean
  session: number
  /** EPROCESS.Protection as it was given; 0 for none. */
  protection: number
  critical: boolean
}

/** What a processor was doing when it acted last. */
export interface ProcessorState {
  cpu: number
  irql: number
  /** 0 for the idle loop. */
  thread: number
  process: number
  driver: string | null
  /** Step at which it acted last; 0 before its first. */
  seq: number
}

export interface MachineState {
  step: number
  tick: number
  cpu: number
  irql: number
  thread: number
  process: number
  at: SourcePlace | null
  driver: string | null
  /** By number. */
  processors: ProcessorState[]
  drivers: { name: string; status: string | null; loaded: boolean; base: string | null }[]
  /** What the machine's policy said of images, in the order of asking. */
  verdicts: {
    name: string
    windows: string
    accepted: boolean
    status: string
    rule: string | null
    because: string
  }[]
  devices: DeviceState[]
  /** The device tree, parents before their children. */
  devnodes: DevNodeView[]
  interfaces: InterfaceState[]
  /** System power state, `S0` while the machine works. */
  power: string
  links: { link: string; target: string }[]
  objects: { object: string; type: ObjectType; name: string | null }[]
  handles: {
    handle: number
    object: string
    name: string | null
    process: number
    type: ObjectType
    /** Rights that were granted. */
    access: string | null
  }[]
  irps: IrpState[]
  pool: {
    nonpagedBytes: number
    pagedBytes: number
    blocks: BlockState[]
    recentlyFreed: BlockState[]
  }
  frames: FrameState[]
  threads: {
    id: number
    name: string
    /** Process that it belongs to. */
    process: number
    state: 'running' | 'ready' | 'waiting' | 'exited'
  }[]
  processes: ProcessState[]
  locks: { lock: string; kind: string; thread: number }[]
  timers: { timer: string; due: number }[]
  dpcs: { dpc: string; routine: string }[]
  hardware: HardwareState
  executive: ExecutiveState
  filtering: FilteringState
  network: NetworkState
  /** Files of the volume, where the machine has one. */
  files: FileState[]
  bugcheck: { seq: number; code: string; name: string; parameters: string[] } | null
  stop: { seq: number; rule: string } | null
  leaks: { kind: string; tag?: string; bytes?: number; count: number; name?: string }[]
  outcome: string | null
}

/** Freed blocks are kept this long, so that a block that is still referenced can be outlined. */
const RECENTLY_FREED_MAX = 16

export function emptyState(): MachineState {
  return {
    step: 0,
    tick: 0,
    cpu: 0,
    irql: 0,
    thread: 0,
    process: 0,
    at: null,
    driver: null,
    processors: [],
    drivers: [],
    verdicts: [],
    devices: [],
    devnodes: [],
    interfaces: [],
    power: 'S0',
    links: [],
    objects: [],
    handles: [],
    irps: [],
    pool: { nonpagedBytes: 0, pagedBytes: 0, blocks: [], recentlyFreed: [] },
    frames: [],
    threads: [],
    processes: [],
    locks: [],
    timers: [],
    dpcs: [],
    hardware: emptyHardware(),
    executive: emptyExecutive(),
    filtering: emptyFiltering(),
    network: emptyNetwork(),
    files: [],
    bugcheck: null,
    stop: null,
    leaks: [],
    outcome: null,
  }
}

function remove<T>(list: T[], match: (item: T) => boolean): T | undefined {
  const index = list.findIndex(match)
  return index < 0 ? undefined : list.splice(index, 1)[0]
}

/** Apply one event to the state, in place. */
export function fold(state: MachineState, event: TraceEvent): MachineState {
  state.step = event.seq
  state.tick = event.tick
  state.cpu = event.cpu
  state.irql = event.irql
  state.thread = event.thread
  state.process = event.process
  state.at = event.at ?? state.at
  state.driver = event.driver ?? null
  foldProcessor(state, event)
  switch (event.t) {
    case 'machine.rebooted':
      Object.assign(state, {
        ...emptyState(),
        step: event.seq,
        tick: event.tick,
        bugcheck: state.bugcheck,
        stop: state.stop,
      })
      break
    case 'image.verified':
      state.verdicts.push({
        name: event.name,
        windows: event.windows,
        accepted: event.accepted,
        status: event.status,
        rule: event.rule,
        because: event.because,
      })
      break
    case 'image.mapped':
      state.drivers.push({ name: event.name, status: null, loaded: false, base: event.base })
      break
    case 'module.loaded':
      state.drivers.push({ name: event.name, status: null, loaded: true, base: event.base })
      break
    case 'driver.loaded': {
      const driver = state.drivers.findLast((item) => item.name === event.name)
      if (driver) {
        driver.status = event.status
        driver.loaded = (Number(event.status) | 0) >= 0
      }
      break
    }
    case 'driver.unloaded':
    case 'image.unmapped': {
      const driver = state.drivers.findLast((item) => item.name === event.name)
      if (driver) driver.loaded = false
      break
    }
    case 'object.created':
      state.objects.push({ object: event.object, type: event.type, name: event.name })
      break
    case 'object.deleted':
      remove(state.objects, (item) => item.object === event.object)
      break
    case 'handle.opened':
      state.handles.push({
        handle: event.handle,
        object: event.object,
        name: event.name,
        process: event.process,
        type: event.type,
        access: event.access ?? null,
      })
      break
    case 'handle.closed':
      remove(
        state.handles,
        (item) => item.handle === event.handle && item.process === event.process,
      )
      break
    case 'device.created':
      state.devices.push({
        device: event.device,
        name: event.name,
        owner: event.owner,
        attachedTo: null,
        stackSize: 1,
        flags: event.flags,
        extension: event.extension,
      })
      break
    case 'device.deleted':
      remove(state.devices, (item) => item.device === event.device)
      break
    case 'device.attached': {
      const device = state.devices.find((item) => item.device === event.device)
      if (device) {
        device.attachedTo = event.target
        device.stackSize = event.stackSize
      }
      break
    }
    case 'device.detached': {
      const device = state.devices.find((item) => item.device === event.device)
      if (device) device.attachedTo = null
      break
    }
    case 'devnode.arrived':
    case 'devnode.state':
    case 'devnode.problem':
    case 'devnode.removed':
    case 'interface.changed':
    case 'power.system':
    case 'power.device':
      foldPnp(state, event)
      break
    case 'link.created':
      state.links.push({ link: event.link, target: event.target })
      break
    case 'link.deleted':
      remove(state.links, (item) => item.link === event.link)
      break
    case 'routine.called':
      state.frames.push({
        kind: event.kind,
        name: event.name,
        irp: event.irp ?? null,
        seq: event.seq,
        at: event.at ?? null,
      })
      break
    case 'routine.returned': {
      const index = state.frames.findLastIndex((item) => item.name === event.name)
      if (index >= 0) state.frames.splice(index, 1)
      break
    }
    case 'irp.created':
      state.irps.push({
        irp: event.irp,
        address: event.address,
        major: event.major,
        minor: event.minor,
        ioctl: event.ioctl,
        stackCount: event.stackCount,
        location: event.stackCount + 1,
        device: null,
        status: null,
        information: 0,
        phase: 'created',
        createdAt: event.seq,
        completedAt: [],
        inputLength: event.inputLength,
        outputLength: event.outputLength,
      })
      break
    case 'irp.sent':
    case 'irp.pended':
    case 'irp.completed':
    case 'irp.finished':
    case 'irp.freed':
      foldIrp(state, event)
      break
    case 'pool.allocated': {
      state.pool.blocks.push({
        block: event.block,
        bytes: event.bytes,
        tag: event.tag,
        pool: event.pool,
        allocatedAt: event.seq,
        freedAt: null,
        at: event.at ?? null,
      })
      if (event.pool === 'paged') state.pool.pagedBytes += event.bytes
      else state.pool.nonpagedBytes += event.bytes
      break
    }
    case 'pool.freed': {
      const block = remove(state.pool.blocks, (item) => item.block === event.block)
      if (event.pool === 'paged') state.pool.pagedBytes -= event.bytes
      else state.pool.nonpagedBytes -= event.bytes
      if (block) {
        block.freedAt = event.seq
        state.pool.recentlyFreed.push(block)
        if (state.pool.recentlyFreed.length > RECENTLY_FREED_MAX) state.pool.recentlyFreed.shift()
      }
      break
    }
    case 'irql.changed':
      state.irql = event.to
      break
    case 'lock.acquired':
      state.locks.push({ lock: event.lock, kind: event.kind, thread: event.thread })
      break
    case 'lock.released':
      remove(state.locks, (item) => item.lock === event.lock)
      break
    case 'thread.created':
      state.threads.push({
        id: event.id,
        name: event.name,
        process: event.owner,
        state: 'ready',
      })
      break
    case 'thread.exited':
      setThread(state, event.id, 'exited')
      break
    case 'thread.switched':
      if (state.threads.find((item) => item.id === event.from)?.state === 'running')
        setThread(state, event.from, 'ready')
      setThread(state, event.to, 'running')
      break
    case 'wait.started':
      setThread(state, event.thread, 'waiting')
      break
    case 'wait.ended':
      setThread(state, event.thread, 'running')
      break
    case 'timer.set':
      remove(state.timers, (item) => item.timer === event.timer)
      state.timers.push({ timer: event.timer, due: event.due })
      break
    case 'timer.expired':
      remove(state.timers, (item) => item.timer === event.timer)
      break
    case 'dpc.queued':
      state.dpcs.push({ dpc: event.dpc, routine: event.routine })
      break
    case 'process.created':
      state.processes.push({
        id: event.id,
        name: event.name,
        exitCode: null,
        parent: event.parent ?? null,
        user: event.user ?? null,
        integrity: event.integrity ?? null,
        admin: event.admin ?? false,
        session: event.session ?? 0,
        protection: event.protection ?? 0,
        critical: event.critical ?? false,
      })
      break
    case 'process.exited': {
      const process = state.processes.find((item) => item.id === event.id)
      if (process) process.exitCode = event.exitCode
      break
    }
    case 'bugcheck':
      state.bugcheck = {
        seq: event.seq,
        code: event.code,
        name: event.name,
        parameters: event.parameters,
      }
      break
    case 'verifier.stop':
      state.stop = { seq: event.seq, rule: event.rule }
      break
    case 'leak.found': {
      const { kind, tag, bytes, count, name } = event
      state.leaks.push({
        kind,
        count,
        ...(tag === undefined ? {} : { tag }),
        ...(bytes === undefined ? {} : { bytes }),
        ...(name === undefined ? {} : { name }),
      })
      break
    }
    case 'run.ended':
      state.outcome = event.outcome
      break
  }
  foldHardware(state.hardware, event)
  if (isExecutiveEvent(event)) foldExecutive(state.executive, event)
  foldFiles(state.files, event)
  if (isFilteringEvent(event)) foldFiltering(state.filtering, event)
  else if (isNetworkEvent(event)) foldNetwork(state.network, event)
  // A DPC is shown as queued until its routine starts.
  if (event.t === 'routine.called' && event.kind === 'dpc')
    remove(state.dpcs, (item) => item.routine === event.name)
  return state
}

function foldProcessor({ processors }: MachineState, event: TraceEvent): void {
  const count = event.t === 'run.started' ? (event.processors ?? 1) : event.cpu + 1
  for (let cpu = processors.length; cpu < count; cpu++)
    processors.push({ cpu, irql: 0, thread: 0, process: 0, driver: null, seq: 0 })
  const processor = processors[event.cpu]!
  processor.irql = event.t === 'irql.changed' ? event.to : event.irql
  processor.thread = event.thread
  processor.process = event.process
  processor.driver = event.driver ?? null
  processor.seq = event.seq
}

function foldIrp(
  state: MachineState,
  event: Extract<
    TraceEvent,
    { t: 'irp.sent' | 'irp.pended' | 'irp.completed' | 'irp.finished' | 'irp.freed' }
  >,
): void {
  const irp = state.irps.findLast((item) => item.irp === event.irp)
  if (!irp) return
  switch (event.t) {
    case 'irp.sent':
      irp.location = event.location
      irp.device = event.device
      irp.phase = 'with driver'
      break
    case 'irp.pended':
      irp.phase = 'pending'
      break
    case 'irp.completed':
      irp.phase = 'completed'
      irp.status = event.status
      irp.information = event.information
      irp.completedAt.push(event.seq)
      break
    case 'irp.finished':
      irp.phase = 'finished'
      irp.status = event.status
      irp.information = event.information
      break
    case 'irp.freed':
      remove(state.irps, (item) => item === irp)
      break
  }
}

function setThread(
  state: MachineState,
  id: number,
  value: 'running' | 'ready' | 'waiting' | 'exited',
): void {
  const thread = state.threads.find((item) => item.id === id)
  if (thread) thread.state = value
}

/** The state after the first `step` events. */
export function foldAll(events: readonly TraceEvent[], step = events.length): MachineState {
  const state = emptyState()
  for (let i = 0; i < step && i < events.length; i++) fold(state, events[i]!)
  return state
}
