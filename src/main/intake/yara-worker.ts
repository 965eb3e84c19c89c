/**
 * Worker thread that runs YARA compiled to WebAssembly. The library compiles the rules on each scan
 * and keeps what it compiled, so the instance is replaced when its memory has grown.
 */
import { parentPort, workerData } from 'node:worker_threads'
import createYara, { type YaraModule, type YaraVector } from 'libyara-wasm'
import { messageOf } from './reasons'
import type {
  FromYaraWorker,
  RawMatch,
  RawProblem,
  ToYaraWorker,
  YaraWorkerData,
} from './yara-messages'

if (!parentPort) throw new Error('This runs in a worker thread.')
const port = parentPort
const { memoryBytesMax } = workerData as YaraWorkerData

/** Matches of one string that are reported; a rule may match at every byte. */
const MATCHES_MAX = 200
/** An instance that holds more is not used again. */
const RENEW_BYTES = 128 * 1024 * 1024

// The library lets its memory grow to 2 GB, and no limit of Node's covers WebAssembly.
interface GrowingMemory {
  buffer: ArrayBuffer
  grow(this: GrowingMemory, pages: number): number
}
const memory = WebAssembly.Memory.prototype as unknown as GrowingMemory
const { grow } = memory
memory.grow = function (pages) {
  if (this.buffer.byteLength + pages * 65536 > memoryBytesMax)
    throw new RangeError('YARA needs more memory than it gets')
  return grow.call(this, pages)
}

const instance = (): Promise<YaraModule> =>
  createYara({ print: () => undefined, printErr: () => undefined })

let yara: YaraModule | null = null

/** Copy a vector of the library and free it. */
function taken<T>(vector: YaraVector<T>, max = Infinity): T[] {
  const items: T[] = []
  for (let index = 0; index < vector.size() && index < max; index++) items.push(vector.get(index))
  vector.delete()
  return items
}

async function scan({ rules, bytes }: ToYaraWorker): Promise<{
  problems: RawProblem[]
  matches: RawMatch[]
}> {
  yara ??= await instance()
  const result = yara.run(bytes, rules)
  const problems = taken(result.compileErrors)
    .filter(({ warning }) => !warning)
    .map(({ message, lineNumber }) => ({ line: lineNumber, text: message }))
  const matches = taken(result.matchedRules).map((rule) => ({
    rule: rule.ruleName,
    meta: Object.fromEntries(
      taken(rule.metadata).map(({ identifier, data }) => [identifier, data] as const),
    ),
    strings: taken(rule.resolvedMatches, MATCHES_MAX).map((match) => ({
      id: match.stringIdentifier,
      offset: match.location,
      length: match.matchLength,
    })),
  }))
  taken(result.consoleLogs)
  result.delete()
  if (yara.HEAP8.byteLength > RENEW_BYTES) yara = null
  return { problems, matches }
}

const post = (message: FromYaraWorker): void => port.postMessage(message)

port.on('message', (message: ToYaraWorker) => {
  scan(message).then(
    (result) => post({ kind: 'scanned', id: message.id, ...result }),
    (error: unknown) => {
      // Its memory is in an unknown state.
      yara = null
      post({ kind: 'failed', id: message.id, reason: messageOf(error) })
    },
  )
})

// Ready means with an instance: on a busy machine making one takes longer than many a scan may.
instance().then(
  (made) => {
    yara = made
    post({ kind: 'ready' })
  },
  (error: unknown) => {
    throw error
  },
)
