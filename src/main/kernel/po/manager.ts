/**
 * The power manager: what system state the machine is in, what state devices say they are in, and the
 * power packets that are under way.
 */
import {
  DevicePowerState,
  PowerDeviceUnspecified,
  PowerSystemWorking,
} from '../../../shared/nt/generated/constants'
import { DEVICE_OBJECT, DEVOBJ_EXTENSION_INTERNAL } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { DevicePower } from './device-power'
import { changeSystemState, shutDown, type PowerAction } from './system-power'

/** Time in which a power packet has to be back, in ticks of 100 ns: ten minutes. */
const WATCHDOG_TICKS = 600 * 10_000_000

/** Short names of the system states, as ACPI has them. */
export const SYSTEM_STATE_NAMES = ['S?', 'S0', 'S1', 'S2', 'S3', 'S4', 'S5'] as const
export const DEVICE_STATE_NAMES = ['D?', 'D0', 'D1', 'D2', 'D3'] as const

interface Underway {
  irp: Ptr
  pdo: Ptr
  sentAt: number
}

export class PowerManager {
  /** SYSTEM_POWER_STATE of the machine. */
  systemState: number = PowerSystemWorking
  readonly devices: DevicePower
  private readonly underway = new Map<Ptr, Underway>()

  constructor(private readonly k: Kernel) {
    this.devices = new DevicePower(k)
  }

  // --- states --------------------------------------------------------------------------------------

  setSystemState(state: number): void {
    const from = this.systemState
    if (from === state) return
    this.systemState = state
    if (this.k.tracing)
      this.k.emit({
        t: 'power.system',
        from: SYSTEM_STATE_NAMES[from] ?? 'S?',
        to: SYSTEM_STATE_NAMES[state] ?? 'S?',
      })
  }

  private flagsOf(device: Ptr): Ptr {
    const { memory } = this.k
    return (
      memory.ptr(device + DEVICE_OBJECT.DeviceObjectExtension) +
      DEVOBJ_EXTENSION_INTERNAL.PowerFlags
    )
  }

  /** DEVICE_POWER_STATE that a device said it is in; PowerDeviceUnspecified when it never did. */
  deviceState(device: Ptr): number {
    return (this.k.memory.u32(this.flagsOf(device)) >>> 4) & 15
  }

  /** PoSetPowerState for a device state: note it, and give back the former one. */
  setDeviceState(device: Ptr, state: number): number {
    const { k } = this
    const at = this.flagsOf(device)
    const flags = k.memory.u32(at)
    const from = (flags >>> 4) & 15
    k.memory.setU32(at, (flags & ~0xf0) | ((state & 15) << 4))
    if (from !== state && k.tracing)
      k.emit({
        t: 'power.device',
        device: k.memory.format(device),
        devnode: k.pnp.byDevice(device)?.path ?? null,
        from: from === PowerDeviceUnspecified ? null : (DEVICE_STATE_NAMES[from] ?? 'D?'),
        to: DEVICE_STATE_NAMES[state] ?? 'D?',
      })
    return from
  }

  /** PoSetPowerState. */
  setState(device: Ptr, type: number, state: number): number {
    if (type === DevicePowerState) return this.setDeviceState(device, state)
    const { memory } = this.k
    const at = this.flagsOf(device)
    const flags = memory.u32(at)
    memory.setU32(at, (flags & ~0x0f) | (state & 15))
    return flags & 15
  }

  // --- packets under way -----------------------------------------------------------------------------

  sent(irp: Ptr, pdo: Ptr): void {
    this.underway.set(irp, { irp, pdo, sentAt: this.k.tick })
  }

  returned(irp: Ptr): void {
    this.underway.delete(irp)
  }

  /**
   * Nothing moves any more. A power packet that some driver keeps is not waited for longer than ten
   * minutes.
   * @bugcheck 0x9F with 3
   */
  checkStuck(): void {
    const { k } = this
    for (const { irp, pdo, sentAt } of this.underway.values()) {
      const info = k.irps.info(irp)
      if (info?.state !== 'active') continue
      k.tick = Math.max(k.tick, sentAt + WATCHDOG_TICKS)
      const what = `IRP ${info.number} (IRP_MJ_POWER) was not completed within ten minutes: ${k.irps.holder(info)} has it.`
      k.verifier.check(
        'VR-PWR-STUCK',
        true,
        [3, k.memory.address(pdo), 0, k.memory.address(irp)],
        what,
      )
    }
  }

  // --- what people do ----------------------------------------------------------------------------------

  /** Sleep, hibernate or wake, on the thread of the PnP manager: no device comes or goes meanwhile. */
  change(action: PowerAction): KernelRoutine<number> {
    const { k } = this
    return k.pnp.actions.run(() => changeSystemState(k, action))
  }

  /** Shut the machine down. Ends the run. */
  shutDown(): KernelRoutine<number> {
    const { k } = this
    return k.pnp.actions.run(() => shutDown(k))
  }
}
