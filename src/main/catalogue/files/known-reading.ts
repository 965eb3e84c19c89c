/** What reference data says, read from the tables. */
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { filesContract, KnownEntry } from '../../../shared/contract/files'
import type { KnownEntryData, KnownSampleData } from '../../../shared/driver-file/known'
import { MATCHING_HASHES, type MatchedBy } from '../../known/identity'
import { HASH_KINDS } from './hashes'

type SourceInfo = z.input<(typeof filesContract)['known.info']['output']>['sources'][number]

interface SourceRow extends Omit<SourceInfo, 'shipped'> {
  id: number
  shipped: number
  is_whole: number
}

export interface Reference {
  name: string
  version: string
  licence: string
  entries: KnownEntryData[]
}

export interface KnownReading {
  /** Whether what ships in this version is here whole. */
  hasSource(name: string, version: string): boolean
  sources(): SourceInfo[]
  entriesOf(id: number): KnownEntry[]
  /** Which data this rests on, in sentences. */
  asOf(): string[]
  /** Entries that list these files, with the samples of these files only, by source. */
  referenceOf(ids: readonly number[]): Reference[]
  /** What reference data says of a hash that is not on the shelf. */
  aboutHash(hash: string): string | null
}

const parse = (data: string): KnownSampleData => JSON.parse(data) as KnownSampleData

export function createKnownReading(db: Database): KnownReading {
  const source = db
    .prepare<[string, string], number>(
      `SELECT 1 FROM known_sources
       WHERE name = ? AND version = ? AND kind = 'shipped' AND is_whole = 1`,
    )
    .pluck()
  const sourceRows = db.prepare<[], SourceRow>(
    `SELECT s.id, s.name, s.version, s.licence, s.kind = 'shipped' AS shipped,
       s.imported_at AS importedAt, s.is_whole, count(DISTINCT e.id) AS entries,
       count(l.position) AS samples, count(DISTINCT l.sample_id) AS drivers
     FROM known_sources s LEFT JOIN known_entries e ON e.source_id = s.id
     LEFT JOIN known_links l ON l.entry_id = e.id GROUP BY s.id ORDER BY s.name, s.id`,
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
    `SELECT e.id, s.name AS source, e.entry, e.category, e.data, l.data AS sample, m.matched_by,
       (SELECT count(*) FROM known_links WHERE entry_id = e.id) AS samples
     FROM known_matches m JOIN known_links l ON l.sample_id = m.sample_id
     JOIN known_entries e ON e.id = l.entry_id JOIN known_sources s ON s.id = e.source_id WHERE m.file_id = ? ORDER BY e.id`,
  )

  const listedFor = db.prepare<
    [number],
    { id: number; source: number; data: string; position: number; sample: string }
  >(
    `SELECT e.id, e.source_id AS source, e.data, l.position, l.data AS sample
     FROM known_matches m JOIN known_links l ON l.sample_id = m.sample_id
     JOIN known_entries e ON e.id = l.entry_id WHERE m.file_id = ? ORDER BY e.id, l.position`,
  )

  const firstEntry = db
    .prepare<[number], string>(
      `SELECT e.data FROM known_links l JOIN known_entries e ON e.id = l.entry_id
       WHERE l.sample_id = ? ORDER BY e.id LIMIT 1`,
    )
    .pluck()
  const samplesWith = db
    .prepare<[Uint8Array, number], number>(
      'SELECT sample_id FROM known_hashes WHERE hash = ? AND kind = ?',
    )
    .pluck()

  function entriesOf(id: number): KnownEntry[] {
    const found = new Map<number, KnownEntry>()
    const order: readonly MatchedBy[] = MATCHING_HASHES.map(([, by]) => by)
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
    const entries = new Map<number, { source: number; entry: KnownEntryData }>()
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
    return sourceRows.all().flatMap(({ id: source, name, version, licence }) => {
      const own = [...entries.values()].filter(({ source: from }) => from === source)
      return own.length > 0
        ? [{ name, version, licence, entries: own.map(({ entry }) => entry) }]
        : []
    })
  }

  const sources = (): SourceInfo[] =>
    sourceRows.all().map(({ id: _, is_whole: _whole, ...row }) => ({
      ...row,
      shipped: row.shipped === 1,
    }))

  return {
    hasSource: (name, version) => source.get(name, version) !== undefined,
    sources,
    referenceOf,
    entriesOf,
    asOf: () => {
      const known = sourceRows.all().map((it) => {
        const day = it.importedAt.slice(0, 10)
        const how = it.is_whole === 1 ? `taken in on ${day}` : `a part only, taken in on ${day}`
        return `${it.name}, version ${it.version} (${it.licence}): ${it.entries} entries, ${how}.`
      })
      return known.length > 0 ? known : ['No reference data was taken in.']
    },
    aboutHash: (hash) => {
      const found = MATCHING_HASHES.flatMap(([kind]) =>
        samplesWith.all(Buffer.from(hash, 'hex'), HASH_KINDS[kind]),
      )[0]
      const entry = found === undefined ? undefined : firstEntry.get(found)
      if (entry === undefined) return null
      const { names, category } = JSON.parse(entry) as { names: string[]; category: string }
      return `Reference data knows it as ${names[0] ?? 'a driver without a name'} (${category}).`
    },
  }
}
