/** The system's processes at boot: each with an address space, a token, a handle table and a thread that waits. */
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { KObject } from '../ob/object'
import { waitUntilEnded } from '../ps/program'
import type { Process } from '../ps/process'
import type { ProcessOptions } from '../ps/processes'
import { CSRSS_ID, SYSTEM_PROCESSES, type SystemProcess } from './process-table'

const PROCESS_ALL_ACCESS = 0x1f_ffff

/** What a process of the table is made with. */
export function optionsOf({ name: _, user = 'SYSTEM', ...rest }: SystemProcess): ProcessOptions {
  // Accounts of services are administrators of nothing, and their tokens have SYSTEM's integrity.
  return { ...rest, user, elevated: user === 'SYSTEM' }
}

/**
 * Start all of them, in order.
 * @param without  names of those whose place a program takes
 * @param lives    first threads that do more than wait, by process id
 */
export function* startProcesses(
  k: Kernel,
  without: ReadonlySet<string>,
  lives: ReadonlyMap<number, (k: Kernel) => KernelRoutine<number>>,
): KernelRoutine<Map<number, Process>> {
  const started = new Map<number, Process>()
  for (const entry of SYSTEM_PROCESSES) {
    if (!entry.critical && without.has(entry.name)) continue
    const life = lives.get(entry.id) ?? waitUntilEnded
    const process = yield* k.programs.startNative(entry.name, () => life(k), optionsOf(entry))
    started.set(entry.id, process)
  }
  // The subsystem of a session is told of every process in it and keeps a handle.
  const csrss = started.get(CSRSS_ID)!
  for (const process of started.values())
    if (process !== csrss && process.session === csrss.session) keepHandle(k, csrss, process)
  return started
}

/** csrss.exe's handle to a process of its session. */
export function keepHandle(k: Kernel, csrss: Process, process: Process): void {
  const object = k.ob.lookup(process.address)
  if (object) k.ob.openHandle(object as KObject, PROCESS_ALL_ACCESS, { process: csrss })
}
