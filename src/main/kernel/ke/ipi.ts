/**
 * Interrupts between processors: one routine on all of them at the same time (KeIpiGenericCall).
 *
 * No processor begins before all have arrived at IPI_LEVEL, and the caller goes on when all are done.
 * One broadcast is under way at a time; who comes meanwhile waits at its own IRQL, so that it can be
 * interrupted.
 */
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { IPI_LEVEL } from './irql'
import { TIME_INCREMENT } from './time'

/** A broadcast that is under way. */
interface Broadcast {
  routine: Ptr
  context: Ptr
  arrived: number
  done: number
}

export class Ipis {
  private current: Broadcast | null = null

  constructor(private readonly k: Kernel) {}

  /**
   * Run `routine` everywhere.
   * @returns what it gave on the caller's processor
   * @irql below IPI_LEVEL
   * @bugcheck 0x101 when a processor does not come: it is at IPI_LEVEL or above
   */
  *broadcast(routine: Ptr, context: Ptr): KernelRoutine<number> {
    const { k } = this
    while (this.current) yield { op: 'spin', until: () => this.current === null }
    const broadcast: Broadcast = { routine, context, arrived: 0, done: 0 }
    this.current = broadcast
    const { processor } = k
    for (const other of k.processors)
      if (other !== processor) other.interrupts.push(() => this.take(broadcast))
    const old = k.irql.raise(IPI_LEVEL, 'KeIpiGenericCall')
    broadcast.arrived++
    yield* this.until(() => broadcast.arrived === k.processors.length)
    const result = yield* k.call(routine, 'KIPI_BROADCAST_WORKER', [context])
    broadcast.done++
    yield* this.until(() => broadcast.done === k.processors.length)
    this.current = null
    k.irql.lower(old, 'KeIpiGenericCall')
    return result
  }

  /** The interrupt on the other processors. */
  private *take(broadcast: Broadcast): KernelRoutine<void> {
    const { k } = this
    const old = k.irql.raise(IPI_LEVEL, 'interrupt of another processor')
    broadcast.arrived++
    yield* this.until(() => broadcast.arrived === k.processors.length)
    yield* k.call(broadcast.routine, 'KIPI_BROADCAST_WORKER', [broadcast.context])
    broadcast.done++
    k.irql.lower(old, 'end of interrupt')
  }

  private *until(isSo: () => boolean): KernelRoutine<void> {
    const { k } = this
    const { processor } = k
    while (!isSo()) {
      if (k.tick >= k.dpcs.watchdogTick) this.missing()
      yield { op: 'spin', until: () => isSo() || k.tick >= k.dpcs.watchdogTickOf(processor) }
    }
  }

  private missing(): never {
    const { k } = this
    const deaf = k.processors.find(
      (other) => other !== k.processor && other.irql.level >= IPI_LEVEL && !other.spinning,
    )
    return k.bugCheck(
      0x101,
      Math.floor(k.limits.dispatchTicks / TIME_INCREMENT),
      0,
      0,
      deaf?.number ?? 0,
      `Processor ${k.processor.number} waits for ${deaf ? `processor ${deaf.number}, which is at IRQL ${deaf.irql.level} and takes no interrupts` : 'another processor, which does not come'}.`,
    )
  }
}
