/** The two kinds of worker threads, with what each may take. */
import type { Worker, WorkerOptions } from 'node:worker_threads'
import { WORKER_HEAP_MB, YARA_MEMORY_BYTES_MAX } from './limits'
import type { WorkerData } from './worker-messages'
import type { YaraWorkerData } from './yara-messages'

/** Makes a worker of one file; where it lies is the caller's to know. */
type Start = (options: WorkerOptions) => Worker

export const startAnalysisWorker =
  (start: Start) =>
  (workerData: WorkerData): Worker =>
    start({
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB, maxYoungGenerationSizeMb: 16 },
    })

export const startYaraWorker = (start: Start) => (): Worker =>
  start({
    workerData: { memoryBytesMax: YARA_MEMORY_BYTES_MAX } satisfies YaraWorkerData,
    resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
  })
