/**
 * The trace: what happened in the simulated machine, as facts in the past tense.
 *
 * A run appends events and never changes one. Every picture, report and exit code is a fold over
 * them. Addresses and other 64-bit values are `0x` strings of 16 digits, NTSTATUS and bug check
 * codes `0x` strings of 8; counts and lengths are numbers. `cause` is the `seq` of the event that
 * made this one happen (a completion is caused by the call that completed, and so on).
 */

import type { FilteringEventBody } from './event-filtering'
import type { NetworkEventBody } from './event-network'

/** Version of the event format; part of every stored or exported trace. */
export const TRACE_VERSION = 1

/** Place in a driver's or client's source. Lines and columns start at 1. */
export interface SourcePlace {
  file: string
  line: number
  column?: number
}

export interface EventBase {
  /** 1, 2, 3 ... without gaps; a step in the user interface is a seq. */
  seq: number
  /** Simulated time in units of 100 ns since boot. */
  tick: number
  cpu: number
  irql: number
  /** Thread id (as PsGetCurrentThreadId), 0 for the idle loop. */
  thread: number
  process: number
  /** Service name of the driver whose code was running. */
  driver?: string
  at?: SourcePlace
  cause?: number
}

export type RoutineKind =
  | 'DriverEntry'
  | 'DriverUnload'
  | 'dispatch'
  | 'completion'
  | 'cancel'
  | 'dpc'
  | 'timer'
  | 'workitem'
  | 'thread'
  | 'startio'
  | 'isr'
  | 'notify'
  | 'main'
  | 'other'

export type ObjectType =
  | 'Directory'
  | 'Driver'
  | 'Device'
  | 'SymbolicLink'
  | 'File'
  | 'Event'
  | 'Process'
  | 'Thread'
  | 'Key'
  | 'Type'
  | 'Semaphore'
  | 'Mutant'
  | 'Timer'
  | 'Section'

/** What a callback is told about. */
export type CallbackKind =
  'process' | 'thread' | 'image' | 'registry' | 'object' | 'executive' | 'shutdown' | 'bugcheck'

/** The stops on the way from user mode to a driver and back. */
export type HopLayer = 'win32' | 'ntdll' | 'syscall' | 'KiSystemCall64' | 'SSDT' | 'Nt' | 'return'

export type Outcome =
  'ok' | 'compile-error' | 'load-failed' | 'bugcheck' | 'verifier-stop' | 'leak' | 'hang' | 'limit'

export type LeakKind = 'pool' | 'device' | 'link' | 'handle' | 'thread' | 'irp' | 'timer' | 'object'

/** One value shown in the trace: already formatted when 64 bits wide. */
export type TraceValue = string | number | boolean | null

export type EventBody =
  | FilteringEventBody
  | NetworkEventBody
  // life of the run
  | {
      t: 'run.started'
      version: number
      seed: number
      verifier: string[]
      /** Missing for one. */
      processors?: number
    }
  /** The machine started again after a bug check; nothing that was in it is there any more. */
  | { t: 'machine.rebooted'; boot: number }
  | { t: 'run.ended'; outcome: Outcome; summary: string }
  // loading
  | { t: 'service.created'; name: string; registryPath: string }
  | { t: 'image.mapped'; name: string; base: string; size: number }
  /** Before it is mapped, where the machine has a policy: may this image load? */
  | {
      t: 'image.verified'
      name: string
      windows: string
      accepted: boolean
      status: string
      /** The rule that refused; null when none did. */
      rule: string | null
      because: string
      /** Every rule that was asked, in order. */
      rules: { rule: string; passes: boolean; because: string }[]
    }
  /** An image of the system's own, there since the boot. */
  | { t: 'module.loaded'; name: string; base: string; size: number; path: string }
  // the volume of a machine that has one
  | {
      t: 'volume.mounted'
      device: string
      letter: string
      /** What lies on it, folders before what they hold. */
      files: { path: string; size: number; folder?: true }[]
    }
  | { t: 'file.created'; path: string; folder: boolean }
  /** It changed; `size` is its length now. */
  | { t: 'file.written'; path: string; size: number }
  | { t: 'file.renamed'; path: string; to: string }
  | { t: 'file.deleted'; path: string }
  /** Somebody pressed a key; `code` is its scan code. */
  | { t: 'key.pressed'; code: number; key: string }
  /** A line that was typed reached the program in front. */
  | { t: 'input.delivered'; to: number; name: string; text: string }
  | { t: 'image.unmapped'; name: string; base: string }
  | { t: 'driver.loaded'; name: string; status: string }
  | { t: 'driver.unloaded'; name: string }
  // objects
  | { t: 'object.created'; type: ObjectType; object: string; name: string | null }
  | { t: 'object.deleted'; type: ObjectType; object: string; name: string | null }
  | {
      t: 'handle.opened'
      handle: number
      object: string
      type: ObjectType
      name: string | null
      /** Rights that were granted. */
      access?: string
    }
  | { t: 'handle.closed'; handle: number; object: string }
  | {
      t: 'device.created'
      device: string
      name: string | null
      owner: string
      type: number
      flags: number
      extension: number
    }
  | { t: 'device.deleted'; device: string; name: string | null; owner: string }
  | { t: 'device.attached'; device: string; target: string; stackSize: number }
  | { t: 'device.detached'; device: string; target: string }
  | { t: 'link.created'; link: string; target: string }
  | { t: 'link.deleted'; link: string }
  // the way of a call
  | {
      t: 'hop'
      layer: HopLayer
      name: string
      detail: string
      mode: 'user' | 'kernel'
      /** Of `syscall`, when IA32_LSTAR was moved: what is where it points now. */
      entry?: { address: string; symbol: string }
    }
  | {
      t: 'routine.called'
      kind: RoutineKind
      name: string
      args: Record<string, TraceValue>
      irp?: number
    }
  | { t: 'routine.returned'; kind: RoutineKind; name: string; result: TraceValue; irp?: number }
  | { t: 'ddi.called'; name: string; args: Record<string, TraceValue>; result?: TraceValue }
  | { t: 'ddi.returned'; name: string; result: TraceValue }
  // packets; `irp` is a small number that is never used twice, `address` may be
  | {
      t: 'irp.created'
      irp: number
      address: string
      major: number
      minor: number
      ioctl: string | null
      stackCount: number
      by: 'I/O manager' | 'driver'
      inputLength: number
      outputLength: number
    }
  | {
      t: 'irp.sent'
      irp: number
      device: string
      deviceName: string | null
      to: string
      major: number
      minor: number
      location: number
    }
  | { t: 'irp.pended'; irp: number; location: number }
  | { t: 'irp.queued'; irp: number; queue: string }
  | {
      t: 'irp.completed'
      irp: number
      by: string
      status: string
      information: number
      location: number
    }
  | { t: 'irp.completion'; irp: number; to: string; location: number; result: string }
  | { t: 'irp.cancelled'; irp: number; routine: boolean }
  | { t: 'irp.finished'; irp: number; status: string; information: number }
  | { t: 'irp.freed'; irp: number }
  // memory and level
  | { t: 'pool.allocated'; block: string; bytes: number; tag: string; pool: 'nonpaged' | 'paged' }
  | { t: 'pool.freed'; block: string; bytes: number; tag: string; pool: 'nonpaged' | 'paged' }
  | { t: 'irql.changed'; from: number; to: number; reason: string }
  /** A processor began to spin for a lock that another one holds. */
  | { t: 'lock.contended'; lock: string; kind: string }
  | { t: 'lock.acquired'; lock: string; kind: string }
  | { t: 'lock.released'; lock: string; kind: string }
  // time and threads
  | {
      t: 'thread.created'
      id: number
      owner: number
      name: string
      /** Of a thread of a program: the first byte above its stack in user mode. */
      userStack?: string
    }
  | { t: 'thread.exited'; id: number; status: string }
  | { t: 'thread.switched'; from: number; to: number }
  | { t: 'wait.started'; objects: string[]; timeout: number | null }
  | { t: 'wait.ended'; status: string }
  | { t: 'object.signaled'; object: string; type: string }
  /** `processor` is the one that will run it, where that is not the one that queued it. */
  | { t: 'dpc.queued'; dpc: string; routine: string; processor?: number }
  | { t: 'timer.set'; timer: string; due: number; period: number }
  | { t: 'timer.expired'; timer: string }
  | { t: 'work.queued'; item: string; routine: string }
  | {
      t: 'process.created'
      id: number
      name: string
      parent?: number
      user?: string
      /** `low`, `medium`, `high`, `system`. */
      integrity?: string
      admin?: boolean
      /** Terminal services session; absent for 0. */
      session?: number
      /** EPROCESS.Protection; absent for a process that is not protected. */
      protection?: number
      /** The machine stops when it ends. */
      critical?: boolean
    }
  | { t: 'process.exited'; id: number; name: string; exitCode: number }
  | { t: 'process.attached'; id: number; name: string; depth: number }
  | { t: 'process.detached'; id: number; name: string; depth: number }
  | { t: 'apc.queued'; apc: string; target: number; mode: 'kernel' | 'user'; routine: string }
  | { t: 'apc.delivered'; apc: string; target: number; mode: 'kernel' | 'user'; routine: string }
  // who is told, and who is let in
  | {
      t: 'callback.registered'
      /** Counts from 1; never used twice. */
      id: number
      kind: CallbackKind
      routine: string
      altitude: string | null
      /** What it listens to, in words. */
      about: string | null
    }
  | { t: 'callback.removed'; id: number; kind: CallbackKind; routine: string }
  | { t: 'access.stripped'; object: string; before: string; after: string; routine: string }
  | {
      t: 'access.checked'
      object: string
      type: string
      user: string
      desired: string
      granted: string
      status: string
      dacl: string
    }
  /** Privileges that a program enabled and disabled in a token. */
  | {
      t: 'privileges.adjusted'
      token: string
      user: string
      enabled: string[]
      disabled: string[]
    }
  // devices of the PnP manager, by their path in the tree (`TOY\\Lamp\\0000`)
  | {
      t: 'devnode.arrived'
      devnode: string
      parent: string | null
      pdo: string
      description: string | null
      service: string | null
    }
  | { t: 'devnode.state'; devnode: string; from: string; to: string; problem: string | null }
  /** Why a device does not work: CM_PROB_* and the code that Device Manager shows; null when it does again. */
  | { t: 'devnode.problem'; devnode: string; problem: string | null; code: number }
  | { t: 'devnode.removed'; devnode: string }
  | { t: 'interface.changed'; link: string; guid: string; devnode: string; enabled: boolean }
  /** System power state: S0 to S5. */
  | { t: 'power.system'; from: string; to: string }
  /** A device said in which power state it is, D0 to D3; `from` is null the first time. */
  | { t: 'power.device'; device: string; devnode: string | null; from: string | null; to: string }
  | {
      t: 'registry'
      operation: string
      key: string
      value: string | null
      status: string
      /** What a value was set to, in words. */
      data?: string
    }
  // hardware; a vector's `level` is the IRQL to which it raises the processor
  | {
      t: 'interrupt.connected'
      interrupt: string
      vector: number
      level: number
      mode: 'level' | 'edge'
      shared: boolean
      routine: string
      device: string | null
    }
  | { t: 'interrupt.disconnected'; interrupt: string; vector: number }
  /** A line rose; `masked` when nobody is connected to it. */
  | {
      t: 'interrupt.raised'
      device: string | null
      vector: number
      level: number
      masked: boolean
    }
  | { t: 'interrupt.delivered'; device: string | null; vector: number; level: number }
  /** All service routines that had to be asked were; `routine` is the one that claimed it. */
  | { t: 'interrupt.served'; vector: number; claimed: boolean; routine: string | null }
  | {
      t: 'device.accessed'
      device: string
      space: 'port' | 'memory'
      register: string
      offset: number
      access: 'read' | 'write'
      size: number
      value: string
    }
  | { t: 'device.received'; device: string; bytes: number; data: string }
  | { t: 'device.sent'; device: string; bytes: number; data: string }
  /** A model-specific or control register. */
  | { t: 'register.written'; register: string; from: string; to: string }
  /** A call of `from`, at `place`, came to `to`, as the changed bytes there say; null: they returned. */
  | { t: 'code.diverted'; from: string; to: string | null; bytes: string; place: string }
  // physical and virtual memory; `page`, `view` and `mapping` are addresses
  | { t: 'pages.trimmed'; pages: string[]; reason: string }
  | { t: 'page.faulted'; page: string; access: 'read' | 'write' }
  | { t: 'section.created'; section: string; name: string | null; bytes: number; backing: string }
  | {
      t: 'view.mapped'
      view: string
      bytes: number
      section: string
      /** Process whose address space it is in; null for system space. */
      owner: number | null
      offset: string
      protection: string
    }
  | { t: 'view.unmapped'; view: string }
  | { t: 'physical.mapped'; mapping: string; physical: string; bytes: number; what: string }
  | { t: 'physical.unmapped'; mapping: string }
  | { t: 'frames.allocated'; block: string; bytes: number; physical: string; by: string }
  | { t: 'frames.freed'; block: string; by: string }
  // what people see
  | { t: 'dbgprint'; text: string }
  | { t: 'stdout'; text: string }
  | {
      t: 'request.finished'
      index: number
      api: string
      irp: number | null
      major: number
      minor: number
      ioctl: string | null
      status: string
      information: number
    }
  // what goes wrong
  | { t: 'exception.raised'; code: string; address: string | null; access: string | null }
  | { t: 'exception.handled'; code: string }
  | { t: 'bugcheck'; code: string; name: string; parameters: [string, string, string, string] }
  | {
      t: 'verifier.stop'
      rule: string
      code: string
      name: string
      parameters: [string, string, string, string]
    }
  | { t: 'verifier.warned'; rule: string; what: string }
  | { t: 'leak.found'; kind: LeakKind; tag?: string; bytes?: number; count: number; name?: string }
  | { t: 'hang.found'; reason: string }
  | { t: 'limit.reached'; limit: string; detail: string }

export type TraceEvent = EventBase & EventBody
export type EventType = EventBody['t']
/** The event of one type, for folds and tests. */
export type EventOf<T extends EventType> = EventBase & Extract<EventBody, { t: T }>
