/**
 * Reference data on the shelf: entries, their samples, and which files those are. Every known
 * sample is a row of the shelf, `known` until its file arrives. Applied in slices, so that the
 * window stays alive, each slice whole; a loss of power leaves what was applied, and the source is
 * recorded at the end only.
 */
import type { Database } from 'better-sqlite3'
import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import type { filesContract, KnownEntry } from '../../../shared/contract/files'
import type { KnownEntryData, KnownSampleData } from '../../../shared/driver-file/known'
import { identityKey } from '../../known/identity'
import { mergeEntries } from '../../known/merge'
import type { FileIndex } from './file-index'
import type { FileWriter } from './file-writer'
import type { FileGroups } from './groups'
import { hashesOfSample, hashEntries, HASH_KINDS, type HashKind, type Hashes } from './hashes'
import type { Term } from './index/postings'
import type { FileRows } from './rows'
import { inSlices } from './slices'
import { termsOfKnown, termsOfSamples } from './terms'

export interface KnownSource {
  /** `LOLDrivers (magicsword-io)`. */
  name: string
  version: string
  licence: string
  shipped: boolean
}

type SourceInfo = z.input<(typeof filesContract)['known.info']['output']>['sources'][number]
type MatchedBy = KnownEntry['matchedBy']

export interface KnownApplied {
  entries: number
  /** As the entries list them; a file may be listed twice. */
  samples: number
  /** Samples without any hash, which can be no file. */
  nameless: number
}

export interface Reference {
  name: string
  version: string
  licence: string
  entries: KnownEntryData[]
}

export interface KnownStore {
  /** Add entries, or bring them up to date; what newer entries leave open stays. */
  apply(source: KnownSource, entries: readonly KnownEntryData[]): Promise<KnownApplied>
  hasSource(name: string, version: string): boolean
  sources(): SourceInfo[]
  /** Find out which known samples a file is. Inside a write. */
  recognise(id: number, hashes: Hashes): void
  /** A known row that a file with these hashes should become, if there is one. */
  rowOf(hashes: Hashes): number | null
  entriesOf(id: number): KnownEntry[]
  /** Which data this rests on, in sentences. */
  asOf(): string[]
  /** Entries that list these files, with the samples of these files only, by source. */
  referenceOf(ids: readonly number[]): Reference[]
  /** Add the entries that are not here yet. Inside a write. @returns the rows that it made */
  addMissing(source: Omit<KnownSource, 'shipped'>, entries: readonly KnownEntryData[]): number[]
  /** What reference data says of a hash that is not on the shelf. */
  aboutHash(hash: string): string | null
}

const STRENGTH: [HashKind, MatchedBy][] = [
  ['sha256', 'sha256'],
  ['sha1', 'sha1'],
  ['md5', 'md5'],
  ['authSha256', 'authentihash'],
  ['authSha1', 'authentihash'],
  ['authMd5', 'authentihash'],
]
/** Entries applied in one transaction: some tens of milliseconds. */
const SLICE = 40
const FILE_HASHES: readonly HashKind[] = ['sha256', 'sha1', 'md5']

export function createKnownStore(
  db: Database,
  index: FileIndex,
  rows: FileRows,
  groups: FileGroups,
  writer: FileWriter,
  now: () => Date,
): KnownStore {
  const entryOf = db.prepare<[string], { id: number; source: string; data: string }>(
    'SELECT id, source, data FROM known_entries WHERE entry = ? ORDER BY id DESC LIMIT 1',
  )
  const insertEntry = db.prepare(
    'INSERT INTO known_entries (source, entry, category, data) VALUES (@source, @entry, @category, @data)',
  )
  const updateEntry = db.prepare(
    'UPDATE known_entries SET source = @source, category = @category, data = @data WHERE id = @id',
  )
  const linksOf = db.prepare<[number], { sample_id: number; data: string }>(
    'SELECT sample_id, data FROM known_links WHERE entry_id = ? ORDER BY position',
  )
  const dropLinks = db.prepare('DELETE FROM known_links WHERE entry_id = ?')
  const insertLink = db.prepare(
    'INSERT INTO known_links (entry_id, position, sample_id, data) VALUES (?, ?, ?, ?)',
  )
  const sampleOf = db
    .prepare<[string], number>('SELECT id FROM known_samples WHERE identity = ?')
    .pluck()
  const insertSample = db.prepare('INSERT INTO known_samples (identity) VALUES (?)')
  const putHash = db.prepare(
    'INSERT OR IGNORE INTO known_hashes (hash, kind, sample_id) VALUES (?, ?, ?)',
  )
  const samplesWith = db
    .prepare<[Uint8Array, number], number>(
      'SELECT sample_id FROM known_hashes WHERE hash = ? AND kind = ?',
    )
    .pluck()
  const dataOfSample = db
    .prepare<[number], string>('SELECT data FROM known_links WHERE sample_id = ?')
    .pluck()
  const matchesOfSample = db.prepare<[number], { id: number; by: MatchedBy }>(
    'SELECT file_id AS id, matched_by AS "by" FROM known_matches WHERE sample_id = ?',
  )
  const filesOfSample = (sampleId: number): number[] =>
    matchesOfSample.all(sampleId).map(({ id }) => id)
  const filesWith = db.prepare<(Uint8Array | null)[], { id: number; kind: number }>(
    `SELECT file_id AS id, kind FROM file_hashes
     WHERE hash IN (${STRENGTH.map(() => '?').join()}) ORDER BY kind`,
  )
  const putMatch = db.prepare(
    'INSERT OR IGNORE INTO known_matches (file_id, sample_id, matched_by) VALUES (?, ?, ?)',
  )
  const dropMatches = db.prepare('DELETE FROM known_matches WHERE sample_id = ?')
  const setKnown = db.prepare('UPDATE files SET known = ? WHERE id = ?')
  const putSource = db.prepare(
    `INSERT OR REPLACE INTO known_sources (name, version, licence, shipped, imported_at)
     VALUES (@name, @version, @licence, @shipped, @at)`,
  )
  const source = db
    .prepare<[string, string], number>('SELECT 1 FROM known_sources WHERE name = ? AND version = ?')
    .pluck()
  const sourceRows = db.prepare<[], Omit<SourceInfo, 'shipped'> & { shipped: number }>(
    `SELECT s.name, s.version, s.licence, s.shipped, s.imported_at AS importedAt,
       count(DISTINCT e.id) AS entries, count(l.position) AS samples
     FROM known_sources s LEFT JOIN known_entries e ON e.source = s.name
     LEFT JOIN known_links l ON l.entry_id = e.id GROUP BY s.name ORDER BY s.name`,
  )
  const entriesOfFile = db.prepare<
    [number],
    {
      id: number
      source: string
      entry: string
      category: string
      data: string
      sample: string
      matched_by: MatchedBy
      samples: number
    }
  >(
    `SELECT e.id, e.source, e.entry, e.category, e.data, l.data AS sample, m.matched_by,
       (SELECT count(*) FROM known_links WHERE entry_id = e.id) AS samples
     FROM known_matches m JOIN known_links l ON l.sample_id = m.sample_id
     JOIN known_entries e ON e.id = l.entry_id WHERE m.file_id = ? ORDER BY e.id`,
  )

  const listedFor = db.prepare<
    [number],
    { id: number; source: string; data: string; position: number; sample: string }
  >(
    `SELECT e.id, e.source, e.data, l.position, l.data AS sample
     FROM known_matches m JOIN known_links l ON l.sample_id = m.sample_id
     JOIN known_entries e ON e.id = l.entry_id WHERE m.file_id = ? ORDER BY e.id, l.position`,
  )

  const parse = (data: string): KnownSampleData => JSON.parse(data) as KnownSampleData
  const bytes = (hash: string): Buffer => Buffer.from(hash, 'hex')

  const joinedHashes = (samples: readonly KnownSampleData[]): Hashes =>
    samples.reduce<Hashes>((all, sample) => ({ ...hashesOfSample(sample), ...all }), {})
  /** Hashes of a sample, of all entries that list it. */
  const hashesOf = (sampleId: number): Hashes => joinedHashes(dataOfSample.all(sampleId).map(parse))

  /** The strongest hash both have; a stronger one that differs counts against weaker ones. */
  function matchedBy(sample: Hashes, file: Hashes): MatchedBy | null {
    for (const kind of FILE_HASHES) {
      if (!sample[kind] || !file[kind]) continue
      if (sample[kind] === file[kind]) return kind as MatchedBy
      break
    }
    const isSameImage = STRENGTH.some(
      ([kind, by]) => by === 'authentihash' && sample[kind] && sample[kind] === file[kind],
    )
    return isSameImage ? 'authentihash' : null
  }

  const identityHashes = (hashes: Hashes): (Uint8Array | null)[] =>
    STRENGTH.map(([kind]) => (hashes[kind] ? bytes(hashes[kind]) : null))

  function samplesOfHashes(hashes: Hashes): Set<number> {
    const found = new Set<number>()
    for (const [kind] of STRENGTH) {
      const hash = hashes[kind]
      if (hash) for (const id of samplesWith.all(bytes(hash), HASH_KINDS[kind])) found.add(id)
    }
    return found
  }

  function recognise(id: number, hashes: Hashes): void {
    const samples = samplesOfHashes(hashes)
    if (samples.size === 0) return
    const before = groups.known(id)
    for (const sample of samples) {
      const by = matchedBy(hashesOf(sample), hashes)
      if (by !== null) putMatch.run(id, sample, by)
    }
    sayKnown(id, before)
  }

  /** Make row and terms say which entries a file is in. */
  function sayKnown(id: number, before: Iterable<Term>): void {
    const state = groups.knownOf(id)
    index.replace(id, before, termsOfKnown(state))
    const categories = state.entries.map((entry) => entry.category)
    const worst = categories.find((category) => /malicious/i.test(category)) ?? categories[0]
    setKnown.run(worst ?? null, id)
  }

  function rowOf(hashes: Hashes): number | null {
    for (const sampleId of samplesOfHashes(hashes)) {
      const sample = hashesOf(sampleId)
      const by = matchedBy(sample, hashes)
      if (by === null) continue
      // The same image is the same file only for a sample that is known by its image alone.
      if (by === 'authentihash' && FILE_HASHES.some((kind) => sample[kind])) continue
      const id = filesOfSample(sampleId).find((each) => rows.stored(each)?.origin === 'known')
      if (id !== undefined) return id
    }
    return null
  }

  /** What one entry says now; @returns the samples whose files have to be looked at. */
  function putEntry(from: KnownSource, entry: KnownEntryData): Set<number> {
    const present = entryOf.get(entry.id)
    const links = present ? linksOf.all(present.id) : []
    const before = present
      ? {
          ...(JSON.parse(present.data) as Omit<KnownEntryData, 'samples'>),
          samples: links.map(({ data }) => parse(data)),
        }
      : null
    const { samples, ...said } = before ? mergeEntries([before], [entry])[0]! : entry
    const fields = { source: from.name, category: said.category, data: JSON.stringify(said) }
    let id: number
    if (present) {
      id = present.id
      updateEntry.run({ ...fields, id })
      dropLinks.run(id)
    } else {
      id = Number(insertEntry.run({ ...fields, entry: entry.id }).lastInsertRowid)
    }
    const touched = new Set(links.map((link) => link.sample_id))
    samples.forEach((sample, position) => {
      const identity = identityKey(sample)
      if (identity === null) return
      const known = sampleOf.get(identity)
      const sampleId = known ?? Number(insertSample.run(identity).lastInsertRowid)
      for (const [kind, hash] of hashEntries(hashesOfSample(sample)))
        putHash.run(bytes(hash), HASH_KINDS[kind], sampleId)
      insertLink.run(id, position, sampleId, JSON.stringify(sample))
      touched.add(sampleId)
    })
    return touched
  }

  /** Make the shelf say what the entries of a sample say. @returns the row that it made, if any */
  function settle(sampleId: number, before: Map<number, Groups>): number | null {
    const data = dataOfSample.all(sampleId).map(parse)
    const matched = new Set(filesOfSample(sampleId))
    if (data.length === 0) {
      dropMatches.run(sampleId)
      for (const id of matched) {
        const file = rows.stored(id)
        if (!file) continue
        refresh(id, before.get(id))
        const isUntouched = file.notes === '' && file.tags === '[]' && file.verdict === 'none'
        if (file.origin === 'known' && isUntouched && groups.knownOf(id).entries.length === 0)
          writer.setDeletion(id, randomUUID())
      }
      return null
    }
    const hashes = joinedHashes(data)
    const hasFileHash = FILE_HASHES.some((kind) => hashes[kind])
    let isThere = matchesOfSample
      .all(sampleId)
      .some(({ by }) => by !== 'authentihash' || !hasFileHash)
    // Kinds are numbered by strength, so the strongest hash that fits comes first.
    for (const { id, kind } of filesWith.all(...identityHashes(hashes))) {
      const by = STRENGTH.find(([each]) => HASH_KINDS[each] === kind)?.[1]
      const file = matched.has(id) || by === undefined ? undefined : rows.stored(id)
      if (!file || by === undefined) continue
      const isFileHash = by !== 'authentihash'
      if (file.origin === 'known' && !isFileHash) continue
      if (isFileHash && hashes.sha256 && file.sha256 && hashes.sha256 !== file.sha256) continue
      remember(id, before)
      matched.add(id)
      putMatch.run(id, sampleId, by)
      isThere ||= isFileHash
    }
    let made: number | null = null
    if (!isThere && (hasFileHash || matched.size === 0)) {
      made = writer.insert({
        source: { samples: data },
        name: nameOf(sampleId, data),
        from: 'reference data',
        job: null,
        tags: [],
      })
      putMatch.run(made, sampleId, STRENGTH.find(([kind]) => hashes[kind])?.[1] ?? 'authentihash')
      sayKnown(made, [])
    }
    for (const id of matched) refresh(id, before.get(id))
    return made
  }

  /** Terms of a file that entries have a say in, before they changed. */
  interface Groups {
    known: Term[]
    read: Term[]
  }

  function remember(id: number, before: Map<number, Groups>): void {
    const file = rows.stored(id)
    if (file && !before.has(id))
      before.set(id, {
        known: groups.known(id),
        read: file.origin === 'known' ? groups.read(file) : [],
      })
  }

  function refresh(id: number, before: Groups | undefined): void {
    const file = rows.stored(id)
    if (!file) return
    sayKnown(id, before?.known ?? [])
    if (file.origin !== 'known' || !before) return
    const samples = groups.samplesOf(id)
    if (samples.length > 0) index.replace(id, before.read, termsOfSamples(samples))
  }

  const firstEntry = db
    .prepare<[number], string>(
      `SELECT e.data FROM known_links l JOIN known_entries e ON e.id = l.entry_id
       WHERE l.sample_id = ? ORDER BY e.id LIMIT 1`,
    )
    .pluck()
  function nameOf(sampleId: number, data: readonly KnownSampleData[]): string {
    const own = data.find((sample) => sample.filename)?.filename
    if (own) return own
    const entry = firstEntry.get(sampleId)
    const names = entry === undefined ? [] : (JSON.parse(entry) as { names: string[] }).names
    return names[0] ?? data.find((sample) => sample.originalFilename)?.originalFilename ?? 'unnamed'
  }

  /** Inside a write. @returns the rows that it made */
  function applySlice(from: KnownSource, slice: readonly KnownEntryData[]): number[] {
    const ids = slice.flatMap(({ id }) => entryOf.get(id)?.id ?? [])
    const before = new Map<number, Groups>()
    for (const link of ids.flatMap((id) => linksOf.all(id)))
      for (const id of filesOfSample(link.sample_id)) remember(id, before)
    const samples = new Set(slice.flatMap((entry) => [...putEntry(from, entry)]))
    return [...samples].flatMap((sample) => settle(sample, before) ?? [])
  }

  function addMissing(
    from: Omit<KnownSource, 'shipped'>,
    entries: readonly KnownEntryData[],
  ): number[] {
    const missing = entries.filter(({ id }) => entryOf.get(id) === undefined)
    if (missing.length === 0) return []
    if (sources().every(({ name }) => name !== from.name)) record({ ...from, shipped: false })
    return applySlice({ ...from, shipped: false }, missing)
  }

  const record = (from: KnownSource): void =>
    void putSource.run({ ...from, shipped: from.shipped ? 1 : 0, at: now().toISOString() })

  async function apply(
    from: KnownSource,
    entries: readonly KnownEntryData[],
  ): Promise<KnownApplied> {
    await inSlices(entries, SLICE, (slice) => index.write(() => applySlice(from, slice)))
    index.write(() => record(from))
    const samples = entries.flatMap((entry) => entry.samples)
    return {
      entries: entries.length,
      samples: samples.length,
      nameless: samples.filter((sample) => identityKey(sample) === null).length,
    }
  }

  function entriesOf(id: number): KnownEntry[] {
    const found = new Map<number, KnownEntry>()
    const order = STRENGTH.map(([, by]) => by)
    for (const row of entriesOfFile.all(id)) {
      const present = found.get(row.id)
      if (present && order.indexOf(present.matchedBy) <= order.indexOf(row.matched_by)) continue
      const data = JSON.parse(row.data) as Omit<KnownEntryData, 'samples'>
      found.set(row.id, {
        id: row.entry,
        source: row.source,
        names: data.names,
        category: row.category,
        cve: data.cve,
        attack: data.attack,
        created: data.created,
        verified: data.verified,
        description: data.description,
        resources: data.resources,
        matchedBy: row.matched_by,
        loadsDespiteHvci: parse(row.sample).loadsDespiteHvci,
        samples: row.samples,
      })
    }
    return [...found.values()]
  }

  function referenceOf(ids: readonly number[]): Reference[] {
    const entries = new Map<number, { source: string; entry: KnownEntryData }>()
    const positions = new Set<string>()
    for (const id of ids)
      for (const row of listedFor.all(id)) {
        let found = entries.get(row.id)
        if (!found) {
          const said = JSON.parse(row.data) as Omit<KnownEntryData, 'samples'>
          found = { source: row.source, entry: { ...said, samples: [] } }
          entries.set(row.id, found)
        }
        const place = `${row.id}:${row.position}`
        if (!positions.has(place)) found.entry.samples.push(parse(row.sample))
        positions.add(place)
      }
    return sources().flatMap(({ name, version, licence }) => {
      const own = [...entries.values()].filter(({ source: from }) => from === name)
      return own.length > 0
        ? [{ name, version, licence, entries: own.map(({ entry }) => entry) }]
        : []
    })
  }

  const sources = (): SourceInfo[] =>
    sourceRows.all().map((row) => ({ ...row, shipped: row.shipped === 1 }))

  return {
    apply,
    hasSource: (name, version) => source.get(name, version) !== undefined,
    sources,
    referenceOf,
    addMissing,
    recognise,
    rowOf,
    entriesOf,
    asOf: () => {
      const known = sources().map(
        (it) =>
          `${it.name}, version ${it.version} (${it.licence}): ${it.entries} entries, taken in on ${it.importedAt.slice(0, 10)}.`,
      )
      return known.length > 0 ? known : ['No reference data was taken in.']
    },
    aboutHash: (hash) => {
      const kinds = STRENGTH.map(([kind]) => kind)
      const found = kinds.flatMap((kind) => samplesWith.all(bytes(hash), HASH_KINDS[kind]))[0]
      const entry = found === undefined ? undefined : firstEntry.get(found)
      if (entry === undefined) return null
      const { names, category } = JSON.parse(entry) as { names: string[]; category: string }
      return `Reference data knows it as ${names[0] ?? 'a driver without a name'} (${category}).`
    },
  }
}
