/** A worker that does what a file's first word asks for: the faults that hostile files provoke. */
import { parentPort } from 'node:worker_threads'
import { serveAnalysis } from '../worker-serve'
import { digestsOf, factsWithoutAnalysis } from '../minimal-facts'

if (!parentPort) throw new Error('This runs in a worker thread.')

serveAnalysis(parentPort, (bytes, { msMax, catalogues }) => {
  const word = /^MZ (\w+)/.exec(Buffer.from(bytes.subarray(0, 40)).toString('latin1'))?.[1]
  if (word === 'throw') throw new Error('section beyond the file')
  if (word === 'exit') process.exit(3)
  // A crash below JavaScript takes the whole process along.
  if (word === 'crash') process.kill(process.pid, 'SIGKILL')
  if (word === 'slow') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  if (word === 'hang') for (;;);
  if (word === 'eat') {
    const eaten: unknown[] = []
    // In large pieces: near the limit the collector tries hard for each of many small ones.
    for (;;) eaten.push(new Array(1_000_000).fill(1.5))
  }
  // Not at once: what is thrown may overtake the answer on its way.
  if (word === 'later')
    setTimeout(() => {
      throw new Error('thrown outside of the call')
    }, 500)
  const facts = factsWithoutAnalysis(bytes.length, digestsOf(bytes))
  if (word === 'context')
    facts.anomalies.push({
      id: 'context',
      severity: 'note',
      text: JSON.stringify({ msMax, catalogues: catalogues.map(({ name }) => name) }),
      offset: null,
    })
  return facts
})
