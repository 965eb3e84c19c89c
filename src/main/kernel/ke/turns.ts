/**
 * Whose turn it is: which of several processors moves on, and for how long.
 *
 * A turn is a number of points: routine calls, rounds of loops and, in code that is compiled for
 * several processors, the places between the accesses to memory at which another processor may come
 * in between. Its length and the next processor are drawn from the seed. Code counts its points
 * down in memory that it shares with the kernel (`Memory.points`).
 *
 * What the kernel does between two points is whole: nobody sees half of an interlocked operation or
 * of a list of the dispatcher's.
 */
import type { Kernel } from '../kernel'
import type { Random } from '../random'
import { DISPATCH_LEVEL, IPI_LEVEL } from './irql'
import type { Processor } from './processor'
import type { Scheduler } from './scheduler'

export class Turns {
  /** False on a machine with one processor, which then pays for none of this. */
  readonly isNeeded: boolean
  private readonly random: Random
  private readonly points: Int32Array

  constructor(
    private readonly k: Kernel,
    private readonly scheduler: Scheduler,
  ) {
    this.isNeeded = k.processors.length > 1
    this.random = k.random.split('turns')
    this.points = k.memory.points
    this.begin()
  }

  /** The processor used up points of its turn. */
  spend(points: number): void {
    if (this.isNeeded) this.points[0]! -= points
  }

  /** The turn ends with the step that is under way. */
  end(): void {
    this.points[0] = 0
  }

  /** Whether the code that runs has to stop at once: its turn is over, or an interrupt came. */
  get over(): boolean {
    if (this.points[0]! <= 0) return true
    const { current, interrupts, irql } = this.k.processor
    return interrupts.length > 0 && irql.level < IPI_LEVEL && !current.interruptsOff
  }

  /**
   * See that `k.processor` is one that can go on.
   * @returns false when none could, and time passed instead: look again
   */
  next(): boolean {
    const { k } = this
    if (this.points[0]! > 0 && this.canGoOn(k.processor)) return true
    const able = k.processors.filter((processor) => this.canGoOn(processor))
    if (able.length === 0) {
      this.scheduler.sleepUntil(this.nextEvent())
      return false
    }
    this.give(able[this.random.below(able.length)]!)
    this.begin()
    return true
  }

  /** Mostly short, so that processors get into each other's way; sometimes long enough for a whole routine. */
  private begin(): void {
    this.points[0] = 1 + this.random.below(this.random.below(5) === 0 ? 40 : 8)
  }

  /** Let another processor be the one that runs: what it sees of memory depends on its level and thread. */
  private give(processor: Processor): void {
    const { k } = this
    if (processor === k.processor) return
    k.processor = processor
    k.memory.setPageableResident(processor.irql.level < DISPATCH_LEVEL)
    const { attached, process } = processor.current
    k.memory.switchSlice((attached ?? process).slice)
  }

  private canGoOn(processor: Processor): boolean {
    const { k } = this
    const { current, idle, interrupts, irql, mask } = processor
    if (!current.interruptsOff) {
      if (interrupts.length > 0 && irql.level < IPI_LEVEL) return true
      if (k.hal.lines.pendingLevel > irql.level) return true
      if (irql.level < DISPATCH_LEVEL && (processor.dpcs.length > 0 || k.timers.overdue))
        return true
    }
    const { spinning } = processor
    if (spinning) return spinning.until()
    if (current.state === 'running' && (current !== idle || idle.frames.length > 0)) return true
    return this.scheduler.hasReady(mask)
  }

  /** When something will happen though no processor can go on: a timer, or the watchdog's patience ends. */
  private nextEvent(): number {
    const { timers, dpcs, processors } = this.k
    let tick = Infinity
    for (const processor of processors)
      if (processor.irql.level < DISPATCH_LEVEL) tick = Math.min(tick, timers.nextTimer)
      else if (processor.spinning) tick = Math.min(tick, dpcs.watchdogTickOf(processor))
    return tick
  }
}
