/**
 * The user's YARA rules on files. They run in one worker thread with limits on time and memory,
 * because rules are hostile as well: a huge regular expression must cost its own file only.
 *
 * The library takes rules as one text and compiles it on each scan. So files that compile by
 * themselves are joined where their names do not collide; a file with `global` rules stays alone,
 * since those would decide over the rules of others.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import type { YaraMatch } from '../../shared/contract/files'
import { displayName } from './names'
import { messageOf, systemReason } from './reasons'
import { joinUnits, resolveIncludes, scanSource, type RuleHead, type Unit } from './yara-source'
import type { FromYaraWorker, RawMatch, RawProblem, ToYaraWorker } from './yara-messages'

export const YARA_FILES_MAX = 2000
export const YARA_FILE_BYTES_MAX = 4 * 1024 * 1024
const PROBLEMS_MAX = 500
/** Text of a matched string that is shown. */
const SHOWN_BYTES_MAX = 80

export interface YaraOptions {
  start(): Worker
  /** Compiling one file of rules, in milliseconds. */
  compileMsMax?: number
  /** One file scanned with all rules of one bundle. */
  scanMsMax?: number
}

export interface Yara {
  /** Rules that are applied, and what was wrong with the others: `bad.yar:12: ...`. */
  readonly rules: number
  readonly problems: string[]
  /**
   * @returns matches; `problem` when rules could not be applied to the end
   */
  scan(bytes: Uint8Array): Promise<{ matches: YaraMatch[] | null; problem: string | null }>
  close(): Promise<void>
}

interface Bundle {
  unit: Unit
  heads: Map<string, RuleHead>
}

/** Read the rules of a folder and try each file. A folder that is not there has no rules. */
export async function loadYara(folder: string, options: YaraOptions): Promise<Yara> {
  const { compileMsMax = 5000, scanMsMax = 4000 } = options
  const runner = new Runner(options.start)
  const problems: string[] = []
  const { texts, notes } = await readRules(folder)
  problems.push(...notes)
  const bundles: Bundle[] = []
  for (const file of rootFiles(texts)) {
    try {
      const unit = resolveIncludes(file, (name) => texts.get(name) ?? null)
      const { rules } = scanSource(unit.text)
      if (rules.length === 0) continue
      const tried = await runner.run(unit.text, new Uint8Array(0), compileMsMax)
      if ('failed' in tried) problems.push(`${file}: ${tried.failed}`)
      else if (tried.problems.length > 0)
        problems.push(...tried.problems.map((problem) => placed(problem, unit)))
      else add(bundles, unit, rules)
    } catch (error) {
      problems.push(messageOf(error))
    }
  }
  const visible = bundles.flatMap(({ heads }) => [...heads.values()])
  return {
    rules: visible.filter(({ isPrivate }) => !isPrivate).length,
    problems:
      problems.length <= PROBLEMS_MAX
        ? problems
        : [...problems.slice(0, PROBLEMS_MAX), `${problems.length - PROBLEMS_MAX} more problems`],
    async scan(bytes) {
      const matches: YaraMatch[] = []
      let problem: string | null = null
      for (const { unit, heads } of bundles) {
        const result = await runner.run(unit.text, bytes, scanMsMax)
        if ('failed' in result) problem = `Not all YARA rules were applied: ${result.failed}.`
        else matches.push(...result.matches.map((match) => shown(match, heads, bytes)))
      }
      return { matches, problem }
    },
    close: () => runner.close(),
  }
}

/** Join with the first bundle that has none of its names. */
function add(bundles: Bundle[], unit: Unit, rules: RuleHead[]): void {
  const heads = new Map(rules.map((head) => [head.name, head] as const))
  const isAlone = rules.some(({ isGlobal }) => isGlobal)
  const home = bundles.find(
    (bundle) =>
      !isAlone &&
      [...bundle.heads.values()].every(({ isGlobal, name }) => !isGlobal && !heads.has(name)),
  )
  if (!home) {
    bundles.push({ unit, heads })
    return
  }
  home.unit = joinUnits([home.unit, unit])
  for (const head of rules) home.heads.set(head.name, head)
}

/** Files that others include are compiled with those. */
function rootFiles(texts: Map<string, string>): string[] {
  const included = new Set<string>()
  for (const [file, text] of texts)
    for (const { name } of scanSource(text).includes)
      included.add(name.replace(/^\.\//, '')).add(`${file.replace(/[^/]*$/, '')}${name}`)
  return [...texts.keys()].filter((file) => !included.has(file))
}

/** Changes when a file of rules comes, goes or is written; cheap beside reading them. */
export async function stampOfRules(folder: string): Promise<string> {
  try {
    const names = (await ruleFiles(folder)).slice(0, YARA_FILES_MAX)
    const stamps = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(join(folder, name))
        return [name, size, mtimeMs]
      }),
    )
    return JSON.stringify(stamps)
  } catch (error) {
    return systemReason(error)
  }
}

/** Names below the folder. */
async function ruleFiles(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.yara?$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

async function readRules(folder: string): Promise<{ texts: Map<string, string>; notes: string[] }> {
  const texts = new Map<string, string>()
  const notes: string[] = []
  let names: string[]
  try {
    names = await ruleFiles(folder)
  } catch (error) {
    return { texts, notes: [`The folder of the rules: ${systemReason(error)}`] }
  }
  if (names.length > YARA_FILES_MAX)
    notes.push(`Only the first ${YARA_FILES_MAX} of ${names.length} files of rules are read.`)
  for (const name of names.slice(0, YARA_FILES_MAX)) {
    const file = displayName(name)
    try {
      const path = join(folder, name)
      const { size } = await stat(path)
      if (size > YARA_FILE_BYTES_MAX)
        notes.push(`${file}: larger than ${YARA_FILE_BYTES_MAX / 1024 / 1024} MB, left out`)
      else texts.set(file, await readFile(path, 'utf8'))
    } catch (error) {
      notes.push(`${file}: ${systemReason(error)}`)
    }
  }
  return { texts, notes }
}

function placed({ line, text }: RawProblem, { lines }: Unit): string {
  const place = lines[line - 1]
  return place ? `${place.file}:${place.line}: ${text}` : text
}

function shown(
  { rule, meta, strings }: RawMatch,
  heads: Map<string, RuleHead>,
  bytes: Uint8Array,
): YaraMatch {
  return {
    rule,
    tags: heads.get(rule)?.tags ?? [],
    meta,
    strings: strings.map(({ id, offset, length }) => ({
      id,
      offset,
      text: printable(bytes.subarray(offset, offset + Math.min(length, SHOWN_BYTES_MAX))),
    })),
  }
}

/** As YARA itself prints matches: what is not printable ASCII as `\x00`. */
function printable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0').toUpperCase()}`,
  ).join('')
}

type RunResult = { problems: RawProblem[]; matches: RawMatch[] } | { failed: string }

/** One worker, one run at a time; a worker that takes too long is ended and the next run gets another. */
class Runner {
  readonly #start: () => Worker
  #worker: Promise<Worker> | null = null
  #last: Promise<unknown> = Promise.resolve()
  #nextId = 1

  constructor(start: () => Worker) {
    this.#start = start
  }

  run(rules: string, bytes: Uint8Array, msMax: number): Promise<RunResult> {
    const next = this.#last.then(() => this.#run(rules, bytes, msMax))
    this.#last = next
    return next
  }

  async close(): Promise<void> {
    const worker = await this.#worker?.catch(() => null)
    this.#worker = null
    await worker?.terminate()
  }

  async #run(rules: string, bytes: Uint8Array, msMax: number): Promise<RunResult> {
    let worker: Worker
    try {
      this.#worker ??= ready(this.#start())
      worker = await this.#worker
    } catch (error) {
      this.#worker = null
      return { failed: `YARA could not be started: ${messageOf(error)}` }
    }
    const id = this.#nextId++
    return new Promise((resolve) => {
      const finish = (result: RunResult, isLost: boolean): void => {
        clearTimeout(timer)
        worker.off('message', onMessage)
        worker.off('error', onError)
        worker.off('exit', onExit)
        if (isLost) {
          this.#worker = null
          worker.on('error', () => undefined)
          void worker.terminate()
        }
        resolve(result)
      }
      const onMessage = (message: FromYaraWorker): void => {
        if (message.kind === 'ready' || message.id !== id) return
        if (message.kind === 'failed') finish({ failed: message.reason }, true)
        else finish(message, false)
      }
      const onError = (error: Error): void => finish({ failed: messageOf(error) }, true)
      const onExit = (): void => finish({ failed: 'its thread ended' }, true)
      const timer = setTimeout(
        () => finish({ failed: `it took more than ${msMax / 1000} s` }, true),
        msMax,
      )
      worker.on('message', onMessage)
      worker.on('error', onError)
      worker.on('exit', onExit)
      const message: ToYaraWorker = { id, rules, bytes }
      worker.postMessage(message)
    })
  }
}

function ready(worker: Worker): Promise<Worker> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(error)
    const onExit = (code: number): void => reject(new Error(`its thread ended with code ${code}`))
    worker.once('error', onError)
    worker.once('exit', onExit)
    worker.once('message', () => {
      worker.off('error', onError)
      worker.off('exit', onExit)
      resolve(worker)
    })
  })
}
