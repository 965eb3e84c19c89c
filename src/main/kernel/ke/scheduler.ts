/**
 * The scheduler: which thread runs, and the loop that moves its frames on (frames.ts).
 *
 * A thread leaves its processor when it waits, ends, or, below DISPATCH_LEVEL, when its quantum is
 * over or a thread of higher priority is ready. Of several processors one moves at a time; which one
 * that is `turns.ts` decides. Quantums and turns are drawn from the seed, so every seed is another
 * interleaving and the same seed always the same one.
 */
import { hex32, pointer } from '../../../shared/nt/format'
import type { KernelRoutine } from '../ddi/types'
import { describeWait } from '../io/hang'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Command, Report } from '../port'
import type { Process } from '../ps/process'
import type { Random } from '../random'
import { assert, RunLimit, type NtException } from '../stop'
import { unhandled } from './fault'
import { Frames } from './frames'
import { DISPATCH_LEVEL, IPI_LEVEL } from './irql'
import { KernelStacks } from './kernel-stacks'
import { ReadyQueue } from './ready-queue'
import { Thread, type KernelFrame } from './thread'
import { ThreadTable } from './thread-table'
import { Turns } from './turns'

/** What a thread is made of. */
export interface NewThread {
  process: Process
  name: string
  /** KPRIORITY; 8 by default. */
  priority?: number
  userStack?: { limit: Ptr; base: Ptr }
}

export class Scheduler {
  readonly threads = new ThreadTable()
  readonly turns: Turns
  readonly frames: Frames
  /** Thread that drives the run (loads, requests, unload); when it ends the run ends. */
  main: Thread | null = null
  private nextThreadId = 8
  private readonly random: Random
  private readonly stacks: KernelStacks
  private readonly readyThreads = new ReadyQueue()
  /** Times that a thread was given a processor, or made. */
  private turnsGiven = 0
  private lastProgress = 0
  constructor(private readonly k: Kernel) {
    this.random = k.random.split('scheduler')
    this.stacks = new KernelStacks(k)
    this.turns = new Turns(k, this)
    this.frames = new Frames(k, this)
    for (const processor of k.processors) {
      // Its stack is for the DPCs that find no other thread to run on.
      const stack = this.stacks.allocate()
      assert(stack, 'no memory for the stack of an idle thread')
      const { limit, base } = stack
      const idle = new Thread(0, 'Idle', k.processes.system, 0, limit, base, null)
      idle.priority = -1
      idle.state = 'running'
      processor.idle = idle
      processor.current = idle
    }
  }

  /** Thread whose frames run now: that of the processor whose turn it is. */
  get current(): Thread {
    return this.k.processor.current
  }

  /** The idle thread of that processor. */
  get idle(): Thread {
    return this.k.processor.idle
  }

  /** True when the code that runs is a client program's, in user mode. */
  get userMode(): boolean {
    const top = this.current.frames.at(-1)
    return top?.kind === 'code' && this.k.images.byNumber(top.image)?.user === true
  }

  // --- threads ---------------------------------------------------------------------------------

  /** A thread that the system cannot do without, not yet started. Without memory the run ends. */
  createThread(options: NewThread): Thread {
    const thread = this.tryCreateThread(options)
    if (!thread)
      throw new RunLimit('limit', 'memory', `no memory left for the thread ${options.name}`)
    return thread
  }

  /** A thread with an ETHREAD and a kernel stack, not yet started; null when memory is short. */
  tryCreateThread(options: NewThread): Thread | null {
    const { process, name } = options
    const stack = this.stacks.allocate()
    if (!stack) return null
    const { limit, base } = stack
    const id = this.nextThreadId
    const address = this.k.processes.createThreadObject(process, id)
    if (!address) {
      this.stacks.release(limit)
      return null
    }
    this.nextThreadId += 4
    const thread = new Thread(id, name, process, address, limit, base, options.userStack ?? null)
    thread.priority = options.priority ?? 8
    thread.turn = ++this.turnsGiven
    this.threads.add(thread)
    if (this.k.tracing) {
      const top = thread.userStackBase(this.k.memory)
      const stack = top === null ? {} : { userStack: pointer(top) }
      this.k.emit({ t: 'thread.created', id, owner: process.id, name, ...stack })
    }
    return thread
  }

  /** Put the first kernel frame on a thread and make it ready. */
  start(thread: Thread, routine: KernelRoutine<unknown>, name: string): void {
    thread.frames.push({ kind: 'kernel', routine, name, ddi: -1, cause: thread.cause })
    this.makeReady(thread)
  }

  private makeReady(thread: Thread): void {
    thread.state = 'ready'
    this.readyThreads.add(thread)
  }

  /** End a thread's wait; `input` is what its wait returns. */
  ready(thread: Thread, input: number): void {
    assert(thread.state === 'waiting', `thread ${thread.id} is ${thread.state}, not waiting`)
    this.makeReady(thread)
    thread.wait = null
    thread.input = input
  }

  /** Change a thread's priority, wherever it is. */
  setPriority(thread: Thread, priority: number): void {
    const isReady = thread.state === 'ready'
    if (isReady) this.readyThreads.remove(thread)
    thread.priority = priority
    if (isReady) this.readyThreads.add(thread)
  }

  byId(id: number): Thread | undefined {
    return this.threads.byId(id)
  }

  byAddress(address: Ptr): Thread | undefined {
    return this.threads.byAddress(address)
  }

  /** An index in the guard pages below the running thread's kernel stack. */
  isBelowStack(index: Ptr): boolean {
    return this.stacks.isGuard(index) && this.current.stackLimit > index
  }

  private exit(thread: Thread): void {
    thread.state = 'exited'
    thread.frames.length = 0
    if (this.k.tracing)
      this.k.emit({
        t: 'thread.exited',
        id: thread.id,
        status: hex32(thread.exitStatus),
      })
    this.stacks.release(thread.stackLimit)
    this.k.dispatcher.signalThreadExit(thread)
    this.k.processes.threadExited(thread)
    this.threads.delete(thread)
    if (thread === this.main && !this.k.ended) this.k.stop('done')
  }

  // --- choosing --------------------------------------------------------------------------------

  /** Whether another thread should have the processor now. Only asked below DISPATCH_LEVEL. */
  preemptionDue(): boolean {
    const { current } = this
    const { readyThreads } = this
    const { highest } = readyThreads
    if (highest < 0) return this.misplaced
    if (this.turns.isNeeded) return this.misplaced || this.hasBetterThan(current)
    return highest > current.priority || (highest === current.priority && current.quantum <= 0)
  }

  /** Whether the running thread may not run on this processor any more. */
  private get misplaced(): boolean {
    const { current, idle, mask } = this.k.processor
    return current !== idle && (current.affinity & mask) === 0
  }

  private hasBetterThan(current: Thread): boolean {
    const first = this.readyThreads.first(this.k.processor.mask)
    if (!first) return false
    return (
      first.priority > current.priority ||
      (first.priority === current.priority && current.quantum <= 0)
    )
  }

  /** Whether a thread waits for a processor that this one could be. */
  hasReady(mask: number): boolean {
    return this.readyThreads.first(mask) !== null
  }

  /**
   * The running thread used `units` of its quantum: a routine call is 1, a long loop more. With
   * nobody to take turns with it begins a new one at once.
   */
  spend(units: number): void {
    const { current } = this
    current.quantum -= units
    if (current.quantum > 0 || current === this.idle) return
    if (!this.readyThreads.has(current.priority)) current.quantum = this.newQuantum()
  }

  /** Short, so that a few routine calls are enough to show what two threads can do to each other. */
  private newQuantum(): number {
    return 1 + this.random.below(40)
  }

  private switchTo(thread: Thread): void {
    const { processor } = this.k
    const old = processor.current
    if (thread.state === 'ready') this.readyThreads.remove(thread)
    if (old !== thread) {
      if (old.state === 'running' && old !== processor.idle) this.makeReady(old)
      old.irql = this.k.irql.level
      processor.current = thread
      if (this.k.tracing && old !== processor.idle && thread !== processor.idle)
        this.k.emit({ t: 'thread.switched', from: old.id, to: thread.id }, 0)
      this.k.memory.switchSlice((thread.attached ?? thread.process).slice)
      if (this.k.irql.level !== thread.irql) this.k.irql.set(thread.irql, 'thread switch')
      // Same priority takes turns: a thread that had the processor is the last of them.
      thread.turn = ++this.turnsGiven
      this.threads.moveToEnd(thread)
    }
    thread.state = 'running'
    thread.quantum = this.newQuantum()
    processor.backEdges = 0
  }

  // --- the loop --------------------------------------------------------------------------------

  /** Take in what the runner did, then go on until it is needed again. */
  next(report: Report): Command {
    const k = this.k
    if (k.ended) return this.frames.endCommand()
    this.frames.takeReport(report)
    for (;;) {
      if (k.ended) return this.frames.endCommand()
      if (k.bugChecks.running) {
        const command = this.step(this.current)
        if (command) return command
        continue
      }
      if (this.turns.isNeeded) {
        // A thread that just began to wait leaves at once, before another processor can take it up.
        if (this.current.state !== 'running') this.switchTo(this.idle)
        if (!this.turns.next()) continue
      }
      const discarding = this.frames.discardCommand()
      if (discarding) return discarding
      const thread = this.current
      const areOff = thread.interruptsOff
      let isInterrupted = false
      if (k.processor.interrupts.length > 0 && k.irql.level < IPI_LEVEL && !areOff) {
        if (thread.state !== 'running') this.switchTo(this.idle)
        this.pushInterrupt(k.processor.interrupts.shift()!())
        isInterrupted = true
      } else if (k.hal.interrupts.isDue) {
        if (thread.state !== 'running') this.switchTo(this.idle)
        this.pushKernel(this.current, k.hal.interrupts.dispatch(), 'nt!KiInterruptDispatch', -1)
        isInterrupted = true
      } else if (k.irql.level < DISPATCH_LEVEL && k.dpcs.pending && !k.dpcs.running && !areOff) {
        // On a thread that just began to wait, the end of that wait would get into the DPC's way.
        if (thread.state !== 'running') this.switchTo(this.idle)
        this.pushKernel(this.current, k.dpcs.retire(), 'nt!KiRetireDpcList', -1)
        isInterrupted = true
      } else if (
        thread.state !== 'running' ||
        (thread.frames.length === 0 && thread === this.idle) ||
        (k.irql.level < DISPATCH_LEVEL && !areOff && this.preemptionDue())
      ) {
        const chosen = this.chooseNext()
        if (!chosen) continue
      }
      // What has just interrupted goes first: its frame has not raised the IRQL yet.
      if (!isInterrupted && !this.current.interruptsOff && k.apcs.isDue(this.current))
        this.pushInterrupt(k.apcs.deliver(), 'nt!KiDeliverApc')
      const command = this.step(this.current)
      if (command) return command
    }
  }

  /** Switch to a ready thread, or let time pass until there is one. Null: look again. */
  private chooseNext(): Thread | null {
    const k = this.k
    const chosen = this.readyThreads.first(k.processor.mask)
    if (chosen) {
      this.switchTo(chosen)
      return chosen
    }
    const { misplaced } = this
    if (this.current.state === 'running' && this.current !== this.idle && !misplaced)
      return this.current
    if (this.current !== this.idle) this.switchTo(this.idle)
    // With several processors another one may have work.
    if (this.turns.isNeeded) return null
    const due = k.timers.nextDue
    this.sleepUntil(due)
    k.timers.expire()
    return null
  }

  /** Nothing goes on before that tick: let time pass. */
  sleepUntil(tick: number): void {
    const { schedule } = this.k.hal
    const due = Math.min(tick, schedule.nextWanted)
    if (due === Infinity) this.nothingLeft()
    if (due - this.lastProgress > this.k.limits.idleTicks) this.nothingLeft()
    this.k.tick = Math.max(this.k.tick, Math.min(due, schedule.next))
    schedule.run()
  }

  /** Every thread waits and no timer will end it. */
  private nothingLeft(): never {
    const thread = this.main ?? this.current
    throw new RunLimit('hang', 'wait', describeWait(this.k, thread))
  }

  /** The main thread got somewhere; hangs are counted from here. */
  progress(): void {
    this.lastProgress = this.k.tick
  }

  pushKernel(
    thread: Thread,
    routine: KernelRoutine<unknown>,
    name: string,
    ddi: number,
    driver?: string,
  ): void {
    const frame: KernelFrame = { kind: 'kernel', routine, name, ddi, cause: thread.cause }
    if (driver !== undefined) frame.driver = driver
    thread.frames.push(frame)
    thread.input = 0
  }

  /** An interrupt on top of whatever the processor does, which goes on as if nothing had been. */
  private pushInterrupt(routine: KernelRoutine<void>, name = 'nt!KiIpiInterrupt'): void {
    const { input, raise } = this.current
    this.current.raise = null
    this.pushKernel(this.current, kept(this.current, routine, input, raise), name, -1)
  }

  /** Move the top frame on by one step; a command when the runner must act. */
  private step(thread: Thread): Command | null {
    const top = thread.frames.at(-1)
    if (!top) {
      if (thread.raise) unhandled(this.k, thread.raise as NtException)
      this.exit(thread)
      this.k.processor.current = this.idle
      this.idle.state = 'running'
      this.k.memory.switchSlice(-1)
      if (this.k.irql.level !== 0) this.k.irql.set(0, 'thread exit')
      return null
    }
    if (top.kind === 'code') return this.frames.stepCode(thread, top)
    return this.frames.stepKernel(thread, top)
  }

  /** Where the kernel stack of a thread ends, as far as it is known: below the frame that runs. */
  kernelStackPointer(thread: Thread): Ptr {
    const frame = thread.frames.findLast((item) => item.kind === 'code')
    const inKernel = frame?.kind === 'code' && frame.stackLimit === thread.stackLimit
    return inKernel ? frame.stack : thread.stackBase
  }
}

/** Run a routine and give the thread back what it was about to receive. */
function* kept(
  thread: Thread,
  routine: KernelRoutine<void>,
  input: number,
  raise: unknown,
): KernelRoutine<number> {
  const { at, cause } = thread
  yield* routine
  thread.at = at
  thread.cause = cause
  thread.raise = raise
  return input
}
