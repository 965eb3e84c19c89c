/**
 * Kernel Patch Protection, for registers: some minutes after IA32_LSTAR, CR0.WP or CR4 were changed
 * and not put back, the machine stops. When it looks is drawn from the seed.
 */
import type { Kernel } from '../kernel'
import type { Random } from '../random'
import type { ControlRegisters } from './control-registers'
import type { Schedule } from './schedule'

const TICKS_PER_SECOND = 10_000_000
const FIRST_LOOK_SECONDS = 120
const SPREAD_SECONDS = 300

const CRITICAL_MSR = 7
const CONTROL_REGISTER = 0x15

export class PatchGuard {
  private readonly random: Random
  private isArmed = false

  constructor(
    private readonly k: Kernel,
    private readonly registers: ControlRegisters,
    private readonly schedule: Schedule,
  ) {
    this.random = k.random.split('patch guard')
  }

  /** Something changed: look at it later. */
  arm(): void {
    if (this.isArmed) return
    this.isArmed = true
    const seconds = FIRST_LOOK_SECONDS + this.random.below(SPREAD_SECONDS)
    this.schedule.after(seconds * TICKS_PER_SECOND, () => this.look(), true)
  }

  private look(): void {
    this.isArmed = false
    const { registers } = this
    if (registers.isEntryMoved)
      this.stop(CRITICAL_MSR, 'IA32_LSTAR does not hold what it held at boot.')
    if (registers.isProtectionOff)
      this.stop(CONTROL_REGISTER, 'CR0 or CR4 lacks a protection that it had at boot.')
  }

  private stop(kind: number, what: string): never {
    return this.k.bugCheck(0x109, 0, 0, 0, kind, `Kernel Patch Protection: ${what}`)
  }
}
