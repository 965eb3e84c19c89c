/** `ring0 import`, `ring0 search`, `ring0 export`: the catalogue's shelf without its window. */
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { FileRow, IntakeFailure, IntakeJob } from '../../../shared/contract/files'
import type { AppError, Result } from '../../../shared/errors'
import { exportPieces } from '../../desk/exporting'
import { writeText } from '../../desk/write-text'
import type { ExportArguments, ImportArguments, SearchArguments } from '../arguments'
import { openShelf, openShelfWithDesk, type OpenShelf } from './open'
import { asTyped, whereTyped } from '../where-typed'
import { plain, rowsAsText } from './report'

/** Do it with what was opened, and close it whatever happens. @returns the exit status */
async function using<T extends OpenShelf>(
  opening: Promise<Result<T>>,
  work: (shelf: T) => number | Promise<number>,
): Promise<number> {
  const opened = await opening
  if (!opened.ok) return refuse(opened.error)
  try {
    return await work(opened.value)
  } finally {
    opened.value.close()
  }
}

function refuse({ message, hint, detail }: AppError): number {
  const lines = detail ? [hint, ...detail.split('\n')] : [hint]
  process.stderr.write(`ring0: ${plain(message)}\n`)
  for (const line of lines) process.stderr.write(`       ${plain(line)}\n`)
  return 1
}

export function importFiles(options: ImportArguments): Promise<number> {
  const waiting = new Map<number, () => void>()
  const onProgress = (job: IntakeJob): void => {
    if (job.state === 'running') showProgress(job)
    else waiting.get(job.id)?.()
  }
  return using(openShelfWithDesk(options.catalogue, onProgress), async ({ desk }) => {
    const paths = options.paths.map((path) => resolve(whereTyped(path)))
    const { tags, passwords } = options
    const started = await desk.handlers['intake.dropped']({
      paths,
      tags,
      passwords,
      keepBytes: false,
    })
    if (!started.ok) return refuse(started.error)
    const id = started.value.job
    if (id === null) return 1
    await new Promise<void>((done) => {
      waiting.set(id, done)
      if (stateOf(desk.intake.jobs(), id) !== 'running') done()
    })
    const job = desk.intake.jobs().find((it) => it.id === id)
    if (!job) return 1
    const failures: IntakeFailure[] = []
    for (;;) {
      const page = desk.intake.failures(id, failures.length).failures
      if (page.length === 0) break
      failures.push(...page)
    }
    // One that was interrupted stays, and can be resumed in the app.
    if (job.state === 'done') await desk.intake.control(id, 'dismiss')
    clearProgress()
    const { added, merged, failed, interruption = null } = job
    if (options.json)
      process.stdout.write(
        `${JSON.stringify({ added, merged, failed, interruption, failures }, null, 2)}\n`,
      )
    else {
      for (const { name, offset, reason } of failures)
        process.stdout.write(
          `${plain(name)}${offset === null ? '' : ` at ${offset}`}: ${plain(reason)}\n`,
        )
      process.stdout.write(`${added} added, ${merged} merged, ${failed} failed\n`)
    }
    if (interruption !== null)
      process.stderr.write(`ring0: the import was interrupted. ${plain(interruption)}\n`)
    return failed > 0 || job.state !== 'done' ? 1 : 0
  })
}

const stateOf = (jobs: readonly IntakeJob[], id: number): IntakeJob['state'] | undefined =>
  jobs.find((job) => job.id === id)?.state

/** One line that is written over, on a terminal only. */
function showProgress({ done, total, phase }: IntakeJob): void {
  if (!process.stderr.isTTY) return
  const text = phase === 'listing' ? `listing, ${total} files` : `${done} of ${total} files`
  process.stderr.write(`\r${text}\u001b[K`)
}
function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}

export function searchFiles(options: SearchArguments): Promise<number> {
  const { query, sort, ascending, limit, json } = options
  return using(openShelf(options.catalogue), ({ catalogue }) => {
    const page = (offset: number): ReturnType<typeof catalogue.files.list> =>
      catalogue.files.list({
        query,
        sort: { key: sort, descending: !ascending },
        offset,
        limit: Math.min(1000, limit - offset),
      })
    const { rows: first, total, problem, hashNote } = page(0)
    const rows: FileRow[] = [...first]
    while (rows.length < Math.min(limit, total)) {
      const { rows: more } = page(rows.length)
      if (more.length === 0) break
      rows.push(...more)
    }
    if (json)
      process.stdout.write(
        `${JSON.stringify({ schema: 'ring0-search/1', total, problem, hashNote, files: rows }, null, 2)}\n`,
      )
    else {
      if (problem !== null) process.stderr.write(`ring0: ${plain(problem)}\n`)
      process.stdout.write(rowsAsText(rows))
      if (hashNote !== null) process.stdout.write(`${plain(hashNote)}\n`)
      process.stdout.write(`${rows.length} of ${total}\n`)
    }
    return problem === null ? 0 : 1
  })
}

export function exportFiles(options: ExportArguments): Promise<number> {
  return using(openShelf(options.catalogue), async ({ catalogue }) => {
    const selected = catalogue.files.selected({ query: options.query })
    if (!selected.ok) return refuse(selected.error)
    const left: string[] = []
    const pieces = exportPieces(catalogue.files, options.format, selected.value, new Date(), left)
    if (options.out === null) {
      for (const piece of pieces)
        if (!process.stdout.write(piece)) await once(process.stdout, 'drain')
    } else {
      const written = await writeText(asTyped(options.out), pieces)
      if (!written.ok) return refuse(written.error)
      process.stderr.write(
        `${selected.value.length - left.length} files written to ${options.out}\n`,
      )
    }
    for (const line of left) process.stderr.write(`left out: ${plain(line)}\n`)
    return 0
  })
}
