/** What a machine is made with, and the bounds of its run. */
import type { DefenceName } from '../../shared/defences'
import type { SourcePlace, TraceEvent } from '../../shared/trace/event'
import type { HalName } from './hal/platform'
import type { Backing } from './mm/memory'
import type { PagingPolicy } from './mm/pager'

export interface KernelOptions {
  seed: number
  /** Processors of the machine, 1 to 8; 1 by default. */
  processors?: number
  /** The machine's platform; x64 by default. */
  hal?: HalName
  /** When pageable memory leaves below DISPATCH_LEVEL; `none` by default. */
  paging?: PagingPolicy
  /** What it defends itself by; nothing but what every machine has by default. */
  defences?: readonly DefenceName[]
  /** The boot before, of a machine that starts again: the trace and the time go on. */
  rebooted?: { boot: number; seq: number; tick: number }
  /** Verifier options or rule ids that are on. */
  verifier?: readonly string[]
  /** `off` keeps only what the report needs. */
  trace?: 'off' | 'full'
  /** Receives every event, in order. */
  onEvent?: (event: TraceEvent) => void
  backing?: Backing
  /** Turns a location id of compiled code into a place. */
  place?: (location: number) => SourcePlace | null
  /** Whether an exception at a place of driver code is taken by a handler of its own; null when unknown. */
  handled?: (place: SourcePlace) => boolean | null
  limits?: Partial<Limits>
  /** Allocation of a driver that fails on purpose: 1 for the first; 0 for none. */
  failAllocation?: number
}

/** Bounds of one run; reaching one is an outcome, never an error. */
export interface Limits {
  /** Loop back edges of one routine's activation between waits. */
  loopFuel: number
  /** Routine calls of the whole run. */
  ddiCalls: number
  events: number
  outputLines: number
  /** Simulated time without progress of the main thread, in ticks of 100 ns. */
  idleTicks: number
  /** Ticks one stay at DISPATCH_LEVEL or above may last (bug check 0x133). */
  dispatchTicks: number
}

export const DEFAULT_LIMITS: Limits = {
  loopFuel: 2_000_000,
  ddiCalls: 20_000_000,
  events: 5_000_000,
  outputLines: 100_000,
  idleTicks: 600 * 10_000_000,
  dispatchTicks: 10_000_000,
}
