/** The shelf of toy drivers: list and search, change, delete with a way back. */
import { randomUUID } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type {
  Sample,
  SampleInput,
  SampleSummary,
  catalogueContract,
} from '../../shared/contract/catalogue'
import type { ProjectFiles } from '../../shared/contract/model'
import { fail, ok, type Result } from '../../shared/errors'
import { parseQuery } from '../../shared/query'
import { LAST_OUTCOME, planSearch, type SearchPlan } from './search'
import { contentDigest, isProjectPath, slugOf, tidyTag } from './text'
import type { TextStore } from './texts'

export type SampleFields = z.output<typeof SampleInput>
type ListInput = z.output<(typeof catalogueContract)['samples.list']['input']>
type ListOutput = z.input<(typeof catalogueContract)['samples.list']['output']>
type UpdateInput = z.output<(typeof catalogueContract)['samples.update']['input']>
type Version = z.input<(typeof catalogueContract)['samples.versions']['output']>['versions'][number]

/** Earlier texts kept of one sample. */
export const VERSIONS_MAX = 50

export interface SampleStore {
  list(input: ListInput): ListOutput
  get(id: number): Result<Sample>
  create(fields: SampleFields, origin?: Sample['origin']): Result<Sample>
  /** A shipped sample keeps its own text: only its tags and notes can be changed. */
  update(input: UpdateInput): Result<Sample>
  duplicate(id: number): Result<Sample>
  /** Mark samples as deleted; the answer is the word that brings exactly these back. */
  delete(ids: readonly number[]): Result<{ undo: string }>
  undoDelete(undo: string): Result<{ restored: number }>
  /** What `undoDelete` can bring back, newest first. */
  deletions(): { undo: string; deletedAt: string; titles: string[] }[]
  restoreBundled(): { restored: number }
  tag(
    ids: readonly number[],
    add: readonly string[],
    remove: readonly string[],
  ): { changed: number }
  versions(id: number): Result<{ versions: Version[] }>
  revert(id: number, version: number): Result<Sample>
  /** Forget what was deleted before this moment (ISO text), shipped samples excepted. */
  sweep(before: string): number
  /** Write the search index of one sample anew, after its rows were changed. */
  reindex(id: number): void
  /** The slug itself, or with the first number that is free. */
  freeSlug(title: string): string
}

interface Row {
  id: number
  slug: string
  title: string
  summary: string
  status: SampleSummary['status']
  origin: SampleSummary['origin']
  notes: string
  created_at: string
  updated_at: string
}
interface ListRow extends Row {
  runs: number
  last_outcome: string | null
  snippet: string | null
}

const COLUMNS = `s.id, s.slug, s.title, s.summary, s.status, s.origin, s.notes, s.created_at, s.updated_at,
  (SELECT count(*) FROM runs WHERE sample_id = s.id) AS runs,
  ${LAST_OUTCOME} AS last_outcome`

const ORDER: Record<ListInput['sort'], string> = {
  shelf: 's.shelf_order, s.title COLLATE NOCASE, s.id',
  title: 's.title COLLATE NOCASE, s.id',
  updated: 's.updated_at DESC, s.id DESC',
  // Weights: title, summary, tags, notes, sources.
  relevance: 'bm25(samples_fts, 10.0, 5.0, 8.0, 3.0, 1.0), s.shelf_order, s.id',
}

/**
 * @param now   the clock, so that tests decide what time it is
 */
export function createSampleStore(db: Database, texts: TextStore, now: () => Date): SampleStore {
  const rowById = db.prepare<[number], ListRow>(
    `SELECT ${COLUMNS}, NULL AS snippet FROM samples s WHERE s.id = ? AND s.deleted_at IS NULL`,
  )
  const tagsOf = db
    .prepare<[number], string>('SELECT tag FROM sample_tags WHERE sample_id = ? ORDER BY tag')
    .pluck()
  const filesOf = db.prepare<[number], { path: string; digest: string }>(
    'SELECT path, digest FROM sample_files WHERE sample_id = ? ORDER BY path',
  )
  const insertFile = db.prepare(
    'INSERT INTO sample_files (sample_id, path, digest) VALUES (?, ?, ?)',
  )
  const deleteFiles = db.prepare('DELETE FROM sample_files WHERE sample_id = ?')
  const insertTag = db.prepare(
    'INSERT INTO sample_tags (sample_id, tag) VALUES (?, ?) ON CONFLICT DO NOTHING',
  )
  const deleteTag = db.prepare('DELETE FROM sample_tags WHERE sample_id = ? AND tag = ?')
  const slugTaken = db
    .prepare<[string], number>('SELECT id FROM samples WHERE slug = ? AND deleted_at IS NULL')
    .pluck()
  const isAlive = db
    .prepare<[number], number>('SELECT id FROM samples WHERE id = ? AND deleted_at IS NULL')
    .pluck()
  const insertSample = db.prepare(`
    INSERT INTO samples (slug, title, summary, status, origin, notes, content, created_at, updated_at)
    VALUES (@slug, @title, @summary, @status, @origin, @notes, @content, @time, @time)
  `)
  const updateSample = db.prepare(`
    UPDATE samples SET slug = @slug, title = @title, summary = @summary, status = @status,
      notes = @notes, content = @content, updated_at = @time
    WHERE id = @id
  `)
  const removeFromIndex = db.prepare('DELETE FROM samples_fts WHERE rowid = ?')
  const addToIndex = db.prepare(`
    INSERT INTO samples_fts (rowid, title, summary, tags, notes, sources) VALUES (?, ?, ?, ?, ?, ?)
  `)

  const notFound = (id: number): Result<never> =>
    fail(
      'not-found',
      `There is no sample ${id}.`,
      'It may have been deleted; look in the catalogue.',
    )

  const digestsOf = (id: number): Record<string, string> =>
    Object.fromEntries(filesOf.all(id).map(({ path, digest }) => [path, digest]))

  const toSummary = (row: ListRow): SampleSummary => ({
    id: row.id,
    slug: row.slug,
    title: row.title,
    summary: row.summary,
    status: row.status,
    origin: row.origin,
    tags: tagsOf.all(row.id),
    updatedAt: row.updated_at,
    runs: row.runs,
    lastOutcome: row.last_outcome,
    snippet: row.snippet?.includes('‹') ? row.snippet : null,
  })

  function get(id: number): Result<Sample> {
    const row = rowById.get(id)
    if (!row) return notFound(id)
    return ok({
      ...toSummary(row),
      notes: row.notes,
      createdAt: row.created_at,
      files: texts.getAll(digestsOf(id)),
    })
  }

  function freeSlug(title: string): string {
    const base = slugOf(title)
    for (let number = 1; ; number++) {
      const slug = number === 1 ? base : `${base}-${number}`
      if (slugTaken.get(slug) === undefined) return slug
    }
  }

  function reindex(id: number): void {
    removeFromIndex.run(id)
    const row = rowById.get(id)
    if (!row) return
    const files = texts.getAll(digestsOf(id))
    const sources = Object.entries(files).map(([path, body]) => `${path}\n${body}`)
    addToIndex.run(
      id,
      row.title,
      row.summary,
      tagsOf.all(id).join(' · '),
      row.notes,
      // The short name too: it is what a folder and a link are called.
      [row.slug, ...sources].join('\n'),
    )
  }

  function setFiles(id: number, digests: Record<string, string>): void {
    deleteFiles.run(id)
    for (const [path, digest] of Object.entries(digests)) insertFile.run(id, path, digest)
  }

  function setTags(id: number, tags: readonly string[]): void {
    const wanted = new Set(tags.map(tidyTag).filter((tag) => tag !== ''))
    const present = tagsOf.all(id)
    const wantedLower = new Set([...wanted].map((tag) => tag.toLowerCase()))
    for (const tag of present) if (!wantedLower.has(tag.toLowerCase())) deleteTag.run(id, tag)
    for (const tag of wanted) insertTag.run(id, tag)
  }

  /** Keep the present text as a version, unless it is the same as the coming one. */
  function keepVersion(id: number, coming: Record<string, string>): void {
    const present = digestsOf(id)
    if (JSON.stringify(present) === JSON.stringify(sorted(coming))) return
    db.prepare(
      `INSERT INTO sample_versions (sample_id, version, saved_at, title, files)
       SELECT id, coalesce((SELECT max(version) FROM sample_versions WHERE sample_id = @id), 0) + 1,
         updated_at, title, @files
       FROM samples WHERE id = @id`,
    ).run({ id, files: JSON.stringify(present) })
    db.prepare(
      `DELETE FROM sample_versions WHERE sample_id = @id AND version <=
         (SELECT max(version) FROM sample_versions WHERE sample_id = @id) - ${VERSIONS_MAX}`,
    ).run({ id })
  }

  const create = db.transaction(
    (fields: SampleFields, origin: Sample['origin'] = 'user'): Result<Sample> => {
      const problem = checkFiles(fields.files)
      if (problem) return problem
      const { lastInsertRowid } = insertSample.run({
        slug: freeSlug(fields.title),
        title: fields.title,
        summary: fields.summary,
        status: fields.status,
        origin,
        notes: fields.notes,
        content: contentDigest(fields.title, fields.files),
        time: now().toISOString(),
      })
      const id = Number(lastInsertRowid)
      setFiles(id, texts.putAll(fields.files))
      setTags(id, fields.tags)
      reindex(id)
      return get(id)
    },
  )

  const update = db.transaction((input: UpdateInput): Result<Sample> => {
    const present = get(input.id)
    if (!present.ok) return present
    const before = present.value
    const files = input.files ?? before.files
    const problem = checkFiles(files)
    if (problem) return problem
    const after = {
      title: input.title ?? before.title,
      summary: input.summary ?? before.summary,
      status: input.status ?? before.status,
      notes: input.notes ?? before.notes,
    }
    const content = contentDigest(after.title, files)
    if (
      before.origin === 'bundled' &&
      (content !== contentDigest(before.title, before.files) ||
        after.summary !== before.summary ||
        after.status !== before.status)
    )
      return fail(
        'bad-request',
        `“${before.title}” ships with the app and keeps its text.`,
        'Duplicate it and change the copy. Its tags and notes can be changed here.',
      )
    const digests = texts.putAll(files)
    keepVersion(input.id, digests)
    updateSample.run({
      id: input.id,
      slug: after.title === before.title ? before.slug : freeSlug(after.title),
      ...after,
      content,
      time: now().toISOString(),
    })
    setFiles(input.id, digests)
    if (input.tags) setTags(input.id, input.tags)
    reindex(input.id)
    return get(input.id)
  })

  const markDeleted = db.transaction((ids: readonly number[]): Result<{ undo: string }> => {
    const alive = [...new Set(ids)].filter((id) => isAlive.get(id) !== undefined)
    if (alive.length === 0)
      return fail('not-found', 'None of these samples is there.', 'They may be deleted already.')
    const undo = randomUUID()
    const mark = db.prepare('UPDATE samples SET deleted_at = ?, deletion = ? WHERE id = ?')
    for (const id of alive) {
      mark.run(now().toISOString(), undo, id)
      removeFromIndex.run(id)
    }
    return ok({ undo })
  })

  function bringBack(rows: { id: number; slug: string; title: string }[]): number {
    const revive = db.prepare(
      'UPDATE samples SET deleted_at = NULL, deletion = NULL, slug = ? WHERE id = ?',
    )
    for (const row of rows) {
      const slug = slugTaken.get(row.slug) === undefined ? row.slug : freeSlug(row.title)
      revive.run(slug, row.id)
      reindex(row.id)
    }
    return rows.length
  }

  const undoDelete = db.transaction((undo: string): Result<{ restored: number }> => {
    const rows = db
      .prepare<[string], { id: number; slug: string; title: string }>(
        'SELECT id, slug, title FROM samples WHERE deletion = ? ORDER BY id',
      )
      .all(undo)
    if (rows.length === 0)
      return fail(
        'not-found',
        'This deletion cannot be undone any more.',
        'It was undone before, or the samples were swept up after 30 days.',
      )
    return ok({ restored: bringBack(rows) })
  })

  const restoreBundled = db.transaction((): { restored: number } => ({
    restored: bringBack(
      db
        .prepare<[], { id: number; slug: string; title: string }>(
          `SELECT id, slug, title FROM samples
           WHERE origin = 'bundled' AND deleted_at IS NOT NULL ORDER BY id`,
        )
        .all(),
    ),
  }))

  const tag = db.transaction(
    (ids: readonly number[], add: readonly string[], remove: readonly string[]) => {
      let changed = 0
      for (const id of new Set(ids)) {
        if (isAlive.get(id) === undefined) continue
        let changes = 0
        for (const name of add.map(tidyTag))
          if (name !== '') changes += insertTag.run(id, name).changes
        for (const name of remove.map(tidyTag)) changes += deleteTag.run(id, name).changes
        if (changes > 0) {
          changed++
          reindex(id)
        }
      }
      return { changed }
    },
  )

  function versions(id: number): Result<{ versions: Version[] }> {
    if (isAlive.get(id) === undefined) return notFound(id)
    const rows = db
      .prepare<[number], { version: number; saved_at: string; title: string; files: string }>(
        `SELECT version, saved_at, title, files FROM sample_versions
         WHERE sample_id = ? ORDER BY version DESC`,
      )
      .all(id)
    return ok({
      versions: rows.map((row) => ({
        version: row.version,
        savedAt: row.saved_at,
        title: row.title,
        files: Object.keys(JSON.parse(row.files) as Record<string, string>),
      })),
    })
  }

  const revert = db.transaction((id: number, version: number): Result<Sample> => {
    if (isAlive.get(id) === undefined) return notFound(id)
    const kept = db
      .prepare<[number, number], string>(
        'SELECT files FROM sample_versions WHERE sample_id = ? AND version = ?',
      )
      .pluck()
      .get(id, version)
    if (kept === undefined)
      return fail(
        'not-found',
        `Version ${version} of this sample is not kept.`,
        `The last ${VERSIONS_MAX} versions are; choose one of them.`,
      )
    return update({ id, files: texts.getAll(JSON.parse(kept) as Record<string, string>) })
  })

  const sweep = db.transaction((before: string): number => {
    const ids = db
      .prepare<[string], number>(
        `SELECT id FROM samples WHERE deleted_at < ? AND origin <> 'bundled'`,
      )
      .pluck()
      .all(before)
    const remove = db.prepare('DELETE FROM samples WHERE id = ?')
    for (const id of ids) remove.run(id)
    return ids.length
  })

  function list(input: ListInput): ListOutput {
    const { terms, problems } = parseQuery(input.query)
    const plan = planSearch(terms)
    const source = plan.match
      ? 'samples s JOIN samples_fts ON samples_fts.rowid = s.id AND samples_fts MATCH ?'
      : 'samples s'
    const where = conditions(plan)
    const params = [...(plan.match ? [plan.match] : []), ...where.params]
    const snippet = plan.match ? `snippet(samples_fts, -1, '‹', '›', '…', 56)` : 'NULL'
    const order = ORDER[input.sort === 'relevance' && !plan.match ? 'shelf' : input.sort]
    const rows = db
      .prepare<unknown[], ListRow>(
        `SELECT ${COLUMNS}, ${snippet} AS snippet FROM ${source} WHERE ${where.sql}
         ORDER BY ${order} LIMIT ? OFFSET ?`,
      )
      .all(...params, input.limit, input.offset)
    return {
      total: count(db, `SELECT count(*) FROM samples s WHERE ${where.sql}`, where.params),
      all: count(db, 'SELECT count(*) FROM samples WHERE deleted_at IS NULL', []),
      samples: rows.map(toSummary),
      tags: db
        .prepare<unknown[], { tag: string; count: number }>(
          `SELECT min(t.tag) AS tag, count(*) AS count FROM sample_tags t JOIN samples s ON s.id = t.sample_id
           WHERE ${where.sql} GROUP BY t.tag ORDER BY count DESC, t.tag`,
        )
        .all(...where.params),
      ...facets(db, terms),
      problem: problems.length > 0 ? problems.join(' ') : null,
    }
  }

  return {
    list,
    get,
    create: (fields, origin) => create.immediate(fields, origin),
    update: (input) => update.immediate(input),
    duplicate: (id) => {
      const present = get(id)
      if (!present.ok) return present
      const { title, summary, tags, notes, files } = present.value
      return create.immediate(
        { title: `${title} (copy)`.slice(0, 200), summary, tags, notes, files, status: 'draft' },
        'user',
      )
    },
    delete: (ids) => markDeleted.immediate(ids),
    undoDelete: (undo) => undoDelete.immediate(undo),
    deletions: () =>
      db
        .prepare<[], { undo: string; deletedAt: string; titles: string }>(
          `SELECT deletion AS undo, max(deleted_at) AS deletedAt, json_group_array(title) AS titles
           FROM samples WHERE deletion IS NOT NULL GROUP BY deletion ORDER BY max(deleted_at) DESC, max(id) DESC`,
        )
        .all()
        .map((row) => ({ ...row, titles: JSON.parse(row.titles) as string[] })),
    restoreBundled: () => restoreBundled.immediate(),
    tag: (ids, add, remove) => tag.immediate(ids, add, remove),
    versions,
    revert: (id, version) => revert.immediate(id, version),
    sweep: (before) => sweep.immediate(before),
    reindex,
    freeSlug,
  }
}

const sorted = (record: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))

function conditions(plan: SearchPlan): { sql: string; params: string[] } {
  return {
    sql: plan.where.map((condition) => condition.sql).join(' AND '),
    params: plan.where.flatMap((condition) => condition.params),
  }
}

const count = (db: Database, sql: string, params: string[]): number =>
  Number(
    db
      .prepare<unknown[], number>(sql)
      .pluck()
      .get(...params) ?? 0,
  )

/** How many samples each status and outcome would give, the rest of the query being the same. */
function facets(
  db: Database,
  terms: ReturnType<typeof parseQuery>['terms'],
): Pick<ListOutput, 'statuses' | 'outcomes'> {
  const status = conditions(planSearch(terms, 'status'))
  const outcome = conditions(planSearch(terms, 'outcome'))
  return {
    statuses: db
      .prepare<unknown[], { status: SampleSummary['status']; count: number }>(
        `SELECT s.status AS status, count(*) AS count FROM samples s WHERE ${status.sql}
         GROUP BY s.status ORDER BY count DESC, s.status`,
      )
      .all(...status.params),
    outcomes: db
      .prepare<unknown[], { outcome: string; count: number }>(
        `SELECT coalesce(${LAST_OUTCOME}, 'none') AS outcome, count(*) AS count FROM samples s
         WHERE ${outcome.sql} GROUP BY 1 ORDER BY count DESC, 1`,
      )
      .all(...outcome.params),
  }
}

function checkFiles(files: ProjectFiles): Result<never> | null {
  const bad = Object.keys(files).find((path) => !isProjectPath(path))
  if (bad !== undefined)
    return fail(
      'bad-request',
      `“${bad.slice(0, 80)}” cannot be the name of a file in a sample.`,
      'Use a relative name with letters, digits, dashes, dots and slashes.',
    )
  if (Object.keys(files).length > 200)
    return fail('bad-request', 'A sample has at most 200 files.', 'Leave some of them out.')
  return null
}
