/** Entry of the worker threads that read driver files: everything of `main/pe`, and nothing else. */
import { parentPort, workerData } from 'node:worker_threads'
import { analyse } from '../pe/analyse'
import { loadRules, readBaseRates } from '../pe/capabilities'
import { warmUp } from '../pe/code/disassembler'
import type { WorkerData } from './worker-messages'
import { serveAnalysis } from './worker-serve'

if (!parentPort) throw new Error('This runs in a worker thread.')
const data = workerData as WorkerData
const capabilities = {
  rules: loadRules(data.rules).rules,
  baseRates: readBaseRates(data.importFrequency),
}

warmUp()
serveAnalysis(parentPort, (bytes, { msMax, catalogues }) =>
  analyse(bytes, { milliseconds: msMax, catalogues, capabilities }),
)
