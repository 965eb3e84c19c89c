/**
 * Processes that run a client program, or a list of steps that stands for one. Both are user mode:
 * what they want of the kernel they get through Win32 and system calls.
 */
import type { ScenarioStep } from '../../../shared/contract/model'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_ENTRYPOINT_NOT_FOUND,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { EPROCESS } from '../../../shared/nt/generated/offsets'
import type { SourcePlace } from '../../../shared/trace/event'
import type { KernelRoutine } from '../ddi/types'
import type { Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import type { Image } from '../loader/image'
import type { Ptr } from '../mm/memory'
import { CURRENT_PROCESS, CURRENT_THREAD } from '../ob/handle'
import { NtException, RunLimit } from '../stop'
import { NtDelayExecution } from '../ke/nt-wait'
import { exitThread } from './exit'
import { NtTerminateProcess, NtTerminateThread } from './nt-process'
import type { Process } from './process'
import { USER_LAYOUT, type ProcessOptions } from './processes'
import { runSteps } from './steps'
import {
  allocateTeb,
  createUserThread,
  fillPeb,
  fillTeb,
  userProcess,
  type UserThread,
} from './user'

/** Unit of an image that has no code of its own: the scenario says what its process does. */
const NO_CODE = -1
/** Ticks that never come: a wait without end. */
const FOR_EVER = -(2n ** 63n)
/** An unfinished line longer than this is written in pieces. */
const LINE_MAX = 8192

export interface ProgramOptions extends Omit<ProcessOptions, 'elevated'> {
  /** Privileges of an administrator, as from an elevated prompt. True by default. */
  elevated?: boolean
}

/**
 * What the first thread of a process of the system does that nobody asks for anything: it waits in
 * the kernel until it is ended.
 */
export function* waitUntilEnded(k: Kernel): KernelRoutine<number> {
  const { user } = k.thread
  const frame = k.thread.frames.at(-1)
  if (frame?.kind === 'kernel') frame.path = NtDelayExecution.path
  if (user) {
    user.depth++
    user.interruptible = true
  }
  yield* k.dispatcher.delay(FOR_EVER, false, 1)
  if (user) {
    user.depth--
    user.interruptible = false
    if (user.ending !== null) yield* exitThread(k, user.ending)
  }
  return STATUS_SUCCESS
}

export class Programs {
  constructor(private readonly k: Kernel) {}

  // --- start ---------------------------------------------------------------------------------------

  /**
   * Start a program: its process and the thread that evaluates code unit `unit` and calls `main`.
   * The caller owns a reference, which `exited` gives back. A notify routine may forbid the process:
   * it has ended then, with the routine's status.
   * @param name    `client.exe`
   * @param places  where its functions stand in the source
   */
  *start(
    name: string,
    unit: number,
    places: ReadonlyMap<string, SourcePlace> = new Map(),
    options: ProgramOptions = {},
  ): KernelRoutine<Process> {
    const process = this.create(name, options)
    yield* this.startMain(process, this.main(process, unit, places))
    return process
  }

  /** Start a process that does the steps of a scenario, one after the other. */
  *startSteps(
    name: string,
    steps: readonly ScenarioStep[],
    options: ProgramOptions = {},
  ): KernelRoutine<Process> {
    const process = this.create(name, options)
    yield* this.startMain(process, this.steps(process, steps))
    return process
  }

  /**
   * Start a process whose first thread does something that the kernel has no code for: one of the
   * system's own. `life` runs in user mode when its image is mapped; what it returns is the exit code.
   */
  *startNative(
    name: string,
    life: () => KernelRoutine<number>,
    options: ProgramOptions = {},
  ): KernelRoutine<Process> {
    const process = this.create(name, options)
    yield* this.startMain(process, this.native(process, life))
    return process
  }

  /**
   * Start a process that hosts a driver: its image is the driver's, and its first thread does what
   * `life` says with the address of the driver's entry function.
   * @param driver  whose code it runs
   */
  *startHost(
    name: string,
    driver: { name: string; unit: number; places: ReadonlyMap<string, SourcePlace> },
    life: (entry: Ptr) => KernelRoutine<number>,
  ): KernelRoutine<Process> {
    const process = this.create(name, { elevated: false, parent: this.k.processes.system.id })
    process.isHost = true
    yield* this.startMain(process, this.host(process, driver, life))
    return process
  }

  private create(name: string, options: ProgramOptions): Process {
    const process = this.k.processes.create(name, {
      elevated: true,
      ...this.k.world?.session,
      ...options,
    })
    if (!this.k.processes.commitPeb(process))
      throw new RunLimit('limit', 'memory', 'no physical memory left for a PEB')
    this.k.ob.reference(process.address)
    return process
  }

  /** Null when memory is short; what the thread had of the process's own memory stays with that. */
  private createThread(
    process: Process,
    name: string,
  ): { thread: Thread; user: UserThread } | null {
    const { k } = this
    const userStack = k.processes.allocateUserStack(process)
    const teb = userStack && allocateTeb(k, process)
    const thread = teb && k.scheduler.tryCreateThread({ process, name, userStack })
    if (!thread) return null
    thread.cause = k.thread.cause
    return { thread, user: createUserThread(k, thread, teb) }
  }

  private *startMain(process: Process, routine: KernelRoutine<number>): KernelRoutine<void> {
    const { k } = this
    const parentId = k.memory.size(process.address + EPROCESS.InheritedFromUniqueProcessId)
    const parent = k.processes.byId(parentId) ?? k.thread.process
    const status = yield* k.notifications.processCreated(process, parent)
    if (status !== STATUS_SUCCESS) {
      yield* k.processes.exit(process, status)
      return
    }
    k.world?.programStarted(process)
    const made = this.createThread(process, `${process.name} main`)
    if (!made) {
      yield* k.processes.exit(process, STATUS_INSUFFICIENT_RESOURCES)
      return
    }
    const { thread, user } = made
    yield* k.notifications.thread(thread, true)
    k.scheduler.start(
      thread,
      this.userThread(thread, user, CURRENT_PROCESS, routine),
      'ntdll!RtlUserThreadStart',
    )
  }

  /** A further thread of a process, which begins at `start` (NtCreateThreadEx); null when memory is short. */
  *startThread(process: Process, start: Ptr, parameter: Ptr): KernelRoutine<Thread | null> {
    const { k } = this
    const made = this.createThread(process, k.images.symbol(start))
    if (!made) return null
    const { thread, user } = made
    yield* k.notifications.thread(thread, true)
    k.scheduler.start(
      thread,
      this.userThread(thread, user, CURRENT_THREAD, this.threadRoutine(process, start, parameter)),
      'ntdll!RtlUserThreadStart',
    )
    return thread
  }

  // --- what the threads do -------------------------------------------------------------------------

  /**
   * The life of a thread in user mode. What `routine` returns is the exit code of what `ends` names;
   * an exception that nothing handled ends the whole process with its code.
   */
  private *userThread(
    thread: Thread,
    user: UserThread,
    ends: typeof CURRENT_PROCESS | typeof CURRENT_THREAD,
    routine: KernelRoutine<number>,
  ): KernelRoutine<void> {
    const { k } = this
    if (ends === CURRENT_PROCESS) fillPeb(k, thread.process)
    fillTeb(k, thread, user)
    let code: number
    let unhandled = false
    try {
      code = yield* routine
    } catch (error) {
      code = k.toException(error, true).code
      unhandled = true
    }
    if (unhandled || ends === CURRENT_PROCESS)
      yield* k.syscalls.call(NtTerminateProcess, [CURRENT_PROCESS, code])
    else yield* k.syscalls.call(NtTerminateThread, [CURRENT_THREAD, code])
  }

  /** Map the image of the current process and tell who wants to know. */
  private *mapImage(
    process: Process,
    unit: number,
    name = process.name.replace(/\.exe$/i, ''),
  ): KernelRoutine<Image> {
    const { k } = this
    const base = k.memory.sliceStart(process.slice) + USER_LAYOUT.image
    const image = k.images.mapProgram(name, base, unit)
    yield* k.notifications.programMapped(process, image)
    return image
  }

  private *main(
    process: Process,
    unit: number,
    places: ReadonlyMap<string, SourcePlace>,
  ): KernelRoutine<number> {
    const { k } = this
    const image = yield* this.mapImage(process, unit)
    image.places = places
    const entry = yield { op: 'load', unit, image: image.number }
    if (entry === 0) return STATUS_ENTRYPOINT_NOT_FOUND
    return yield* k.call(entry, 'MAIN', [])
  }

  private *host(
    process: Process,
    {
      name,
      unit,
      places,
    }: { name: string; unit: number; places: ReadonlyMap<string, SourcePlace> },
    life: (entry: Ptr) => KernelRoutine<number>,
  ): KernelRoutine<number> {
    const image = yield* this.mapImage(process, unit, name)
    image.places = places
    const entry = yield { op: 'load', unit, image: image.number }
    return entry === 0 ? STATUS_ENTRYPOINT_NOT_FOUND : yield* life(entry)
  }

  private *threadRoutine(process: Process, start: Ptr, parameter: Ptr): KernelRoutine<number> {
    const { k } = this
    const code = k.images.landing(start)
    const image = code && k.images.byNumber(code.image)
    const own = k.memory.sliceStart(process.slice) + USER_LAYOUT.image
    if (!image?.user || image.base !== own)
      throw new NtException(STATUS_ACCESS_VIOLATION, k.memory.address(start), 'execute')
    return (yield* k.call(start, 'THREAD_START_ROUTINE', [parameter])) >>> 0
  }

  private *native(process: Process, life: () => KernelRoutine<number>): KernelRoutine<number> {
    yield* this.mapImage(process, NO_CODE)
    return yield* life()
  }

  private *steps(process: Process, steps: readonly ScenarioStep[]): KernelRoutine<number> {
    yield* this.mapImage(process, NO_CODE)
    yield* runSteps(this.k, steps)
    return 0
  }

  // --- end -----------------------------------------------------------------------------------------

  /** Wait until a process that `start` or `startSteps` made has ended; its exit code. */
  *exited(process: Process): KernelRoutine<number> {
    const { k } = this
    // Not over before everybody was told and its handles are closed, which is later than its exit code.
    yield* k.dispatcher.wait([process.address])
    yield* k.ob.dereference(process.address)
    return process.exitCode ?? 0
  }

  // --- output --------------------------------------------------------------------------------------

  /** Standard output of a process. A line is shown when it is complete. */
  write(process: Process, text: string): void {
    const data = userProcess(process)
    let rest = data.line + text
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      this.k.print(rest.slice(0, end + 1), 'stdout')
      rest = rest.slice(end + 1)
    }
    for (; rest.length > LINE_MAX; rest = rest.slice(LINE_MAX))
      this.k.print(rest.slice(0, LINE_MAX), 'stdout')
    data.line = rest
  }

  /** Show what is left of an unfinished line. */
  flush(process: Process): void {
    const data = userProcess(process)
    if (data.line === '') return
    this.k.print(data.line, 'stdout')
    data.line = ''
  }
}
