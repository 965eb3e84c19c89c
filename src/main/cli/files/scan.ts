/** `ring0 scan`: read driver files and say what they are. Nothing is kept, so no catalogue is needed. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { FileFacts } from '../../../shared/driver-file/facts'
import { IntakeController } from '../../intake/controller'
import { MemoryStore } from '../../intake/memory-store'
import type { LandedFile } from '../../intake/port'
import { KnownIndex } from '../../known/identity'
import { readFacts, SHIPPED_FACTS } from '../../known/loldrivers/facts'
import type { ScanArguments } from '../arguments'
import { whereTyped } from '../where-typed'
import { startLocalHost } from './local-host'
import { dataFolder } from './places'
import { factsAsText, plain } from './report'

/** What reference data says of a file: the document's `known`. */
interface Known {
  source: string
  version: string
  entry: string
  names: string[]
  category: string
  cve: string[]
  matchedBy: string
}

class ScanStore extends MemoryStore {
  readonly #onFile: (file: LandedFile) => void
  constructor(onFile: (file: LandedFile) => void) {
    super()
    this.#onFile = onFile
  }
  protected override landed(file: LandedFile): void {
    this.#onFile(file)
  }
}

export async function scanFiles({ paths, json, passwords }: ScanArguments): Promise<number> {
  const knownOf = openReference()
  const write = (text: string): void => void process.stdout.write(text)
  let files = 0
  if (json) write('{\n"schema": "ring0-scan/1",\n"files": [')
  const store = new ScanStore(({ from, facts }) => {
    const known = knownOf(facts)
    if (json) write(`${files > 0 ? ',' : ''}\n${JSON.stringify({ name: from, known, facts })}`)
    else
      write(
        (files > 0 ? '\n' : '') +
          factsAsText(
            from,
            facts,
            known.map((it) => `${it.category}: ${it.names[0] ?? it.entry}, by ${it.matchedBy}`),
          ),
      )
    files++
  })
  const data = dataFolder()
  let finished: () => void = () => undefined
  const end = new Promise<void>((done) => (finished = done))
  const intake = new IntakeController({
    store,
    start: startLocalHost,
    settings: {
      capabilitiesFolder: join(data, 'capabilities'),
      importFrequencyFile: join(data, 'loldrivers', 'import-frequency.csv'),
      yaraFolder: null,
    },
    quarantine: () => null,
    onProgress: (job) => job.state !== 'running' && finished(),
    onChanged: () => undefined,
  })
  const job = intake.start({
    title: 'scan',
    paths: paths.map((path) => resolve(whereTyped(path))),
    keepBytes: false,
    tags: [],
    passwords,
  })
  await end
  const { failures } = store.failures(job, 0, Number.MAX_SAFE_INTEGER)
  const { interruption } = store.get(job)
  intake.close()
  if (json) write(`\n],\n"failures": ${JSON.stringify(failures, null, 2)}\n}\n`)
  else
    for (const { name, offset, reason } of failures)
      process.stderr.write(
        `ring0: ${plain(name)}${offset === null ? '' : ` at ${offset}`}: ${plain(reason)}\n`,
      )
  if (interruption !== null)
    process.stderr.write(`ring0: not everything was read. ${plain(interruption)}\n`)
  return failures.length > 0 || interruption !== null ? 1 : 0
}

/** Look-up in the reference data that ships with the program. */
function openReference(): (facts: FileFacts) => Known[] {
  const path = join(dataFolder(), 'loldrivers', 'loldrivers-facts.jsonl')
  const index = new KnownIndex(readFacts(readFileSync(path, 'utf8')).entries)
  return ({ hashes, image }) =>
    index
      .find({
        ...hashes,
        authSha256: image?.authentihash?.sha256 ?? null,
        authSha1: image?.authentihash?.sha1 ?? null,
      })
      .map(({ entry, matchedBy }) => ({
        source: SHIPPED_FACTS.name,
        version: SHIPPED_FACTS.version,
        entry: entry.id,
        names: entry.names,
        category: entry.category,
        cve: entry.cve,
        matchedBy,
      }))
}
