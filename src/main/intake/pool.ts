/**
 * Worker threads that analyse files. A file gets its time and its memory and no more: the analyser
 * stops by itself near the limit, and a worker that does not is ended and replaced. Whatever a file
 * does, its call is answered and the others go on.
 */
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import type { FileFacts } from '../../shared/driver-file/facts'
import { FILE_MS_MAX } from './limits'
import { messageOf } from './reasons'
import type { CatalogueSet, FromWorker, ToWorker } from './worker-messages'

export type LostReason = 'time-limit' | 'memory-limit' | 'analysis-failed'

export type Outcome =
  | { facts: FileFacts; bytes: Uint8Array<ArrayBuffer> }
  /** The bytes went down with the worker: whoever needs them reads them again. */
  | { lost: LostReason; text: string }

export interface PoolOptions {
  /** A new worker that speaks `worker-messages`. */
  start(): Worker
  size?: number
  /** Wall time of one file, in milliseconds; the analyser is told to stop at three quarters. */
  msMax?: number
}

export interface Pool {
  size: number
  /**
   * @param bytes unusable afterwards; the outcome carries them back
   * @throws PoolBroken
   */
  analyse(bytes: Uint8Array<ArrayBuffer>, catalogues?: CatalogueSet | null): Promise<Outcome>
  close(): Promise<void>
}

interface Task {
  bytes: Uint8Array<ArrayBuffer>
  catalogues: CatalogueSet | null
  resolve(outcome: Outcome): void
  reject(error: Error): void
}

interface Slot {
  worker: Worker
  isReady: boolean
  task: Task | null
  timer: ReturnType<typeof setTimeout> | undefined
  /** Key of the catalogues the worker holds. */
  catalogues: string | null
}

/** Nothing can be analysed: workers do not start. */
export class PoolBroken extends Error {}

/** As many workers as cores, up to four: behind that the disk and the database are what waits. */
export const poolSize = (): number => Math.max(1, Math.min(availableParallelism(), 4))

/** Workers that die before they are ready, one after the other, until the pool gives up. */
const FAILED_STARTS_MAX = 3

export function createPool(options: PoolOptions): Pool {
  const { size = poolSize(), msMax = FILE_MS_MAX } = options
  const slots = new Set<Slot>()
  const waiting: Task[] = []
  let nextId = 1
  let failedStarts = 0
  let isClosed = false

  function startSlot(): void {
    const worker = options.start()
    const slot: Slot = { worker, isReady: false, task: null, timer: undefined, catalogues: null }
    slots.add(slot)
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') {
        slot.isReady = true
        failedStarts = 0
      } else if (message.kind === 'facts')
        finish(slot, { facts: JSON.parse(message.facts) as FileFacts, bytes: message.bytes })
      else finish(slot, { lost: 'analysis-failed', text: message.reason })
      serve()
    })
    worker.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY')
        drop(slot, {
          lost: 'memory-limit',
          text: 'Reading it needed more memory than a file gets.',
        })
      else drop(slot, { lost: 'analysis-failed', text: messageOf(error) })
    })
    worker.on('exit', (code) =>
      drop(slot, { lost: 'analysis-failed', text: `The reading ended with code ${code}.` }),
    )
  }

  function finish(slot: Slot, outcome: Outcome): void {
    clearTimeout(slot.timer)
    const { task } = slot
    slot.task = null
    task?.resolve(outcome)
  }

  /** The worker is gone, or is to go. */
  function drop(slot: Slot, outcome: Outcome): void {
    if (!slots.delete(slot)) return
    if (!slot.isReady && 'lost' in outcome && ++failedStarts >= FAILED_STARTS_MAX) {
      const error = new PoolBroken(`No worker could be started: ${outcome.text}`)
      for (const task of waiting.splice(0)) task.reject(error)
    }
    finish(slot, outcome)
    void slot.worker.terminate()
    serve()
  }

  function give(slot: Slot, task: Task): void {
    slot.task = task
    slot.timer = setTimeout(() => {
      // An answer that has arrived while this thread was busy is read before immediates run.
      setImmediate(() => {
        const text = `Reading it took more than ${msMax / 1000} s.`
        if (slot.task === task) drop(slot, { lost: 'time-limit', text })
      })
    }, msMax)
    const { bytes, catalogues } = task
    const message: ToWorker = {
      id: nextId++,
      bytes,
      msMax: Math.round(msMax * 0.75),
      catalogues: catalogues && {
        key: catalogues.key,
        parts: catalogues.key === slot.catalogues ? null : catalogues.parts,
      },
    }
    if (catalogues) slot.catalogues = catalogues.key
    slot.worker.postMessage(message, [bytes.buffer])
  }

  function serve(): void {
    if (isClosed) return
    for (const slot of slots) {
      if (!slot.isReady || slot.task) continue
      const task = waiting.shift()
      if (!task) return
      give(slot, task)
    }
    const starting = [...slots].filter((slot) => !slot.isReady).length
    const missing = Math.min(waiting.length - starting, size - slots.size)
    for (let n = 0; n < missing; n++) startSlot()
  }

  return {
    size,
    analyse(bytes, catalogues = null) {
      if (isClosed) return Promise.reject(new Error('The pool is closed.'))
      if (failedStarts >= FAILED_STARTS_MAX) failedStarts = 0
      return new Promise((resolve, reject) => {
        waiting.push({ bytes, catalogues, resolve, reject })
        serve()
      })
    },
    async close() {
      isClosed = true
      const error = new Error('The pool is closed.')
      for (const task of waiting.splice(0)) task.reject(error)
      const all = [...slots]
      slots.clear()
      for (const slot of all) {
        clearTimeout(slot.timer)
        slot.task?.reject(error)
      }
      await Promise.all(all.map(({ worker }) => worker.terminate()))
    },
  }
}
