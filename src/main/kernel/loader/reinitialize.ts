/** Routines that drivers want called again when all drivers are there (IoRegisterDriverReinitialization). */
import { DRIVER_EXTENSION, DRIVER_OBJECT } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

interface Registration {
  driver: Ptr
  routine: Ptr
  context: Ptr
}

export class Reinitialization {
  private readonly queue: Registration[] = []
  /** Drivers of the boot are still being loaded: all of them come first. */
  private booting = 0

  /** A driver that registers again from its routine is called again. */
  register(driver: Ptr, routine: Ptr, context: Ptr): void {
    this.queue.push({ driver, routine, context })
  }

  /** Hold the routines back while `load` loads several drivers, then run them. */
  *after(k: Kernel, load: KernelRoutine<void>): KernelRoutine<void> {
    this.booting++
    yield* load
    this.booting--
    yield* this.run(k)
  }

  /** Call what is queued; `Count` says how often the driver was called so. */
  *run(k: Kernel): KernelRoutine<void> {
    if (this.booting > 0) return
    const { memory } = k
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      const at = memory.ptr(next.driver + DRIVER_OBJECT.DriverExtension) + DRIVER_EXTENSION.Count
      const count = memory.u32(at) + 1
      memory.setU32(at, count)
      yield* k.call(next.routine, 'DRIVER_REINITIALIZE', [next.driver, next.context, count])
    }
  }

  /** The driver is gone, or its DriverEntry failed. */
  forget(driver: Ptr): void {
    for (let i = this.queue.length - 1; i >= 0; i--)
      if (this.queue[i]!.driver === driver) this.queue.splice(i, 1)
  }
}
