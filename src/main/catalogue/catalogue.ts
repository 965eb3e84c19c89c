/**
 * The catalogue behind the contract: every `samples.*`, `runs.*`, `drafts.*`, `settings.*` and
 * `labfile.*` call, and those about driver files that need nothing else, answered from one SQLite
 * file. It knows nothing of Electron; dialogs are given to it as functions.
 */
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { catalogueContract } from '../../shared/contract/catalogue'
import type { Handlers } from '../../shared/contract/table'
import { ok, type Result } from '../../shared/errors'
import { readBundledSamples, seedBundledSamples } from './bundled'
import { openDatabase, toAppError, type OpenOptions } from './database'
import { createDraftStore, createSettingStore, type SettingStore } from './drafts'
import { collectLab, mergeLab } from './exchange'
import { readLabFile, writeLab, writeLabFile } from './labfile'
import { createShelfHandlers, type ShelfHandlers } from './files/handlers'
import { createFileShelf, type FileShelf } from './files/shelf'
import { createLessonStore, type LessonStore } from './lessons'
import { createRunStore } from './runs'
import { createSampleStore } from './samples'
import { createTextStore } from './texts'

export type CatalogueHandlers = Handlers<typeof catalogueContract>
type Changed = z.input<(typeof catalogueContract)['samples.changed']['output']>

export interface CatalogueOptions extends OpenOptions {
  /** `samples/drivers` as shipped; null for none. */
  bundledFolder: string | null
  /** Ask the user for the file to write; null when the user thought better of it. */
  askExportPath(suggestedName: string): Promise<string | null>
  askImportPath(): Promise<string | null>
  /** Rows changed that a list may be showing. */
  onChanged(change: Changed): void
  /** The same for driver files. */
  onFilesChanged?(change: { reason: string }): void
  /** What went wrong without being an answer to anyone: a shipped sample that cannot be read. */
  onProblem(text: string): void
  now?: () => Date
}

export interface Catalogue {
  handlers: CatalogueHandlers
  settings: SettingStore
  lessons: LessonStore
  /** Real driver files. */
  files: FileShelf
  fileHandlers: ShelfHandlers
  /** Fold the write-ahead log into the file and let go of it. */
  close(): void
}

/** Deleted samples can be asked back for this long. */
const UNDO_DAYS = 30

/** Driver files swept up at one start; the rest waits for the next. */
const SWEPT_MAX = 200

/** Open the file, put the shipped samples on the shelf, and answer calls. Errors: `openDatabase`. */
export function openCatalogue(options: CatalogueOptions): Result<Catalogue> {
  const opened = openDatabase(options)
  if (!opened.ok) return opened
  try {
    return ok(createCatalogue(opened.value, options))
  } catch (error) {
    opened.value.close()
    return { ok: false, error: toAppError(error, options.file) }
  }
}

function createCatalogue(db: Database, options: CatalogueOptions): Catalogue {
  const now = options.now ?? ((): Date => new Date())
  const texts = createTextStore(db)
  const samples = createSampleStore(db, texts, now)
  const runs = createRunStore(db, texts, now)
  const drafts = createDraftStore(db, now)
  const settings = createSettingStore(db)
  const lessons = createLessonStore(db, drafts, now)
  const files = createFileShelf(db, now)
  const fileHandlers = createShelfHandlers(files, options.file, (reason) =>
    options.onFilesChanged?.({ reason }),
  )

  if (options.bundledFolder !== null) {
    const { samples: shipped, problems } = readBundledSamples(options.bundledFolder)
    for (const problem of problems) options.onProblem(problem)
    seedBundledSamples(db, texts, samples, shipped, now)
  }
  const before = new Date(now().getTime() - UNDO_DAYS * 24 * 3600 * 1000)
  samples.sweep(before.toISOString())
  files.sweep(before.toISOString(), SWEPT_MAX)
  texts.sweep()

  /** Do it, turn SQLite's errors into the app's, and tell lists when it changed something. */
  const guard = <T>(work: () => Result<T>, reason?: string): Result<T> => {
    try {
      const result = work()
      if (result.ok && reason !== undefined) options.onChanged({ reason })
      return result
    } catch (error) {
      return { ok: false, error: toAppError(error, options.file) }
    }
  }

  const handlers: CatalogueHandlers = {
    'samples.list': (input) => guard(() => ok(samples.list(input))),
    'samples.get': ({ id }) => guard(() => samples.get(id)),
    'samples.create': (input) => guard(() => samples.create(input), 'created'),
    'samples.update': (input) => guard(() => samples.update(input), 'updated'),
    'samples.duplicate': ({ id }) => guard(() => samples.duplicate(id), 'duplicated'),
    'samples.delete': ({ ids }) => guard(() => samples.delete(ids), 'deleted'),
    'samples.undoDelete': ({ undo }) => guard(() => samples.undoDelete(undo), 'restored'),
    'samples.deleted': () => guard(() => ok({ deletions: samples.deletions() })),
    'samples.restoreBundled': () => guard(() => ok(samples.restoreBundled()), 'restored'),
    'samples.tag': ({ ids, add, remove }) =>
      guard(() => ok(samples.tag(ids, add, remove)), 'tagged'),
    'samples.versions': ({ id }) => guard(() => samples.versions(id)),
    'samples.revert': ({ id, version }) => guard(() => samples.revert(id, version), 'updated'),

    'runs.list': ({ sampleId, limit }) => guard(() => ok({ runs: runs.list(sampleId, limit) })),
    'runs.get': ({ id }) => guard(() => runs.get(id)),
    'runs.save': (input) => guard(() => runs.save(input), 'run saved'),
    'runs.delete': ({ ids }) => guard(() => ok({ deleted: runs.delete(ids) }), 'runs deleted'),

    'drafts.save': ({ key, files, sampleId, view }) =>
      guard(() => {
        drafts.save(key, { files, sampleId, view })
        return ok({})
      }),
    'drafts.load': ({ key }) => guard(() => ok({ draft: drafts.load(key) })),
    'drafts.discard': ({ key }) =>
      guard(() => {
        drafts.discard(key)
        return ok({})
      }),

    'settings.get': () => guard(() => ok({ values: settings.all() })),
    'settings.set': ({ key, value }) =>
      guard(() => {
        settings.set(key, value)
        return ok({})
      }),

    'labfile.export': async ({ ids }) => {
      const collected = guard(() => ok(collectLab(db, samples, runs, ids)))
      if (!collected.ok) return collected
      const content = collected.value
      const only = content.samples.length === 1 ? content.samples[0]?.title : undefined
      const path = await options.askExportPath(only ?? 'My lab')
      if (path === null) return ok({ path: null, samples: 0 })
      const text = writeLab(content, `Ring0 Lab ${options.appVersion}`, now())
      const written = writeLabFile(path, text)
      return written.ok ? ok({ path, samples: content.samples.length }) : written
    },
    'labfile.import': async () => {
      const path = await options.askImportPath()
      if (path === null) return ok({ path: null, added: 0, merged: 0, skipped: [] })
      const read = readLabFile(path)
      if (!read.ok) return read
      const { content, skipped } = read.value
      return guard(() => {
        const counts = mergeLab(db, samples, runs, content)
        return ok({ path, ...counts, skipped: [...skipped, ...counts.skipped] })
      }, 'imported')
    },
  }

  return { handlers, settings, lessons, files, fileHandlers, close: () => void db.close() }
}
