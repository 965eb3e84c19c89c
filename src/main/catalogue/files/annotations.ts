/**
 * What people say of files (status, verdict, tags, notes), and the trail of who changed what. Each
 * changed field of each file is one row of the trail with its text before and after; the rows of one
 * change share a word, and taking that change back is a change with a word of its own.
 */
import { randomUUID } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { AuditEntry, filesContract } from '../../../shared/contract/files'
import { fail, ok, type Result } from '../../../shared/errors'
import type { FileIndex } from './file-index'
import type { FileWriter } from './file-writer'
import { annotationsOf, type FileRows, type StoredFile } from './rows'
import { inSlices } from './slices'
import { tidyTags, withoutTags } from './tags'
import { termsOfAnnotations, type Annotations } from './terms'

type AnnotateInput = Omit<z.output<(typeof filesContract)['files.annotate']['input']>, 'selection'>
export interface Changed {
  changed: number
  undo: string | null
}

/** Files changed in the first transaction of a change. */
const SLICE = 500
/** Bytes of notes that one change may write: they stand in each file and in its trail. */
const BULK_NOTES_MAX = 64 * 2 ** 20

export interface FileAnnotations {
  /** Give a file new annotations, with their trail. Inside a write. @returns whether any differ */
  set(file: StoredFile, next: Annotations, change: string | null, isUndo?: boolean): boolean
  /** A row of the trail that is no annotation. Inside a write. */
  note(fileId: number, what: string, before: string, after: string): void
  annotate(ids: readonly number[], input: AnnotateInput): Promise<Result<Changed>>
  remove(ids: readonly number[]): Promise<Result<Changed>>
  /** Take a change or a removal back. */
  undo(word: string): Promise<Result<{ changed: number; undo: string | null }>>
  history(id: number): AuditEntry[]
}

interface AuditRow {
  id: number
  file_id: number
  at: string
  what: string
  before: string
  after: string
  change: string | null
  is_undo: number
  undone: number
}

interface Verdict {
  verdict: StoredFile['verdict']
  reason: string
}

export function createFileAnnotations(
  db: Database,
  index: FileIndex,
  rows: FileRows,
  writer: FileWriter,
  now: () => Date,
): FileAnnotations {
  const update = db.prepare(
    `UPDATE files SET status = @status, verdict = @verdict, verdict_reason = @verdictReason,
       notes = @notes, tags = @tags WHERE id = @id`,
  )
  const insertAudit = db.prepare(
    `INSERT INTO file_audit (file_id, at, what, before, after, change, is_undo)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const auditOf = db.prepare<[number], AuditRow>(
    'SELECT * FROM file_audit WHERE file_id = ? ORDER BY id DESC',
  )
  const changeRows = db.prepare<[string], AuditRow>(
    'SELECT * FROM file_audit WHERE change = ? AND undone = 0 ORDER BY id DESC',
  )
  const markUndone = db.prepare('UPDATE file_audit SET undone = 1 WHERE id = ?')
  const deletedBy = db
    .prepare<[string], number>('SELECT id FROM files WHERE deletion = ? ORDER BY id')
    .pluck()

  const asAudit = (it: Annotations): Record<string, string> => ({
    status: it.status,
    verdict: JSON.stringify({ verdict: it.verdict, reason: it.verdictReason }),
    notes: it.notes,
    tags: JSON.stringify(it.tags),
  })

  function set(
    file: StoredFile,
    next: Annotations,
    change: string | null,
    isUndo = false,
  ): boolean {
    const before = annotationsOf(file)
    const [old, fresh] = [asAudit(before), asAudit(next)]
    const differing = Object.keys(old).filter((what) => old[what] !== fresh[what])
    if (differing.length === 0) return false
    update.run({ ...next, tags: JSON.stringify(next.tags), id: file.id })
    const at = now().toISOString()
    for (const what of differing)
      insertAudit.run(file.id, at, what, old[what], fresh[what], change, isUndo ? 1 : 0)
    index.replace(file.id, termsOfAnnotations(before), termsOfAnnotations(next))
    return true
  }

  const note = (fileId: number, what: string, before: string, after: string): void =>
    void insertAudit.run(fileId, now().toISOString(), what, before, after, null, 0)

  async function annotate(ids: readonly number[], input: AnnotateInput): Promise<Result<Changed>> {
    if ((input.notes?.length ?? 0) * ids.length > BULK_NOTES_MAX)
      return fail(
        'bad-request',
        `These notes are too long to be put on ${ids.length} files at once.`,
        'Shorten them, or choose fewer files.',
      )
    const change = randomUUID()
    let changed = 0
    await inSlices(ids, SLICE, (slice) =>
      index.write(() => {
        for (const id of slice) {
          const file = rows.stored(id)
          if (!file || file.deletion !== null) continue
          const before = annotationsOf(file)
          const tags = tidyTags(withoutTags([...before.tags, ...input.addTags], input.removeTags))
          const next: Annotations = {
            status: input.status ?? before.status,
            verdict: input.verdict ?? before.verdict,
            verdictReason: input.verdictReason ?? before.verdictReason,
            notes: input.notes ?? before.notes,
            tags,
          }
          if (set(file, next, change)) changed++
        }
      }),
    )
    return ok({ changed, undo: changed > 0 ? change : null })
  }

  async function remove(ids: readonly number[]): Promise<Result<Changed>> {
    const deletion = randomUUID()
    let changed = 0
    await inSlices(ids, SLICE, (slice) =>
      index.write(() => {
        for (const id of slice) {
          const file = rows.stored(id)
          if (!file || file.deletion !== null) continue
          writer.setDeletion(id, deletion)
          insertAudit.run(id, now().toISOString(), 'removed', '', '', deletion, 0)
          changed++
        }
      }),
    )
    return ok({ changed, undo: changed > 0 ? deletion : null })
  }

  async function undo(word: string): Promise<Result<{ changed: number; undo: string | null }>> {
    const change = randomUUID()
    const deleted = deletedBy.all(word)
    const trail = changeRows.all(word)
    const changed = new Set<number>()
    await inSlices(deleted, SLICE, (slice) =>
      index.write(() => {
        for (const id of slice) {
          writer.setDeletion(id, null)
          insertAudit.run(id, now().toISOString(), 'removed', '', '', change, 1)
          changed.add(id)
        }
      }),
    )
    await inSlices(trail, SLICE, (slice) =>
      index.write(() => {
        for (const row of slice) {
          markUndone.run(row.id)
          const file = rows.stored(row.file_id)
          if (!file || row.what === 'removed') continue
          if (set(file, takenBack(annotationsOf(file), row), change, true)) changed.add(file.id)
        }
      }),
    )
    if (deleted.length === 0 && trail.length === 0)
      return fail(
        'not-found',
        'This change cannot be undone any more.',
        'It was undone before, or the files were swept up after 30 days.',
      )
    return ok({ changed: changed.size, undo: changed.size > 0 ? change : null })
  }

  function history(id: number): AuditEntry[] {
    return auditOf.all(id).map((row) => ({
      id: row.id,
      at: row.at,
      what: row.is_undo === 1 ? 'undone' : row.what,
      before: inWords(row.what, row.before),
      after: inWords(row.what, row.after),
      ...(row.change !== null && row.undone === 0 ? { undo: row.change } : {}),
    }))
  }

  return { set, note, annotate, remove, undo, history }
}

/** A file's annotations without what one row of the trail did. Tags that came since stay. */
function takenBack(now: Annotations, row: AuditRow): Annotations {
  switch (row.what) {
    case 'status':
      return { ...now, status: row.before }
    case 'notes':
      return { ...now, notes: row.before }
    case 'verdict': {
      const { verdict, reason } = JSON.parse(row.before) as Verdict
      return { ...now, verdict, verdictReason: reason }
    }
    case 'tags': {
      const before = JSON.parse(row.before) as string[]
      const after = JSON.parse(row.after) as string[]
      const added = withoutTags(after, before)
      const removed = withoutTags(before, after)
      return { ...now, tags: tidyTags([...withoutTags(now.tags, added), ...removed]) }
    }
    default:
      return now
  }
}

function inWords(what: string, text: string): string {
  if (what === 'tags') return (JSON.parse(text) as string[]).join(', ')
  // As the window writes it: `in work`.
  if (what === 'status') return text.replace('-', ' ')
  if (what !== 'verdict') return text
  const { verdict, reason } = JSON.parse(text) as Verdict
  return reason === '' ? verdict : `${verdict}: ${reason}`
}
