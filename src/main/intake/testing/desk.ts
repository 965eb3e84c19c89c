/** A controller with its store and its helper, as tests use them. */
import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { IntakeJob } from '../../../shared/contract/files'
import { IntakeController, type ControllerOptions, type ImportRequest } from '../controller'
import { runHostHere } from '../local-host'
import type { FromHost, HostPort, ToHost } from '../messages'
import { RecordingStore } from './recording-store'
import { plainPackages } from './packages'

/** A folder that is removed after the test. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'ring0-intake-'))
  put(name: string, content: Uint8Array | string): string {
    const path = join(this.path, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    return path
  }
  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

export const request = (paths: string[], over: Partial<ImportRequest> = {}): ImportRequest => ({
  title: 'test',
  paths,
  keepBytes: false,
  tags: [],
  passwords: [],
  ...over,
})

export class Desk {
  readonly store: RecordingStore
  readonly controller: IntakeController
  readonly progress: IntakeJob[] = []
  readonly hosts: HostPort[] = []
  readonly #waiters = new Set<() => void>()

  constructor(
    start: () => HostPort,
    {
      store = new RecordingStore(),
      ...over
    }: Partial<ControllerOptions> & { store?: RecordingStore } = {},
  ) {
    this.store = store
    this.controller = new IntakeController({
      store,
      start: () => {
        const host = start()
        this.hosts.push(host)
        return host
      },
      settings: { capabilitiesFolder: null, importFrequencyFile: null, yaraFolder: null },
      quarantine: () => null,
      onProgress: (job) => {
        this.progress.push(job)
        for (const waiter of this.#waiters) waiter()
      },
      onChanged: () => undefined,
      ...over,
    })
  }

  /** Resolves when a job is as wanted. */
  until(job: number, isWanted: (state: IntakeJob) => boolean): Promise<IntakeJob> {
    return new Promise((resolve) => {
      const look = (): void => {
        const state = this.controller.jobs().find(({ id }) => id === job)
        if (!state || !isWanted(state)) return
        this.#waiters.delete(look)
        resolve(state)
      }
      this.#waiters.add(look)
      look()
    })
  }

  async import(paths: string[], over: Partial<ImportRequest> = {}): Promise<IntakeJob> {
    const job = this.controller.start(request(paths, over))
    return this.until(job, ({ state }) => state !== 'running')
  }
}

/** @param analysis file of the worker */
export const localHost =
  (analysis: string, options: { fileMsMax?: number; yara?: string } = {}) =>
  (): HostPort =>
    runHostHere({
      startAnalysis: (workerData) =>
        new Worker(analysis, { workerData, resourceLimits: { maxOldGenerationSizeMb: 32 } }),
      startYara: () =>
        new Worker(options.yara ?? '', { workerData: { memoryBytesMax: 256 * 1024 * 1024 } }),
      packages: plainPackages,
      poolSize: 2,
      ...(options.fileMsMax === undefined ? {} : { fileMsMax: options.fileMsMax }),
    })

/** The helper in a process of its own. */
export const childHost =
  (child: string, analysis: string) => (): HostPort & { pid: number | undefined } => {
    const running = fork(child, [analysis], { serialization: 'advanced', stdio: 'ignore' })
    return {
      pid: running.pid,
      post: (message: ToHost) => void (running.connected && running.send(message)),
      onMessage: (listener) =>
        void running.on('message', (message) => listener(message as FromHost)),
      onExit: (listener) =>
        void running.once('exit', (code, signal) =>
          listener(`its process ended (${signal ?? code}).`),
        ),
      kill: () => void running.kill('SIGKILL'),
      memoryBytes: () => null,
    }
  }
