/**
 * The shelf of driver files: what others of the app hold in hand. Parts are put together here; each
 * does one thing and is tested beside its source.
 */
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type {
  Comparison,
  FileDetail,
  FileRow,
  filesContract,
  Kin,
  Selection,
} from '../../../shared/contract/files'
import type { JobStore } from '../../../shared/driver-file/intake'
import { fail, ok, type Result } from '../../../shared/errors'
import type { Completion } from '../../../shared/query-tokens'
import { createFileAnnotations, type FileAnnotations } from './annotations'
import { createBlockStore, type BlockStore } from './blocks'
import { compareFiles, type Compared } from './compare'
import { createCompletion } from './complete'
import { createFileDetails } from './detail'
import { createFileDocuments, type FileDocuments } from './documents'
import { createFacets, type Facets } from './facets'
import { createFileIndex } from './file-index'
import { createFileWriter } from './file-writer'
import { createFileGroups } from './groups'
import { countBits, hasBit, idsOf } from './index/bitset'
import { createIntakeStore } from './intake-store'
import { createKin } from './kin'
import { createKnownStore, type KnownStore } from './known'
import { createFileLanding, type FileLanding } from './landing'
import { createQuarantineIndex, type QuarantineIndex } from './quarantine-index'
import { createFileRows } from './rows'
import { createFileSearch, type Found } from './search'
import { createSearchStore, type SearchStore } from './searches'
import { inSlices } from './slices'
import { setAdded, setColumns, summaryOfFacts, summaryOfSamples } from './summary'
import { INDEX_VERSION } from './terms'

type ListInput = z.output<(typeof filesContract)['files.list']['input']>
type ListOutput = z.input<(typeof filesContract)['files.list']['output']>
type IdsInput = z.output<(typeof filesContract)['files.ids']['input']>
type MatrixOutput = z.input<(typeof filesContract)['files.matrix']['output']>
type Selected = z.output<typeof Selection>

export interface FileShelf {
  list(input: ListInput): ListOutput
  /** Ids of a stretch of a result. */
  ids(input: IdsInput): number[]
  complete(text: string, cursor: number): { from: number; completions: Completion[] }
  get(id: number): Result<z.input<typeof FileDetail>>
  kin(id: number, tlshDistanceMax: number): Result<z.input<typeof Kin>>
  compare(left: number, right: number): Result<z.input<typeof Comparison>>
  matrix(ids: readonly number[]): MatrixOutput
  /** Ids of what the window selected. A query with a part that is not understood selects nothing. */
  selected(selection: Selected): Result<number[]>

  /** For exports, one file in memory at a time; what is not there is left out. */
  rowsOf(ids: Iterable<number>): Iterable<z.infer<typeof FileRow>>
  detailsOf(ids: Iterable<number>): Iterable<z.input<typeof FileDetail>>

  put: FileLanding['put']
  annotations: Pick<FileAnnotations, 'annotate' | 'remove' | 'undo' | 'history'>
  documents: FileDocuments
  known: Pick<KnownStore, 'apply' | 'hasSource' | 'sources'>
  blocks: Pick<BlockStore, 'apply' | 'remove' | 'policies'>
  searches: SearchStore
  jobs: JobStore
  quarantine: QuarantineIndex

  /** Remember the toy driver that was made of a file. */
  linkToy(fileId: number, sampleId: number): void
  /**
   * Forget files that were deleted before this moment (ISO text), at most `max` of them. Copies they
   * leave in the quarantine are `quarantine.orphans`.
   */
  sweep(before: string, max: number): number
  /**
   * Write the index anew when its terms have another version, and finish what a crash cut short. To
   * be called once after opening.
   */
  prepare(): Promise<void>
  /** Write the index anew from the tables. */
  reindex(): Promise<void>
}

export function createFileShelf(db: Database, now: () => Date): FileShelf {
  const index = createFileIndex(db)
  const rows = createFileRows(db)
  const groups = createFileGroups(db, rows)
  const writer = createFileWriter(db, index, rows, groups, now)
  const known = createKnownStore(db, index, rows, groups, writer, now)
  const blocks = createBlockStore(db, index, rows, groups, now)
  const annotations = createFileAnnotations(db, index, rows, writer, now)
  const parts = { db, index, rows, groups, writer, known, blocks, annotations, now }
  const landing = createFileLanding(parts)
  const details = createFileDetails(db, index, rows, groups, known, blocks)
  const documents = createFileDocuments({ ...parts, landing, details })
  const jobs = createIntakeStore({ ...parts, landing, documents })
  const search = createFileSearch(db, index.postings, index.columns)
  const facetsOf = createFacets(db, index.postings)
  const complete = createCompletion(db)
  const kinOf = createKin(index, rows, search, details)

  const setTwin = db.prepare('INSERT OR REPLACE INTO file_twins (file_id, sample_id) VALUES (?, ?)')
  const deletedBefore = db
    .prepare<[string, number], number>(
      `SELECT id FROM files WHERE deleted_at IS NOT NULL AND deleted_at < ? AND origin <> 'known'
       ORDER BY deleted_at LIMIT ?`,
    )
    .pluck()
  const dropPackages = db.prepare(
    'DELETE FROM packages WHERE id NOT IN (SELECT package_id FROM package_members)',
  )
  const everyId = db.prepare<[], number>('SELECT id FROM files ORDER BY id').pluck()
  const indexVersion = db
    .prepare<[], string>(`SELECT value FROM meta WHERE key = 'files.index'`)
    .pluck()
  const setIndexVersion = db.prepare(
    `INSERT INTO meta (key, value) VALUES ('files.index', @version)
     ON CONFLICT (key) DO UPDATE SET value = @version`,
  )

  /** The last results: a window that scrolls asks for one query again and again. */
  let recent: { generation: number; found: Map<string, Found & { facets: Facets | null }> } = {
    generation: -1,
    found: new Map(),
  }
  function find(query: string): Found & { facets: Facets | null } {
    index.refresh()
    if (recent.generation !== index.generation())
      recent = { generation: index.generation(), found: new Map() }
    let found = recent.found.get(query)
    if (!found) {
      found = { ...search.find(query), facets: null }
      recent.found.set(query, found)
      for (const oldest of recent.found.keys()) {
        if (recent.found.size <= 8) break
        recent.found.delete(oldest)
      }
    }
    return found
  }

  function list({ query, sort, offset, limit }: ListInput): ListOutput {
    const found = find(query)
    found.facets ??= facetsOf(found.bits, found.total)
    const { problems } = found.query
    const page = index.orders.page(found.bits, sort.key, sort.descending, offset, limit)
    return {
      total: found.total,
      all: countBits(search.alive()),
      rows: rows.rows(page),
      problem: problems.length > 0 ? problems.join(' ') : null,
      hashNote: found.total === 0 ? hashNote(found) : null,
      isFilling: known.isApplying(),
      facets: found.facets,
    }
  }

  function hashNote({ query }: Found): string | null {
    const asked = query.terms.flatMap(({ field, match, negated }) =>
      field === null && match.kind === 'hash' && !negated ? [match.hash] : [],
    )
    const [hash] = asked
    if (hash === undefined) return null
    if (asked.length > 1) return 'No file here has one of these hashes.'
    const said = [known.aboutHash(hash), blocks.aboutHash(hash)].filter((text) => text !== null)
    // With no policy at hand, `knownAsOf` says that nothing is said about blocking.
    const nobody =
      blocks.policies().length > 0
        ? 'Neither reference data nor a block policy names it.'
        : 'Reference data does not name it.'
    const rest = said.length > 0 ? said.join(' ') : nobody
    return `No file here has this hash. ${rest} ${details.knownAsOf().join(' ')}`
  }

  const missing = (id: number): Result<never> =>
    fail(
      'not-found',
      `There is no file ${id}.`,
      'It may have been removed; look in the list, or undo the removal.',
    )

  function compared(id: number): Compared | null {
    const file = rows.stored(id)
    const [row] = rows.rows([id])
    if (!file || !row || file.deletion !== null) return null
    return { row, hashes: details.hashes(file), facts: rows.facts(id) }
  }

  function matrix(ids: readonly number[]): MatrixOutput {
    const capabilities = new Map<string, MatrixOutput['capabilities'][number]>()
    const files = ids.flatMap((id) => {
      const it = compared(id)
      if (!it) return []
      const own = it.facts?.capabilities ?? []
      for (const { id: name, evidence: _, ...rest } of own)
        capabilities.set(name, { ...rest, id: name })
      return [{ row: it.row, capabilities: own.map((capability) => capability.id) }]
    })
    return { capabilities: [...capabilities.values()], files }
  }

  function selected(selection: Selected): Result<number[]> {
    index.refresh()
    if ('ids' in selection) {
      const alive = search.alive()
      return ok([...new Set(selection.ids)].filter((id) => hasBit(alive, id)))
    }
    const { query, bits } = find(selection.query)
    return query.problems.length > 0
      ? fail(
          'bad-request',
          `The query selects nothing, because a part of it is not understood: ${query.problems.join(' ')}`,
          'Correct the query, then choose the files again.',
        )
      : ok([...idsOf(bits)])
  }

  function* eachOf<T>(ids: Iterable<number>, of: (id: number) => T | null): Generator<T> {
    for (const id of ids) {
      const it = of(id)
      if (it !== null) yield it
    }
  }

  async function reindex(): Promise<void> {
    index.write(() => {
      index.postings.erase()
      index.columns.erase()
    })
    await inSlices(everyId.all(), 200, (slice) =>
      index.writeLazily(() => {
        for (const id of slice) {
          const file = rows.stored(id)
          if (!file) continue
          index.postings.add(id, groups.all(file))
          const facts = rows.facts(id)
          const summary = facts ? summaryOfFacts(facts) : summaryOfSamples(groups.samplesOf(id))
          setColumns(index.columns, id, summary, facts)
          setAdded(index.columns, id, file.added_at)
        }
      }),
    )
    index.write(() => setIndexVersion.run({ version: INDEX_VERSION }))
  }

  return {
    list,
    ids: ({ query, sort, offset, limit }) =>
      index.orders.page(find(query).bits, sort.key, sort.descending, offset, limit),
    complete: (text, cursor) => complete(text, Math.min(cursor, text.length)),
    get: (id) => {
      const detail = details.detail(id)
      return detail ? ok(detail) : missing(id)
    },
    kin: (id, tlshDistanceMax) => {
      index.refresh()
      const file = rows.stored(id)
      return file?.deletion === null ? ok(kinOf(file, tlshDistanceMax)) : missing(id)
    },
    compare: (left, right) => {
      const [a, b] = [compared(left), compared(right)]
      if (!a) return missing(left)
      return b ? ok(compareFiles(a, b)) : missing(right)
    },
    matrix,
    selected,
    rowsOf: (ids) => eachOf(ids, (id) => rows.rows([id])[0] ?? null),
    detailsOf: (ids) => eachOf(ids, details.detail),
    put: landing.put,
    annotations,
    documents,
    known,
    blocks,
    searches: createSearchStore(db, now),
    jobs,
    quarantine: createQuarantineIndex(db),
    linkToy: (fileId, sampleId) => void setTwin.run(fileId, sampleId),
    sweep: (before, max) =>
      index.write(() => {
        const ids = deletedBefore.all(before, max)
        for (const id of ids) writer.purge(id)
        if (ids.length > 0) dropPackages.run()
        return ids.length
      }),
    prepare: async () => {
      if (indexVersion.get() !== INDEX_VERSION) {
        if (everyId.get() === undefined) setIndexVersion.run({ version: INDEX_VERSION })
        else await reindex()
      }
      await blocks.finish()
    },
    reindex,
  }
}
