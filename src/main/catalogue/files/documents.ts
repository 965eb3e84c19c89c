/** The shelf's own JSON, out and in (`shared/driver-file/document.ts`). */
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { YaraMatch } from '../../../shared/contract/files'
import {
  DOCUMENT_FORMAT,
  DOCUMENT_VERSION,
  DocumentFile,
  DocumentHeader,
} from '../../../shared/driver-file/document'
import { identityKey } from '../../known/identity'
import type { FileAnnotations } from './annotations'
import type { FileDetails } from './detail'
import type { FileIndex } from './file-index'
import { tidyName, type FileWriter } from './file-writer'
import type { FileLanding } from './landing'
import type { KnownStore } from './known'
import { annotationsOf, type FileRows } from './rows'
import { setAdded } from './summary'
import { tidyTags } from './tags'
import { HASH_KINDS, type HashKind } from './hashes'

export interface Merged {
  added: number
  merged: number
  /** What could not be taken, in words with the place. */
  problems: string[]
}

export interface FileDocuments {
  header(ids: readonly number[]): DocumentHeader
  files(ids: readonly number[], left?: string[]): Iterable<DocumentFile>
  /**
   * The whole document in pieces of text, one file in memory at a time.
   * @param left  gets a sentence for each file that has no place in it
   */
  text(ids: readonly number[], left?: string[]): Iterable<string>
  /** Take in files of a document. Annotations of both sides are kept. Inside or outside a write. */
  merge(header: unknown, files: readonly unknown[], job: number | null): Merged
}

export function createFileDocuments(parts: {
  db: Database
  index: FileIndex
  rows: FileRows
  details: FileDetails
  writer: FileWriter
  landing: FileLanding
  known: KnownStore
  annotations: FileAnnotations
  now: () => Date
}): FileDocuments {
  const { db, index, rows, details, writer, landing, known, annotations, now } = parts
  const withHash = db
    .prepare<[Uint8Array, number], number>(
      `SELECT h.file_id FROM file_hashes h JOIN files f ON f.id = h.file_id
       WHERE h.hash = ? AND h.kind = ? ORDER BY f.origin = 'known' DESC, f.id LIMIT 1`,
    )
    .pluck()
  const setAddedAt = db.prepare('UPDATE files SET added_at = ? WHERE id = ?')
  const setNameTime = db.prepare(
    'UPDATE file_names SET origin = ?, at = ? WHERE file_id = ? AND name = ?',
  )

  function* files(ids: readonly number[], left: string[] = []): Generator<DocumentFile> {
    for (const id of ids) {
      const detail = details.detail(id)
      const file = rows.stored(id)
      if (!detail || !file) continue
      const hashes = details.hashes(file)
      const identity = identityKey(hashes)
      const { name } = detail.row
      if (identity === null) {
        left.push(`${name}: no file was seen, and no entry lists it any more`)
        continue
      }
      yield {
        identity,
        hashes: detail.facts ? {} : hashes,
        names: detail.names.toSorted((a, b) => Number(b.name === name) - Number(a.name === name)),
        addedAt: detail.row.addedAt,
        facts: detail.facts as DocumentFile['facts'],
        notes: detail.notes,
        tags: detail.row.tags,
        status: detail.row.status,
        verdict: detail.row.verdict,
        verdictReason: detail.verdictReason,
        yara: detail.yara as YaraMatch[],
      }
    }
  }

  const header = (ids: readonly number[]): DocumentHeader => ({
    format: DOCUMENT_FORMAT,
    version: DOCUMENT_VERSION,
    createdAt: now().toISOString(),
    reference: known.referenceOf(ids),
  })

  function* text(ids: readonly number[], left: string[] = []): Generator<string> {
    const head = JSON.stringify(header(ids))
    yield `${head.slice(0, -1)},"files":[`
    let comma = ''
    for (const file of files(ids, left)) {
      yield `${comma}\n${JSON.stringify(file)}`
      comma = ','
    }
    yield '\n]}\n'
  }

  function fileOf({ identity, facts }: DocumentFile): number | null {
    const [kind, hash] = facts ? ['sha256', facts.hashes.sha256] : identity.split(':')
    return withHash.get(Buffer.from(hash!, 'hex'), HASH_KINDS[kind as HashKind]) ?? null
  }

  /** @param made  rows of reference data that came with this document */
  function mergeFile(
    file: DocumentFile,
    made: ReadonlySet<number>,
    job: number | null,
  ): 'added' | 'merged' | null {
    let id = fileOf(file)
    let isNew = id === null || made.has(id)
    if (file.facts) {
      const [{ name, from }] = file.names as [DocumentFile['names'][number]]
      const yara = file.yara.length > 0 ? file.yara : null
      const { facts } = file
      const landed = landing.put(
        [{ name, from, facts, quarantine: null, yara, packages: [] }],
        [],
        job,
        [],
        'document',
      )
      isNew &&= landed.added.length > 0
      id = landed.added[0] ?? landed.merged[0] ?? null
    }
    if (id === null) return null
    for (const { name, from, at } of file.names) {
      writer.addName(id, name, from, job, at)
      if (isNew) setNameTime.run(from, at, id, name)
    }
    if (isNew) {
      setAddedAt.run(file.addedAt, id)
      setAdded(index.columns, id, file.addedAt)
    }
    const row = rows.stored(id)
    if (!row) return null
    annotations.set(row, joined(annotationsOf(row), file), null)
    return isNew ? 'added' : 'merged'
  }

  function merge(head: unknown, list: readonly unknown[], job: number | null): Merged {
    const parsed = DocumentHeader.safeParse(head)
    if (!parsed.success)
      return {
        added: 0,
        merged: 0,
        problems: [`it is not a list of files of this app (${firstIssue(parsed.error)})`],
      }
    return index.write(() => {
      const merged: Merged = { added: 0, merged: 0, problems: [] }
      const made = new Set(
        parsed.data.reference.flatMap(({ entries, ...source }) =>
          known.addMissing(source, entries),
        ),
      )
      list.forEach((each, at) => {
        const file = DocumentFile.safeParse(each)
        if (!file.success) {
          merged.problems.push(`file ${at + 1} cannot be used (${firstIssue(file.error)})`)
          return
        }
        const names = file.data.names.map(({ name, from, at }) => ({
          ...{ name: tidyName(name), from: tidyName(from), at },
        }))
        const outcome = mergeFile({ ...file.data, names }, made, job)
        if (outcome === null)
          merged.problems.push(
            `file ${at + 1} (${file.data.names[0]!.name}) has no facts and is not known here`,
          )
        else merged[outcome]++
      })
      return merged
    })
  }

  return { header, files, text, merge }
}

/** Both sides' words: what is set here stays, tags are joined, differing notes stand below each other. */
function joined(
  here: ReturnType<typeof annotationsOf>,
  there: DocumentFile,
): ReturnType<typeof annotationsOf> {
  const notes =
    there.notes === '' || here.notes.includes(there.notes)
      ? here.notes
      : here.notes === ''
        ? there.notes
        : `${here.notes}\n\n${there.notes}`
  const isOpen = here.verdict === 'none' && here.verdictReason === ''
  return {
    status: here.status === 'new' ? there.status : here.status,
    verdict: isOpen ? there.verdict : here.verdict,
    verdictReason: isOpen ? there.verdictReason : here.verdictReason,
    notes: notes.slice(0, 200_000),
    tags: tidyTags([...here.tags, ...there.tags]),
  }
}

const firstIssue = (error: z.ZodError): string => {
  const [issue] = error.issues
  return issue ? `${issue.path.join('.') || 'the whole'}: ${issue.message}` : 'its form'
}
