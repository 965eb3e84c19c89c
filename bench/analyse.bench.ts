/**
 * Files a second: everything that is read from a driver file (capabilities among it, YARA not), beside
 * Debian's python3-pefile reading digests, imports, imphash and authentihash only: with the least work
 * it can be asked for, and as it comes. All on the same files, one after the other, several times in
 * turn; the medians count. Both sides read from disk and keep what they found where they found it.
 *
 * Two sets: small drivers made of the fixtures, each another file, and, where Wine is installed, its
 * drivers of some hundred kilobytes as they are. Processor time stands beside the rates: it is what
 * counts on a machine that has other work to do.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { makeDriverSet } from '../scripts/fixtures/driver-set.mjs'
import { analyse } from '../src/main/pe/analyse'
import { loadCapabilities } from './lib/capabilities'
import { keepRows, median, row } from './lib/table.mjs'

const FILES = 3000
/** Wine has some twenty: they are read so often in a round. */
const WINE_TURNS = 20
const WINE = '/usr/lib/x86_64-linux-gnu/wine/x86_64-windows'
const ROUNDS = 3
const WORKERS = 2
/** A worker reads its share so often before the first round, as in the middle of a large import. */
const WARM_UP_TURNS = 6
/** Short imports are slower: files that all workers together read before another measurement. */
const SHORT_WARM_UP_FILES = 500

interface Time {
  /** On the clock, and of all processors together. */
  seconds: number
  used: number
}

interface Share {
  paths: string[]
  /** Files read before the worker is ready. */
  warmUpFiles: number
}

/** A worker: warms up, then reads its share each time it is told to. */
function serve({ paths, warmUpFiles }: Share): void {
  const capabilities = loadCapabilities()
  const readAll = (some: string[]): void => {
    for (const path of some) analyse(readFileSync(path), { capabilities })
  }
  for (let left = warmUpFiles; left > 0; left -= paths.length) readAll(paths.slice(0, left))
  parentPort!.postMessage('ready')
  parentPort!.on('message', () => {
    readAll(paths)
    parentPort!.postMessage('done')
  })
}

const answer = (worker: Worker): Promise<unknown> =>
  new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))

/** Workers that share the files and have read some. */
async function start(paths: string[], warmUpFiles: number): Promise<Worker[]> {
  const workers = Array.from({ length: WORKERS }, (_, index) => {
    const share = paths.filter((_path, at) => at % WORKERS === index)
    const workerData: Share = { paths: share, warmUpFiles: warmUpFiles / WORKERS }
    return new Worker(__filename, { workerData })
  })
  await Promise.all(workers.map(answer))
  return workers
}

/** The time in which the workers read all files once. */
async function timeOf(workers: Worker[]): Promise<Time> {
  const [begin, before] = [performance.now(), process.cpuUsage()]
  const done = workers.map(answer)
  for (const worker of workers) worker.postMessage('go')
  await Promise.all(done)
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - begin) / 1000, used: (user + system) / 1e6 }
}

const shown = (times: Time[], files: number): string => {
  const rate = Math.round(files / middle(times, 'seconds')).toLocaleString('en-US')
  const each = (middle(times, 'used') / files) * 1000
  return `${rate}/s, ${each.toFixed(2)} ms of a processor each`
}

/** The same files in threads that have read few before. */
async function soonAfterStart(name: string, paths: string[]): Promise<void> {
  const workers = await start(paths, SHORT_WARM_UP_FILES)
  const time = await timeOf(workers)
  for (const worker of workers) await worker.terminate()
  row(`${name}: everything, after ${SHORT_WARM_UP_FILES} files`, shown([time], paths.length))
}

async function compare(name: string, paths: string[], python: string | null): Promise<void> {
  const workers = await start(paths, paths.length * WARM_UP_TURNS)
  const ours: Time[] = []
  const theirs = ['least', 'default'].flatMap((mode) =>
    [1, WORKERS].map((processes) => ({ mode, processes, times: [] as Time[] })),
  )
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await timeOf(workers))
    if (python === null) continue
    for (const { mode, processes, times } of theirs) {
      times.push(pefileTime(python, paths, mode, processes))
    }
  }
  for (const worker of workers) await worker.terminate()

  row(`${name}: everything, ${WORKERS} threads`, shown(ours, paths.length))
  if (python === null) row(`${name}: pefile`, 'not installed')
  else {
    for (const { mode, processes, times } of theirs) {
      const what = mode === 'least' ? 'pefile, least work' : 'pefile as it comes'
      row(
        `${name}: ${what}, ${processes === 1 ? '1 process' : `${processes} processes`}`,
        shown(times, paths.length),
      )
      const rates = middle(times, 'seconds') / middle(ours, 'seconds')
      const work = middle(times, 'used') / middle(ours, 'used')
      row(
        `${name}: ours : ${what}, ${processes}`,
        `${rates.toFixed(2)} : 1 (processor ${work.toFixed(2)} : 1)`,
      )
    }
  }
}

const middle = (times: Time[], what: keyof Time): number => median(times.map((time) => time[what]))

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ring0-bench-'))
  try {
    makeDriverSet(folder, { count: FILES })
    const python = findPefile()
    const small = driversBelow(folder)
    await compare('small drivers', small, python)
    await soonAfterStart('small drivers', small)
    const wine = existsSync(WINE) ? driversBelow(WINE) : []
    if (wine.length > 0) {
      await compare("Wine's drivers", Array.from({ length: WINE_TURNS }, () => wine).flat(), python)
    }
    keepRows('analyse')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function driversBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sys'))
    .sort()
    .map((name) => join(folder, name))
}

/** A Python that has pefile; Debian's own first, since another one on the path may lack it. */
function findPefile(): string | null {
  const found = ['/usr/bin/python3', 'python3'].find(
    (python) => spawnSync(python, ['-c', 'import pefile']).status === 0,
  )
  return found ?? null
}

function pefileTime(python: string, paths: string[], mode: string, processes: number): Time {
  const script = join('bench', 'lib', 'pefile-rates.py')
  const output = execFileSync(python, [script, mode, String(processes)], {
    input: paths.join('\n'),
    encoding: 'utf8',
  })
  const [seconds, used] = output.trim().split(' ').map(Number)
  return { seconds, used }
}

/** Again in the app's own runtime: its V8 is another than Node's, and takes less time to warm up. */
function inElectron(electron: string): void {
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' }
  const { status } = spawnSync(electron, [__filename], { env, stdio: 'inherit' })
  process.exitCode = status ?? 1
}

const electron = process.env.RING0_ELECTRON
if (!isMainThread) serve(workerData as Share)
else if (electron && !process.versions.electron) inElectron(electron)
else void main()
