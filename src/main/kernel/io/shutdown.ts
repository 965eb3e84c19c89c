/** Devices that want to know when the machine goes down (IRP_MJ_SHUTDOWN). */
import { DO_SHUTDOWN_REGISTERED } from '../../../shared/nt/generated/constants'
import { DEVICE_OBJECT, DRIVER_OBJECT } from '../../../shared/nt/generated/offsets'
import { STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import { IRP_MJ_SHUTDOWN } from '../../../shared/nt/irp-functions'
import type { KernelRoutine } from '../ddi/types'
import type { RegisteredCallback } from '../ex/callback-table'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { sendOwnIrp } from './own-irp'

export class ShutdownNotifications {
  /** The last one that registered is told first. Each holds a reference. */
  private readonly devices: Ptr[] = []
  private readonly callbacks = new Map<Ptr, RegisteredCallback>()

  constructor(private readonly k: Kernel) {}

  /** IoRegisterShutdownNotification. A device that registers twice is told twice. */
  register(device: Ptr): number {
    const { k } = this
    k.ob.reference(device)
    this.devices.unshift(device)
    const driver = k.memory.ptr(device + DEVICE_OBJECT.DriverObject)
    const routine = k.memory.ptr(driver + DRIVER_OBJECT.MajorFunction + IRP_MJ_SHUTDOWN * 8)
    if (!this.callbacks.has(device))
      this.callbacks.set(device, k.callbacks.add('shutdown', routine, { about: 'IRP_MJ_SHUTDOWN' }))
    const flags = device + DEVICE_OBJECT.Flags
    k.memory.setU32(flags, k.memory.u32(flags) | DO_SHUTDOWN_REGISTERED)
    return STATUS_SUCCESS
  }

  /** IoUnregisterShutdownNotification: takes back every registration of the device. */
  unregister(device: Ptr): void {
    const { k } = this
    const flags = device + DEVICE_OBJECT.Flags
    k.memory.setU32(flags, k.memory.u32(flags) & ~DO_SHUTDOWN_REGISTERED)
    for (let i = this.devices.indexOf(device); i >= 0; i = this.devices.indexOf(device)) {
      this.devices.splice(i, 1)
      k.ob.release(device)
    }
    const callback = this.callbacks.get(device)
    if (!callback) return
    this.callbacks.delete(device)
    k.callbacks.remove(callback)
  }

  /** Send IRP_MJ_SHUTDOWN to each and wait for it; the status does not count. */
  *notify(): KernelRoutine<void> {
    for (let device = this.devices.shift(); device; device = this.devices.shift()) {
      yield* sendOwnIrp(this.k, device, { major: IRP_MJ_SHUTDOWN, status: STATUS_SUCCESS })
      this.k.ob.release(device)
    }
  }
}
