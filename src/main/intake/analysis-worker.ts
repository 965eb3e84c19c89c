/** Entry of the worker threads that read driver files: everything of `main/pe`, and nothing else. */
import { parentPort, workerData } from 'node:worker_threads'
import { analyse } from '../pe/analyse'
import { loadRules, readBaseRates } from '../pe/capabilities'
import { warmUp } from '../pe/code/disassembler'
import { withFile } from '../pe/loops'
import type { WorkerData } from './worker-messages'
import { serveAnalysis } from './worker-serve'

if (!parentPort) throw new Error('This runs in a worker thread.')
const data = workerData as WorkerData
const capabilities = {
  rules: loadRules(data.rules).rules,
  baseRates: readBaseRates(data.importFrequency),
}

warmUp()
// The loops over bytes are assembled when the first file comes: the empty one costs nobody time.
withFile(new Uint8Array(16), () => undefined)
serveAnalysis(parentPort, (bytes, { msMax, catalogues }) =>
  analyse(bytes, { milliseconds: msMax, catalogues, capabilities }),
)
