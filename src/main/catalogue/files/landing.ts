/**
 * Files that come in: a new row, a known sample that becomes a real file, or another name of a file
 * that is there. A file that is there keeps its notes, tags and status, and its facts unless those
 * that come are better (`reading.ts`).
 */
import type { Database } from 'better-sqlite3'
import type { YaraMatch } from '../../../shared/contract/files'
import type { FileFacts } from '../../../shared/driver-file/facts'
import type { LandedFile, LandedPackage } from '../../../shared/driver-file/intake'
import type { FileAnnotations } from './annotations'
import type { BlockStore } from './blocks'
import type { FileIndex } from './file-index'
import type { FileWriter, Source } from './file-writer'
import type { FileGroups } from './groups'
import { hashesOfFacts } from './hashes'
import type { KnownStore } from './known'
import { fromOf, isBetter, readingOf, type FactsFrom } from './reading'
import { annotationsOf, pack, type FileRows, type StoredFile } from './rows'
import { tidyTags } from './tags'

export interface Landed {
  /** Ids of files that were not here before. */
  added: number[]
  /** Ids of files that were. */
  merged: number[]
}

export interface FileLanding {
  /**
   * Take files and packages in, in one transaction.
   * @param job   that brings them; null for none
   * @param tags  put on the files that are added
   * @param from  where the facts come from: the bytes of the files, if not given
   */
  put(
    files: readonly LandedFile[],
    packages: readonly LandedPackage[],
    job: number | null,
    tags: readonly string[],
    from?: FactsFrom,
  ): Landed
}

export function createFileLanding(parts: {
  db: Database
  index: FileIndex
  rows: FileRows
  groups: FileGroups
  writer: FileWriter
  known: KnownStore
  blocks: BlockStore
  annotations: FileAnnotations
  now: () => Date
}): FileLanding {
  const { db, index, rows, groups, writer, known, blocks, annotations, now } = parts
  const bySha256 = db.prepare<[string], number>('SELECT id FROM files WHERE sha256 = ?').pluck()
  const putYara = db.prepare('INSERT OR REPLACE INTO file_yara (file_id, matches) VALUES (?, ?)')
  const putCopy = db.prepare(
    `INSERT OR REPLACE INTO quarantine (sha256, name, size, kept_at) VALUES (?, ?, ?, ?)`,
  )
  const packageOf = db.prepare<[string], number>('SELECT id FROM packages WHERE key = ?').pluck()
  const insertPackage = db.prepare('INSERT INTO packages (key, name, facts) VALUES (?, ?, ?)')
  const putMember = db.prepare(
    `INSERT OR REPLACE INTO package_members (package_id, file_id, name, is_listed)
     VALUES (?, ?, ?, ?)`,
  )

  function putFile(
    file: LandedFile,
    job: number | null,
    tags: readonly string[],
    from: FactsFrom,
  ): { id: number; isAdded: boolean } {
    const { facts } = file
    const source = { facts, from }
    const present = bySha256.get(facts.hashes.sha256)
    const hashes = hashesOfFacts(facts)
    const there = present ?? known.rowOf(hashes)
    const before = there === null ? undefined : rows.stored(there)
    let id: number
    let isAdded = true
    let isReread = true
    if (before) {
      id = before.id
      isAdded = before.origin === 'known' || before.deletion !== null
      const better = isBetterThan(source, before) ? source : null
      isReread = isAdded || better !== null
      if (isReread)
        writer.reread(id, better ?? kept(before), {
          job: isAdded ? job : before.job_id,
          isNew: isAdded,
        })
      writer.addName(id, file.name, file.from, job)
      if (isAdded) addTags(id, tags)
    } else {
      id = writer.insert({ source, name: file.name, from: file.from, job, tags })
    }
    if (rows.stored(id)?.deletion !== null) writer.setDeletion(id, null)
    if (isReread) {
      known.recognise(id, hashes)
      blocks.check(id, rows.facts(id))
      annotations.note(id, isAdded ? 'imported' : 'read again', '', file.from)
    }
    if (file.yara) setYara(id, file.yara)
    if (file.quarantine !== null)
      putCopy.run(facts.hashes.sha256, file.quarantine, facts.size, now().toISOString())
    for (const { key, isListed } of file.packages) {
      const packageId = packageOf.get(key)
      if (packageId === undefined) continue
      putMember.run(packageId, id, file.name, isListed === null ? null : isListed ? 1 : 0)
    }
    return { id, isAdded }
  }

  function isBetterThan(next: { facts: FileFacts; from: FactsFrom }, here: StoredFile): boolean {
    return isBetter(
      { facts: next.facts, reading: readingOf(next.facts, next.from) },
      { schema: here.schema, reading: here.reading, facts: () => rows.facts(here.id) },
    )
  }

  /** The facts that are here, for a file that comes back with worse ones. */
  function kept(here: StoredFile): Source {
    const facts = rows.facts(here.id)
    if (!facts) throw new Error(`File ${here.id} has no facts.`)
    return { facts, from: fromOf(here.reading) }
  }

  function addTags(id: number, tags: readonly string[]): void {
    const file = rows.stored(id)
    if (!file || tags.length === 0) return
    const before = annotationsOf(file)
    annotations.set(file, { ...before, tags: tidyTags([...before.tags, ...tags]) }, null)
  }

  function setYara(id: number, matches: readonly YaraMatch[]): void {
    const before = groups.yara(id)
    putYara.run(id, JSON.stringify(matches))
    index.replace(id, before, groups.yara(id))
  }

  return {
    put: (files, packages, job, tags, from = 'bytes') =>
      index.write(() => {
        const tidy = tidyTags(tags)
        for (const { key, name, inf, catalogue } of packages)
          if (packageOf.get(key) === undefined)
            insertPackage.run(key, name, pack({ inf, catalogue }))
        const landed: Landed = { added: [], merged: [] }
        for (const file of files) {
          const { id, isAdded } = putFile(file, job, tidy, from)
          landed[isAdded ? 'added' : 'merged'].push(id)
        }
        return landed
      }),
  }
}
