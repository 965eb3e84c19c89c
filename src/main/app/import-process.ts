/**
 * Entry of the import's helper process: binds the port to main to the intake host. Files are walked,
 * unpacked and handed to worker threads here; what goes wrong ends this process only.
 */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { createIntakeHost } from '../intake/host'
import type { FromHost, ToHost } from '../intake/messages'
import { packageReaders } from '../intake/package-readers'
import { startAnalysisWorker, startYaraWorker } from '../intake/workers'

const port = process.parentPort
const start = (file: string) => (options: ConstructorParameters<typeof Worker>[1]) =>
  new Worker(join(__dirname, file), options)
const post = (message: FromHost): void => port.postMessage(message)

const host = createIntakeHost({
  post,
  startAnalysis: startAnalysisWorker(start('analysis-worker.js')),
  startYara: startYaraWorker(start('yara-worker.js')),
  packages: packageReaders,
})
port.on('message', ({ data }: { data: ToHost }) => host.take(data))
post({ kind: 'ready' })
