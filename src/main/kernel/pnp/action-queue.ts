/**
 * Work that one system thread does in its order, at PASSIVE_LEVEL: what the PnP manager does with
 * devices. The thread is made when there is something to do and ends when there is nothing left.
 */
import type { KernelRoutine } from '../ddi/types'
import type { Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import { STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'

type Action = () => KernelRoutine<unknown>

export class ActionQueue {
  private readonly waiting: { action: Action; cause: number }[] = []
  private thread: Thread | null = null

  /**
   * @param name   of the thread, for people
   * @param frame  of the thread's routine, as stack listings show it
   */
  constructor(
    private readonly k: Kernel,
    private readonly name: string,
    private readonly frame: string,
  ) {}

  /** Do it some time. May be called at any IRQL up to DISPATCH_LEVEL. */
  post(action: Action): void {
    const { k } = this
    this.waiting.push({ action, cause: k.thread.cause })
    if (this.thread) return
    this.thread = k.scheduler.createThread({ process: k.processes.system, name: this.name })
    k.scheduler.start(this.thread, this.work(), this.frame)
  }

  /** Do it after everything that was asked for before, and wait; what it returns. PASSIVE_LEVEL. */
  *run<T>(action: () => KernelRoutine<T>): KernelRoutine<T> {
    const { k } = this
    // Asked for by the thread itself: waiting for its own turn would never end.
    if (k.thread === this.thread) return yield* action()
    const caller = k.thread
    let done = false
    let result: T | undefined
    this.post(function* () {
      result = yield* action()
      done = true
      k.dispatcher.release(caller, STATUS_SUCCESS)
    })
    while (!done) yield* k.dispatcher.park()
    return result as T
  }

  /** Wait until nothing is left to do, also of what comes up meanwhile. */
  *settle(): KernelRoutine<void> {
    while (this.thread && this.thread !== this.k.thread)
      yield* this.run(function* (): KernelRoutine<void> {})
  }

  private *work(): KernelRoutine<void> {
    const { thread } = this.k
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      thread.cause = next.cause
      yield* next.action()
    }
    this.thread = null
  }
}
