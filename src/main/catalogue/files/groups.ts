/**
 * The groups of terms of a file as the tables have them now. Whoever changes a table asks before
 * and after, and gives both to the index; writing the index anew asks for all of them.
 */
import type { Database } from 'better-sqlite3'
import type { YaraMatch } from '../../../shared/contract/files'
import type { KnownSampleData } from '../../../shared/driver-file/known'
import type { Term } from './index/postings'
import { annotationsOf, type FileRows, type StoredFile } from './rows'
import {
  termsOfAnnotations,
  termsOfBlocks,
  termsOfFacts,
  termsOfKnown,
  termsOfNames,
  termsOfRow,
  termsOfSamples,
  termsOfYara,
  type KnownState,
} from './terms'

export interface FileGroups {
  /** What reference data says of a file, once for each entry that lists it. */
  samplesOf(id: number): KnownSampleData[]
  knownOf(id: number): KnownState
  policiesOf(id: number): string[]
  read(file: StoredFile): Term[]
  names(id: number): Term[]
  known(id: number): Term[]
  blocks(id: number): Term[]
  yara(id: number): Term[]
  all(file: StoredFile): Term[]
}

export function createFileGroups(db: Database, rows: FileRows): FileGroups {
  const samples = db
    .prepare<[number], string>(
      `SELECT l.data FROM known_matches m JOIN known_links l ON l.sample_id = m.sample_id
       WHERE m.file_id = ?
       ORDER BY l.entry_id, l.position`,
    )
    .pluck()
  const entries = db.prepare<
    [number],
    { source: string; entry: string; category: string; data: string }
  >(
    `SELECT DISTINCT s.name AS source, e.entry, e.category, e.data FROM known_matches m
     JOIN known_links l ON l.sample_id = m.sample_id JOIN known_entries e ON e.id = l.entry_id
     JOIN known_sources s ON s.id = e.source_id WHERE m.file_id = ? ORDER BY e.id`,
  )
  const names = db
    .prepare<[number], string>('SELECT name FROM file_names WHERE file_id = ?')
    .pluck()
  const policies = db
    .prepare<[number], string>(
      `SELECT DISTINCT p.name FROM file_blocks b JOIN block_policies p ON p.id = b.policy_id
       WHERE b.file_id = ?`,
    )
    .pluck()
  const matches = db
    .prepare<[number], string>('SELECT matches FROM file_yara WHERE file_id = ?')
    .pluck()

  const samplesOf = (id: number): KnownSampleData[] =>
    samples.all(id).map((data) => JSON.parse(data) as KnownSampleData)

  const knownOf = (id: number): KnownState => {
    const found = entries.all(id)
    return {
      sources: [...new Set(found.map(({ source }) => source))],
      entries: found.map(({ entry, category, data }) => {
        const said = JSON.parse(data) as { names: string[]; cve: string[]; attack: string[] }
        return { id: entry, category, names: said.names, cve: said.cve, attack: said.attack }
      }),
    }
  }

  const groups: FileGroups = {
    samplesOf,
    knownOf,
    policiesOf: (id) => policies.all(id),
    read: (file) => {
      if (file.origin === 'known') return termsOfSamples(samplesOf(file.id))
      const facts = rows.facts(file.id)
      return facts ? termsOfFacts(facts) : []
    },
    names: (id) => termsOfNames(names.all(id)),
    known: (id) => termsOfKnown(knownOf(id)),
    blocks: (id) => termsOfBlocks(policies.all(id)),
    yara: (id) => {
      const found = matches.get(id)
      return found === undefined ? [] : termsOfYara(JSON.parse(found) as YaraMatch[])
    },
    all: (file) => [
      ...termsOfRow({ origin: file.origin, job: file.job_id, isAlive: file.deletion === null }),
      ...termsOfAnnotations(annotationsOf(file)),
      ...groups.read(file),
      ...groups.names(file.id),
      ...groups.known(file.id),
      ...groups.blocks(file.id),
      ...groups.yara(file.id),
    ],
  }
  return groups
}
