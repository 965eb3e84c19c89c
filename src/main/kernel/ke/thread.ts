/** Threads as the scheduler sees them: a stack of frames, some of the kernel, some of driver code. */
import type { KernelRoutine, RoutineName } from '../ddi/types'
import type { SourcePlace } from '../../../shared/trace/event'
import type { Memory, Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import type { UserThread } from '../ps/user'

/** One activation on a thread's stack. */
export type Frame = KernelFrame | CodeFrame

/** A kernel routine in the middle of its work. */
export interface KernelFrame {
  kind: 'kernel'
  routine: KernelRoutine<unknown>
  /** Name for stack listings, `nt!IofCallDriver`. */
  name: string
  /** Index of the DDI whose result goes to the code frame below, or -1. */
  ddi: number
  cause: number
  /** Result parameters of the DDI, for the code frame below. */
  outs?: (number | bigint | undefined)[]
  /** seq of the DDI's `ddi.called`, 0 when untraced, and the cause to go back to. */
  callSeq?: number
  outerCause?: number
  /** Routines between this frame and what it calls itself, innermost first: the way of a system call. */
  path?: readonly string[] | null
  /** Driver of the system's own whose dispatch routine it is. */
  driver?: string
}

/** A function of a driver or client, run by the code runner. */
export interface CodeFrame {
  kind: 'code'
  id: number
  fn: number
  routine: RoutineName
  name: string
  image: number
  args: number[]
  irp: number
  started: boolean
  at: SourcePlace | null
  /** seq of its `routine.called`. */
  cause: number
  /** Index of the DDI that suspended it, to convert its result; -1 after a quantum's end. */
  waitingFor: number
  /** Its result, once there. */
  result: unknown
  outs: (number | bigint | undefined)[]
  /** IRQL at entry, to find callbacks that forget to restore it. */
  irqlAtEntry: number
  /** Stack pointer of its code, and the lowest byte it may reach. */
  stack: Ptr
  stackLimit: Ptr
}

export type ThreadState = 'ready' | 'running' | 'waiting' | 'exited'

/** KAFFINITY of a thread that runs anywhere. */
export const ALL_PROCESSORS = -1

export class Thread {
  state: ThreadState = 'ready'
  readonly frames: Frame[] = []
  /** KPRIORITY; higher runs first. */
  priority = 8
  /** When it last had its turn on a processor, counted in turns; who comes first among equals. */
  turn = 0
  /** KAFFINITY: a bit for each processor that it may run on. */
  affinity = ALL_PROCESSORS
  /** APC_LEVEL or PASSIVE_LEVEL while it does not run. */
  irql = 0
  /** It ran `_disable` and not yet `_enable`: the processor it runs on takes no interrupts. */
  interruptsOff = false
  /** Value that the next `next()` of the top kernel frame receives. */
  input = 0
  /** Exception to raise in the top frame instead of resuming it. */
  raise: unknown = null
  /** Ends the wait it is in; set by the dispatcher. */
  wait: ThreadWait | null = null
  /** KernelMode (0) or UserMode (1): who called the system service it is in. */
  previousMode: 0 | 1 = 0
  exitStatus = 0
  /** DDI calls left before another ready thread of the same priority gets its turn. */
  quantum = 0
  at: SourcePlace | null = null
  cause = 0
  /** Address space it is attached to instead of its own process's (KeStackAttachProcess). */
  attached: Process | null = null
  /** Attachments that are on top of each other. */
  attachDepth = 0
  /** Kernel APCs wait for it, or it has to suspend itself. */
  kernelApcPending = false
  /** How often it was suspended more than resumed, and whether it has stopped because of that. */
  suspensions = 0
  isSuspended = false
  /** It is ending: nobody can queue an APC to it any more. */
  refusesApcs = false
  /** Packets that it asked for and that are not finished (the thread's IRP list). */
  readonly irps = new Set<Ptr>()
  /** TEB and what goes with it; null for threads of the system. */
  user: UserThread | null = null

  constructor(
    readonly id: number,
    readonly name: string,
    readonly process: Process,
    /** ETHREAD. */
    readonly address: Ptr,
    /** Lowest usable byte of its kernel stack, and the first one above it. */
    readonly stackLimit: Ptr,
    readonly stackBase: Ptr,
    /** Its stack in user mode; null for system threads. */
    readonly userStack: { limit: Ptr; base: Ptr } | null,
  ) {}

  /**
   * Address of the first byte above its stack in user mode; null for system threads. Counted from the
   * other end: the byte may be the first one of the next process's memory, which has another address.
   */
  userStackBase(memory: Memory): bigint | null {
    if (!this.userStack) return null
    const { limit, base } = this.userStack
    return memory.address(limit) + BigInt(base - limit)
  }
}

/** A wait in progress. */
export interface ThreadWait {
  objects: readonly Ptr[]
  all: boolean
  /** Tick of the time-out, or null. */
  deadline: number | null
  alertable: boolean
  /** KernelMode (0) or UserMode (1). */
  mode: 0 | 1
  /** A kernel APC may interrupt it, and it begins anew afterwards. */
  restarts: boolean
}
