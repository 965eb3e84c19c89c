/** Import jobs, their lists and failures, in the same file as what they bring. */
import type { Database } from 'better-sqlite3'
import { randomUUID } from 'node:crypto'
import type { IntakeFailure } from '../../../shared/contract/files'
import type {
  IntakeBatch,
  IntakeItem,
  JobStore,
  Landing,
  NewItem,
  StoredJob,
} from '../../../shared/driver-file/intake'
import type { FileDocuments } from './documents'
import type { FileIndex } from './file-index'
import type { FileWriter } from './file-writer'
import type { FileGroups } from './groups'
import type { FileLanding } from './landing'

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

const NOTHING_LANDED: Landing = { added: 0, merged: 0, failed: 0, problems: [] }

export function createIntakeStore(parts: {
  db: Database
  index: FileIndex
  groups: FileGroups
  writer: FileWriter
  landing: FileLanding
  documents: FileDocuments
  now: () => Date
}): JobStore {
  const { db, index, groups, writer, landing, documents, now } = parts
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

  function undo(job: number): number {
    const files = filesOfJob.all(job)
    const deletion = randomUUID()
    for (const { id, from_known } of files) {
      const samples = from_known === 1 ? groups.samplesOf(id) : []
      if (samples.length > 0) writer.reread(id, { samples }, { job: null, isNew: false })
      else writer.setDeletion(id, deletion)
    }
    return files.length
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
    land: (job, batch) => index.write(() => land(job, batch)),
    failures: (job, offset, limit) => ({
      total: countFailures.get(job) ?? 0,
      failures: failureRows.all(job, limit, offset),
    }),
    undo: (job) => index.write(() => undo(job)),
    dismiss: (job) =>
      index.write(() => {
        get(job)
        hideJob.run(job)
        dropItems.run(job)
        dropFailures.run(job)
      }),
  }
}
