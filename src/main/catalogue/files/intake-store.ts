/** Import jobs, their lists and failures, in the same file as what they bring. */
import type { Database } from 'better-sqlite3'
import type { IntakeFailure } from '../../../shared/contract/files'
import type {
  IntakeBatch,
  IntakeItem,
  JobStore,
  Landing,
  NewItem,
  StoredJob,
  Undone,
} from '../../../shared/driver-file/intake'
import { toAppError } from '../database'
import type { FileAnnotations } from './annotations'
import type { BlockStore } from './blocks'
import type { FileDocuments } from './documents'
import type { FileIndex } from './file-index'
import type { FileWriter } from './file-writer'
import type { KnownStore } from './known'
import type { FileLanding } from './landing'
import { annotationsOf, type FileRows } from './rows'
import { inSlices } from './slices'
import { withoutTags } from './tags'

interface JobRow {
  id: number
  title: string
  paths: string
  keep_bytes: number
  tags: string
  state: StoredJob['state']
  owner: string | null
  interruption: string | null
  phase: StoredJob['phase']
  started_at: string
  total: number
  done: number
  added: number
  merged: number
  failed: number
  noted: number
  skipped: number
  bytes_done: number
  bytes_total: number
}

interface ItemRow {
  number: number
  name: string
  path: string
  entries: string
  size: number
  is_given: number
}

const toJob = (row: JobRow): StoredJob => ({
  id: row.id,
  title: row.title,
  paths: JSON.parse(row.paths) as string[],
  keepBytes: row.keep_bytes === 1,
  tags: JSON.parse(row.tags) as string[],
  state: row.state,
  owner: row.owner,
  interruption: row.interruption,
  phase: row.phase,
  startedAt: row.started_at,
  total: row.total,
  done: row.done,
  added: row.added,
  merged: row.merged,
  failed: row.failed,
  noted: row.noted,
  skipped: row.skipped,
  bytesDone: row.bytes_done,
  bytesTotal: row.bytes_total,
})

const toItem = (row: ItemRow): IntakeItem => ({
  number: row.number,
  name: row.name,
  path: row.path,
  entries: JSON.parse(row.entries) as number[],
  size: row.size,
  isGiven: row.is_given === 1,
})

const NOBODY = { owner: null, interruption: null }

/** Not the fault of what is written: everything else would fail with it. */
const isOfTheDisk = (error: unknown): boolean => toAppError(error, '').code !== 'internal'

const NOTHING_LANDED: Landing = { added: 0, merged: 0, failed: 0, problems: [] }

export function createIntakeStore(parts: {
  db: Database
  index: FileIndex
  rows: FileRows
  writer: FileWriter
  known: KnownStore
  blocks: BlockStore
  annotations: FileAnnotations
  landing: FileLanding
  documents: FileDocuments
  now: () => Date
}): JobStore {
  const { db, index, rows, writer, known, blocks, annotations, landing, documents, now } = parts
  const insertJob = db.prepare(
    `INSERT INTO intake_jobs (title, paths, keep_bytes, tags, state, owner, phase, started_at)
     VALUES (@title, @paths, @keepBytes, @tags, 'running', @owner, 'listing', @at)`,
  )
  const allJobs = db.prepare<[], JobRow>(
    'SELECT * FROM intake_jobs WHERE dismissed = 0 ORDER BY id DESC',
  )
  const jobRow = db.prepare<[number], JobRow>('SELECT * FROM intake_jobs WHERE id = ?')
  const setState = db.prepare(
    `UPDATE intake_jobs SET state = @state, owner = @owner, interruption = @interruption
     WHERE id = @job`,
  )
  const setReading = db.prepare(`UPDATE intake_jobs SET phase = 'reading' WHERE id = ?`)
  const emptyJob = db.prepare(
    'UPDATE intake_jobs SET total = 0, bytes_total = 0, failed = 0, noted = 0 WHERE id = ?',
  )
  const growJob = db.prepare(
    'UPDATE intake_jobs SET total = total + ?, bytes_total = bytes_total + ? WHERE id = ?',
  )
  const countJob = db.prepare(
    `UPDATE intake_jobs SET done = done + @done, bytes_done = bytes_done + @bytes,
       added = added + @added, merged = merged + @merged, failed = failed + @failed,
       noted = noted + @noted, skipped = skipped + @skipped WHERE id = @job`,
  )
  const hideJob = db.prepare('UPDATE intake_jobs SET dismissed = 1 WHERE id = ?')
  const insertItem = db.prepare(
    `INSERT INTO intake_items (job_id, number, name, path, entries, size, is_given)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const takeItem = db
    .prepare<[number, number], number>(
      'DELETE FROM intake_items WHERE job_id = ? AND number = ? RETURNING size',
    )
    .pluck()
  const dropItems = db.prepare('DELETE FROM intake_items WHERE job_id = ?')
  const pendingItems = db.prepare<[number, number, number], ItemRow>(
    'SELECT * FROM intake_items WHERE job_id = ? AND number > ? ORDER BY number LIMIT ?',
  )
  const insertFailure = db.prepare(
    'INSERT INTO intake_failures (job_id, name, offset, reason) VALUES (?, ?, ?, ?)',
  )
  const dropFailures = db.prepare('DELETE FROM intake_failures WHERE job_id = ?')
  const failureRows = db.prepare<[number, number, number], IntakeFailure>(
    'SELECT name, offset, reason FROM intake_failures WHERE job_id = ? ORDER BY id LIMIT ? OFFSET ?',
  )
  const countFailures = db
    .prepare<[number], number>('SELECT count(*) FROM intake_failures WHERE job_id = ?')
    .pluck()
  const lastTagging = db.prepare<[number], { before: string }>(
    `SELECT before FROM file_audit WHERE file_id = ? AND what = 'tags' AND change IS NULL
     ORDER BY id DESC LIMIT 1`,
  )
  const filesOfJob = db.prepare<[number], { id: number; from_known: number }>(
    'SELECT id, from_known FROM files WHERE job_id = ? AND deletion IS NULL ORDER BY id',
  )

  function get(job: number): StoredJob {
    const row = jobRow.get(job)
    if (!row) throw new Error(`There is no import ${job}.`)
    return toJob(row)
  }

  function append(job: number, items: readonly NewItem[]): void {
    const { total } = get(job)
    let bytes = 0
    items.forEach(({ name, path, entries, size, isGiven }, at) => {
      const number = total + at + 1
      insertItem.run(job, number, name, path, JSON.stringify(entries), size, isGiven ? 1 : 0)
      bytes += size
    })
    if (items.length > 0) growJob.run(items.length, bytes, job)
  }

  const note = (job: number, failures: readonly IntakeFailure[]): void => {
    for (const { name, offset, reason } of failures) insertFailure.run(job, name, offset, reason)
  }
  const count = (job: number, change: Partial<Record<string, number>>): void =>
    void countJob.run({
      ...{ done: 0, bytes: 0, added: 0, merged: 0, failed: 0, noted: 0, skipped: 0 },
      ...change,
      job,
    })

  function land(job: number, batch: IntakeBatch): Landing {
    const { tags } = get(job)
    const sizes = batch.items.flatMap((number) => takeItem.all(job, number))
    // A batch that was written already and is sent again.
    if (batch.items.length > 0 && sizes.length === 0) return NOTHING_LANDED
    append(job, batch.found)
    const landed = landing.put(batch.files, batch.packages, job, tags)
    let [added, merged] = [landed.added.length, landed.merged.length]
    const problems: string[] = []
    for (const { from, header, files } of batch.records) {
      const taken = documents.merge(header, files, job)
      added += taken.added
      merged += taken.merged
      problems.push(...taken.problems.map((problem) => `${from}: ${problem}`))
    }
    const failures = [
      ...batch.failures,
      ...problems.map((reason) => ({ name: reason.split(': ')[0]!, offset: null, reason })),
    ]
    note(job, [...failures, ...batch.notices])
    count(job, {
      done: sizes.length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      added,
      merged,
      failed: failures.length,
      noted: batch.notices.length,
      skipped: batch.skipped,
    })
    return { added, merged, failed: failures.length, problems }
  }

  /** Make a known sample of a file again, without what came with the file. Inside a write. */
  function makeKnown(id: number, job: StoredJob): boolean {
    const samples = known.unrecognise(id)
    if (samples.length === 0) return false
    writer.dropBrought(id, job.id)
    writer.reread(id, { samples }, { job: null, isNew: false })
    blocks.check(id, null)
    const file = rows.stored(id)
    if (!file) return true
    const before = annotationsOf(file)
    const brought = tagsBrought(id, job.tags)
    annotations.set(file, { ...before, tags: withoutTags(before.tags, brought) }, null)
    annotations.note(id, 'removed', '', '')
    return true
  }

  /** Tags of a job that a file did not have before. */
  function tagsBrought(id: number, tags: readonly string[]): string[] {
    const change = lastTagging.get(id)
    if (!change || tags.length === 0) return []
    const had = JSON.parse(change.before) as string[]
    return withoutTags(tags, had)
  }

  async function undo(job: number): Promise<Undone> {
    const stored = get(job)
    index.write(() => {
      if (stored.state !== 'done') setState.run({ ...NOBODY, job, state: 'cancelled' })
      dropItems.run(job)
    })
    const removed: number[] = []
    let changed = 0
    await inSlices(filesOfJob.all(job), 40, (slice) =>
      index.write(() => {
        for (const { id, from_known } of slice)
          if (from_known === 1 && makeKnown(id, stored)) changed++
          else removed.push(id)
      }),
    )
    const gone = await annotations.remove(removed)
    if (!gone.ok) throw new Error(gone.error.message)
    return { changed: changed + gone.value.changed, undo: gone.value.undo }
  }

  /**
   * Write a batch of which something cannot be written: what fails alone is left out and told by
   * name, and the others come in.
   */
  function landSorted(job: number, batch: IntakeBatch): Landing {
    const failures: IntakeFailure[] = []
    const fits = (name: string, work: () => void): boolean => {
      const reason = reasonAgainst(work)
      if (reason !== null)
        failures.push({ name, offset: null, reason: `It cannot be put on the shelf: ${reason}` })
      return reason === null
    }
    const packages = batch.packages.filter((it) =>
      fits(it.name, () => landing.put([], [it], job, [])),
    )
    const files = batch.files.filter((it) =>
      fits(it.from, () => landing.put([it], packages, job, get(job).tags)),
    )
    const records = batch.records.map((record) => ({
      ...record,
      files: record.files.filter((file, at) =>
        fits(`${record.from}, file ${at + 1}`, () => documents.merge(record.header, [file], job)),
      ),
    }))
    const rest = { ...batch, packages, files, records, failures: [...batch.failures, ...failures] }
    return index.write(() => land(job, rest))
  }

  /** Try work and take it back. @returns why it fails, or null */
  function reasonAgainst(work: () => void): string | null {
    const taken = new Error('taken back')
    try {
      index.write(() => {
        work()
        throw taken
      })
    } catch (error) {
      if (error === taken) return null
      if (isOfTheDisk(error)) throw error
      return error instanceof Error ? error.message : String(error)
    }
    return null
  }

  return {
    create: ({ title, paths, keepBytes, tags }, owner = null) =>
      Number(
        insertJob.run({
          title,
          paths: JSON.stringify(paths),
          keepBytes: keepBytes ? 1 : 0,
          tags: JSON.stringify(tags),
          owner,
          at: now().toISOString(),
        }).lastInsertRowid,
      ),
    jobs: () => allJobs.all().map(toJob),
    get,
    setState: (job, state, { owner = null, interruption = null } = {}) => {
      get(job)
      setState.run({ job, state, owner, interruption })
    },
    clearList: (job) =>
      index.write(() => {
        if (get(job).phase !== 'listing') throw new Error(`The list of import ${job} is complete.`)
        dropItems.run(job)
        dropFailures.run(job)
        emptyJob.run(job)
      }),
    listed: (job, items, failures, isLast) =>
      index.write(() => {
        append(job, items)
        note(job, failures)
        count(job, { failed: failures.length })
        if (isLast) setReading.run(job)
      }),
    pending: (job, after, limit) => pendingItems.all(job, after, limit).map(toItem),
    land: (job, batch) => {
      try {
        return index.write(() => land(job, batch))
      } catch (error) {
        if (isOfTheDisk(error)) throw error
        get(job)
        return landSorted(job, batch)
      }
    },
    failures: (job, offset, limit) => ({
      total: countFailures.get(job) ?? 0,
      failures: failureRows.all(job, limit, offset),
    }),
    undo,
    dismiss: (job) =>
      index.write(() => {
        get(job)
        hideJob.run(job)
        dropItems.run(job)
        dropFailures.run(job)
      }),
  }
}
