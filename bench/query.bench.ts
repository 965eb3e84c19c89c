/**
 * Questions to a shelf of 200,000 driver files: how long each takes with total, facets and a page of
 * rows, what putting the files there costs, and how long the facts of LOLDrivers take to load.
 * RING0_BENCH_FILES sets another number of files.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCatalogue, type Catalogue } from '../src/main/catalogue/catalogue'
import {
  CAPABILITIES,
  importRates,
  randomFrom,
  syntheticFile,
} from '../src/main/catalogue/files/testing/synthetic'
import { readFacts, SHIPPED_FACTS } from '../src/main/known/loldrivers/facts'
import { FILE_SORTS } from '../src/shared/contract/files'
import { inMb, inMs, inSeconds, keepRows, row } from './lib/table.mjs'

const FILES = Number(process.env['RING0_BENCH_FILES'] ?? 200_000)
const BATCH = 64
const QUERIES = 300
const REFERENCE = join('data', 'loldrivers')

function open(file: string): Catalogue {
  const opened = openCatalogue({
    file,
    appVersion: '0.1.0',
    bundledFolder: null,
    askExportPath: () => Promise.resolve(null),
    askImportPath: () => Promise.resolve(null),
    onChanged: () => undefined,
    onProblem: () => undefined,
  })
  if (!opened.ok) throw new Error(opened.error.message)
  return opened.value
}

/** Milliseconds by the clock, and of processor time: others may share the machine. */
interface Took {
  wall: number
  processor: number
}
const clock = (): (() => Took) => {
  const start = performance.now()
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return { wall: performance.now() - start, processor: (user + system) / 1000 }
  }
}
function show(what: string, { wall, processor }: Took, digits = 0): void {
  row(what, `${wall.toFixed(digits)} ms`)
  row('    processor time', `${processor.toFixed(digits)} ms`)
}

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!

/** What an analyst types, made of values that occur. */
function randomQuery(random: () => number, imports: readonly string[], sample: Sample): string {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const quoted = (text: string): string => `"${text}"`
  const parts: (() => string)[] = [
    () => `import:${pick(imports)}`,
    () => `-import:${pick(imports)}`,
    () => `import:${pick(['Mm*', 'Zw*', 'Ps*', 'Io*', '*Physical*', 'Flt*'])}`,
    () => pick(['signed', 'unsigned', '-signed']),
    () => `signature:${pick(['whcp', 'attestation', 'none', 'cross-signed'])}`,
    () => `signer:${quoted(pick(sample.signers))}`,
    () => `company:${pick(['micro', 'soft', 'data', 'tech'])}`,
    () => `type:${pick(['wfp', 'minifilter', 'wdm', 'ndis'])}`,
    () => `capability:${pick(CAPABILITIES).id}`,
    () => pick(['compiled>2015', 'compiled<2010', 'compiled:2013', 'compiled>=2018-06']),
    () => pick(['signed>2016', 'signed:2013', 'signed<2015-07-29']),
    () => pick(['size>1mb', 'size<20kb', 'size:64kb']),
    () => pick(['entropy>7', 'entropy>7.5', 'entropy<6']),
    () => pick(['evidence>0', 'evidence:sha1-digest', 'capability>4']),
    () => `ioctl:${pick(sample.codes)}`,
    () => `method:neither`,
    () => `section:${pick(['.vmp0', 'INIT', '.text'])}`,
    () => `machine:${pick(['AMD64', 'I386', 'ARM64'])}`,
    () => `known:${pick(['malicious', 'vulnerable', 'no', 'loldrivers'])}`,
    () => `has:${pick(['notes', 'tag', 'pdb', 'ioctl'])}`,
    () => `tag:${pick(['byovd', 'seen'])}`,
    () => `pdb:${pick(['release', 'objfre', 'net'])}`,
    () => `device:${pick(['micro', 'Net', 'drv'])}`,
    () => pick(sample.words),
    () => pick(sample.words).slice(0, 4),
    () => quoted(pick(sample.phrases)),
    () => pick(['driver', 'windows', 'micro', 'sys', 'rights', 'mmmap']),
    () => pick(sample.hashes),
  ]
  const count = 1 + Math.floor(random() * 3)
  return Array.from({ length: count }, () => pick(parts)()).join(' ')
}

interface Sample {
  signers: string[]
  codes: string[]
  words: string[]
  phrases: string[]
  hashes: string[]
}

function sampleOf(csv: string): Sample {
  const rates = importRates(csv)
  const sample: Sample = { signers: [], codes: [], words: [], phrases: [], hashes: [] }
  for (let n = 1; n < FILES; n += Math.ceil(FILES / 200)) {
    const { facts } = syntheticFile(n, rates)
    const version = facts.image?.version?.strings ?? {}
    sample.signers.push(version['CompanyName']!)
    sample.codes.push(...(facts.driver?.ioctls.slice(0, 1).map(({ code }) => code) ?? []))
    sample.words.push(version['ProductName']!.split(' ')[0]!)
    sample.phrases.push(version['ProductName']!, version['CompanyName']!, 'All rights reserved')
    sample.hashes.push(facts.hashes.sha256, facts.image!.imphash!)
  }
  return sample
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ring0-bench-'))
  const file = join(folder, 'catalogue.sqlite')
  const csv = readFileSync(join(REFERENCE, 'import-frequency.csv'), 'utf8')
  try {
    let catalogue = open(file)
    const text = readFileSync(join(REFERENCE, 'loldrivers-facts.jsonl'), 'utf8')
    const loading = clock()
    const { entries } = readFacts(text)
    let longest = 0
    let last = performance.now()
    const watch = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 1)
    await catalogue.files.known.apply({ ...SHIPPED_FACTS, shipped: true }, entries)
    clearInterval(watch)
    show('LOLDrivers facts, read and loaded', loading())
    row('  longest without an answer', inMs(longest))

    const rates = importRates(csv)
    const writing: Took = { wall: 0, processor: 0 }
    let slowest = 0
    const job = catalogue.files.jobs.create({ title: 'set', paths: [], keepBytes: false, tags: [] })
    for (let n = 0; n < FILES; n += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, FILES - n) }, (_, at) =>
        syntheticFile(n + at, rates),
      )
      const putting = clock()
      catalogue.files.put(batch, [], job, n % 640 === 0 ? ['byovd', 'seen'] : [])
      const took = putting()
      writing.wall += took.wall
      writing.processor += took.processor
      slowest = Math.max(slowest, took.wall)
    }
    row(`files put on the shelf, in batches of ${BATCH}`, FILES.toLocaleString('en-US'))
    show('  each', { wall: writing.wall / FILES, processor: writing.processor / FILES }, 2)
    row('  slowest batch', inMs(slowest))
    const closing = performance.now()
    catalogue.close()
    row('close (the log is folded in)', inMs(performance.now() - closing))
    row('size of the catalogue', inMb(statSync(file).size))

    const sample = sampleOf(csv)
    globalThis.gc?.()
    const bare = process.memoryUsage().rss
    const opening = performance.now()
    catalogue = open(file)
    row('open', inMs(performance.now() - opening))
    const random = randomFrom(20_261_128)
    const times: (Took & { query: string })[] = []
    const imports = rates.slice(0, 400).map(({ name }) => name)
    for (let n = 0; n < QUERIES; n++) {
      const query = randomQuery(random, imports, sample)
      const key = FILE_SORTS[Math.floor(random() * FILE_SORTS.length)]!
      const asking = clock()
      catalogue.files.list({
        query,
        sort: { key, descending: random() < 0.7 },
        offset: 0,
        limit: 200,
      })
      times.push({ query, ...asking() })
    }
    const at = (share: number): Took => ({
      wall: percentile(
        times.map(({ wall }) => wall),
        share,
      ),
      processor: percentile(
        times.map(({ processor }) => processor),
        share,
      ),
    })
    show(`first query of ${QUERIES}`, times[0]!, 1)
    show('  half of them within', at(0.5), 1)
    show('  95 % within', at(0.95), 1)
    show('  slowest', at(1), 1)
    if (process.env['RING0_BENCH_SLOW'])
      for (const time of times.toSorted((a, b) => b.processor - a.processor).slice(0, 20))
        process.stdout.write(`    ${time.processor.toFixed(1)} ms  ${time.query}\n`)
    const letters = 'import:mmmapio'
    const typing = Array.from({ length: letters.length }, (_, at) => {
      const before = performance.now()
      catalogue.files.complete(letters.slice(0, at + 1), at + 1)
      return performance.now() - before
    })
    row('completion, slowest of a typed word', `${Math.max(...typing).toFixed(1)} ms`)
    const all = catalogue.files.ids({
      query: '',
      sort: { key: 'added', descending: true },
      offset: FILES >> 1,
      limit: 20,
    })
    const kin = all.map((id) => {
      const before = performance.now()
      catalogue.files.kin(id, 60)
      return performance.now() - before
    })
    row('kin with TLSH over the whole shelf, slowest of 20', `${Math.max(...kin).toFixed(1)} ms`)
    globalThis.gc?.()
    row('memory that the shelf takes', inMb(process.memoryUsage().rss - bare))
    row('memory of the process', inMb(process.memoryUsage().rss))
    const tagging = performance.now()
    const everyone = catalogue.files.selected({ query: 'origin:file' })
    if (everyone.ok)
      await catalogue.files.annotations.annotate(everyone.value, {
        addTags: ['bulk'],
        removeTags: [],
      })
    row('one tag put on every file', inSeconds(performance.now() - tagging))
    catalogue.close()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  keepRows('query')
}

void main()
