/** Rows of `files` and what hangs on them, written together with their terms and columns. */
import type { Database } from 'better-sqlite3'
import { FACTS_SCHEMA, type FileFacts } from '../../../shared/driver-file/facts'
import type { KnownSampleData } from '../../../shared/driver-file/known'
import type { FileIndex } from './file-index'
import type { FileGroups } from './groups'
import { bytesOfHash, hashEntries, hashesOfFacts, hashesOfSamples } from './hashes'
import { HASH_KINDS, type Hashes } from './hashes'
import type { Term } from './index/postings'
import { readingOf, type FactsFrom, type Reading } from './reading'
import { pack, type FileRows, type StoredFile } from './rows'
import { setAdded, setColumns, summaryOfFacts, summaryOfSamples, type Summary } from './summary'
import { termsOfAnnotations, termsOfFacts, termsOfKnown, termsOfNames } from './terms'
import { termsOfRow, termsOfSamples, worstCategory, type KnownState } from './terms'

/** Aliases kept of one file; an archive can hold a file under any number of names. */
export const ALIASES_MAX = 1000

const NOTHING_SAID = { status: 'new', verdict: 'none', verdictReason: '', notes: '', tags: [] }
const TERMS_OF_NOTHING_SAID = termsOfAnnotations(NOTHING_SAID)

/** What a row rests on: the file's facts, or what reference data says. */
export type Source =
  | { facts: FileFacts; from: FactsFrom }
  /** `hashes`: all that the samples say, when they are at hand. */
  | { samples: readonly KnownSampleData[]; hashes?: Hashes }

export interface NewFile {
  source: Source
  name: string
  /** Where it came from under this name. */
  from: string
  job: number | null
  tags: readonly string[]
  /** The entries that list it, when they are at hand. */
  known?: KnownState | null
  /** When; now, if not given. */
  at?: string
}

export interface Reread {
  job: number | null
  /** Whether the file itself comes only now: it then counts as added now. */
  isNew: boolean
  /** What the row rests on in the index; as the tables have it, if not given. */
  was?: Source
}

export interface FileWriter {
  insert(file: NewFile): number
  /** Give a row another source: a known sample whose file arrived, or the way back. */
  reread(id: number, source: Source, how: Reread): void
  /** @returns whether the name is new for the file */
  addName(id: number, name: string, from: string, job: number | null, at?: string): boolean
  /** Take away what a file has only while it is here itself: names of a job, matches, packages. */
  dropBrought(id: number, job: number): void
  /** Mark as deleted, or bring back with `null`. */
  setDeletion(id: number, deletion: string | null): void
  /** Take a row away for good, with everything that hangs on it. */
  purge(id: number): void
}

interface Read {
  origin: 'file' | 'known'
  sha256: string | null
  schema: string | null
  reading: Reading | null
  summary: Summary
  hashes: Hashes
  terms: Term[]
  facts: FileFacts | null
}

function read(source: Source): Read {
  if ('facts' in source) {
    const { facts } = source
    return {
      origin: 'file',
      sha256: facts.hashes.sha256,
      schema: FACTS_SCHEMA,
      reading: readingOf(facts, source.from),
      summary: summaryOfFacts(facts),
      hashes: hashesOfFacts(facts),
      terms: termsOfFacts(facts),
      facts,
    }
  }
  const hashes = source.hashes ?? hashesOfSamples(source.samples)
  return {
    origin: 'known',
    sha256: hashes.sha256 ?? null,
    schema: null,
    reading: null,
    summary: summaryOfSamples(source.samples),
    hashes,
    terms: termsOfSamples(source.samples),
    facts: null,
  }
}

export function createFileWriter(
  db: Database,
  index: FileIndex,
  rows: FileRows,
  groups: FileGroups,
  now: () => Date,
): FileWriter {
  const insertRow = db.prepare(`
    INSERT INTO files (sha256, origin, name, schema, reading, size, machine, types, compiled,
      signature, signer, signed_at, evidence, capabilities, known, tags, from_known, job_id, added_at)
    VALUES (@sha256, @origin, @name, @schema, @reading, @size, @machine, @types, @compiled,
      @signature, @signer, @signedAt, @evidence, @capabilities, @known, @tags, @fromKnown, @job, @at)
  `)
  const updateRow = db.prepare(`
    UPDATE files SET sha256 = @sha256, origin = @origin, schema = @schema,
      reading = @reading, size = @size, machine = @machine, types = @types, compiled = @compiled,
      signature = @signature, signer = @signer, signed_at = @signedAt, evidence = @evidence, capabilities = @capabilities,
      job_id = @job, added_at = @at
    WHERE id = @id
  `)
  const putFacts = db.prepare('INSERT OR REPLACE INTO file_facts (file_id, facts) VALUES (?, ?)')
  const dropFacts = db.prepare('DELETE FROM file_facts WHERE file_id = ?')
  const putHash = db.prepare(
    'INSERT OR IGNORE INTO file_hashes (hash, kind, file_id) VALUES (?, ?, ?)',
  )
  const dropHash = db.prepare('DELETE FROM file_hashes WHERE hash = ? AND kind = ? AND file_id = ?')
  const putName = db.prepare(
    'INSERT OR IGNORE INTO file_names (file_id, name, origin, at, job_id) VALUES (?, ?, ?, ?, ?)',
  )
  const countName = db.prepare('UPDATE files SET aliases = aliases + 1 WHERE id = ?')
  const dropNames = db.prepare(
    'DELETE FROM file_names WHERE file_id = ? AND job_id = ? AND name <> ?',
  )
  const uncountNames = db.prepare('UPDATE files SET aliases = aliases - ? WHERE id = ?')
  const dropYara = db.prepare('DELETE FROM file_yara WHERE file_id = ?')
  const dropMember = db.prepare('DELETE FROM package_members WHERE file_id = ?')
  const setDeleted = db.prepare('UPDATE files SET deletion = ?, deleted_at = ? WHERE id = ?')
  const dropRow = db.prepare('DELETE FROM files WHERE id = ?')

  const putHashes = (id: number, hashes: Hashes): void => {
    for (const [kind, hash] of hashEntries(hashes))
      putHash.run(bytesOfHash(hash), HASH_KINDS[kind], id)
  }
  const dropHashes = (id: number, hashes: Hashes): void => {
    for (const [kind, hash] of hashEntries(hashes))
      dropHash.run(bytesOfHash(hash), HASH_KINDS[kind], id)
  }
  const present = (id: number): StoredFile => {
    const file = rows.stored(id)
    if (!file) throw new Error(`There is no file ${id}.`)
    return file
  }
  const sourceOf = (file: StoredFile): Source => {
    const facts = file.origin === 'file' ? rows.facts(file.id) : null
    // Where they came from has no say in the terms.
    return facts ? { facts, from: 'bytes' } : { samples: groups.samplesOf(file.id) }
  }

  function insert(file: NewFile): number {
    const { source, name, from, job, tags, known } = file
    const it = read(source)
    const at = file.at ?? now().toISOString()
    const shown = tidyName(name)
    const id = Number(
      insertRow.run({
        ...it.summary,
        sha256: it.sha256,
        origin: it.origin,
        name: shown,
        schema: it.schema,
        reading: it.reading,
        known: known ? worstCategory(known) : null,
        tags: JSON.stringify(tags),
        fromKnown: it.origin === 'known' ? 1 : 0,
        job,
        at,
      }).lastInsertRowid,
    )
    putName.run(id, shown, from, at, job)
    putHashes(id, it.hashes)
    if (it.facts) putFacts.run(id, pack(it.facts))
    index.postings.add(id, [
      ...termsOfRow({ origin: it.origin, job, isAlive: true }),
      ...it.terms,
      ...termsOfNames([shown]),
      ...(known ? termsOfKnown(known) : []),
      ...(tags.length > 0 ? termsOfAnnotations({ ...NOTHING_SAID, tags }) : TERMS_OF_NOTHING_SAID),
    ])
    setColumns(index.columns, id, it.summary, it.facts)
    setAdded(index.columns, id, at)
    index.orders.textsChanged()
    return id
  }

  function reread(id: number, source: Source, { job, isNew, was }: Reread): void {
    const file = present(id)
    const before = read(was ?? sourceOf(file))
    const after = read(source)
    const isAlive = file.deletion === null
    const at = isNew ? now().toISOString() : file.added_at
    updateRow.run({
      ...after.summary,
      id,
      sha256: after.sha256,
      origin: after.origin,
      schema: after.schema,
      reading: after.reading,
      job,
      at,
    })
    dropHashes(id, before.hashes)
    putHashes(id, after.hashes)
    if (after.facts) putFacts.run(id, pack(after.facts))
    else dropFacts.run(id)
    index.replace(
      id,
      [...termsOfRow({ origin: file.origin, job: file.job_id, isAlive }), ...before.terms],
      [...termsOfRow({ origin: after.origin, job, isAlive }), ...after.terms],
    )
    setColumns(index.columns, id, after.summary, after.facts)
    setAdded(index.columns, id, at)
    index.orders.textsChanged()
  }

  function addName(
    id: number,
    name: string,
    from: string,
    job: number | null,
    at = now().toISOString(),
  ): boolean {
    if (present(id).aliases >= ALIASES_MAX) return false
    const shown = tidyName(name)
    const before = groups.names(id)
    if (putName.run(id, shown, from, at, job).changes === 0) return false
    countName.run(id)
    index.replace(id, before, groups.names(id))
    return true
  }

  function dropBrought(id: number, job: number): void {
    const before = [...groups.names(id), ...groups.yara(id)]
    const gone = dropNames.run(id, job, present(id).name).changes
    uncountNames.run(gone, id)
    dropYara.run(id)
    dropMember.run(id)
    index.replace(id, before, [...groups.names(id), ...groups.yara(id)])
  }

  function setDeletion(id: number, deletion: string | null): void {
    setDeleted.run(deletion, deletion === null ? null : now().toISOString(), id)
    const alive = [{ field: 'alive', value: 'yes', label: 'yes' }]
    if (deletion === null) index.postings.add(id, alive)
    else index.postings.remove(id, alive)
  }

  function purge(id: number): void {
    const file = present(id)
    index.postings.remove(id, groups.all(file))
    dropHashes(id, read(sourceOf(file)).hashes)
    setColumns(index.columns, id, summaryOfSamples([]), null)
    index.columns.set('added', id, null)
    dropRow.run(id)
    index.orders.textsChanged()
  }

  return { insert, reread, addName, dropBrought, setDeletion, purge }
}

/**
 * A name as one line, without the marks that turn the direction of writing: with them `gpj.sys` is
 * shown as `sys.jpg`.
 */
export const tidyName = (name: string): string =>
  name
    .replace(/[\s\p{Cc}\p{Cf}\p{Cs}]+/gu, ' ')
    .trim()
    .slice(0, 300) || 'unnamed'
