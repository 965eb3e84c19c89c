/**
 * Kernel Patch Protection: looks at the kernel at times that nobody knows, and stops the machine when
 * something is not as it was at boot. When it looks is drawn from the seed.
 *
 * On every machine it watches the registers: some minutes after IA32_LSTAR, CR0.WP or CR4 were changed
 * and not put back, the machine stops. On one that was asked to defend itself so (`patchguard`) it
 * looks at all that there is to look at, every few seconds; Windows takes minutes.
 */
import { integrityFindings, type RegionName } from '../dbg/integrity'
import type { Kernel } from '../kernel'
import type { Random } from '../random'
import type { Schedule } from './schedule'

const TICKS_PER_SECOND = 10_000_000
/** Seconds until a look, and what the seed adds to them at most. */
const AFTER_CHANGE = { first: 120, spread: 300 }
const EVERY_FEW_SECONDS = { first: 2, spread: 8 }

const REGISTERS: readonly RegionName[] = ['msr', 'controlRegister']

export class PatchGuard {
  private readonly random: Random
  /** Tick of the next look; 0 when none is due. */
  private nextLook = 0

  /** @param watchesAll  it looks again and again, at everything */
  constructor(
    private readonly k: Kernel,
    private readonly schedule: Schedule,
    private readonly watchesAll: boolean,
  ) {
    this.random = k.random.split('patch guard')
    if (watchesAll) this.arm()
  }

  /** A register changed: look at it later. */
  arm(): void {
    if (this.nextLook > 0) return
    const { first, spread } = this.watchesAll ? EVERY_FEW_SECONDS : AFTER_CHANGE
    const ticks = (first + this.random.below(spread)) * TICKS_PER_SECOND
    this.nextLook = this.k.tick + ticks
    this.schedule.after(ticks, () => this.look(), true)
  }

  /** Ticks until it has looked at everything once more; 0 on a machine where it does not. */
  get untilLook(): number {
    return this.watchesAll ? Math.max(this.nextLook - this.k.tick, 0) + 1 : 0
  }

  private look(): void {
    const { k } = this
    this.nextLook = 0
    const [finding] = this.watchesAll ? integrityFindings(k) : integrityFindings(k, REGISTERS)
    if (finding)
      k.bugCheck(
        0x109,
        0,
        0,
        finding.at && k.memory.address(finding.at),
        finding.type,
        `Kernel Patch Protection: ${finding.what}`,
      )
    if (this.watchesAll) this.arm()
  }
}
