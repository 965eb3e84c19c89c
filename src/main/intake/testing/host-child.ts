/** The host in a real process of its own, for tests that kill it. Arguments: the two workers' files. */
import { Worker } from 'node:worker_threads'
import { createIntakeHost } from '../host'
import type { FromHost, ToHost } from '../messages'
import { plainPackages } from './packages'

const [analysis = '', yara = ''] = process.argv.slice(2)
const post = (message: FromHost): void => void process.send?.(message)
const host = createIntakeHost({
  post,
  startAnalysis: (workerData) => new Worker(analysis, { workerData }),
  startYara: () => new Worker(yara, { workerData: { memoryBytesMax: 256 * 1024 * 1024 } }),
  packages: plainPackages,
})
process.on('message', (message: ToHost) => host.take(message))
post({ kind: 'ready' })
