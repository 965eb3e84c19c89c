/**
 * Reference data: how long 661 LOLDrivers files in YAML take from the folder to the shelf, and how
 * long the event loop of the process that owns the window is held up meanwhile. The files are the ten
 * originals of the fixtures under other ids, as many and as large as the project's own.
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Worker, isMainThread, parentPort } from 'node:worker_threads'
import { openCatalogue } from '../src/main/catalogue/catalogue'
import { takeReference } from '../src/main/desk/reference'
import { IntakeController } from '../src/main/intake/controller'
import { createIntakeHost } from '../src/main/intake/host'
import type { FromHost, HostPort, ToHost } from '../src/main/intake/messages'
import { inMb, inMs, inSeconds, keepRows, row } from './lib/table.mjs'

const FILES = 661

/** The helper: a thread here, a process in the app. */
function serve(): void {
  const port = parentPort!
  const refuse = (): never => {
    throw new Error('No file is analysed here.')
  }
  const host = createIntakeHost({
    post: (message) => port.postMessage(message),
    startAnalysis: refuse,
    startYara: refuse,
    packages: { readInf: refuse, readCatalogue: refuse },
  })
  port.on('message', (message: ToHost) => host.take(message))
  port.postMessage({ kind: 'ready' } satisfies FromHost)
}

function startHelper(): HostPort {
  const worker = new Worker(__filename)
  return {
    post: (message) => worker.postMessage(message),
    kill: () => void worker.terminate(),
    onMessage: (listener) => void worker.on('message', listener),
    onExit: (listener) => void worker.once('exit', () => listener('It ended.')),
    memoryBytes: () => null,
  }
}

function makeFiles(folder: string): number {
  const originals = join('data', 'fixtures', 'loldrivers')
  const texts = readdirSync(originals).map((name) => readFileSync(join(originals, name), 'utf8'))
  mkdirSync(folder)
  let bytes = 0
  for (let number = 0; number < FILES; number++) {
    const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
    // Other digests, so that every file brings samples of its own.
    const mark = number.toString(16).padStart(4, '0')
    const text = texts[number % texts.length]!.replace(/^Id: .*$/m, `Id: ${id}`).replace(
      /(SHA256|SHA1|MD5): ([0-9a-fA-F]{4})/g,
      `$1: ${mark}`,
    )
    bytes += text.length
    writeFileSync(join(folder, `${id}.yaml`), text)
  }
  return bytes
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ring0-bench-'))
  try {
    const bytes = makeFiles(join(folder, 'yaml'))
    const opened = openCatalogue({
      file: join(folder, 'catalogue.sqlite'),
      appVersion: '0.1.0',
      bundledFolder: null,
      askExportPath: () => Promise.resolve(null),
      askImportPath: () => Promise.resolve(null),
      onChanged: () => undefined,
      onProblem: () => undefined,
    })
    if (!opened.ok) throw new Error(opened.error.message)
    const { files } = opened.value
    const intake = new IntakeController({
      store: files.jobs,
      start: startHelper,
      settings: { capabilitiesFolder: null, importFrequencyFile: null, yaraFolder: null },
      quarantine: () => null,
      onProgress: () => undefined,
      onChanged: () => undefined,
    })
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const start = performance.now()
    const counted = await takeReference(files, intake, [join(folder, 'yaml')], new Date())
    const took = performance.now() - start
    delay.disable()
    if (counted.entries !== FILES || counted.problems.length > 0)
      throw new Error(`${counted.entries} entries, ${counted.problems.join('; ')}`)
    row(`${FILES} YAML files, ${inMb(bytes)}, to the shelf`, inSeconds(took))
    row('longest time main was held up', inMs(delay.max / 1e6))
    row('samples', String(counted.samples))
    intake.close()
    opened.value.close()
    keepRows('known')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (isMainThread) void main()
else serve()
