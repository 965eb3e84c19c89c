/** Deletions that have to call a driver, while the IRQL or the caller does not allow it: done later. */
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'

export class DeferredDeletions {
  private readonly waiting: KernelRoutine<void>[] = []
  private running = false

  constructor(private readonly k: Kernel) {}

  /** Let a system thread run the routine at PASSIVE_LEVEL. */
  add(routine: KernelRoutine<void>): void {
    this.waiting.push(routine)
    if (this.running) return
    this.running = true
    const { k } = this
    const name = 'ObpRemoveObjectRoutine'
    const thread = k.scheduler.createThread({ process: k.processes.system, name, priority: 13 })
    k.scheduler.start(thread, this.run(), `nt!${name}`)
  }

  private *run(): KernelRoutine<void> {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) yield* next
    this.running = false
  }
}
