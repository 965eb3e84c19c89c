/**
 * Event providers of drivers. Nobody in the machine listens to them, so none is ever enabled and what
 * they write goes nowhere; what matters is that a registration has to be given back.
 */
import type { Kernel } from '../kernel'
import type { SourcePlace } from '../../../shared/trace/event'

interface Provider {
  handle: bigint
  driver: string | null
  /** Where it was registered, as a place and as an address. */
  at: SourcePlace | null
  seq: number
  code: bigint
}

/** Providers by their handle; of each machine its own. */
const machines = new WeakMap<Kernel, Map<bigint, Provider>>()
/** Handles are addresses of a kind: distinct, never 0, never given twice. */
const FIRST_HANDLE = 0xffff_9a01_00e0_0000n
const HANDLE_STEP = 0x70n
/** A driver that registers without end. */
export const PROVIDERS_MAX = 4096

function providersOf(k: Kernel): Map<bigint, Provider> {
  let providers = machines.get(k)
  if (!providers) machines.set(k, (providers = new Map()))
  return providers
}

const given = new WeakMap<Kernel, number>()

/** Note a provider of the driver that runs; its handle, or null when there are too many. */
export function registerProvider(k: Kernel): bigint | null {
  const providers = providersOf(k)
  if (providers.size >= PROVIDERS_MAX) return null
  const count = given.get(k) ?? 0
  given.set(k, count + 1)
  const handle = FIRST_HANDLE + BigInt(count) * HANDLE_STEP
  const { thread } = k
  const driver = k.driverOf(thread) ?? null
  const code = k.images.nearestCode(thread)
  providers.set(handle, { handle, driver, at: thread.at, seq: thread.cause, code })
  return handle
}

/** @returns false for a handle that is none */
export function unregisterProvider(k: Kernel, handle: bigint): boolean {
  return providersOf(k).delete(handle)
}

export function isProvider(k: Kernel, handle: bigint): boolean {
  return providersOf(k).has(handle)
}

/** The first provider that a driver registered and did not give back. */
export function providerOf(k: Kernel, driver: string): Provider | undefined {
  return [...providersOf(k).values()].find((provider) => provider.driver === driver)
}

/** Forget what a driver left behind: its code is gone. */
export function forgetProviders(k: Kernel, driver: string): void {
  const providers = providersOf(k)
  for (const provider of providers.values())
    if (provider.driver === driver) providers.delete(provider.handle)
}
