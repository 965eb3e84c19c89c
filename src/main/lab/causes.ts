/**
 * The first cause of a stop: where the thing that it is about was allocated, freed, completed, locked
 * before. What a rule does not know by itself is found in the trace, as it goes by.
 */
import { verifierRule } from '../../shared/nt/verifier-facts'
import type { EventOf, SourcePlace, TraceEvent } from '../../shared/trace/event'
import type { Kernel } from '../kernel/kernel'
import { Recent } from '../kernel/recent'
import type { BugCheck } from '../kernel/stop'

/** Of each kind of thing, how many are remembered. Bounded: a run may have a million events. */
const REMEMBERED = 4096

export interface Cause {
  text: string
  seq: number | null
  at: SourcePlace | null
}

/** What may have been done to a thing before, each with the words for it. */
const DONE = {
  allocated: 'The pool block was allocated here.',
  freed: 'The pool block was freed here.',
  acquired: 'The lock was acquired here.',
  released: 'The lock was released here.',
  prepared: 'It was initialised here.',
  device: 'The device was created here.',
  timer: 'The timer was set here.',
  dpc: 'The DPC was queued here.',
  queued: 'The work item was queued here.',
  opened: 'The handle was opened here.',
  closed: 'The handle was closed here.',
  object: 'The object was made here.',
  deleted: 'The last reference to the object was given back here.',
  registered: 'The callback was registered here.',
} as const
type Done = keyof typeof DONE

/** Routines that prepare a structure, and the parameter that names it. */
const PREPARES: Readonly<Record<string, string>> = {
  KeInitializeSpinLock: 'SpinLock',
  KeInitializeMutex: 'Mutex',
  ExInitializeFastMutex: 'FastMutex',
  ExInitializeResourceLite: 'Resource',
  ExInitializeNPagedLookasideList: 'Lookaside',
  ExInitializePagedLookasideList: 'Lookaside',
  IoInitializeRemoveLock: 'Lock',
  KeInitializeEvent: 'Event',
  KeInitializeTimer: 'Timer',
  KeInitializeTimerEx: 'Timer',
  KeInitializeDpc: 'Dpc',
  ExInitializeWorkItem: 'Item',
}

/** Where to look for the first cause of a rule, the best first. */
const LOOK: Readonly<Record<string, readonly Done[]>> = {
  'VR-LOCK-RECURSE': ['acquired'],
  'VR-LOCK-RELEASE-ORDER': ['acquired'],
  'VR-LOCK-WRONG-THREAD': ['acquired'],
  'VR-LOCK-NOTHELD': ['released', 'prepared'],
  'VR-LOCK-FREED': ['acquired'],
  'VR-LOCK-REINIT': ['prepared'],
  'VR-LOCK-UNINIT': ['device', 'allocated'],
  'VR-LOCK-REMOVELOCK': ['prepared'],
  'VR-LOCK-REMOVELOCK-REINIT': ['prepared'],
  'VR-POOL-LOOKASIDE-REINIT': ['prepared'],
  'VR-POOL-FREE-LOOKASIDE': ['prepared'],
  'VR-POOL-FREE-RESOURCE': ['prepared'],
  'VR-POOL-FREE-TIMER': ['timer'],
  'VR-UNLOAD-TIMER': ['timer', 'dpc'],
  'VR-UNLOAD-WORKITEM': ['queued'],
  'VR-UNLOAD-LOOKASIDE': ['prepared'],
  'VR-UNLOAD-CALLBACK': ['registered'],
  'VR-MISC-WORKITEM-DOUBLE': ['queued'],
  'VR-OBJ-REFZERO': ['deleted', 'object'],
  'VR-OBJ-CLOSE-INVALID': ['closed'],
  'VR-POOL-DOUBLE-FREE': ['freed'],
}

/** Remembers the events that a first cause can be, while the run goes on. */
export class CauseFinder {
  private readonly completed = new Recent<TraceEvent>(REMEMBERED)
  private readonly things = new Map<Done, Recent<TraceEvent, string>>()
  private readonly threads = new Recent<TraceEvent>(REMEMBERED)
  private irqlRaised: EventOf<'irql.changed'> | null = null
  private lastException: TraceEvent | null = null
  private lastRoutine: EventOf<'routine.called'> | null = null

  see(event: TraceEvent): void {
    switch (event.t) {
      case 'irp.completed':
        if (!this.completed.has(event.irp)) this.completed.add(event.irp, event)
        break
      case 'pool.freed':
        this.note('freed', event.block, event)
        break
      case 'pool.allocated':
        this.note('allocated', event.block, event)
        this.things.get('freed')?.delete(event.block)
        break
      case 'lock.acquired':
        this.note('acquired', event.lock, event)
        break
      case 'lock.released':
        this.note('released', event.lock, event)
        break
      case 'device.created':
        this.note('device', event.device, event)
        break
      case 'timer.set':
        this.note('timer', event.timer, event)
        break
      case 'dpc.queued':
        this.note('dpc', event.dpc, event)
        break
      case 'work.queued':
        this.note('queued', event.item, event)
        break
      case 'handle.opened':
        this.note('opened', String(event.handle), event)
        this.note('object', event.object, event)
        break
      case 'handle.closed':
        this.note('closed', String(event.handle), event)
        break
      case 'object.created':
        this.note('object', event.object, event)
        break
      case 'object.deleted':
        this.note('deleted', event.object, event)
        break
      case 'ddi.called':
        this.called(event)
        break
      case 'thread.created':
        this.threads.add(event.id, event)
        break
      case 'irql.changed':
        if (event.to > event.from) this.irqlRaised = event
        break
      case 'exception.raised':
        this.lastException = event
        break
      case 'routine.called':
        this.lastRoutine = event
        break
      default:
        break
    }
  }

  private note(done: Done, thing: string, event: TraceEvent): void {
    let things = this.things.get(done)
    if (!things) this.things.set(done, (things = new Recent(REMEMBERED)))
    things.add(thing, event)
  }

  private called(event: EventOf<'ddi.called'>): void {
    const parameter = PREPARES[event.name]
    const prepared = parameter === undefined ? undefined : event.args[parameter]
    if (prepared !== undefined) this.note('prepared', String(prepared), event)
    if (REGISTERS.test(event.name))
      for (const value of Object.values(event.args))
        if (typeof value === 'string' && value.includes('!')) this.note('registered', value, event)
  }

  /** The event with which it began, and a sentence about it. */
  find(k: Kernel, stop: BugCheck): Cause {
    if (stop.first) {
      const { text, seq, at } = stop.first
      return said(text, seq || null, at)
    }
    if (k.pool.failed && stop.rule === null)
      return said('This allocation failed, as the run was told.', null, k.pool.failed.at)
    const number = packetOf(k, stop)
    const completed = this.completed.get(number)
    if (completed && (stop.code === 0x44 || stop.code === 0x50))
      return of(
        completed,
        `IRP ${number} was completed here the first time. After IoCompleteRequest returns, the packet belongs to the I/O manager.`,
      )
    const rule = stop.rule ?? stop.about
    for (const done of LOOK[rule ?? ''] ?? []) {
      const event = this.about(k, stop, done)
      if (event) return of(event, DONE[done])
    }
    const thread = /thread (\d+)/i.exec(stop.what ?? '')
    const created = thread ? this.threads.get(Number(thread[1])) : undefined
    if (created && rule === 'VR-UNLOAD-THREAD') return of(created, 'The thread was started here.')
    if (this.irqlRaised && k.irql.level > 0 && isAboutIrql(stop, rule))
      return of(
        this.irqlRaised,
        `The IRQL was raised to ${this.irqlRaised.to} here and not lowered since.`,
      )
    const block = this.blockOf(k, stop)
    if (block) {
      const freed = this.things.get('freed')?.get(block)
      if (freed && stop.code !== 0x19) return of(freed, DONE.freed)
      const allocated = this.things.get('allocated')?.get(block)
      if (allocated) return of(allocated, DONE.allocated)
    }
    if (this.lastException && stop.rule === null)
      return of(this.lastException, 'The exception was raised here and nothing handled it.')
    if (this.lastRoutine)
      return of(this.lastRoutine, `It began with the call of ${this.lastRoutine.name}.`)
    return said('The stop has no earlier cause in the trace.', null, null)
  }

  /** The newest event of a kind about one of the stop's parameters. */
  private about(k: Kernel, stop: BugCheck, done: Done): TraceEvent | undefined {
    const things = this.things.get(done)
    if (!things) return undefined
    for (const parameter of stop.parameters) {
      if (parameter === 0n) continue
      const index = k.memory.index(parameter)
      const names =
        done === 'closed' || done === 'opened'
          ? [String(BigInt.asIntN(32, parameter)), String(BigInt.asIntN(64, parameter))]
          : [k.memory.format(index), k.images.symbol(index)]
      for (const name of names) {
        const event = things.get(name)
        if (event) return event
      }
    }
    if (done !== 'device' && done !== 'allocated') return undefined
    return around(stop, things)
  }

  /** The pool block that one of the parameters lies in, as the trace writes it. */
  private blockOf(k: Kernel, stop: BugCheck): string | null {
    for (const parameter of stop.parameters) {
      if (parameter < 0xffff_8000_0000_0000n) continue
      const block = k.pool.find(k.memory.index(parameter))
      if (block?.owner) return k.memory.format(block.address)
    }
    return null
  }
}

/** The device or block that one of the parameters lies in. */
function around(stop: BugCheck, things: Recent<TraceEvent, string>): TraceEvent | undefined {
  let best: TraceEvent | undefined
  let distance = 0x1000n
  for (const event of things.values()) {
    const start = BigInt(
      event.t === 'device.created' ? event.device : event.t === 'pool.allocated' ? event.block : 0,
    )
    for (const parameter of stop.parameters)
      if (parameter >= start && parameter - start < distance) {
        best = event
        distance = parameter - start
      }
  }
  return best
}

/** Number of the packet that a stop is about; 0 for none. */
export function packetOf(k: Kernel, stop: BugCheck): number {
  const said = /IRP (\d+)/.exec(stop.what ?? '')
  if (said) return Number(said[1])
  return stop.code === 0x50 ? k.irps.freedAt(k.memory.index(stop.parameters[0])) : 0
}

const REGISTERS = /^(Ps|Ob|Cm|Ke|Ex|Io|Po)(Set|Register).*(Notify|Callback|Notification)/

/** Bug checks whose reason is that the IRQL is too high for something. */
const IRQL_STOPS: readonly number[] = [0x0a, 0xd1, 0x133, 0xb8]

function isAboutIrql(stop: BugCheck, rule: string | null): boolean {
  if (rule === null) return IRQL_STOPS.includes(stop.code)
  return IRQL_STOPS.includes(stop.code) || /IRQL/.test(rule) || isCategory(rule, 'irql')
}

function isCategory(rule: string, category: string): boolean {
  return verifierRule(rule)?.category === category
}

function of(event: TraceEvent, text: string): Cause {
  return said(text, event.seq, event.at ?? null)
}

function said(text: string, seq: number | null, at: SourcePlace | null): Cause {
  const place = at ? ` (${at.file}:${at.line})` : ''
  const where = seq === null ? place.trim() : `#${seq}${place}`
  return { text: where ? `${where}. ${text}` : text, seq, at }
}
