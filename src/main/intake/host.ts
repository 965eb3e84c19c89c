/**
 * The helper's side of an import: takes main's messages, holds the worker threads, and knows one
 * `JobReading` for each open job. It can run in a process of its own or beside its caller.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { Credit } from './batches'
import { JobReading } from './job-reading'
import { readKnown } from './known-reader'
import type { FromHost, HostSettings, KnownBatch, ToHost } from './messages'
import type { PackageReaders } from './packages'
import { createPool, type Pool } from './pool'
import { messageOf } from './reasons'
import type { WorkerData } from './worker-messages'
import { loadYara, type Yara, type YaraOptions } from './yara'

export interface HostOptions {
  post(message: FromHost): void
  startAnalysis(data: WorkerData): Worker
  startYara: YaraOptions['start']
  packages: PackageReaders
  poolSize?: number
  fileMsMax?: number
}

export interface IntakeHost {
  take(message: ToHost): void
  close(): Promise<void>
}

/** Worker threads that had nothing to do for this long are ended. */
const IDLE_MS = 10_000

export function createIntakeHost(options: HostOptions): IntakeHost {
  const { post } = options
  const jobs = new Map<number, Promise<JobReading>>()
  const known = new Map<number, Credit>()
  let settings: HostSettings = {
    capabilitiesFolder: null,
    importFrequencyFile: null,
    yaraFolder: null,
  }
  let pool: Promise<Pool> | null = null
  let yara: Promise<Yara | null> | null = null
  let idle: ReturnType<typeof setTimeout> | undefined
  /** Workers were started with other settings. */
  let isStale = false

  function workers(): Promise<Pool> {
    clearTimeout(idle)
    pool ??= readWorkerData(settings).then((data) =>
      createPool({
        start: () => options.startAnalysis(data),
        ...(options.poolSize === undefined ? {} : { size: options.poolSize }),
        ...(options.fileMsMax === undefined ? {} : { msMax: options.fileMsMax }),
      }),
    )
    return pool
  }

  function scanner(): Promise<Yara | null> {
    const { yaraFolder } = settings
    yara ??=
      yaraFolder === null
        ? Promise.resolve(null)
        : loadYara(yaraFolder, { start: options.startYara })
    return yara
  }

  async function letGo(): Promise<void> {
    const [oldPool, oldYara] = [pool, yara]
    isStale = false
    pool = null
    yara = null
    // What could not be opened needs no closing.
    await (await oldPool?.catch(() => null))?.close()
    await (await oldYara?.catch(() => null))?.close()
  }

  function withJob(job: number, use: (reading: JobReading) => unknown): void {
    void jobs
      .get(job)
      ?.then(use)
      .catch((error: unknown) => post({ kind: 'trouble', job, reason: messageOf(error) }))
  }

  async function open(message: Extract<ToHost, { kind: 'open' }>): Promise<JobReading> {
    if (isStale && jobs.size === 0) await letGo()
    const tools = { post, pool: await workers(), yara: await scanner(), packages: options.packages }
    return new JobReading(message, tools)
  }

  /** A job that could not be opened: the next try may find what is missing. */
  function notOpened(job: number, error: unknown): void {
    jobs.delete(job)
    post({ kind: 'trouble', job, reason: messageOf(error) })
    void letGo()
  }

  async function end(job: number, reading: JobReading): Promise<void> {
    await reading.stop()
    await reading.close()
    jobs.delete(job)
    post({ kind: 'stopped', job })
    if (jobs.size === 0) idle = setTimeout(() => void letGo(), IDLE_MS)
  }

  return {
    take(message) {
      switch (message.kind) {
        case 'settings':
          settings = message.settings
          isStale = true
          break
        case 'open': {
          const opened = open(message)
          jobs.set(message.job, opened)
          opened.catch((error: unknown) => notOpened(message.job, error))
          break
        }
        case 'list':
          withJob(message.job, (reading) => reading.list())
          break
        case 'read':
          withJob(message.job, (reading) => reading.read(message.items))
          break
        case 'written':
          withJob(message.job, (reading) => reading.written())
          break
        case 'stop':
          if (jobs.has(message.job)) withJob(message.job, (reading) => end(message.job, reading))
          else post({ kind: 'stopped', job: message.job })
          break
        case 'known': {
          const { id, paths } = message
          const credit = new Credit()
          known.set(id, credit)
          readKnown(paths, credit, (batch) => post({ kind: 'known', id, batch }))
            .catch((error: unknown) => post({ kind: 'known', id, batch: lastBatch(error) }))
            .finally(() => known.delete(id))
          break
        }
        case 'known-written':
          known.get(message.id)?.written()
          break
        case 'yara': {
          const { id, folder } = message
          loadYara(folder, { start: options.startYara })
            .then(async (loaded) => {
              post({ kind: 'yara', id, rules: loaded.rules, problems: loaded.problems })
              await loaded.close()
            })
            .catch((error: unknown) =>
              post({ kind: 'yara', id, rules: 0, problems: [messageOf(error)] }),
            )
          break
        }
      }
    },
    async close() {
      clearTimeout(idle)
      for (const opened of jobs.values()) await (await opened.catch(() => null))?.close()
      jobs.clear()
      await letGo()
    },
  }
}

/** Reference data ends here, because of a fault. */
const lastBatch = (error: unknown): KnownBatch => ({
  ...{ entries: [], policies: [], problems: [`It failed: ${messageOf(error)}`] },
  ...{ filesDone: 0, filesTotal: 0, isLast: true },
})

/** What workers are started with. Missing rules leave capabilities out, and nothing else. */
async function readWorkerData({
  capabilitiesFolder,
  importFrequencyFile,
}: HostSettings): Promise<WorkerData> {
  const rules: WorkerData['rules'] = []
  if (capabilitiesFolder !== null)
    for (const name of (await readdir(capabilitiesFolder)).sort())
      if (/\.ya?ml$/.test(name))
        rules.push({ name, text: await readFile(join(capabilitiesFolder, name), 'utf8') })
  const importFrequency =
    importFrequencyFile === null ? '' : await readFile(importFrequencyFile, 'utf8')
  return { rules, importFrequency }
}
