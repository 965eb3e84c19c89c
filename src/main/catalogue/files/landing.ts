/**
 * Files that come in: a new row, a known sample that becomes a real file, or another name of a file
 * that is there. A file that is there keeps its facts, notes and tags.
 */
import type { Database } from 'better-sqlite3'
import type { YaraMatch } from '../../../shared/contract/files'
import { FACTS_SCHEMA } from '../../../shared/driver-file/facts'
import type { LandedFile, LandedPackage } from '../../../shared/driver-file/intake'
import type { FileAnnotations } from './annotations'
import type { BlockStore } from './blocks'
import type { FileIndex } from './file-index'
import type { FileWriter } from './file-writer'
import type { FileGroups } from './groups'
import { hashesOfFacts } from './hashes'
import type { KnownStore } from './known'
import { annotationsOf, pack, type FileRows } from './rows'
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
   */
  put(
    files: readonly LandedFile[],
    packages: readonly LandedPackage[],
    job: number | null,
    tags: readonly string[],
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
  ): { id: number; isAdded: boolean } {
    const { facts } = file
    const present = bySha256.get(facts.hashes.sha256)
    const before = present === undefined ? undefined : rows.stored(present)
    const hashes = hashesOfFacts(facts)
    const becomes = before?.origin === 'known' ? before.id : before ? null : known.rowOf(hashes)
    let id: number
    let isAdded = true
    if (becomes !== null) {
      id = becomes
      writer.reread(id, { facts }, { job, isNew: true })
      writer.addName(id, file.name, file.from)
      addTags(id, tags)
    } else if (before) {
      id = before.id
      isAdded = before.deletion !== null
      if (isAdded) writer.reread(id, { facts }, { job, isNew: true })
      else if (before.schema !== FACTS_SCHEMA)
        writer.reread(id, { facts }, { job: before.job_id, isNew: false })
      writer.addName(id, file.name, file.from)
    } else {
      id = writer.insert({ source: { facts }, name: file.name, from: file.from, job, tags })
    }
    if (rows.stored(id)?.deletion !== null) writer.setDeletion(id, null)
    if (isAdded) {
      known.recognise(id, hashes)
      blocks.check(id, facts)
      annotations.note(id, 'imported', '', file.from)
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
    put: (files, packages, job, tags) =>
      index.write(() => {
        const tidy = tidyTags(tags)
        for (const { key, name, inf, catalogue } of packages)
          if (packageOf.get(key) === undefined)
            insertPackage.run(key, name, pack({ inf, catalogue }))
        const landed: Landed = { added: [], merged: [] }
        for (const file of files) {
          const { id, isAdded } = putFile(file, job, tidy)
          landed[isAdded ? 'added' : 'merged'].push(id)
        }
        return landed
      }),
  }
}
