/** Run records: what was asked and what came of it. With the request a run is played again. */
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { RunRow, catalogueContract } from '../../shared/contract/catalogue'
import { RunReport, RunRequest } from '../../shared/contract/model'
import { fail, ok, type Result } from '../../shared/errors'
import type { TextStore } from './texts'

type SaveInput = z.output<(typeof catalogueContract)['runs.save']['input']>
export interface StoredRun {
  row: RunRow
  request: RunRequest
  report: RunReport
}

export interface RunStore {
  list(sampleId: number | null, limit: number): RunRow[]
  get(id: string): Result<StoredRun>
  /** Saving the same id again replaces the record: a run is saved once when it ends. */
  save(input: SaveInput, startedAt?: string): Result<{ id: string }>
  delete(ids: readonly string[]): number
}

interface Row {
  id: string
  sample_id: number | null
  sample_title: string
  started_at: string
  seed: number
  outcome: string
  events: number
  summary: string
}

const StoredRequest = RunRequest.omit({ files: true })

/** One line for lists: what ended the run, or what it did. */
export function summaryOf(report: RunReport): string {
  if (report.bugcheck) return `${shortCode(report.bugcheck.code)} ${report.bugcheck.name}`
  if (report.report) return `${shortCode(report.report.code)} ${report.report.name}`
  if (report.leaks.length > 0) {
    const kinds = report.leaks.map(
      (leak) => `${leak.count} ${leak.kind}${leak.tag ? ` ${leak.tag}` : ''}`,
    )
    return `left behind: ${kinds.join(', ')}`
  }
  if (report.reason) return report.reason
  const first = report.diagnostics.find((diagnostic) => diagnostic.severity === 'error')
  if (report.outcome === 'compile-error' && first)
    return `${first.code} ${first.file}:${first.line} ${first.message}`
  if (report.outcome === 'load-failed')
    return `DriverEntry gave ${report.driverEntry?.status ?? 'no status'}`
  const requests = report.requests.length
  const failed = report.requests.filter((request) => Number(request.status) >= 0xc0000000).length
  const text = requests === 1 ? '1 request' : `${requests} requests`
  return failed > 0 ? `${text}, ${failed} failed` : text
}

/** `0x00000044` as people say it: `0x44`. */
const shortCode = (code: string): string => code.replace(/^0x0+(?=[0-9a-fA-F]{2})/, '0x')

export function createRunStore(db: Database, texts: TextStore, now: () => Date): RunStore {
  const columns = 'id, sample_id, sample_title, started_at, seed, outcome, events, summary'
  const all = db.prepare<[number], Row>(
    `SELECT ${columns} FROM runs ORDER BY started_at DESC, rowid DESC LIMIT ?`,
  )
  const ofSample = db.prepare<[number, number], Row>(
    `SELECT ${columns} FROM runs WHERE sample_id = ? ORDER BY started_at DESC, rowid DESC LIMIT ?`,
  )
  const byId = db.prepare<[string], Row & { request: string; report: string }>(
    `SELECT ${columns}, request, report FROM runs WHERE id = ?`,
  )
  const filesOf = db.prepare<[string], { path: string; digest: string }>(
    'SELECT path, digest FROM run_files WHERE run_id = ? ORDER BY path',
  )
  const remove = db.prepare('DELETE FROM runs WHERE id = ?')
  const insert = db.prepare(`
    INSERT INTO runs (id, sample_id, sample_title, started_at, seed, outcome, events, summary, request, report)
    VALUES (@id, (SELECT id FROM samples WHERE id = @sampleId), @sampleTitle, @startedAt, @seed, @outcome,
      @events, @summary, @request, @report)
  `)
  const insertFile = db.prepare('INSERT INTO run_files (run_id, path, digest) VALUES (?, ?, ?)')

  const save = db.transaction((input: SaveInput, startedAt?: string): Result<{ id: string }> => {
    const { files, ...request } = input.request
    // A record that is saved again keeps its place in the list.
    const before = byId.get(input.id)
    remove.run(input.id)
    insert.run({
      id: input.id,
      sampleId: input.sampleId,
      sampleTitle: input.sampleTitle,
      startedAt: startedAt ?? before?.started_at ?? now().toISOString(),
      seed: input.request.seed,
      outcome: input.report.outcome,
      events: input.report.stats.events,
      summary: summaryOf(input.report).slice(0, 300),
      request: JSON.stringify(request),
      report: JSON.stringify(input.report),
    })
    for (const [path, digest] of Object.entries(texts.putAll(files)))
      insertFile.run(input.id, path, digest)
    return ok({ id: input.id })
  })

  const deleteRuns = db.transaction((ids: readonly string[]): number =>
    ids.reduce((deleted, id) => deleted + remove.run(id).changes, 0),
  )

  return {
    list: (sampleId, limit) =>
      (sampleId === null ? all.all(limit) : ofSample.all(sampleId, limit)).map(toRow),
    get(id) {
      const row = byId.get(id)
      if (!row) return fail('not-found', `There is no run ${id}.`, 'It may have been deleted.')
      const digests = Object.fromEntries(filesOf.all(id).map(({ path, digest }) => [path, digest]))
      const request = StoredRequest.safeParse(JSON.parse(row.request))
      const report = RunReport.safeParse(JSON.parse(row.report))
      if (!request.success || !report.success)
        return fail(
          'file-invalid',
          'This run was kept by another version of Ring0 Lab, in a form that this one does not read.',
          'Its sources are safe in its sample; run them again.',
          String(request.error ?? report.error),
        )
      return ok({
        row: toRow(row),
        request: { ...request.data, files: texts.getAll(digests) },
        report: report.data,
      })
    },
    save: (input, startedAt) => save.immediate(input, startedAt),
    delete: (ids) => deleteRuns.immediate(ids),
  }
}

const toRow = (row: Row): RunRow => ({
  id: row.id,
  sampleId: row.sample_id,
  sampleTitle: row.sample_title,
  startedAt: row.started_at,
  seed: row.seed,
  outcome: row.outcome,
  events: row.events,
  summary: row.summary,
})
