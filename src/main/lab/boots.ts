/** What happens after a crash on a machine that reboots: services are loaded as the registry says. */
import type { CrashDump, RunReport } from '../../shared/contract/model'
import { restoreHive } from '../kernel/cm/hive'
import { SERVICES_PATH } from '../kernel/cm/registry'
import type { KernelRoutine } from '../kernel/ddi/types'
import type { Kernel } from '../kernel/kernel'
import type { Plan } from './project'

/** Boots of one run: a driver that stops the machine at each of them would never end it. */
export const BOOTS_MAX = 4

/** Simulated time that the machine is watched after its services were loaded, in units of 100 ns. */
const WATCHED = 10n * 10_000_000n

/** SERVICE_BOOT_START, SERVICE_SYSTEM_START and SERVICE_AUTO_START: what starts by itself. */
const AUTO_START = 2

export type Boot = NonNullable<RunReport['boots']>[number]

/** Start type of a service, as the registry has it; Infinity where there is none. */
function startOf(k: Kernel, service: string): number {
  const data = k.registry.key(`${SERVICES_PATH}\\${service}`)?.value('Start')?.data
  return data?.length === 4
    ? new DataView(data.buffer, data.byteOffset).getUint32(0, true)
    : Infinity
}

/** Services of a plan that start by themselves, in the order of their start types. */
function autoStarted(k: Kernel, plan: Plan): string[] {
  return plan.drivers
    .map(({ name }) => ({ name, start: startOf(k, name) }))
    .filter(({ start }) => start <= AUTO_START)
    .sort((a, b) => a.start - b.start)
    .map(({ name }) => name)
}

/** The main thread of a boot after a crash: load what starts by itself, then watch. */
export function* bootAgain(k: Kernel, plan: Plan, before: Kernel): KernelRoutine<void> {
  restoreHive(k.registry, before.registry)
  for (const name of autoStarted(k, plan)) yield* k.loader.load(name)
  yield* k.dispatcher.delay(-WATCHED)
}

/** The dump of a machine that stopped: what the report of a crash keeps besides the stop itself. */
export function dumpOf(k: Kernel): CrashDump {
  return {
    tick: k.tick,
    digest: k.memory.digest(),
    processors: k.stopRecord.processors,
    modules: k.loader.stillLoaded().map(({ name, image }) => ({
      name: `${name}.sys`,
      base: k.memory.format(image.base),
      size: image.size,
    })),
    callbacks: k.bugChecks.data,
  }
}
