/**
 * Where code stood: the origin of an exception whose frames are gone by the time it stops the machine, and,
 * once it has stopped, the place, the stack and what every processor was at.
 */
import { hex32, pointer } from '../../shared/nt/format'
import type { SourcePlace } from '../../shared/trace/event'
import type { Frame, Thread } from './ke/thread'
import type { Kernel } from './kernel'
import { BugCheck, RunLimit, type ExceptionOrigin } from './stop'
import { frameworkModule } from './wdf/module'

/** `toy!DriverEntry`, and where in its source. */
interface StackFrame {
  frame: string
  at: SourcePlace | null
}

/** A processor as the stop found it. */
export interface StoppedProcessor {
  number: number
  irql: number
  thread: number
  process: number
  /** Innermost frame first. */
  stack: StackFrame[]
}

export class StopRecord {
  /** Set when the machine stops for an exception whose frames are gone. */
  origin: ExceptionOrigin | null = null
  /** Where the machine stopped: the event that says so, and the place in source. */
  place: { seq: number; at: SourcePlace | null } = { seq: 0, at: null }
  /** Stack at the stop, innermost frame first. */
  stack: StackFrame[] = []
  /** What each processor was at then. */
  processors: StoppedProcessor[] = []

  constructor(private readonly k: Kernel) {}

  /** Say in the trace why the machine stopped, and remember what every processor did. */
  describe(reason: BugCheck | RunLimit | 'done'): void {
    const { k } = this
    this.stack = this.origin?.stack ?? this.stackOf(k.thread)
    this.processors = k.processors.map((processor) => ({
      number: processor.number,
      irql: processor.irql.level,
      thread: processor.current.id,
      process: processor.current.process.id,
      stack: processor === k.processor ? this.stack : this.stackOf(processor.current),
    }))
    const { at } = k.thread
    if (reason instanceof BugCheck) {
      const [p1, p2, p3, p4] = reason.parameters
      const parameters: [string, string, string, string] = [
        pointer(p1),
        pointer(p2),
        pointer(p3),
        pointer(p4),
      ]
      const name = k.verifier.bugCheckName(reason.code)
      if (reason.rule)
        k.emit({
          t: 'verifier.stop',
          rule: reason.rule,
          code: hex32(reason.code),
          name,
          parameters,
        })
      else k.emit({ t: 'bugcheck', code: hex32(reason.code), name, parameters })
    } else if (reason instanceof RunLimit) {
      if (reason.outcome === 'hang') k.emit({ t: 'hang.found', reason: reason.detail })
      else k.emit({ t: 'limit.reached', limit: reason.limit, detail: reason.detail })
    }
    this.place = { seq: k.events, at }
  }

  /**
   * Where the current thread stands, for an exception that starts to unwind it.
   * @param routine the kernel's routine that met it, if it was none of the driver's instructions
   */
  originOfException(routine: string | null = null): ExceptionOrigin {
    const thread = this.k.scheduler.current
    const { images, memory } = this.k
    const stack = this.stackOf(thread)
    const owner = routine && (frameworkModule(routine, thread.process.isHost) ?? 'nt')
    const met = owner && `${owner}!${routine}`
    if (met && stack[0]?.frame !== met) stack.unshift({ frame: met, at: null })
    return {
      driver: this.k.driverOf(thread),
      at: thread.at,
      instruction: routine ? memory.address(images.exported(routine)) : images.nearestCode(thread),
      stackPointer: this.k.scheduler.kernelStackPointer(thread),
      stack,
    }
  }

  /** Make the stop that follows speak of the place where its exception began. */
  showOrigin(origin: ExceptionOrigin): void {
    this.k.scheduler.current.at = origin.at
    this.origin = origin
  }

  /** Frames of a thread, innermost first, as `module!function`. */
  private stackOf(thread: Thread): StackFrame[] {
    const list: StackFrame[] = []
    const top = thread.frames.findLast((frame) => frame.kind === 'code')
    for (let i = thread.frames.length - 1; i >= 0; i--) {
      const frame: Frame = thread.frames[i]!
      if (frame.kind === 'code') {
        const image = this.k.images.byNumber(frame.image)
        list.push({
          frame: `${image?.name ?? '?'}!${frame.name}`,
          at: i === thread.frames.length - 1 || frame === top ? thread.at : frame.at,
        })
      } else {
        for (const name of frame.path ?? []) list.push({ frame: name, at: null })
        if (frame.name) list.push({ frame: frame.name, at: null })
      }
    }
    return list
  }
}
