/** Everything the page of one file shows. */
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { FileDetail } from '../../../shared/contract/files'
import { type YaraMatch } from '../../../shared/contract/files'
import type { KnownSampleData } from '../../../shared/driver-file/known'
import type { CatalogueFacts, InfFacts } from '../../../shared/driver-file/package-facts'
import type { BlockStore } from './blocks'
import type { FileIndex } from './file-index'
import type { FileGroups } from './groups'
import { HASH_KINDS, HASH_LABELS, hashEntries, hashesOfFacts, hashesOfSample } from './hashes'
import type { Hashes } from './hashes'
import type { KnownStore } from './known'
import { toRow, unpack, type FileRows, type StoredFile } from './rows'

export type Detail = z.input<typeof FileDetail>

/** Files of the same image that are listed. */
const SAME_IMAGE_MAX = 50
/** Samples of reference data that are told of a file; more than two are rare. */
const KNOWN_SAMPLES_MAX = 5

export interface FileDetails {
  /** Which reference data and policies all of it rests on, in sentences. */
  knownAsOf(): string[]
  /** Null when there is no such file, or it was deleted. */
  detail(id: number): Detail | null
  hashes(file: StoredFile): Hashes
}

export function createFileDetails(
  db: Database,
  index: FileIndex,
  rows: FileRows,
  groups: FileGroups,
  known: KnownStore,
  blocks: BlockStore,
): FileDetails {
  const names = db.prepare<[number], { name: string; from: string; at: string }>(
    'SELECT name, origin AS "from", at FROM file_names WHERE file_id = ? ORDER BY at, name',
  )
  const yara = db
    .prepare<[number], string>('SELECT matches FROM file_yara WHERE file_id = ?')
    .pluck()
  const blockPolicies = db.prepare<[], number>('SELECT count(*) FROM block_policies').pluck()
  const packages = db.prepare<[number], { id: number; name: string; facts: Uint8Array }>(
    `SELECT p.id, p.name, p.facts FROM package_members m JOIN packages p ON p.id = m.package_id
     WHERE m.file_id = ? ORDER BY p.id`,
  )
  const members = db.prepare<[number], { name: string; sha256: string; is_listed: number | null }>(
    `SELECT m.name, f.sha256, m.is_listed FROM package_members m JOIN files f ON f.id = m.file_id
     WHERE m.package_id = ? AND f.deletion IS NULL ORDER BY m.name`,
  )
  const sameImage = db
    .prepare<[Uint8Array, number, number, number], number>(
      `SELECT h.file_id FROM file_hashes h JOIN files f ON f.id = h.file_id
       WHERE h.hash = ? AND h.kind = ? AND h.file_id <> ? AND f.deletion IS NULL LIMIT ?`,
    )
    .pluck()
  const copy = db.prepare<[string], number>('SELECT 1 FROM quarantine WHERE sha256 = ?').pluck()
  const twin = db
    .prepare<[number], number>(
      `SELECT t.sample_id FROM file_twins t JOIN samples s ON s.id = t.sample_id
       WHERE t.file_id = ? AND s.deleted_at IS NULL`,
    )
    .pluck()

  function hashes(file: StoredFile): Hashes {
    const facts = rows.facts(file.id)
    if (facts) return hashesOfFacts(facts)
    return groups
      .samplesOf(file.id)
      .reduceRight<Hashes>((all, sample) => ({ ...all, ...hashesOfSample(sample) }), {})
  }

  /** Counts over all of the reference data, made once for each state of the shelf. */
  let asOf: { generation: number; texts: string[] } = { generation: -1, texts: [] }
  function knownAsOf(): string[] {
    index.refresh()
    const generation = index.generation()
    if (asOf.generation !== generation)
      asOf = { generation, texts: [...known.asOf(), ...blocks.asOf()] }
    return asOf.texts
  }

  /** Two entries often list the same sample in the same words. */
  function knownSamples(id: number): KnownSampleData[] {
    const samples = groups.samplesOf(id).map((sample) => [JSON.stringify(sample), sample] as const)
    return [...new Map(samples).values()].slice(0, KNOWN_SAMPLES_MAX)
  }

  function detail(id: number): Detail | null {
    const file = rows.stored(id)
    if (!file || file.deletion !== null) return null
    const facts = rows.facts(id)
    const known_ = facts ? hashesOfFacts(facts) : hashes(file)
    const image = (['authSha256', 'authSha1'] as const).flatMap((kind) => {
      const hash = known_[kind]
      return hash
        ? sameImage.all(Buffer.from(hash, 'hex'), HASH_KINDS[kind], id, SAME_IMAGE_MAX)
        : []
    })
    const matches = yara.get(id)
    return {
      row: toRow(file),
      facts,
      hashes: Object.fromEntries(
        hashEntries(known_).map(([kind, hash]) => [HASH_LABELS[kind], hash]),
      ),
      names: names.all(id),
      notes: file.notes,
      verdictReason: file.verdict_reason,
      known: known.entriesOf(id),
      blocks: blocks.blocksOf(id),
      knownAsOf: knownAsOf(),
      blockPolicies: blockPolicies.get() ?? 0,
      knownSamples: knownSamples(id),
      yaraRead: matches !== undefined,
      yara: matches === undefined ? [] : (JSON.parse(matches) as YaraMatch[]),
      packages: packages.all(id).map((it) => ({
        ...(unpack(it.facts) as { inf: InfFacts | null; catalogue: CatalogueFacts | null }),
        id: it.id,
        name: it.name,
        members: members.all(it.id).map(({ name, sha256, is_listed }) => ({
          name,
          sha256,
          isListed: is_listed === null ? null : is_listed === 1,
        })),
      })),
      sameImage: rows.rows([...new Set(image)].slice(0, SAME_IMAGE_MAX)),
      quarantined: facts !== null && file.sha256 !== null && copy.get(file.sha256) !== undefined,
      toySampleId: twin.get(id) ?? null,
    }
  }

  return { detail, hashes, knownAsOf }
}
