/** Ways in which simulated code ends early. Thrown inside the kernel, never seen outside it. */
import type { SourcePlace } from '../../shared/trace/event'

/** The earlier event with which a mistake began, as far as whoever found the mistake knows it. */
export interface FirstCause {
  /** A full sentence that says what was done there. */
  text: string
  at: SourcePlace | null
  /** Event in the trace, 0 when there is none. */
  seq: number
}

/** The machine stops: a bug check or a verifier stop. */
export class BugCheck {
  constructor(
    readonly code: number,
    readonly parameters: readonly [bigint, bigint, bigint, bigint],
    /** Verifier rule (`VR-...`) that made it, or null for plain kernel behaviour. */
    readonly rule: string | null,
    /** What happened in the driver's words; the report shows it. */
    readonly what: string | null,
    /** Where it began, when the rule itself knows; the report finds others in the trace. */
    readonly first: FirstCause | null = null,
    /** The rule of option `always` that found it: plain kernel behaviour all the same. */
    readonly about: string | null = null,
  ) {}
}

/** Where an exception came from, kept because unwinding takes the frames away. */
export interface ExceptionOrigin {
  driver: string | undefined
  at: SourcePlace | null
  /** Address that stands for the instruction. */
  instruction: bigint
  /** Where its kernel stack ended then. */
  stackPointer: number
  stack: { frame: string; at: SourcePlace | null }[]
}

/** A raised exception (SEH): goes to the nearest `try` of driver code. */
export class NtException {
  origin: ExceptionOrigin | null = null

  constructor(
    readonly code: number,
    /** Address that was touched, for an access violation. */
    readonly address: bigint | null = null,
    readonly access: 'read' | 'write' | 'execute' | null = null,
    /** The kernel's routine that touched it for driver code. */
    readonly routine: string | null = null,
  ) {}
}

/** The run cannot go on for a reason that Windows does not have: fuel, memory of the sandbox. */
export class RunLimit {
  constructor(
    readonly outcome: 'hang' | 'limit',
    readonly limit: string,
    readonly detail: string,
  ) {}
}

/** A defect of the simulator itself; never looks like a driver's bug check. */
export class SimulatorBug extends Error {
  override name = 'SimulatorBug'
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new SimulatorBug(message)
}
