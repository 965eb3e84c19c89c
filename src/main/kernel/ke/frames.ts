/**
 * The frames of threads, moved on: driver code is started and resumed by commands to the runner, and
 * what the runner reports is taken in; kernel routines run right here, and what they yield is done.
 */
import { hex32 } from '../../../shared/nt/format'
import { ROUTINE_INDEX, ROUTINES, type KernelOp, type RoutineSignature } from '../ddi/types'
import type { Kernel } from '../kernel'
import { codeDiverted } from '../loader/code-bytes'
import type { CodeEntry } from '../loader/image'
import type { Ptr } from '../mm/memory'
import type { CallResult, Command, Report } from '../port'
import { assert, BugCheck, NtException, RunLimit, SimulatorBug } from '../stop'
import { unhandled } from './fault'
import { DISPATCH_LEVEL } from './irql'
import type { Scheduler } from './scheduler'
import type { CodeFrame, KernelFrame, Thread } from './thread'

/** Simulated ticks for one quantum of back edges. */
const TICKS_PER_QUANTUM = 200

const EMPTY_RESULT: CallResult = { state: 'done', value: 0, wide: 0n, outs: [], code: 0 }

export class Frames {
  private nextFrame = 1
  /** A `load` command is under way. */
  private loading = false
  /** Frames that the runner can forget. */
  private readonly discarded: number[] = []
  private readonly command: Command = {
    op: 'end',
    frame: 0,
    fn: 0,
    routine: 0,
    args: [],
    result: EMPTY_RESULT,
    code: 0,
    stack: 0,
    stackLimit: 0,
  }

  constructor(
    private readonly k: Kernel,
    private readonly scheduler: Scheduler,
  ) {}

  endCommand(): Command {
    this.command.op = 'end'
    return this.command
  }

  /** The command to forget a frame that nobody goes back to; null when there is none. */
  discardCommand(): Command | null {
    const frame = this.discarded.pop()
    if (frame === undefined) return null
    this.command.op = 'discard'
    this.command.frame = frame
    return this.command
  }

  // --- what the runner did -------------------------------------------------------------------------

  /** Take in what became of the code that ran. */
  takeReport(report: Report): void {
    if (report.what === 'none' || report.what === 'died') return
    const { k } = this
    const { thread } = k
    const frame = thread.frames.at(-1)
    if (report.what === 'suspended') {
      this.takeStack(thread, report)
      if (report.backEdges) this.quantumOver(thread, report)
      else if (report.loop) this.turnOver(thread, report)
      return
    }
    if (this.loading) {
      this.loading = false
      if (report.what === 'returned') thread.input = report.value
      else thread.raise = new NtException(report.code >>> 0)
      return
    }
    assert(
      frame?.kind === 'code' && frame.id === report.frame,
      'a report for a frame that is not on top',
    )
    if (report.what === 'returned') this.codeReturned(thread, frame, report.value)
    else {
      const pending = this.k.ddis.lastException
      const code = report.code >>> 0
      const exception = pending?.code === code ? pending : new NtException(code)
      if (!exception.origin) {
        // Raised by the code itself, a division by zero for instance: it starts here.
        if (report.at) thread.at = report.at
        exception.origin = this.k.stopRecord.originOfException()
        this.k.emit({ t: 'exception.raised', code: hex32(code), address: null, access: null })
      }
      this.leave(thread, frame, 'exception')
      thread.raise = exception
    }
  }

  /**
   * Remember where the stack of the frame that stopped ends. A routine that it called through the
   * kernel has its frame already, made before that was known.
   */
  private takeStack(thread: Thread, report: Report): void {
    const at = thread.frames.findLastIndex(
      (item) => item.kind === 'code' && item.id === report.frame,
    )
    const stopped = thread.frames[at]
    // Gone with its thread, when the routine ended that.
    if (stopped?.kind !== 'code') return
    stopped.stack = report.stack
    for (const above of thread.frames.slice(at + 1))
      if (above.kind === 'code' && above.stackLimit === stopped.stackLimit)
        above.stack = report.stack
  }

  /** Code stopped at a point (see turns.ts): it goes on when its processor has its turn again. */
  private turnOver(thread: Thread, report: Report): void {
    thread.at = this.k.options.place?.(report.loop) ?? thread.at
    this.k.advance(1)
    const top = thread.frames.at(-1)
    if (top?.kind === 'code') top.waitingFor = -1
  }

  private quantumOver(thread: Thread, report: Report): void {
    const k = this.k
    thread.at = k.options.place?.(report.loop) ?? thread.at
    k.advance(TICKS_PER_QUANTUM)
    this.scheduler.spend(20)
    this.scheduler.turns.spend(20)
    const { processor } = k
    processor.backEdges += report.backEdges
    const top = thread.frames.at(-1)
    if (top?.kind === 'code') top.waitingFor = -1
    const fuel = k.irql.level >= DISPATCH_LEVEL ? k.limits.loopFuel / 4 : k.limits.loopFuel
    if (processor.backEdges >= fuel) k.outOfFuel()
  }

  private codeReturned(thread: Thread, frame: CodeFrame, value: number): void {
    const k = this.k
    const signature = ROUTINES[frame.routine]
    const result = signature.returns.k === 'ntstatus' ? value >>> 0 : value
    const kind = signature.kind
    if (k.irql.level !== frame.irqlAtEntry && kind !== 'main')
      k.verifier.irqlAfterCallback(kind, frame, k.irql.level)
    const { k: returns } = signature.returns
    this.leave(
      thread,
      frame,
      returns === 'void' ? null : returns === 'ntstatus' ? hex32(result) : result,
    )
    thread.input = result
  }

  /** A code frame is done: say so, take it off, go back to the place of the one below. */
  private leave(thread: Thread, frame: CodeFrame, result: string | number | null): void {
    if (this.k.tracing)
      this.k.emit(
        {
          t: 'routine.returned',
          kind: ROUTINES[frame.routine].kind,
          name: frame.name,
          result,
          ...(frame.irp ? { irp: frame.irp } : {}),
        },
        frame.cause,
      )
    thread.frames.pop()
    const below = thread.frames.findLast((item) => item.kind === 'code')
    thread.at = below?.kind === 'code' ? below.at : null
    thread.cause = below?.cause ?? 0
  }

  // --- the next step ---------------------------------------------------------------------------------

  /** Start or resume code. */
  stepCode(thread: Thread, frame: CodeFrame): Command {
    const command = this.command
    command.frame = frame.id
    command.stack = frame.stack
    command.stackLimit = frame.stackLimit
    if (!frame.started) {
      frame.started = true
      command.op = 'start'
      command.fn = frame.fn
      command.routine = ROUTINE_INDEX[frame.routine]
      command.args = frame.args
      return command
    }
    if (thread.raise) {
      const exception = thread.raise as NtException
      thread.raise = null
      command.op = 'throw'
      command.code = exception.code
      return command
    }
    command.op = 'resume'
    command.result = this.k.ddis.resumeResult(frame)
    return command
  }

  /** Let a kernel routine go on; a command when the runner has to evaluate a unit. */
  stepKernel(thread: Thread, frame: KernelFrame): Command | null {
    // It goes on, so it spins no more; what it calls next is not part of the wait.
    if (this.k.processor.spin?.frame === frame) this.k.processor.spin = null
    let step: IteratorResult<KernelOp, unknown>
    try {
      if (thread.raise) {
        const raised = thread.raise
        thread.raise = null
        step = frame.routine.throw(raised)
      } else {
        const input = thread.input
        thread.input = 0
        step = frame.routine.next(input)
      }
    } catch (error) {
      this.kernelThrew(thread, frame, error)
      return null
    }
    if (!step.done && step.value.op === 'load') {
      this.loading = true
      this.command.op = 'load'
      this.command.frame = 0
      this.command.fn = step.value.unit
      this.command.args = [step.value.image]
      return this.command
    }
    this.take(thread, frame, step)
    return null
  }

  /** What a kernel routine asked for, or its result. */
  take(thread: Thread, frame: KernelFrame, step: IteratorResult<KernelOp, unknown>): void {
    if (step.done) {
      // A routine that ended its own thread has left no frame to pop.
      if (thread.frames.at(-1) === frame) thread.frames.pop()
      if (frame.ddi !== -1) this.k.ddis.finished(thread, frame, step.value)
      else thread.input = typeof step.value === 'number' ? step.value : 0
      return
    }
    const op = step.value
    // After a bug check nobody is there to wait for.
    if (this.k.bugChecks.running && (op.op === 'wait' || op.op === 'spin')) {
      this.k.bugChecks.finish()
      return
    }
    switch (op.op) {
      case 'call':
        this.enter(thread, op)
        break
      case 'wait':
        // The dispatcher has queued the thread already; it may even have been made ready again.
        this.k.processor.backEdges = 0
        break
      case 'spin':
        this.k.processor.spin = { frame, until: op.until }
        break
      case 'load':
        throw new SimulatorBug('an image is loaded from a kernel thread only')
      case 'yield':
        thread.quantum = 0
        this.scheduler.turns.end()
        break
      case 'exit':
        this.discard(thread)
        break
    }
  }

  private kernelThrew(thread: Thread, frame: KernelFrame, error: unknown): void {
    if (error instanceof BugCheck || error instanceof RunLimit || error instanceof SimulatorBug)
      throw error
    this.k.ddis.blame(error, frame.ddi)
    const exception = this.k.toException(error)
    exception.origin ??= this.k.stopRecord.originOfException(exception.routine)
    thread.frames.pop()
    if (frame.outerCause !== undefined) thread.cause = frame.outerCause
    if (thread.frames.length === 0) unhandled(this.k, exception)
    thread.raise = exception
    this.k.ddis.lastException = exception
  }

  /** Begin a call that a kernel routine asked for. */
  private enter(thread: Thread, op: Extract<KernelOp, { op: 'call' }>): void {
    const k = this.k
    const entry = this.landing(thread, op.address)
    if (!entry) return
    if (entry.native) {
      this.scheduler.pushKernel(thread, entry.native(k, op.args), entry.name, -1, entry.driver)
      return
    }
    const inProgram =
      op.routine === 'MAIN' ||
      op.routine === 'THREAD_START_ROUTINE' ||
      op.routine === 'USER_APC_ROUTINE'
    if (!inProgram && k.images.byNumber(entry.image)?.user && !thread.process.isHost)
      k.bugCheck(
        0xfc,
        k.memory.address(op.address),
        BigInt(k.memory.pte(op.address) >>> 0),
        k.images.nearestCode(thread),
        0n,
        `The kernel jumped to ${k.images.symbol(op.address)}, code of a program; the processor forbids it (SMEP).`,
      )
    const below = thread.frames.findLast((item) => item.kind === 'code')
    if (below?.kind === 'code') below.at = thread.at
    const place = k.images.placeOf(entry)
    const frame: CodeFrame = {
      kind: 'code',
      id: this.nextFrame++,
      fn: entry.fn,
      routine: op.routine,
      name: entry.name,
      image: entry.image,
      args: op.args,
      irp: op.irp,
      started: false,
      at: place,
      cause: thread.cause,
      waitingFor: -1,
      result: undefined,
      outs: [],
      irqlAtEntry: k.irql.level,
      ...this.stackFor(thread, k.images.byNumber(entry.image)?.user === true),
    }
    thread.frames.push(frame)
    thread.at = place ?? thread.at
    if (k.tracing) frame.cause = this.traceCall(frame)
    thread.cause = frame.cause
  }

  /** The function that a call of an address leads to; null when it is no code, which is raised then. */
  private landing(thread: Thread, address: Ptr): CodeEntry | null {
    const { k } = this
    try {
      const entry = k.images.landing(address)
      if (!entry) throw k.fault(address, 'execute')
      if (k.tracing && entry.address !== address && !k.memory.isUser(address))
        codeDiverted(k, address, entry)
      return entry
    } catch (error) {
      if (!(error instanceof NtException)) throw error
      thread.raise = error
      return null
    }
  }

  private traceCall(frame: CodeFrame): number {
    const { k } = this
    const signature: RoutineSignature = ROUTINES[frame.routine]
    const args: Record<string, string | number> = {}
    Object.entries(signature.params).forEach(([name, type], i) => {
      const value = frame.args[i] ?? 0
      args[name] = type.k === 'ptr' ? k.memory.format(value) : value
    })
    return k.emit({
      t: 'routine.called',
      kind: signature.kind,
      name: frame.name,
      args,
      ...(frame.irp ? { irp: frame.irp } : {}),
    })
  }

  /** Where the locals of a new frame go: below those of the frame that it interrupts or serves. */
  private stackFor(thread: Thread, user: boolean): { stack: Ptr; stackLimit: Ptr } {
    for (let i = thread.frames.length - 1; i >= 0; i--) {
      const frame = thread.frames[i]!
      if (frame.kind === 'code' && (this.k.images.byNumber(frame.image)?.user === true) === user)
        return { stack: frame.stack, stackLimit: frame.stackLimit }
    }
    if (user && thread.userStack)
      return { stack: thread.userStack.base, stackLimit: thread.userStack.limit }
    return { stack: thread.stackBase, stackLimit: thread.stackLimit }
  }

  /** Drop every frame of a thread that ends in the middle of its work. */
  private discard(thread: Thread): void {
    for (const frame of thread.frames)
      if (frame.kind === 'code' && frame.started) this.discarded.push(frame.id)
    thread.frames.length = 0
  }
}
