/** The thread that drives a run: loads the drivers, lets user mode ask, unloads. */
import type { SourcePlace } from '../../shared/trace/event'
import type { KernelRoutine } from '../kernel/ddi/types'
import type { Kernel } from '../kernel/kernel'
import { terminateProcess } from '../kernel/ps/exit'
import type { Process } from '../kernel/ps/process'
import type { ProgramOptions } from '../kernel/ps/program'
import { PROTECTION_ANTIMALWARE } from '../kernel/world/process-table'
import { installUmdf } from '../kernel/wdf/umdf'
import { bootWindows, type WorldOptions } from '../kernel/world/world'
import { givenFiles } from './given-files'
import { givenHosts } from './given-hosts'
import { bootAgain } from './boots'
import type { MemoryReadings } from './memory-readings'
import { hasWritableCode } from './packages'
import type { Plan, PlannedProgram } from './project'

/** Compiled code as the runner knows it, in the order of `Plan.entries`. */
export interface Unit {
  unit: number
  places: ReadonlyMap<string, SourcePlace>
}

/** Name of the process that `client.ts` is. */
const CLIENT_NAME = 'client.exe'
const SCENARIO_NAME = 'scenario.exe'
/** Time for the programs of defences to get to their first waits, in units of 100 ns. */
const DEFENCES_SETTLE = 10_000n
/** Time for one more look of theirs when everybody else has ended. */
const DEFENCES_LOOK = 25_000_000n
/** Exit status of programs that are still there when their user logs off. */
const DBG_TERMINATE_PROCESS = 0x4001_0004

/**
 * Make the services known and start the main thread.
 * @param before    the machine that crashed, when this one is its next boot
 * @param readings  takes the memory tables, of a run that is asked for them
 */
export function startScript(
  k: Kernel,
  plan: Plan,
  units: readonly Unit[],
  before: Kernel | null = null,
  readings: MemoryReadings | null = null,
): void {
  for (const { service, parameters, driverUnit } of plan.defences) {
    const { unit, places } = units[driverUnit]!
    k.loader.install(service, unit, parameters, true).places = places
  }
  plan.drivers.forEach((driver, i) => {
    const { unit, places } = units[i]!
    const { name, parameters, integrityCheck, verdict, umdf } = driver
    if (umdf) {
      installUmdf(k, { name, unit, places })
      return
    }
    const image = k.loader.install(name, unit, parameters, integrityCheck, verdict)
    image.places = places
    image.hasWritableCode = hasWritableCode(plan, driver)
  })
  const thread = k.scheduler.createThread({
    process: k.processes.system,
    name: 'Main',
    priority: 9,
  })
  k.scheduler.main = thread
  const routine = before ? bootAgain(k, plan, before) : script(k, plan, units, readings)
  k.scheduler.start(thread, routine, '')
}

function* script(
  k: Kernel,
  plan: Plan,
  units: readonly Unit[],
  readings: MemoryReadings | null,
): KernelRoutine<void> {
  if (plan.scenario.world) yield* bootWindows(k, worldOf(plan))
  const guards = yield* startDefences(k, plan, units)
  if (k.loader.failed) return
  readings?.loading(k)
  for (const device of plan.scenario.devices ?? []) k.pnp.packages.add(device)
  yield* k.loader.reinitialization.after(k, boot(k, plan))
  if (k.loader.failed) return
  yield* userMode(k, plan, units, readings, guards)
  readings?.end(k)
  if (!plan.scenario.unload) return
  yield* k.pnp.removeAll()
  for (const driver of k.loader.stillLoaded()) yield* k.loader.unload(driver.name, true)
}

/** Load the drivers that serve no device, then start the devices that are there. */
function* boot(k: Kernel, plan: Plan): KernelRoutine<void> {
  const onDemand = k.pnp.packages.services()
  for (const driver of plan.drivers) {
    if (onDemand.has(driver.name.toLowerCase())) continue
    const status = yield* k.loader.load(driver.name)
    if ((status | 0) >= 0) continue
    k.loader.failed = { name: driver.name, status }
    return
  }
  for (const { id, plugged } of plan.scenario.devices ?? []) if (plugged) yield* k.pnp.plug(id, id)
}

/**
 * What stands between the machine and what the scenario loads: drivers of defences, and their programs,
 * which are services.
 * @returns the processes, in the order in which they end
 */
function* startDefences(k: Kernel, plan: Plan, units: readonly Unit[]): KernelRoutine<Process[]> {
  const started: Process[] = []
  for (const { service, program, programUnit } of plan.defences) {
    const status = yield* k.loader.load(service)
    if ((status | 0) < 0) {
      k.loader.failed = { name: service, status }
      return started
    }
    const { unit, places } = units[programUnit]!
    const options = { elevated: true, user: 'SYSTEM', protection: PROTECTION_ANTIMALWARE }
    started.unshift(yield* k.programs.start(program, unit, places, options))
  }
  if (started.length > 0) yield* k.dispatcher.delay(-DEFENCES_SETTLE)
  return started
}

function* userMode(
  k: Kernel,
  plan: Plan,
  units: readonly Unit[],
  readings: MemoryReadings | null,
  guards: readonly Process[],
): KernelRoutine<void> {
  const { client, scenario } = plan
  const running: Process[] = []
  readings?.watch(k, running)
  if (client) {
    const { unit, places } = units[plan.drivers.length]!
    const elevated = scenario.user !== 'user'
    running.push(yield* k.programs.start(CLIENT_NAME, unit, places, { elevated }))
  }
  const scripts: NonNullable<Plan['scenario']['processes']> = [...(scenario.processes ?? [])]
  if (scenario.steps) scripts.unshift({ name: SCENARIO_NAME, steps: scenario.steps })
  for (const { name, steps, user = scenario.user } of scripts)
    running.push(yield* k.programs.startSteps(name, steps, { elevated: user !== 'user' }))
  const residents: Process[] = []
  for (const program of plan.programs) {
    const process = yield* startProgram(k, program, units[program.unit]!, scenario.user)
    if (program.resident) residents.unshift(process)
    else running.push(process)
  }
  for (const process of running) yield* k.programs.exited(process)
  // What was changed and left so is found, while those who stay are still there.
  const { untilLook } = k.hal.patchGuard
  if (untilLook > 0) yield* k.dispatcher.delay(BigInt(-untilLook))
  if (guards.length > 0) yield* k.dispatcher.delay(-DEFENCES_LOOK)
  // They go first: what ends with the session is no news to them.
  for (const process of [...guards, ...residents]) {
    yield* terminateProcess(k, process, DBG_TERMINATE_PROCESS)
    yield* k.programs.exited(process)
  }
}

/** What a plan says about the Windows around its drivers. */
function worldOf({ programs, scenario }: Plan): WorldOptions {
  const replaced = new Set(programs.map(({ name }) => name))
  return { replaced, files: givenFiles(scenario), hosts: givenHosts(scenario) }
}

function startProgram(
  k: Kernel,
  program: PlannedProgram,
  { unit, places }: Unit,
  everybody: PlannedProgram['user'],
): KernelRoutine<Process> {
  const { name, user = everybody } = program
  const options: ProgramOptions = {
    elevated: program.protected || user !== 'user',
    ...(program.protected ? { user: 'SYSTEM', protection: PROTECTION_ANTIMALWARE } : {}),
    ...k.world?.placeOf(name),
    ...(program.arguments === undefined ? {} : { arguments: program.arguments }),
  }
  return k.programs.start(name, unit, places, options)
}
