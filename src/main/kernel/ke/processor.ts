/**
 * A processor of the machine: the thread it runs, its IRQL, its queue of DPCs. One of them moves at a
 * time; the scheduler decides by the seed which, and `k.processor` is that one.
 */
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { Irql } from './irql'
import type { Frame, Thread } from './thread'

/** Most processors of a machine. */
export const PROCESSORS_MAX = 8

/** A DPC that waits in a processor's queue. */
export interface QueuedDpc {
  /** KDPC, or 0 for a routine of the kernel. */
  dpc: Ptr
  native: (() => KernelRoutine<void>) | null
  /** seq of its `dpc.queued`. */
  cause: number
}

/** A processor turns on the spot until something is so. */
export interface Spin {
  /** The kernel routine that spins; while it is on top of the stack nothing else goes on here. */
  frame: Frame
  until: () => boolean
}

export class Processor {
  readonly irql: Irql
  /** Thread that runs when no other does. */
  idle!: Thread
  /** Thread whose frames it runs. */
  current!: Thread
  readonly dpcs: QueuedDpc[] = []
  /** Its DPCs are being run. */
  retiring = false
  /** Tick at which the running DPC began. */
  dpcStartedAt = 0
  /** DPCs that it has run. */
  dpcsRun = 0
  /** Loop back edges since its thread last waited. */
  backEdges = 0
  /** Interrupts from other processors that it has not taken yet. */
  readonly interrupts: (() => KernelRoutine<void>)[] = []
  spin: Spin | null = null

  constructor(
    k: Kernel,
    readonly number: number,
  ) {
    this.irql = new Irql(k)
  }

  /** Its bit in a KAFFINITY. */
  get mask(): number {
    return 1 << this.number
  }

  /** Whether it waits for another processor now. */
  get spinning(): Spin | null {
    const { spin } = this
    return spin && this.current.frames.at(-1) === spin.frame ? spin : null
  }
}
