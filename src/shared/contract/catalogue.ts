/** The catalogue of toy drivers and their runs. Real driver files get tables and calls of their own later. */
import { z } from 'zod'
import { call, stream } from './table'
import { ProjectFiles, RunReport, RunRequest } from './model'

export const SampleStatus = z.enum(['draft', 'working', 'crashing', 'fixed', 'reference'])
export const SampleId = z.number().int().positive()

export const SampleSummary = z.object({
  id: SampleId,
  slug: z.string(),
  title: z.string(),
  summary: z.string(),
  status: SampleStatus,
  /** `bundled` samples ship with the app and are restored, never edited in place. */
  origin: z.enum(['bundled', 'user', 'imported']),
  tags: z.array(z.string()),
  updatedAt: z.string(),
  runs: z.number(),
  lastOutcome: z.string().nullable(),
  /** Where the search words were found, with ‹› around them. */
  snippet: z.string().nullable(),
})
export type SampleSummary = z.infer<typeof SampleSummary>

export const Sample = SampleSummary.extend({
  files: ProjectFiles,
  notes: z.string(),
  createdAt: z.string(),
})
export type Sample = z.infer<typeof Sample>

export const SampleInput = z.object({
  title: z.string().min(1).max(200),
  summary: z.string().max(2000).default(''),
  status: SampleStatus.default('draft'),
  tags: z.array(z.string().min(1).max(50)).max(50).default([]),
  notes: z.string().max(200_000).default(''),
  files: ProjectFiles,
})

export const SampleVersion = z.object({
  version: z.number(),
  savedAt: z.string(),
  title: z.string(),
  files: z.array(z.string()),
})
export type SampleVersion = z.infer<typeof SampleVersion>

export const RunRow = z.object({
  id: z.string(),
  sampleId: SampleId.nullable(),
  sampleTitle: z.string(),
  startedAt: z.string(),
  seed: z.number(),
  outcome: z.string(),
  events: z.number(),
  summary: z.string(),
})
export type RunRow = z.infer<typeof RunRow>

export const catalogueContract = {
  'samples.list': call(
    z.object({
      /** Words, `tag:x`, `status:x`, `origin:x`, `outcome:x`, `-word`; see `shared/query.ts`. */
      query: z.string().max(500).default(''),
      /** `shelf`: shipped samples in the order in which they teach, then the user's own by title. */
      sort: z.enum(['shelf', 'title', 'updated', 'relevance']).default('shelf'),
      limit: z.number().int().min(1).max(1000).default(200),
      offset: z.number().int().min(0).default(0),
    }),
    z.object({
      total: z.number(),
      all: z.number(),
      samples: z.array(SampleSummary),
      tags: z.array(z.object({ tag: z.string(), count: z.number() })),
      statuses: z.array(z.object({ status: SampleStatus, count: z.number() })),
      outcomes: z.array(z.object({ outcome: z.string(), count: z.number() })),
      /** What in the query could not be understood, in words. */
      problem: z.string().nullable(),
    }),
  ),
  'samples.get': call(z.object({ id: SampleId }), Sample),
  'samples.create': call(SampleInput, Sample),
  'samples.update': call(SampleInput.partial().extend({ id: SampleId }), Sample),
  'samples.duplicate': call(z.object({ id: SampleId }), Sample),
  /** Deleted samples stay recoverable until the undo is no longer offered (30 days). */
  'samples.delete': call(
    z.object({ ids: z.array(SampleId).min(1).max(1000) }),
    z.object({ undo: z.string() }),
  ),
  /** What can be brought back, newest first, also after a restart. */
  'samples.deleted': call(
    z.object({}),
    z.object({
      deletions: z.array(
        z.object({ undo: z.string(), deletedAt: z.string(), titles: z.array(z.string()) }),
      ),
    }),
  ),
  /** Shipped samples that were deleted come back; the user's own are not touched. */
  'samples.restoreBundled': call(z.object({}), z.object({ restored: z.number() })),
  /** Earlier texts of a sample, newest first; every save that changes files keeps the text before it. */
  'samples.versions': call(
    z.object({ id: SampleId }),
    z.object({ versions: z.array(SampleVersion) }),
  ),
  /** Take an earlier text back; the present one becomes a version itself. */
  'samples.revert': call(z.object({ id: SampleId, version: z.number().int().positive() }), Sample),
  'samples.undoDelete': call(z.object({ undo: z.string() }), z.object({ restored: z.number() })),
  'samples.tag': call(
    z.object({
      ids: z.array(SampleId).min(1),
      add: z.array(z.string()).default([]),
      remove: z.array(z.string()).default([]),
    }),
    z.object({ changed: z.number() }),
  ),

  'runs.list': call(
    z.object({
      sampleId: SampleId.nullable().default(null),
      limit: z.number().int().max(500).default(100),
    }),
    z.object({ runs: z.array(RunRow) }),
  ),
  'runs.get': call(
    z.object({ id: z.string() }),
    z.object({ row: RunRow, request: RunRequest, report: RunReport }),
  ),
  'runs.save': call(
    z.object({
      id: z.string(),
      sampleId: SampleId.nullable(),
      sampleTitle: z.string(),
      request: RunRequest,
      report: RunReport,
    }),
    z.object({ id: z.string() }),
  ),
  'runs.delete': call(
    z.object({ ids: z.array(z.string()).min(1) }),
    z.object({ deleted: z.number() }),
  ),

  'drafts.save': call(
    z.object({
      key: z.string().max(200),
      files: ProjectFiles,
      sampleId: SampleId.nullable(),
      view: z.string().max(20_000).default(''),
    }),
    z.object({}),
  ),
  'drafts.load': call(
    z.object({ key: z.string().max(200) }),
    z.object({
      draft: z
        .object({
          files: ProjectFiles,
          sampleId: SampleId.nullable(),
          view: z.string(),
          savedAt: z.string(),
        })
        .nullable(),
    }),
  ),
  'drafts.discard': call(z.object({ key: z.string().max(200) }), z.object({})),

  'settings.get': call(z.object({}), z.object({ values: z.record(z.string(), z.string()) })),
  'settings.set': call(
    z.object({ key: z.string().max(100), value: z.string().max(20_000) }),
    z.object({}),
  ),

  /**
   * One `.ring0lab` file with samples and their runs (`ids` empty: everything). Main asks for the
   * path with the system's dialog: the window cannot name a file to write or read.
   */
  'labfile.export': call(
    z.object({ ids: z.array(SampleId).max(10_000).default([]) }),
    z.object({ path: z.string().nullable(), samples: z.number() }),
  ),
  'labfile.import': call(
    z.object({}),
    z.object({
      path: z.string().nullable(),
      added: z.number(),
      merged: z.number(),
      skipped: z.array(z.string()),
    }),
  ),

  'samples.changed': stream(z.object({ reason: z.string() })),
}
