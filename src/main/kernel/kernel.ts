/**
 * The simulated machine: boots, runs threads, answers routine calls, stops.
 *
 * `next` and `ddi` are the two ways in (see port.ts). Everything is a function of the seed and of
 * what driver code does: no clock of the host, no chance but `random`, no order but the run queue.
 */
import {
  TRACE_VERSION,
  type EventBody,
  type SourcePlace,
  type TraceEvent,
} from '../../shared/trace/event'
import type { DefenceName } from '../../shared/defences'
import { hex32, pointer } from '../../shared/nt/format'
import type { KernelRoutine, RoutineName } from './ddi/types'
import { DdiTable } from './ddi/table'
import { faultOf, unhandled } from './ke/fault'
import { Apcs } from './ke/apc-queue'
import { Scheduler } from './ke/scheduler'
import { Hal } from './hal/hal'
import type { Irql } from './ke/irql'
import { BugChecks } from './ke/bugcheck'
import { Dpcs } from './ke/dpc'
import { Ipis } from './ke/ipi'
import { Processor, PROCESSORS_MAX } from './ke/processor'
import { Timers } from './ke/timer'
import { Dispatcher } from './ke/dispatcher'
import { SpinLocks } from './ke/spinlock'
import type { Thread } from './ke/thread'
import { Images } from './loader/image'
import { Loader } from './loader/loader'
import { Memory, MemoryFault, plainBacking, type Ptr } from './mm/memory'
import { MemoryManager } from './mm/manager'
import { Mdls } from './mm/mdl'
import { CallbackTable } from './ex/callback-table'
import { Pool } from './ex/pool'
import { WorkQueue } from './ex/work-item'
import { ObjectManager } from './ob/object'
import { Devices } from './io/device'
import { Irps } from './io/irp'
import { IoServices } from './io/services'
import { FileSystems } from './io/fs-registration'
import { ShutdownNotifications } from './io/shutdown'
import { DEFAULT_LIMITS, type KernelOptions, type Limits } from './options'
import { PnpManager } from './pnp/manager'
import { PowerManager } from './po/manager'
import { Registry } from './cm/registry'
import { Notifications } from './ps/notify-calls'
import { Processes } from './ps/processes'
import { Programs } from './ps/program'
import { Syscalls } from './ps/syscall'
import { Random } from './random'
import { SecurityMonitor } from './se/monitor'
import { BugCheck, NtException, RunLimit, SimulatorBug } from './stop'
import { StopRecord } from './stop-record'
import { codeTouches } from './verifier/rules/user-memory'
import { Verifier } from './verifier/verifier'
import type { World } from './world/world'
import type {
  AccessKind,
  CallArgs,
  CallResult,
  Command,
  FunctionInfo,
  KernelPort,
  Report,
  RunnerFailure,
  SlowAccess,
} from './port'

/** Events that the report needs even when the trace is off. */
const ALWAYS_KEPT = new Set<EventBody['t']>([
  'run.started',
  'machine.rebooted',
  'run.ended',
  'image.verified',
  'driver.loaded',
  'driver.unloaded',
  'dbgprint',
  'stdout',
  'process.exited',
  'bugcheck',
  'verifier.stop',
  'verifier.warned',
  'leak.found',
  'hang.found',
  'limit.reached',
  'exception.raised',
])

/** The report of a runner that did nothing. */
const NOTHING: Report = {
  what: 'none',
  frame: 0,
  value: 0,
  code: 0,
  loop: 0,
  backEdges: 0,
  stack: 0,
  at: null,
  message: '',
}

/** Simulated ticks that one routine call takes. */
const TICKS_PER_CALL = 1

export class Kernel implements KernelPort {
  readonly memory: Memory
  readonly random: Random
  readonly tracing: boolean
  readonly limits: Limits
  readonly options: KernelOptions

  readonly processors: readonly Processor[]
  /** The one whose turn it is: what runs now, runs there. */
  processor: Processor
  readonly dpcs: Dpcs
  readonly ipis: Ipis
  readonly bugChecks: BugChecks
  readonly timers: Timers
  readonly apcs: Apcs
  readonly dispatcher: Dispatcher
  readonly spinLocks: SpinLocks
  readonly scheduler: Scheduler
  readonly pool: Pool
  readonly workQueue: WorkQueue
  readonly mdls: Mdls
  readonly ob: ObjectManager
  readonly devices: Devices
  readonly irps: Irps
  readonly io: IoServices
  readonly shutdown: ShutdownNotifications
  readonly fileSystems: FileSystems
  readonly pnp: PnpManager
  readonly power: PowerManager
  readonly registry: Registry
  readonly se: SecurityMonitor
  readonly callbacks: CallbackTable
  readonly notifications: Notifications
  readonly processes: Processes
  readonly syscalls: Syscalls
  readonly hal: Hal
  readonly mm: MemoryManager
  readonly programs: Programs
  readonly images: Images
  readonly loader: Loader
  readonly verifier: Verifier
  readonly ddis: DdiTable

  /** What the machine defends itself by. */
  readonly defences: ReadonlySet<DefenceName>
  /** The Windows around the drivers: processes, files, a keyboard; null on a bare machine. */
  world: World | null = null
  /** Simulated time since boot in units of 100 ns. */
  tick = 0
  ddiCalls = 0
  /** Set once: the machine stopped (bug check, limit, or the script is done). */
  ended: BugCheck | RunLimit | 'done' | null = null
  /** A defect of the simulator met inside a call from the sandbox; the runner throws it on. */
  bug: SimulatorBug | null = null

  /** Where code stood: what exceptions and the stop tell. */
  readonly stopRecord = new StopRecord(this)
  private seq = 0
  private pending: TraceEvent | null = null
  private outputLines = 0

  constructor(options: KernelOptions) {
    this.options = options
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.tracing = (options.trace ?? 'full') === 'full'
    this.random = new Random(options.seed)
    this.memory = new Memory(options.backing ?? plainBacking())
    this.verifier = new Verifier(this, options.verifier ?? [])
    this.defences = new Set(options.defences)
    const count = Math.min(Math.max(options.processors ?? 1, 1), PROCESSORS_MAX)
    this.processors = Array.from({ length: count }, (_, i) => new Processor(this, i))
    this.processor = this.processors[0]!
    const { rebooted } = options
    if (rebooted) {
      this.seq = rebooted.seq
      this.tick = rebooted.tick
      this.emit({ t: 'machine.rebooted', boot: rebooted.boot })
    }
    this.pool = new Pool(this)
    this.images = new Images(this)
    this.ob = new ObjectManager(this)
    this.se = new SecurityMonitor(this)
    this.callbacks = new CallbackTable(this)
    this.notifications = new Notifications(this)
    this.processes = new Processes(this)
    this.scheduler = new Scheduler(this)
    this.apcs = new Apcs(this)
    this.dispatcher = new Dispatcher(this)
    this.timers = new Timers(this)
    this.dpcs = new Dpcs(this)
    this.ipis = new Ipis(this)
    this.bugChecks = new BugChecks(this)
    this.spinLocks = new SpinLocks(this)
    this.workQueue = new WorkQueue(this)
    this.mdls = new Mdls(this)
    this.registry = new Registry(this)
    this.devices = new Devices(this)
    this.irps = new Irps(this)
    this.io = new IoServices(this)
    this.shutdown = new ShutdownNotifications(this)
    this.fileSystems = new FileSystems(this)
    this.pnp = new PnpManager(this)
    this.power = new PowerManager(this)
    this.syscalls = new Syscalls(this)
    this.hal = new Hal(this, options.hal ?? 'x64')
    this.mm = new MemoryManager(this, options.paging ?? 'none')
    this.programs = new Programs(this)
    this.loader = new Loader(this)
    this.ddis = new DdiTable(this)
    if (rebooted) return
    this.emit({
      t: 'run.started',
      version: TRACE_VERSION,
      seed: options.seed,
      verifier: [...(options.verifier ?? [])],
      ...(count > 1 ? { processors: count } : {}),
    })
  }

  // --- trace -----------------------------------------------------------------------------------

  /** Level of the processor that runs. */
  get irql(): Irql {
    return this.processor.irql
  }

  /** Thread whose frames run now; the idle thread when nothing else does. */
  get thread(): Thread {
    return this.processor.current
  }

  /**
   * Append an event. Returns its seq, 0 when the trace is off and the event is not one of the few
   * that every run keeps. In hot paths ask `tracing` first: formatting costs more than emitting.
   */
  emit(body: EventBody, cause?: number): number {
    if (!this.tracing && !ALWAYS_KEPT.has(body.t)) return 0
    if (this.pending) this.flush()
    const { processor } = this
    // There is none while the machine is being put together.
    const thread = processor.current as Thread | undefined
    const seq = ++this.seq
    const base: TraceEvent = {
      seq,
      tick: this.tick,
      cpu: processor.number,
      irql: processor.irql.level,
      thread: thread?.id ?? 0,
      process: thread?.process.id ?? 0,
      ...body,
    }
    const driver = this.stopRecord.origin?.driver ?? (thread && this.driverOf(thread))
    if (driver) base.driver = driver
    if (thread?.at) base.at = thread.at
    const because = cause ?? thread?.cause ?? 0
    if (because) base.cause = because
    this.pending = base
    if (seq > this.limits.events && !this.ended)
      throw new RunLimit('limit', 'events', `the trace reached ${this.limits.events} events`)
    return seq
  }

  /** Hand the newest event on. It is held back by one so that a call's result can join its event. */
  flush(): void {
    const event = this.pending
    if (!event) return
    this.pending = null
    this.options.onEvent?.(event)
  }

  /** Add the result to the `ddi.called` event `seq` if nothing followed it, else say it in an event of its own. */
  emitResult(seq: number, name: string, result: string | number | boolean | null): void {
    if (!this.tracing) return
    if (this.pending?.seq === seq && this.pending.t === 'ddi.called') this.pending.result = result
    else this.emit({ t: 'ddi.returned', name, result }, seq)
  }

  get events(): number {
    return this.seq
  }

  print(text: string, kind: 'dbgprint' | 'stdout'): void {
    if (++this.outputLines > this.limits.outputLines)
      throw new RunLimit('limit', 'output', `more than ${this.limits.outputLines} lines of output`)
    this.emit({ t: kind, text })
  }

  /** Service name of the driver whose code is on top of the thread's stack. */
  driverOf(thread: Thread): string | undefined {
    for (let i = thread.frames.length - 1; i >= 0; i--) {
      const frame = thread.frames[i]!
      if (frame.kind !== 'code') {
        if (frame.driver !== undefined) return frame.driver
        continue
      }
      const image = this.images.byNumber(frame.image)
      // A program is no driver, and what the kernel does for one it does itself.
      return image?.user ? undefined : image?.name
    }
    return undefined
  }

  // --- stops -----------------------------------------------------------------------------------

  /** Stop the machine. Parameters as in `data/kernel/bugchecks.json`; pointers as addresses. */
  bugCheck(
    code: number,
    p1: bigint | number = 0n,
    p2: bigint | number = 0n,
    p3: bigint | number = 0n,
    p4: bigint | number = 0n,
    what: string | null = null,
  ): never {
    throw new BugCheck(code, [BigInt(p1), BigInt(p2), BigInt(p3), BigInt(p4)], null, what)
  }

  /** The run is over: say why, once. */
  stop(reason: BugCheck | RunLimit | 'done'): void {
    if (this.ended) return
    if (this.bugChecks.running) this.bugChecks.finish()
    else {
      this.ended = reason
      this.stopRecord.describe(reason)
    }
    this.flush()
  }

  // --- the runner's side -------------------------------------------------------------------------

  next(report: Report): Command {
    try {
      return this.scheduler.next(report)
    } catch (error) {
      this.caught(this.stopOf(error))
      return this.ended ? this.scheduler.frames.endCommand() : this.next(NOTHING)
    }
  }

  ddi(index: number, location: number, args: CallArgs): CallResult {
    if (this.ended) return this.ddis.dead()
    const thread = this.scheduler.current
    thread.at = this.options.place?.(location) ?? thread.at
    try {
      if (++this.ddiCalls > this.limits.ddiCalls)
        throw new RunLimit(
          'limit',
          'routine calls',
          `more than ${this.limits.ddiCalls} routine calls`,
        )
      this.advance(TICKS_PER_CALL)
      this.scheduler.spend(1)
      this.scheduler.turns.spend(1)
      return this.ddis.call(index, args)
    } catch (error) {
      return this.raiseInCode(error)
    }
  }

  /** Access that the runner's fast path refused: do it, raise an exception, or stop the machine. */
  slowAccess(access: SlowAccess): void {
    if (this.ended) {
      access.state = 'dead'
      return
    }
    const userMode = this.scheduler.userMode
    try {
      const { kind, index, size } = access
      if (this.memory.watchesUser && !userMode && kind !== 'execute')
        codeTouches(this, index, size, kind, access.at)
      this.memory.slowAccess(access, userMode)
      access.state = 'done'
    } catch (error) {
      if (access.at) this.scheduler.current.at = access.at
      const result = this.raiseInCode(error)
      access.state = result.state === 'throw' || result.state === 'unwind' ? result.state : 'dead'
      access.code = result.code
    }
  }

  raise(code: number, at: SourcePlace | null): CallResult {
    if (this.ended) return this.ddis.dead()
    if (at) this.scheduler.current.at = at
    return this.raiseInCode(new NtException(code))
  }

  callAddress(address: number, location: number, args: CallArgs, count: number): CallResult {
    if (this.ended) return this.ddis.dead()
    const thread = this.scheduler.current
    thread.at = this.options.place?.(location) ?? thread.at
    try {
      this.advance(TICKS_PER_CALL)
      this.scheduler.spend(1)
      this.scheduler.turns.spend(1)
      return this.ddis.callAddress(address, args, count)
    } catch (error) {
      return this.raiseInCode(error)
    }
  }

  indexOf(lo: number, hi: number): number {
    return this.memory.fromHalves(lo, hi)
  }

  addressOf(index: number): bigint {
    return this.memory.address(index)
  }

  registerFunction(info: FunctionInfo): Ptr {
    return this.images.registerFunction(info)
  }

  /** Put a constant string into an image's read-only data; equal strings share a place. */
  intern(image: number, text: string, wide: boolean): Ptr {
    return this.images.intern(image, text, wide)
  }

  internUnicodeString(image: number, text: string): Ptr {
    return this.images.internUnicodeString(image, text)
  }

  routineAddress(index: number): Ptr {
    return this.images.exported(this.ddis.name(index))
  }

  /** The runner met a limit of its own: deep recursion, memory, an error that no NT exception describes. */
  runnerFailed(kind: RunnerFailure, message: string, at: SourcePlace | null): void {
    if (this.ended) return
    if (at) this.scheduler.current.at = at
    try {
      if (kind === 'stack')
        this.bugCheck(0x7f, 8n, 0n, 0n, 0n, 'The kernel stack is used up: the calls go too deep.')
      if (kind === 'endless') this.outOfFuel()
      const where = at ? ` at ${at.file}:${at.line}` : ''
      const what = kind === 'memory' ? 'script memory' : 'script error'
      throw new RunLimit('limit', what, `Stopped${where}: ${message}.`)
    } catch (error) {
      // The runner is gone with its code.
      this.caught(error, false)
    }
  }

  /** Answer to the runner after `error` left a call: an exception to raise, or the end. */
  private raiseInCode(error: unknown): CallResult {
    try {
      const exception = this.toException(error, this.scheduler.userMode)
      exception.origin ??= this.stopRecord.originOfException(exception.routine)
      if (this.tracing)
        this.emit({
          t: 'exception.raised',
          code: hex32(exception.code),
          address: exception.address === null ? null : pointer(exception.address),
          access: exception.access,
        })
      return this.ddis.raise(exception)
    } catch (stop) {
      this.caught(stop)
      return this.ended ? this.ddis.dead() : this.ddis.unwind()
    }
  }

  /** Turn what kernel code threw into an NT exception, or throw the stop that it means. */
  toException(error: unknown, userMode = false): NtException {
    if (error instanceof MemoryFault)
      return faultOf(this, error.index, error.access, userMode, error.routine)
    if (error instanceof NtException) return error
    throw error
  }

  /** What the scheduler stops with when it met bad memory: it follows lists that drivers can spoil. */
  private stopOf(error: unknown): unknown {
    if (!(error instanceof MemoryFault || error instanceof NtException)) return error
    try {
      return unhandled(this, this.toException(error))
    } catch (stop) {
      return stop
    }
  }

  /** An execute fault: a call through a pointer that is no code. */
  fault(index: Ptr, access: AccessKind): NtException {
    return faultOf(this, index, access, this.scheduler.userMode)
  }

  /** @param canGoOn whether driver code can still run: the callbacks of a bug check */
  caught(error: unknown, canGoOn = true): void {
    if (error instanceof BugCheck && canGoOn && this.bugChecks.begin(error)) return
    if (error instanceof BugCheck || error instanceof RunLimit) this.stop(error)
    else {
      this.bug =
        error instanceof SimulatorBug
          ? error
          : new SimulatorBug(
              `simulator fault at event ${this.seq}, seed ${this.options.seed}: ${String(error)}`,
              { cause: error },
            )
      this.ended = 'done'
    }
  }

  /** A loop ran out of fuel: a hang below DISPATCH_LEVEL, a watchdog violation from there on. */
  outOfFuel(): never {
    if (this.irql.level >= 2)
      this.dpcs.watchdogStop('The processor stayed at DISPATCH_LEVEL or above too long.')
    const at = this.scheduler.current.at
    throw new RunLimit(
      'hang',
      'fuel',
      `Stopped after ${grouped(this.limits.loopFuel)} operations in the loop` +
        (at ? ` at ${at.file}:${at.line}.` : '.'),
    )
  }

  // --- time --------------------------------------------------------------------------------------

  advance(ticks: number): void {
    this.tick += ticks
    if (this.bugChecks.running) return
    if (this.tick >= this.hal.schedule.next) this.hal.schedule.run()
    if (this.tick >= this.timers.nextDue) this.timers.expire()
  }

  /** True when something must run before the current code goes on. */
  get attention(): boolean {
    if (this.bugChecks.running) return false
    if (this.apcs.isDue(this.thread)) return true
    const { turns } = this.scheduler
    if (turns.isNeeded && turns.over) return true
    const { hal } = this
    if (hal.lines.pendingLevel > this.irql.level) return hal.interrupts.isDue
    return this.irql.level < 2 && (this.dpcs.pending || this.scheduler.preemptionDue())
  }

  // --- calling code ------------------------------------------------------------------------------

  /**
   * Call a function by its address on the current thread; for use in kernel routines:
   * `const status = yield* k.call(address, 'DRIVER_DISPATCH', [device, irp])`.
   * The result is an int32 (NTSTATUS as unsigned), 0 for void.
   */
  *call(address: Ptr, routine: RoutineName, args: number[], irp = 0): KernelRoutine<number> {
    return yield { op: 'call', address, routine, args, irp }
  }
}

/** `2,000,000`; not `toLocaleString`, whose answer depends on the host. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}
