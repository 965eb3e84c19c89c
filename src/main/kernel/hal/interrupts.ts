/**
 * The way of an interrupt: a line rises, the processor leaves what it does at the next place where it
 * can be interrupted, its level becomes that of the line, and the service routines that are connected
 * run one after the other until one says that its device was the reason.
 *
 * The scheduler asks `isDue` before each step and puts `dispatch` on the current thread.
 */
import { KINTERRUPT } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import { unhandled } from '../ke/fault'
import { DISPATCH_LEVEL } from '../ke/irql'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { BugCheck, RunLimit, SimulatorBug } from '../stop'
import {
  freeInterrupt,
  lockInterrupt,
  makeInterrupt,
  unlockInterrupt,
  type ConnectRequest,
  type InterruptObject,
} from './interrupt-object'
import type { Line, Lines } from './lines'

/** Simulated ticks that it takes to get to the service routines. */
const TICKS_PER_INTERRUPT = 20
/** Interrupts in a row, with nothing in between, that count as a storm. */
const STORM = 256

export class Interrupts {
  private readonly objects = new Map<Ptr, InterruptObject>()

  constructor(
    private readonly k: Kernel,
    private readonly lines: Lines,
  ) {}

  // --- the processor's flag ------------------------------------------------------------------------

  /** Whether the code that runs has turned interrupts off. */
  get areOff(): boolean {
    return this.k.thread.interruptsOff
  }

  /** _disable. */
  turnOff(): void {
    this.k.thread.interruptsOff = true
  }

  /** _enable. */
  turnOn(): void {
    this.k.thread.interruptsOff = false
  }

  /** Whether an interrupt would be delivered now. */
  get isDue(): boolean {
    return this.lines.pendingLevel > this.k.irql.level && !this.areOff
  }

  // --- connecting ----------------------------------------------------------------------------------

  /** The object that a pointer names; undefined when it was never connected or is not any more. */
  find(pointer: Ptr): InterruptObject | undefined {
    return this.objects.get(pointer)
  }

  /** Connect a service routine. @returns the object, or the NTSTATUS that says why there is none */
  connect(request: ConnectRequest): InterruptObject | number {
    const { k } = this
    const line = this.lines.ofVector(request.vector)
    const bad =
      !line ||
      request.serviceRoutine === 0 ||
      request.irql !== line.irql ||
      request.synchronizeIrql < request.irql ||
      request.synchronizeIrql > 15
    if (bad) return STATUS_INVALID_PARAMETER
    const others = line.connected
    const fits = others.every(
      (other) => other.request.isShared && request.isShared && other.request.mode === request.mode,
    )
    if (!fits) return STATUS_INVALID_PARAMETER
    const object = makeInterrupt(k, request, line)
    if (!object) return STATUS_INSUFFICIENT_RESOURCES
    line.mode = request.mode
    others.push(object)
    this.objects.set(object.address, object)
    k.emit({
      t: 'interrupt.connected',
      interrupt: k.memory.format(object.address),
      vector: line.vector,
      level: line.irql,
      mode: request.mode,
      shared: request.isShared,
      routine: k.images.symbol(request.serviceRoutine),
      device: line.device,
    })
    this.lines.update()
    return object
  }

  /**
   * Disconnect, and wait until no other processor runs the service routine.
   * @returns STATUS_INVALID_PARAMETER for a pointer that is no connected object
   */
  *disconnect(pointer: Ptr): KernelRoutine<number> {
    const object = this.objects.get(pointer)
    if (!object) return STATUS_INVALID_PARAMETER
    const { connected } = object.line
    connected.splice(connected.indexOf(object), 1)
    if (connected.length === 0) object.line.latched = false
    this.objects.delete(pointer)
    this.k.emit({
      t: 'interrupt.disconnected',
      interrupt: this.k.memory.format(pointer),
      vector: object.line.vector,
    })
    this.lines.update()
    // A service routine that disconnects itself would wait for its own end.
    while (object.calls > 0 && this.k.irql.level < DISPATCH_LEVEL)
      yield { op: 'spin', until: () => object.calls === 0 }
    freeInterrupt(this.k, object)
    return STATUS_SUCCESS
  }

  /** A connected object whose routine lies in a range: a driver's image. */
  connectedInto(start: Ptr, end: Ptr): InterruptObject | undefined {
    for (const object of this.objects.values()) {
      const { serviceRoutine } = object.request
      if (serviceRoutine >= start && serviceRoutine < end) return object
    }
    return undefined
  }

  // --- delivering ----------------------------------------------------------------------------------

  /**
   * The kernel routine that serves what is due, to be put on top of the current thread. What the
   * thread was about to receive is kept and given back.
   */
  dispatch(): KernelRoutine<number> {
    const { thread } = this.k
    const { input, raise } = thread
    thread.raise = null
    return this.serve(input, raise)
  }

  private *serve(input: number, raise: unknown): KernelRoutine<number> {
    const { k } = this
    const { thread } = k
    const { at, cause } = thread
    let inARow = 0
    for (let line = this.due(); line; line = this.due()) {
      if (++inARow > STORM) this.storm(line)
      yield* this.deliver(line)
      thread.at = at
      thread.cause = cause
    }
    thread.raise = raise
    return input
  }

  private due(): Line | null {
    return this.isDue ? this.lines.next(this.k.irql.level) : null
  }

  private *deliver(line: Line): KernelRoutine<void> {
    const { k } = this
    this.lines.accept(line)
    const outer = k.irql.raise(line.irql, 'interrupt')
    k.tick += TICKS_PER_INTERRUPT
    k.thread.cause = k.emit(
      {
        t: 'interrupt.delivered',
        device: line.device,
        vector: line.vector,
        level: line.irql,
      },
      line.cause,
    )
    const claimedBy = yield* this.askAll(line)
    k.emit({
      t: 'interrupt.served',
      vector: line.vector,
      claimed: claimedBy !== null,
      routine: claimedBy && k.images.symbol(claimedBy.request.serviceRoutine),
    })
    this.lines.end(line)
    k.irql.lower(outer, 'interrupt served')
  }

  /**
   * Call the service routines in the order in which they were connected. For a level the first that
   * claims it ends the round; edges of several devices may have become one, so for them it goes on
   * until nobody claims anything.
   * @bugcheck 0x133 when that never is so
   */
  private *askAll(line: Line): KernelRoutine<InterruptObject | null> {
    let claimedBy: InterruptObject | null = null
    let rounds = 0
    for (let again = true; again;) {
      again = false
      if (++rounds > STORM) this.storm(line)
      for (const object of [...line.connected]) {
        if (!this.objects.has(object.address) || !(yield* this.ask(object))) continue
        claimedBy = object
        if (line.mode === 'level') return object
        again = line.connected.length > 1
      }
    }
    return claimedBy
  }

  private *ask(object: InterruptObject): KernelRoutine<boolean> {
    const { k } = this
    const { memory } = k
    const { serviceRoutine, serviceContext, synchronizeIrql } = object.request
    object.calls++
    const level = yield* lockInterrupt(k, object, 'interrupt')
    let result: number
    try {
      result = yield* k.call(serviceRoutine, 'KSERVICE_ROUTINE', [object.address, serviceContext])
    } catch (error) {
      // No handler is below a service routine but the system's own.
      if (error instanceof BugCheck || error instanceof RunLimit || error instanceof SimulatorBug)
        throw error
      unhandled(k, k.toException(error))
    }
    if (k.irql.level !== synchronizeIrql) k.irql.set(synchronizeIrql, 'interrupt')
    unlockInterrupt(k, object, level, 'interrupt')
    object.calls--
    // BOOLEAN is a byte.
    const isClaimed = (result & 0xff) !== 0
    if (this.objects.has(object.address)) this.count(memory, object.address, isClaimed)
    return isClaimed
  }

  private count(memory: Kernel['memory'], at: Ptr, isClaimed: boolean): void {
    const counter = at + (isClaimed ? KINTERRUPT.ServiceCount : KINTERRUPT.DispatchCount)
    memory.setU32(counter, memory.u32(counter) + 1)
  }

  /**
   * A level that nobody lets fall is delivered again and again: the processor never comes back to
   * what it did. @bugcheck 0x133
   */
  private storm(line: Line): never {
    const { k } = this
    if (k.irql.level < DISPATCH_LEVEL) k.irql.raise(line.irql, 'interrupt')
    return k.dpcs.watchdogStop(
      `The line of ${line.device ?? 'the device'} stays up: its interrupt was served ${STORM} times in a row and comes again at once.`,
      false,
    )
  }
}
