/** The helper process as Electron makes it. */
import { join } from 'node:path'
import { app, utilityProcess } from 'electron'
import type { FromHost } from './lab-messages'
import { whyItEnded, type HostProcess } from './lab-client'

/** Limit of the helper's JavaScript heap. WebAssembly memory comes on top; the client watches both. */
const HEAP_MB_MAX = 1024

/** Start `lab-process.js`, which lies beside the main file. */
export function forkLabProcess(): HostProcess {
  const child = utilityProcess.fork(join(__dirname, 'lab-process.js'), [], {
    serviceName: 'Ring0 Lab host',
    // As a plain Node option the limit would be ignored: the process takes V8's flags this way only.
    execArgv: [`--js-flags=--max-old-space-size=${HEAP_MB_MAX} --expose-gc`],
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
    onMessage: (listener) => child.on('message', (message: FromHost) => listener(message)),
    onExit: (listener) => child.once('exit', (code) => listener(whyItEnded(code, lastWords))),
    memoryBytes() {
      const { pid } = child
      if (pid === undefined) return null
      const metric = app.getAppMetrics().find((item) => item.pid === pid)
      return metric ? metric.memory.workingSetSize * 1024 : null
    },
  }
}
