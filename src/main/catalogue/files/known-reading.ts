/** What reference data says, read from the tables. */
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { filesContract, KnownEntry } from '../../../shared/contract/files'
import type { KnownEntryData, KnownSampleData } from '../../../shared/driver-file/known'
import { HASH_KINDS } from './hashes'
import { STRENGTH, type MatchedBy } from './known-matching'

type SourceInfo = z.input<(typeof filesContract)['known.info']['output']>['sources'][number]

export interface Reference {
  name: string
  version: string
  licence: string
  entries: KnownEntryData[]
}

export interface KnownReading {
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
    hasSource: (name, version) => source.get(name, version) !== undefined,
    sources,
    referenceOf,
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
      const found = kinds.flatMap((kind) =>
        samplesWith.all(Buffer.from(hash, 'hex'), HASH_KINDS[kind]),
      )[0]
      const entry = found === undefined ? undefined : firstEntry.get(found)
      if (entry === undefined) return null
      const { names, category } = JSON.parse(entry) as { names: string[]; category: string }
      return `Reference data knows it as ${names[0] ?? 'a driver without a name'} (${category}).`
    },
  }
}
