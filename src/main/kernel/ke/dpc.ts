/**
 * Deferred procedure calls: routines that run at DISPATCH_LEVEL as soon as the IRQL allows, on
 * whatever thread is current then.
 *
 * The scheduler puts `retire` on the current thread when the level is below DISPATCH_LEVEL and
 * `pending` says so. While it runs, timers that are due fire as well, as on Windows.
 */
import { DpcObject, HighImportance, MediumImportance } from '../../../shared/nt/generated/constants'
import { DEVICE_OBJECT, KDPC } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { BugCheck, RunLimit, SimulatorBug } from '../stop'
import { kernelApcDisable } from './apc'
import { atDispatchLevel, checkNonpaged, requireNonpaged } from './at-dispatch'
import { unhandled } from './fault'
import { DISPATCH_LEVEL } from './irql'
import type { Processor, QueuedDpc } from './processor'
import { TIME_INCREMENT } from './time'

/** Simulated ticks that it takes to get to a DPC routine. */
const TICKS_PER_DPC = 50
/** How many times the budget of one DPC an unbroken stay at DISPATCH_LEVEL may take. */
const STAY_FACTOR = 2
/** Size of KDPC_DATA, the head of a processor's queue. */
const KDPC_DATA_BYTES = 0x28

/** KDPC.Number of a DPC that is bound to a processor is this and the processor's number. */
const TARGETED = 0x800

export class Dpcs {
  /** KDPC.DpcData of a queued DPC points here. */
  private dpcData: Ptr = 0

  constructor(private readonly k: Kernel) {}

  /** Whether `retire` has something to do on the processor that runs. */
  get pending(): boolean {
    return this.k.processor.dpcs.length > 0 || this.k.timers.overdue
  }

  /** Whether the processor that runs is at work on its DPCs. */
  get running(): boolean {
    return this.k.processor.retiring
  }

  // --- KDPC --------------------------------------------------------------------------------------

  /** KeInitializeDpc. */
  initialize(dpc: Ptr, routine: Ptr, context: Ptr): void {
    const { memory } = this.k
    checkNonpaged(this.k, dpc, 'KDPC')
    memory.fill(dpc, KDPC.SIZE, 0)
    memory.setU8(dpc + KDPC.Type, DpcObject)
    memory.setU8(dpc + KDPC.Importance, MediumImportance)
    memory.setPtr(dpc + KDPC.DeferredRoutine, routine)
    memory.setPtr(dpc + KDPC.DeferredContext, context)
  }

  /** KeSetTargetProcessorDpc: which processor runs it, whoever queues it. */
  setTarget(dpc: Ptr, processor: number): void {
    this.k.memory.setU16(dpc + KDPC.Number, TARGETED + processor)
  }

  /** The processor that a DPC goes to when it is queued now. */
  private targetOf(dpc: Ptr): Processor {
    const { k } = this
    const number = k.memory.u16(dpc + KDPC.Number) - TARGETED
    return k.processors[number] ?? k.processor
  }

  /** KeInsertQueueDpc: false, with nothing changed, when it is queued already. */
  insert(dpc: Ptr, argument1: Ptr, argument2: Ptr): boolean {
    requireNonpaged(this.k, dpc, 'KDPC')
    return atDispatchLevel(this.k, () => {
      const { k } = this
      const { memory } = k
      if (memory.ptr(dpc + KDPC.DpcData) !== 0) return false
      if (!this.dpcData) this.dpcData = k.pool.allocate(KDPC_DATA_BYTES, 'KDpc', { system: true })
      memory.setPtr(dpc + KDPC.SystemArgument1, argument1)
      memory.setPtr(dpc + KDPC.SystemArgument2, argument2)
      memory.setPtr(dpc + KDPC.DpcData, this.dpcData)
      const target = this.targetOf(dpc)
      const item: QueuedDpc = {
        dpc,
        native: null,
        cause: k.tracing
          ? k.emit({
              t: 'dpc.queued',
              dpc: memory.format(dpc),
              routine: k.images.symbol(memory.ptr(dpc + KDPC.DeferredRoutine)),
              ...(target === k.processor ? {} : { processor: target.number }),
            })
          : 0,
      }
      if (memory.u8(dpc + KDPC.Importance) === HighImportance) target.dpcs.unshift(item)
      else target.dpcs.push(item)
      return true
    })
  }

  /** A routine of the kernel to be run as a DPC. */
  insertNative(native: () => KernelRoutine<void>): void {
    this.k.processor.dpcs.push({ dpc: 0, native, cause: this.k.thread.cause })
  }

  /** KeRemoveQueueDpc: whether it was queued. */
  remove(dpc: Ptr): boolean {
    requireNonpaged(this.k, dpc, 'KDPC')
    return atDispatchLevel(this.k, () => {
      const { memory } = this.k
      if (memory.ptr(dpc + KDPC.DpcData) === 0) return false
      memory.setPtr(dpc + KDPC.DpcData, 0)
      for (const { dpcs } of this.k.processors) {
        const index = dpcs.findIndex((item) => item.dpc === dpc)
        if (index < 0) continue
        dpcs.splice(index, 1)
        return true
      }
      return false
    })
  }

  /** DeferredRoutine of a KDPC; 0 when it cannot be read. */
  routineOf(dpc: Ptr): Ptr {
    if (!dpc || !(this.k.memory.pte(dpc) & 1)) return 0
    return this.k.memory.ptr(dpc + KDPC.DeferredRoutine)
  }

  /** A queued KDPC in a range of memory that is about to go away; 0 for none. */
  queuedIn(start: Ptr, end: Ptr): Ptr {
    return this.find((dpc) => dpc >= start && dpc < end)
  }

  /** A queued KDPC whose routine lies in a range: a driver's image. 0 for none. */
  queuedInto(start: Ptr, end: Ptr): Ptr {
    return this.find((dpc) => {
      const routine = this.routineOf(dpc)
      return routine >= start && routine < end
    })
  }

  /** A queued KDPC, 0 for none. */
  private find(wanted: (dpc: Ptr) => boolean): Ptr {
    for (const { dpcs } of this.k.processors)
      for (const { dpc } of dpcs) if (dpc !== 0 && wanted(dpc)) return dpc
    return 0
  }

  /** KeFlushQueuedDpcs: back when every DPC that was queued at the call has run. */
  *flush(): KernelRoutine<void> {
    // Below DISPATCH_LEVEL the scheduler retires what is pending before this thread goes on.
    while (this.pending && !this.running && this.k.irql.level < DISPATCH_LEVEL)
      yield { op: 'yield' }
    // What other processors have queued or are at now; not what they queue meanwhile.
    const goals = this.k.processors.map(
      ({ dpcs, dpcsRun, retiring }) => dpcsRun + dpcs.length + (retiring ? 1 : 0),
    )
    const isDone = (processor: Processor): boolean =>
      processor === this.k.processor ||
      processor.dpcsRun >= goals[processor.number]! ||
      (processor.dpcs.length === 0 && !processor.retiring)
    while (!this.k.processors.every(isDone)) yield { op: 'yield' }
  }

  // --- running -----------------------------------------------------------------------------------

  /**
   * The kernel routine that runs everything queued, to be put on top of the current thread. What
   * the thread was about to receive is kept and given back.
   */
  retire(): KernelRoutine<number> {
    const thread = this.k.thread
    const { input, raise } = thread
    thread.raise = null
    return this.drain(input, raise)
  }

  private *drain(input: number, raise: unknown): KernelRoutine<number> {
    const { k } = this
    const thread = k.thread
    const { at, cause } = thread
    const { processor } = k
    const level = k.irql.raise(DISPATCH_LEVEL, 'DPC')
    processor.retiring = true
    for (;;) {
      k.timers.run()
      const item = processor.dpcs.shift()
      if (!item) break
      thread.cause = item.cause
      yield* this.runOne(item)
      processor.dpcsRun++
      thread.at = at
      thread.cause = cause
    }
    processor.retiring = false
    k.irql.lower(level, 'DPCs done')
    thread.raise = raise
    return input
  }

  private *runOne(item: QueuedDpc): KernelRoutine<void> {
    const { k } = this
    k.processor.dpcStartedAt = k.tick
    k.tick += TICKS_PER_DPC
    const apcs = kernelApcDisable(k, k.thread)
    let routine: Ptr = 0
    try {
      if (item.native) yield* item.native()
      else {
        const [address, ...args] = this.take(item.dpc)
        routine = address
        // The DPC inside a device object (IoInitializeDpcRequest) gets the device, a packet, a context.
        const ofDevice = args[1]! + DEVICE_OBJECT.Dpc === item.dpc
        yield* k.call(routine, ofDevice ? 'IO_DPC_ROUTINE' : 'KDEFERRED_ROUTINE', args)
      }
    } catch (error) {
      // No handler is below a DPC but the system's own.
      if (error instanceof BugCheck || error instanceof RunLimit || error instanceof SimulatorBug)
        throw error
      unhandled(k, k.toException(error))
    }
    this.checkWatchdog()
    this.checkReturn(item.dpc, routine, apcs)
  }

  /** Take a DPC's routine and arguments; from here on it may be queued again. */
  private take(dpc: Ptr): [routine: Ptr, dpc: Ptr, context: Ptr, argument1: Ptr, argument2: Ptr] {
    return atDispatchLevel(this.k, () => {
      const { memory } = this.k
      memory.setPtr(dpc + KDPC.DpcData, 0)
      return [
        memory.ptr(dpc + KDPC.DeferredRoutine),
        dpc,
        memory.ptr(dpc + KDPC.DeferredContext),
        memory.ptr(dpc + KDPC.SystemArgument1),
        memory.ptr(dpc + KDPC.SystemArgument2),
      ]
    })
  }

  private checkReturn(dpc: Ptr, routine: Ptr, apcs: number): void {
    const { k } = this
    const { level } = k.irql
    const address = k.memory.address(routine)
    if (level !== DISPATCH_LEVEL) {
      k.verifier.check(
        'VR-IRQL-RETURN-CALLBACK',
        true,
        [(level << 16) | (DISPATCH_LEVEL << 8), address, k.memory.address(dpc), 0],
        `The DPC routine ${k.images.symbol(routine)} was called at IRQL 2 and returned at IRQL ${level}.`,
      )
      k.irql.raise(DISPATCH_LEVEL, 'DPC')
    }
    const now = kernelApcDisable(k, k.thread)
    if (now !== apcs)
      k.bugCheck(
        0xc7,
        4n,
        address,
        BigInt.asUintN(64, BigInt(apcs)),
        BigInt.asUintN(64, BigInt(now)),
        `The DPC routine ${k.images.symbol(routine)} changed the APC disable count from ${apcs} to ${now}.`,
      )
  }

  // --- the watchdog --------------------------------------------------------------------------------

  /** Tick at which the processor that runs has been at DISPATCH_LEVEL or above for too long. */
  get watchdogTick(): number {
    return this.watchdogTickOf(this.k.processor)
  }

  watchdogTickOf({ irql, retiring, dpcStartedAt }: Processor): number {
    const { dispatchTicks } = this.k.limits
    const stay = irql.raisedAt + dispatchTicks * (retiring ? STAY_FACTOR : 1)
    return retiring ? Math.min(stay, dpcStartedAt + dispatchTicks) : stay
  }

  /** Stop the machine when that tick has come. @bugcheck 0x133 */
  checkWatchdog(): void {
    const { k } = this
    if (k.tick < this.watchdogTick) return
    const budget = k.limits.dispatchTicks
    const used = k.tick - k.processor.dpcStartedAt
    if (this.running && used >= budget)
      this.watchdogStop(
        `A DPC routine ran for ${milliseconds(used)} ms; ${milliseconds(budget)} ms are allowed.`,
      )
    this.watchdogStop(
      `The processor stayed at DISPATCH_LEVEL or above for ${milliseconds(k.tick - k.irql.raisedAt)} ms.`,
      false,
    )
  }

  /**
   * The stop of the watchdog, with times in ticks of the clock.
   * @param oneDpc whether one DPC is to blame, not the time at DISPATCH_LEVEL in all
   * @bugcheck 0x133
   */
  watchdogStop(what: string, oneDpc = this.running): never {
    const { k } = this
    const allowed = clockTicks(k.limits.dispatchTicks)
    if (!oneDpc) return k.bugCheck(0x133, 1, allowed, 0, 0, what)
    const used = clockTicks(k.tick - k.processor.dpcStartedAt)
    return k.bugCheck(0x133, 0, Math.max(used, allowed), allowed, 0, what)
  }
}

function clockTicks(ticks: number): number {
  return Math.floor(ticks / TIME_INCREMENT)
}

function milliseconds(ticks: number): number {
  return Math.round(ticks / 10_000)
}
