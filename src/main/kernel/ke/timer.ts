/**
 * Timers: what happens at a tick. KTIMERs of drivers, time-outs of waits, the kernel's own.
 *
 * A timer comes due between two steps of whatever runs. What it does then (signal, end a wait, queue
 * its DPC) belongs to DISPATCH_LEVEL, so while the processor stays there it waits: a driver that
 * holds a spin lock for a second delays every timer by a second.
 *
 * Timers come due exactly at their tick; Windows rounds up to the next clock interrupt.
 */
import {
  TimerNotificationObject,
  TimerSynchronizationObject,
} from '../../../shared/nt/generated/constants'
import { KTIMER } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import { PTE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { IoTimers } from '../io/timer'
import { atDispatchLevel, requireNonpaged } from './at-dispatch'
import { DISPATCH_LEVEL } from './irql'
import type { Thread } from './thread'
import { tickOf } from './time'

/** Something that is to happen at a tick. */
export interface Due {
  tick: number
  fire: () => void
}

interface ArmedTimer extends Due {
  /** seq of its `timer.set`. */
  cause: number
  /** Code that set it: whose timer it is, also when the memory with its DPC is gone. */
  setBy: Ptr
}

const TICKS_PER_MILLISECOND = 10_000

export class Timers {
  readonly io: IoTimers
  /** In the order in which they come due; equal ticks in the order of setting. */
  private readonly queue: Due[] = []
  private readonly armed = new Map<Ptr, ArmedTimer>()
  private readonly deadlines = new Map<Thread, Due>()

  constructor(private readonly k: Kernel) {
    this.io = new IoTimers(k)
  }

  /**
   * Tick at which time must not pass on without `expire`; Infinity when nothing waits for time. At
   * DISPATCH_LEVEL and above that is the moment at which the watchdog loses patience.
   */
  get nextDue(): number {
    const { irql, dpcs } = this.k
    return irql.level >= DISPATCH_LEVEL ? dpcs.watchdogTick : this.nextTimer
  }

  /** Tick of the earliest timer. */
  get nextTimer(): number {
    return this.queue[0]?.tick ?? Infinity
  }

  /** Whether a timer's time has come. */
  get overdue(): boolean {
    return this.nextTimer <= this.k.tick
  }

  /** Time has reached `nextDue`. */
  expire(): void {
    if (this.k.irql.level >= DISPATCH_LEVEL) this.k.dpcs.checkWatchdog()
    else this.run()
  }

  /** Let happen what is due, as if the processor were at DISPATCH_LEVEL. */
  run(): void {
    while (this.overdue) this.queue.shift()!.fire()
  }

  // --- ticks -----------------------------------------------------------------------------------

  /** Have `fire` called at `tick`, with the processor at DISPATCH_LEVEL. */
  at(tick: number, fire: () => void): Due {
    return this.insert({ tick, fire })
  }

  remove(due: Due): void {
    const index = this.queue.indexOf(due)
    if (index >= 0) this.queue.splice(index, 1)
  }

  private insert<T extends Due>(due: T): T {
    let low = 0
    let high = this.queue.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.queue[middle]!.tick <= due.tick) low = middle + 1
      else high = middle
    }
    this.queue.splice(low, 0, due)
    return due
  }

  /** End a thread's wait at `tick`. One for each thread; the dispatcher's. */
  deadline(thread: Thread, tick: number): void {
    this.clearDeadline(thread)
    const due = this.at(tick, () => {
      this.deadlines.delete(thread)
      this.k.dispatcher.timeOut(thread)
    })
    this.deadlines.set(thread, due)
  }

  clearDeadline(thread: Thread): void {
    const due = this.deadlines.get(thread)
    if (!due) return
    this.remove(due)
    this.deadlines.delete(thread)
  }

  // --- KTIMER ----------------------------------------------------------------------------------

  /** KeInitializeTimerEx: NotificationTimer (0) or SynchronizationTimer (1). */
  initialize(timer: Ptr, type: number): void {
    const { memory, dispatcher } = this.k
    this.forget(timer)
    dispatcher.initializeHeader(
      timer,
      type === 1 ? TimerSynchronizationObject : TimerNotificationObject,
      KTIMER.SIZE,
      0,
    )
    memory.setU64(timer + KTIMER.DueTime, 0n)
    memory.setPtr(timer + KTIMER.TimerListEntry, 0)
    memory.setPtr(timer + KTIMER['TimerListEntry.Blink'], 0)
    memory.setPtr(timer + KTIMER.Dpc, 0)
    memory.setU32(timer + KTIMER.Processor, 0)
    memory.setU32(timer + KTIMER.Period, 0)
  }

  /**
   * KeSetTimerEx: arm, whether it was armed or not.
   * @param due    as in a LARGE_INTEGER: negative relative, else absolute
   * @param period milliseconds between repetitions, 0 for none
   * @param dpc    KDPC to queue each time, or 0
   * @returns whether it was armed before
   */
  set(timer: Ptr, due: bigint, period: number, dpc: Ptr): boolean {
    requireNonpaged(this.k, timer, 'KTIMER')
    return atDispatchLevel(this.k, () => {
      const { k } = this
      const { memory } = k
      const wasArmed = this.forget(timer)
      const tick = Math.max(k.tick, tickOf(k, due))
      memory.setU32(timer + KTIMER['Header.SignalState'], 0)
      memory.setSize(timer + KTIMER.DueTime, Number.isFinite(tick) ? tick : Number.MAX_SAFE_INTEGER)
      memory.setU32(timer + KTIMER.Period, period)
      memory.setPtr(timer + KTIMER.Dpc, dpc)
      const cause = k.tracing
        ? k.emit({
            t: 'timer.set',
            timer: memory.format(timer),
            due: Number.isFinite(tick) ? tick : Number.MAX_SAFE_INTEGER,
            period,
          })
        : 0
      this.arm(timer, tick, cause, memory.index(k.images.nearestCode(k.thread)))
      // A time that is over already: it fires before the routine returns, unless the IRQL forbids.
      if (tick <= k.tick && k.irql.level < DISPATCH_LEVEL) this.run()
      return wasArmed
    })
  }

  private arm(timer: Ptr, tick: number, cause: number, setBy: Ptr): void {
    const { memory } = this.k
    memory.setU8(timer + KTIMER['Header.Reserved1'], TIMER_INSERTED)
    const due: ArmedTimer = { tick, cause, setBy, fire: () => this.fire(timer, due) }
    this.armed.set(timer, this.insert(due))
  }

  private fire(timer: Ptr, due: ArmedTimer): void {
    const { k } = this
    this.armed.delete(timer)
    atDispatchLevel(k, () => {
      const { memory } = k
      const seq = k.tracing
        ? k.emit({ t: 'timer.expired', timer: memory.format(timer) }, due.cause)
        : 0
      const outer = k.thread.cause
      if (seq) k.thread.cause = seq
      memory.setU8(timer + KTIMER['Header.Reserved1'], 0)
      const period = memory.i32(timer + KTIMER.Period) * TICKS_PER_MILLISECOND
      if (period > 0) {
        // Repetitions that a long stay at DISPATCH_LEVEL swallowed are not made up for.
        const missed = Math.floor((k.tick - due.tick) / period)
        this.arm(timer, due.tick + (missed + 1) * period, due.cause, due.setBy)
      }
      const dpc = memory.ptr(timer + KTIMER.Dpc)
      k.dispatcher.signal(timer)
      if (dpc) k.dpcs.insert(dpc, 0, 0)
      k.thread.cause = outer
    })
  }

  /** KeCancelTimer: whether it was armed. A DPC that it queued stays queued. */
  cancel(timer: Ptr): boolean {
    requireNonpaged(this.k, timer, 'KTIMER')
    return atDispatchLevel(this.k, () => {
      this.k.memory.u8(timer)
      return this.forget(timer)
    })
  }

  isArmed(timer: Ptr): boolean {
    return this.armed.has(timer)
  }

  private forget(timer: Ptr): boolean {
    const due = this.armed.get(timer)
    if (!due) return false
    this.remove(due)
    this.armed.delete(timer)
    this.k.memory.setU8(timer + KTIMER['Header.Reserved1'], 0)
    return true
  }

  /** An armed timer in a range of memory that is about to go away; 0 for none. */
  armedIn(start: Ptr, end: Ptr): Ptr {
    for (const timer of this.armed.keys()) if (timer >= start && timer < end) return timer
    return 0
  }

  /**
   * Armed timers whose DPC routine lies in a range: a driver's image. Of one whose memory was freed
   * only the code that set it is known.
   */
  *armedInto(start: Ptr, end: Ptr): Iterable<Ptr> {
    const { memory, dpcs } = this.k
    for (const [timer, { setBy }] of this.armed) {
      const isThere = memory.pte(timer + KTIMER.Dpc) & PTE.read
      const routine = isThere ? dpcs.routineOf(memory.ptr(timer + KTIMER.Dpc)) : setBy
      if (routine >= start && routine < end) yield timer
    }
  }
}

/** DISPATCHER_HEADER.Inserted, the bit of its fourth byte that says that a timer is armed. */
const TIMER_INSERTED = 0x40
