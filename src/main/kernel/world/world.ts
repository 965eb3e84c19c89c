/**
 * The small Windows that techniques act on: what stands around the drivers of a scenario that asks
 * for `"world": "windows"`. It is put together of parts in the order of a boot; each is a module of
 * its own, and a new one is a line in `PARTS`.
 */
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Image } from '../loader/image'
import type { Process } from '../ps/process'
import type { ProcessOptions } from '../ps/processes'
import type { Ntfs } from '../fs/ntfs'
import type { Keyboard } from '../input/keyboard'
import { mountVolume, type GivenFiles } from './files'
import { fillHives } from './hive'
import type { RemoteHost } from '../net/hosts'
import { startNetwork } from '../net/afd'
import { plugKeyboard } from './keyboard'
import { loadModules } from './modules'
import { CSRSS_ID, EXPLORER_ID, LOGGED_ON_USER, SYSTEM_PROCESSES } from './process-table'
import { keepHandle, optionsOf, startProcesses } from './processes'

/** First threads of system processes that do more than wait, by process id. */
export type Lives = Map<number, (k: Kernel) => KernelRoutine<number>>

/** What a scenario says about the world. */
export interface WorldOptions {
  /** Names of system processes whose place programs of the scenario take. */
  replaced?: ReadonlySet<string>
  /** Files and folders (null) by path, `C:\\Users\\student\\x.txt`. */
  files?: GivenFiles
  /** What can be reached over the network. */
  hosts?: readonly RemoteHost[]
}

type Part = (k: Kernel, world: World) => KernelRoutine<void>

export class World {
  /** Images of the system's modules by name: where its drivers have their routines. */
  modules: ReadonlyMap<string, Image> = new Map()
  /** The system's processes by id. */
  processes: ReadonlyMap<number, Process> = new Map()
  readonly lives: Lives = new Map()
  /** The file system of `C:`. */
  files: Ntfs | null = null
  keyboard: Keyboard | null = null
  /** Services that run since the boot, in lower case. */
  readonly services = new Set<string>()

  /** What a program that is started gets: the shell as its parent, the user that is logged on. */
  readonly session: ProcessOptions = { parent: EXPLORER_ID, user: LOGGED_ON_USER, session: 1 }

  constructor(
    private readonly k: Kernel,
    readonly options: WorldOptions,
  ) {}

  /** What a program gets that stands in for a process of the system; nothing for any other. */
  placeOf(name: string): ProcessOptions {
    const entry = SYSTEM_PROCESSES.find((each) => each.name === name && !each.critical)
    return entry && !this.k.processes.byId(entry.id) ? optionsOf(entry) : {}
  }

  /** A program was started: the subsystem of its session keeps a handle to it. */
  programStarted(process: Process): void {
    const csrss = this.processes.get(CSRSS_ID)
    if (csrss && csrss.exitCode === null && process.session === csrss.session)
      keepHandle(this.k, csrss, process)
  }
}

/** Time for the system's threads to get to their first waits: a millisecond. */
const SETTLING = -10_000n

/** The parts, in the order in which a boot needs them. */
const PARTS: readonly Part[] = [
  function* modules(k, world) {
    world.modules = loadModules(k)
  },
  function* hives(k, world) {
    for (const name of fillHives(k)) world.services.add(name.toLowerCase())
  },
  function* files(k, world) {
    yield* mountVolume(k, world, world.options.files ?? new Map())
  },
  function* keyboard(k, world) {
    yield* plugKeyboard(k, world)
  },
  function* network(k, world) {
    startNetwork(k, world.options.hosts ?? [], world.modules)
  },
  function* processes(k, world) {
    world.processes = yield* startProcesses(k, world.options.replaced ?? new Set(), world.lives)
  },
]

/**
 * Boot it. The machine is bare before, and its trace knows nothing of it.
 */
export function* bootWindows(k: Kernel, options: WorldOptions = {}): KernelRoutine<void> {
  const world = new World(k, options)
  for (const part of PARTS) yield* part(k, world)
  k.world = world
  // The drivers find a machine whose processes have come to rest.
  yield* k.dispatcher.delay(SETTLING)
}
