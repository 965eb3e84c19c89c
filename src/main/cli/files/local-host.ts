/** The import in this very process: its worker threads lie beside the bundle. */
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { runHostHere } from '../../intake/local-host'
import type { HostPort } from '../../intake/messages'
import { packageReaders } from '../../intake/package-readers'
import { startAnalysisWorker, startYaraWorker } from '../../intake/workers'
import { builtBeside } from './places'

export function startLocalHost(): HostPort {
  const start =
    (file: string) =>
    (options: WorkerOptions): Worker =>
      new Worker(builtBeside(file), options)
  return runHostHere({
    startAnalysis: startAnalysisWorker(start('analysis-worker.cjs')),
    startYara: startYaraWorker(start('yara-worker.cjs')),
    packages: packageReaders,
  })
}
