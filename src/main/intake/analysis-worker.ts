/** Entry of the worker threads that read driver files: everything of `main/pe`, and nothing else. */
import { parentPort, workerData } from 'node:worker_threads'
import { analyse } from '../pe/analyse'
import { evaluate, loadRules, readBaseRates } from '../pe/capabilities'
import type { WorkerData } from './worker-messages'
import { serveAnalysis } from './worker-serve'

if (!parentPort) throw new Error('This runs in a worker thread.')
const data = workerData as WorkerData
const { rules } = loadRules(data.rules)
const baseRates = readBaseRates(data.importFrequency)

serveAnalysis(parentPort, (bytes, { msMax, catalogues }) => {
  const facts = analyse(bytes, { milliseconds: msMax, catalogues })
  return { ...facts, capabilities: evaluate(facts, rules, baseRates) }
})
