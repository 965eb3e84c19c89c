/** Time as drivers see it: all of it follows from the simulated ticks since boot. */
import type { Kernel } from '../kernel'

/** System time of the boot, in 100 ns since 1601: 1 January 2025, 00:00 UTC in every run. */
export const BOOT_TIME = 133_801_632_000_000_000n
/** Clock interrupt period in 100 ns (15.625 ms), which KeQueryTimeIncrement returns. */
export const TIME_INCREMENT = 156_250
/** KeQueryPerformanceCounter counts the ticks themselves. */
export const PERFORMANCE_FREQUENCY = 10_000_000n

export function systemTime(k: Kernel): bigint {
  return BOOT_TIME + BigInt(k.tick)
}

/** Clock interrupts since boot. */
export function tickCount(k: Kernel): bigint {
  return BigInt(Math.floor(k.tick / TIME_INCREMENT))
}

/**
 * Tick that a LARGE_INTEGER time means: negative is relative, anything else absolute system time.
 * Times beyond 2^53 ticks never come.
 */
export function tickOf(k: Kernel, time: bigint): number {
  const tick = time < 0n ? BigInt(k.tick) - time : time - BOOT_TIME
  return tick > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(tick)
}
