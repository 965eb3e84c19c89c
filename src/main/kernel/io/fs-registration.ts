/** File systems that registered themselves, and drivers that want to hear of it. */
import {
  STATUS_DEVICE_ALREADY_ATTACHED,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

interface Listener {
  driver: Ptr
  routine: Ptr
}

export class FileSystems {
  private readonly devices: Ptr[] = []
  private readonly listeners: Listener[] = []

  constructor(private readonly k: Kernel) {}

  /** IoRegisterFileSystem. */
  *register(device: Ptr): KernelRoutine<void> {
    this.devices.push(device)
    yield* this.tell(device, true)
  }

  /** IoUnregisterFileSystem. */
  *unregister(device: Ptr): KernelRoutine<void> {
    const index = this.devices.indexOf(device)
    if (index < 0) return
    this.devices.splice(index, 1)
    yield* this.tell(device, false)
  }

  private *tell(device: Ptr, active: boolean): KernelRoutine<void> {
    for (const { routine } of [...this.listeners])
      yield* this.k.call(routine, 'DRIVER_FS_NOTIFICATION', [device, active ? 1 : 0])
  }

  /**
   * IoRegisterFsRegistrationChange. The routine hears of the file systems that are there already
   * before the call returns.
   */
  *listen(driver: Ptr, routine: Ptr): KernelRoutine<number> {
    const last = this.listeners.at(-1)
    if (last?.driver === driver && last.routine === routine) return STATUS_DEVICE_ALREADY_ATTACHED
    this.listeners.push({ driver, routine })
    for (const device of [...this.devices])
      yield* this.k.call(routine, 'DRIVER_FS_NOTIFICATION', [device, 1])
    return STATUS_SUCCESS
  }

  /** IoUnregisterFsRegistrationChange. */
  ignore(driver: Ptr, routine: Ptr): void {
    const index = this.listeners.findIndex(
      (each) => each.driver === driver && each.routine === routine,
    )
    if (index >= 0) this.listeners.splice(index, 1)
  }
}
