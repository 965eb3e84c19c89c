/** The import's helper process as Electron makes it. */
import { join } from 'node:path'
import { app, utilityProcess } from 'electron'
import type { FromHost, HostPort } from '../intake/messages'
import { processReason } from '../intake/reasons'

/** Limit of the helper's own JavaScript heap; worker threads have theirs, the controller watches all. */
const HEAP_MB_MAX = 512
/** Of what is young, in each of its threads: what a file makes is soon gone, and more is only memory. */
const SEMI_SPACE_MB_MAX = 4

/** Start `import-process.js`, which lies beside the main file. */
export function forkImportProcess(): HostPort {
  const child = utilityProcess.fork(join(__dirname, 'import-process.js'), [], {
    serviceName: 'Ring0 Lab import',
    execArgv: [
      `--js-flags=--max-old-space-size=${HEAP_MB_MAX} --max-semi-space-size=${SEMI_SPACE_MB_MAX}`,
    ],
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let lastWords = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    const text = chunk.toString('utf8')
    process.stderr.write(text)
    lastWords = (lastWords + text).slice(-4000)
  })
  return {
    post: (message) => child.postMessage(message),
    kill: () => void child.kill(),
    onMessage: (listener) => void child.on('message', (message: FromHost) => listener(message)),
    onExit: (listener) =>
      void child.once('exit', (code) => listener(processReason(code, lastWords))),
    memoryBytes() {
      const { pid } = child
      if (pid === undefined) return null
      const metric = app.getAppMetrics().find((item) => item.pid === pid)
      return metric ? metric.memory.workingSetSize * 1024 : null
    },
  }
}
