/**
 * Reference data on the shelf: entries, their samples, and which files those are. Every known
 * sample is a row of the shelf, `known` until its file arrives. Applied in slices, so that the
 * window stays alive, each slice whole; a loss of power leaves what was applied, and the source is
 * marked as whole at the end only.
 *
 * An entry rests on one version of one source. What ships never changes an entry that an import
 * brought, so that a newer import is not undone by the next start.
 */
import type { Database } from 'better-sqlite3'
import type { KnownEntryData, KnownSampleData } from '../../../shared/driver-file/known'
import {
  hasFileHash,
  identityKey,
  MATCHING_HASHES,
  matchIdentity,
  type MatchedBy,
} from '../../known/identity'
import { mergeEntries } from '../../known/merge'
import type { FileIndex } from './file-index'
import type { FileWriter } from './file-writer'
import type { FileGroups } from './groups'
import { bytesOfHash, hashesOfSample, hashesOfSamples, hashEntries } from './hashes'
import { HASH_KINDS, type Hashes } from './hashes'
import type { Term } from './index/postings'
import type { FileRows, StoredFile } from './rows'
import { createKnownSources, MAY_CHANGE, type Begun } from './known-sources'
import type { KnownSource, SourceKind } from './known-sources'
import { NewSamples, type NewSample } from './known-new'
import { createKnownReading, type KnownReading } from './known-reading'
import { inSlices } from './slices'
import { termsOfKnown, worstCategory } from './terms'

export interface KnownApplied {
  entries: number
  /** As the entries list them; a file may be listed twice. */
  samples: number
  /** Samples without any hash, which can be no file. */
  nameless: number
}

export interface KnownStore extends KnownReading {
  /** Add entries, or bring them up to date; what newer entries leave open stays. */
  apply(source: KnownSource, entries: readonly KnownEntryData[]): Promise<KnownApplied>
  /** Whether entries are being added right now. */
  isApplying(): boolean
  /** Add the entries that are not here yet. Inside a write. @returns the rows that it made */
  addMissing(source: Omit<KnownSource, 'shipped'>, entries: readonly KnownEntryData[]): number[]
  /** Find out which known samples a file is, anew when its facts changed. Inside a write. */
  recognise(id: number, hashes: Hashes): void
  /** A file goes back to what reference data says of it. Inside a write. @returns what that is */
  unrecognise(id: number): KnownSampleData[]
  /** A known row that a file with these hashes should become, if there is one. */
  rowOf(hashes: Hashes): number | null
}

/**
 * A row's hashes as far as a sample can ask. A file has all kinds, so what it does not share differs;
 * of reference data only the SHA-256 is held against the sample.
 */
function hashesSeenFrom(
  sample: Hashes,
  { origin, sha256 }: Pick<StoredFile, 'origin' | 'sha256'>,
  shared: ReadonlySet<number>,
): Hashes {
  const own: Hashes = sha256 === null ? {} : { sha256 }
  for (const [kind] of MATCHING_HASHES) {
    if (shared.has(HASH_KINDS[kind])) own[kind] = sample[kind]!
    else if (origin === 'file' && kind !== 'sha256') own[kind] = 'another'
  }
  return own
}

/** @param entry  names that the first entry gives */
const nameOf = (samples: readonly KnownSampleData[], entry: readonly string[]): string =>
  samples.find((sample) => sample.filename)?.filename ??
  entry[0] ??
  samples.find((sample) => sample.originalFilename)?.originalFilename ??
  'unnamed'

/** Entries and their samples in the first transaction, while nothing is warm. */
const SLICE = 24

export function createKnownStore(
  db: Database,
  index: FileIndex,
  rows: FileRows,
  groups: FileGroups,
  writer: FileWriter,
  now: () => Date,
): KnownStore {
  const reading = createKnownReading(db)
  const sources = createKnownSources(db, now)
  const entryOf = db.prepare<[string], { id: number; kind: SourceKind; data: string }>(
    `SELECT e.id, s.kind, e.data FROM known_entries e JOIN known_sources s ON s.id = e.source_id
     WHERE e.entry = ?`,
  )
  const insertEntry = db.prepare(
    `INSERT INTO known_entries (source_id, entry, category, data)
     VALUES (@source, @entry, @category, @data)`,
  )
  const updateEntry = db.prepare(
    `UPDATE known_entries SET source_id = @source, category = @category, data = @data
     WHERE id = @id`,
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
     WHERE hash IN (${MATCHING_HASHES.map(() => '?').join()}) ORDER BY kind`,
  )
  const putMatch = db.prepare(
    'INSERT OR IGNORE INTO known_matches (file_id, sample_id, matched_by) VALUES (?, ?, ?)',
  )
  const dropMatches = db.prepare('DELETE FROM known_matches WHERE sample_id = ?')
  const dropMatch = db.prepare('DELETE FROM known_matches WHERE file_id = ? AND sample_id = ?')
  const matchesOfFile = db.prepare<[number], { sample: number; by: MatchedBy }>(
    'SELECT sample_id AS sample, matched_by AS "by" FROM known_matches WHERE file_id = ?',
  )
  const setKnown = db.prepare('UPDATE files SET known = ? WHERE id = ?')
  const parse = (data: string): KnownSampleData => JSON.parse(data) as KnownSampleData

  /** Hashes of a sample, of all entries that list it. */
  const hashesOf = (sampleId: number): Hashes =>
    hashesOfSamples(dataOfSample.all(sampleId).map(parse))

  const identityHashes = (hashes: Hashes): (Uint8Array | null)[] =>
    MATCHING_HASHES.map(([kind]) => (hashes[kind] ? bytesOfHash(hashes[kind]) : null))

  function samplesOfHashes(hashes: Hashes): Set<number> {
    const found = new Set<number>()
    for (const [kind] of MATCHING_HASHES) {
      const hash = hashes[kind]
      if (hash) for (const id of samplesWith.all(bytesOfHash(hash), HASH_KINDS[kind])) found.add(id)
    }
    return found
  }

  function recognise(id: number, hashes: Hashes): void {
    const samples = samplesOfHashes(hashes)
    const old = matchesOfFile.all(id)
    if (samples.size === 0 && old.length === 0) return
    const before = groups.known(id)
    for (const { sample } of old) dropMatch.run(id, sample)
    for (const sample of samples) {
      const by = matchIdentity(hashesOf(sample), hashes)
      if (by !== null) putMatch.run(id, sample, by)
    }
    sayKnown(id, before)
    // A sample that was this row and is not this file gets a row of its own.
    for (const { sample } of old)
      if (filesOfSample(sample).length === 0) settle(sample, new Map(), null)
  }

  function unrecognise(id: number): KnownSampleData[] {
    const before = groups.known(id)
    // The image of the file was another sample's too; the row never was that sample.
    for (const { sample, by } of matchesOfFile.all(id))
      if (by === 'authentihash' && hasFileHash(hashesOf(sample))) dropMatch.run(id, sample)
    sayKnown(id, before)
    return groups.samplesOf(id)
  }

  /** Make row and terms say which entries a file is in. */
  function sayKnown(id: number, before: Iterable<Term>): void {
    const state = groups.knownOf(id)
    index.replace(id, before, termsOfKnown(state))
    setKnown.run(worstCategory(state), id)
  }

  function rowOf(hashes: Hashes): number | null {
    for (const sampleId of samplesOfHashes(hashes)) {
      const sample = hashesOf(sampleId)
      const by = matchIdentity(sample, hashes)
      if (by === null) continue
      // The same image is the same file only for a sample that is known by its image alone.
      if (by === 'authentihash' && hasFileHash(sample)) continue
      const id = filesOfSample(sampleId).find((each) => rows.stored(each)?.origin === 'known')
      if (id !== undefined) return id
    }
    return null
  }

  /** What one entry says now; @returns the samples whose files have to be looked at. */
  function putEntry(sourceId: number, entry: KnownEntryData, fresh: NewSamples): Set<number> {
    const present = entryOf.get(entry.id)
    const links = present ? linksOf.all(present.id) : []
    for (const link of links) fresh.drop(link.sample_id)
    const before = present
      ? {
          ...(JSON.parse(present.data) as Omit<KnownEntryData, 'samples'>),
          samples: links.map(({ data }) => parse(data)),
        }
      : null
    const { samples, ...said } = before ? mergeEntries([before], [entry])[0]! : entry
    const fields = { source: sourceId, category: said.category, data: JSON.stringify(said) }
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
      let sampleId = sampleOf.get(identity)
      if (sampleId === undefined) {
        sampleId = Number(insertSample.run(identity).lastInsertRowid)
        fresh.begin(sampleId)
      }
      const hashes = hashesOfSample(sample)
      fresh.say(sampleId, { entryId: id, entry: said, sample, hashes })
      for (const [kind, hash] of hashEntries(hashes))
        putHash.run(bytesOfHash(hash), HASH_KINDS[kind], sampleId)
      insertLink.run(id, position, sampleId, JSON.stringify(sample))
      touched.add(sampleId)
    })
    return touched
  }

  /**
   * Make the shelf say what the entries of a sample say.
   * @param fresh  what they say, when nobody had the sample before
   * @returns the row that it made, if any
   */
  function settle(
    sampleId: number,
    before: Map<number, Before>,
    fresh: NewSample | null,
  ): number | null {
    const samples = fresh?.samples ?? dataOfSample.all(sampleId).map(parse)
    const matches = fresh ? [] : matchesOfSample.all(sampleId)
    const matched = new Set(matches.map(({ id }) => id))
    if (samples.length === 0) {
      dropMatches.run(sampleId)
      for (const id of matched) forgetSample(id, before.get(id))
      return null
    }
    const hashes = fresh?.hashes ?? hashesOfSamples(samples)
    const isKnownByFile = hasFileHash(hashes)
    let isThere = matches.some(({ by }) => by !== 'authentihash' || !isKnownByFile)
    const shared = new Map<number, Set<number>>()
    for (const { id, kind } of filesWith.all(...identityHashes(hashes)))
      shared.set(id, (shared.get(id) ?? new Set()).add(kind))
    for (const [id, kinds] of shared) {
      const file = matched.has(id) ? undefined : rows.stored(id)
      if (!file) continue
      const by = matchIdentity(hashes, hashesSeenFrom(hashes, file, kinds))
      if (by === null || (file.origin === 'known' && by === 'authentihash')) continue
      remember(id, before)
      matched.add(id)
      putMatch.run(id, sampleId, by)
      isThere ||= by !== 'authentihash'
    }
    let made: number | null = null
    if (!isThere && (isKnownByFile || matched.size === 0)) {
      const names = fresh ? fresh.known.entries[0]?.names : namesOfSample(sampleId)
      made = writer.insert({
        source: { samples, hashes },
        name: nameOf(samples, names ?? []),
        from: 'reference data',
        job: null,
        tags: [],
        known: fresh?.known ?? null,
      })
      const by = MATCHING_HASHES.find(([kind]) => hashes[kind])?.[1] ?? 'authentihash'
      putMatch.run(made, sampleId, by)
      if (!fresh) sayKnown(made, [])
    }
    for (const id of matched) refresh(id, before.get(id))
    return made
  }

  /** No entry lists a sample any more: a row that nobody touched goes with it. */
  function forgetSample(id: number, was: Before | undefined): void {
    refresh(id, was)
    const file = rows.stored(id)
    if (file?.origin !== 'known' || groups.samplesOf(id).length > 0) return
    if (file.notes !== '' || file.tags !== '[]' || file.verdict !== 'none') return
    const samples = was?.samples ?? []
    writer.reread(id, { samples: [] }, { job: null, isNew: false, was: { samples } })
    writer.purge(id)
  }

  /** What entries had a say in, before they changed. */
  interface Before {
    known: Term[]
    samples: KnownSampleData[]
  }

  function remember(id: number, before: Map<number, Before>): void {
    const file = rows.stored(id)
    if (file && !before.has(id))
      before.set(id, {
        known: groups.known(id),
        samples: file.origin === 'known' ? groups.samplesOf(id) : [],
      })
  }

  /** Without `before` nothing was taken away, since no entry that listed the file changed. */
  function refresh(id: number, before: Before = { known: [], samples: [] }): void {
    sayKnown(id, before.known)
    if (rows.stored(id)?.origin !== 'known') return
    const samples = groups.samplesOf(id)
    if (samples.length > 0)
      writer.reread(id, { samples }, { job: null, isNew: false, was: { samples: before.samples } })
  }

  const firstEntry = db
    .prepare<[number], string>(
      `SELECT e.data FROM known_links l JOIN known_entries e ON e.id = l.entry_id
       WHERE l.sample_id = ? ORDER BY e.id LIMIT 1`,
    )
    .pluck()
  function namesOfSample(sampleId: number): readonly string[] {
    const entry = firstEntry.get(sampleId)
    return entry === undefined ? [] : (JSON.parse(entry) as { names: string[] }).names
  }

  /** Inside a write. @returns the rows that it made */
  function applySlice(source: Begun, all: readonly KnownEntryData[]): number[] {
    const slice = all.filter(({ id }) => {
      const present = entryOf.get(id)
      return !present || MAY_CHANGE[source.kind].includes(present.kind)
    })
    const ids = slice.flatMap(({ id }) => entryOf.get(id)?.id ?? [])
    const before = new Map<number, Before>()
    for (const link of ids.flatMap((id) => linksOf.all(id)))
      for (const id of filesOfSample(link.sample_id)) remember(id, before)
    const fresh = new NewSamples(source.name)
    const samples = new Set(slice.flatMap((entry) => [...putEntry(source.id, entry, fresh)]))
    return [...samples].flatMap((sample) => settle(sample, before, fresh.get(sample)) ?? [])
  }

  function addMissing(
    from: Omit<KnownSource, 'shipped'>,
    entries: readonly KnownEntryData[],
  ): number[] {
    const missing = entries.filter(({ id }) => entryOf.get(id) === undefined)
    if (missing.length === 0) return []
    return applySlice(sources.begin(from, 'document', true), missing)
  }

  let applying = 0
  async function apply(
    from: KnownSource,
    entries: readonly KnownEntryData[],
  ): Promise<KnownApplied> {
    const source = index.write(() =>
      sources.begin(from, from.shipped ? 'shipped' : 'import', false),
    )
    applying++
    try {
      const work = (slice: typeof entries): unknown =>
        index.writeLazily(() => applySlice(source, slice))
      await inSlices(entries, SLICE, work, (entry) => entry.samples.length + 1)
    } finally {
      applying--
    }
    index.write(() => sources.end(source))
    const samples = entries.flatMap((entry) => entry.samples)
    return {
      entries: entries.length,
      samples: samples.length,
      nameless: samples.filter((sample) => identityKey(sample) === null).length,
    }
  }

  const isApplying = (): boolean => applying > 0
  return { ...reading, apply, isApplying, addMissing, recognise, unrecognise, rowOf }
}
