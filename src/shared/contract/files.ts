/**
 * The analyst's desk: real driver files on the shelf, how they come in, what is known of them.
 * Paths never come from the window: main asks with the system's dialogs, and what is dropped reaches
 * main through the preload alone (`intake.dropped`).
 */
import { z } from 'zod'
import { CapabilityMatch, FileFacts, SIGNATURE_KINDS } from '../driver-file/facts'
import { KnownSampleData } from '../driver-file/known'
import { CatalogueFacts, InfFacts, PackageMember } from '../driver-file/package-facts'
import type { Result } from '../errors'
import { call, stream } from './table'

export const FileId = z.number().int().positive()
const FileIds = z.array(FileId).min(1).max(200_000)

export const FILE_STATUSES = ['new', 'in-work', 'done'] as const
export const FILE_VERDICTS = ['none', 'benign', 'vulnerable', 'malicious', 'suspicious'] as const
export const FileStatus = z.enum(FILE_STATUSES)
export const FileVerdict = z.enum(FILE_VERDICTS)

/** One line of the table. */
export const FileRow = z.object({
  id: FileId,
  /** The name it came under first; `names` counts its aliases. */
  name: z.string(),
  names: z.number(),
  sha256: z.string().nullable(),
  /** `file`: read here; `known`: facts of reference data only, no file was seen yet. */
  origin: z.enum(['file', 'known']),
  size: z.number().nullable(),
  machine: z.string().nullable(),
  types: z.array(z.string()),
  compiled: z.string().nullable(),
  /** Kind of the best signature; `none`, `unreadable`, or null when nothing was read. */
  signature: z.enum(['none', 'unreadable', ...SIGNATURE_KINDS]).nullable(),
  signer: z.string().nullable(),
  /** Claimed time of signing. */
  signedAt: z.string().nullable(),
  /** Evidence items against the signature and its times. */
  evidence: z.number(),
  /** Category of the known entry: `malicious`, `vulnerable driver`; null when unknown. */
  known: z.string().nullable(),
  blocked: z.boolean(),
  capabilities: z.number(),
  status: FileStatus,
  verdict: FileVerdict,
  tags: z.array(z.string()),
  hasNotes: z.boolean(),
  addedAt: z.string(),
})
export type FileRow = z.infer<typeof FileRow>

export const FILE_SORTS = [
  'added',
  'name',
  'size',
  'compiled',
  'signedAt',
  'signer',
  'entropy',
  'evidence',
  'capabilities',
  'machine',
] as const
export const FileSort = z.object({
  key: z.enum(FILE_SORTS).default('added'),
  descending: z.boolean().default(true),
})

/** An entry of reference data that a file was recognised in. */
export const KnownEntry = z.object({
  id: z.string(),
  source: z.string(),
  names: z.array(z.string()),
  category: z.string(),
  cve: z.array(z.string()),
  attack: z.array(z.string()),
  created: z.string().nullable(),
  verified: z.boolean().nullable(),
  description: z.string(),
  resources: z.array(z.string()),
  /** Which hash it was recognised by. */
  matchedBy: z.enum(['sha256', 'sha1', 'md5', 'authentihash']),
  /** The source says it still loads with HVCI on. */
  loadsDespiteHvci: z.boolean().nullable(),
  samples: z.number(),
})
export type KnownEntry = z.infer<typeof KnownEntry>

export const BlockMatch = z.object({
  policy: z.string(),
  policyVersion: z.string(),
  importedAt: z.string(),
  rule: z.string(),
  ruleName: z.string(),
  /** `authentihash`, `page hash`, `file name and version`, `signer`. */
  matchedBy: z.string(),
  /** In words: which value of the file met which of the rule. */
  text: z.string(),
})
export type BlockMatch = z.infer<typeof BlockMatch>

export const YaraMatch = z.object({
  rule: z.string(),
  tags: z.array(z.string()),
  meta: z.record(z.string(), z.string()),
  strings: z.array(z.object({ id: z.string(), offset: z.number(), text: z.string() })),
})
export type YaraMatch = z.infer<typeof YaraMatch>

export const FileDetail = z.object({
  row: FileRow,
  /** Null for reference data only. */
  facts: FileFacts.nullable(),
  /** By name: `SHA-256`, `SHA-1`, `MD5`, `Authentihash SHA-256`, `Imphash` and so on. */
  hashes: z.record(z.string(), z.string()),
  names: z.array(z.object({ name: z.string(), from: z.string(), at: z.string() })),
  notes: z.string(),
  verdictReason: z.string(),
  known: z.array(KnownEntry),
  blocks: z.array(BlockMatch),
  /** Which data the two lists above rest on, in words with versions and dates. */
  knownAsOf: z.array(z.string()),
  /** Block policies that were taken in: with none, that no rule was met says nothing. */
  blockPolicies: z.number(),
  /** What the entries say of the file itself, in their order, each sample once; at most 5. */
  knownSamples: z.array(KnownSampleData),
  /** Rules were held against the file; without that an empty `yara` says nothing. */
  yaraRead: z.boolean(),
  yara: z.array(YaraMatch),
  packages: z.array(
    z.object({
      id: z.number(),
      name: z.string(),
      inf: InfFacts.nullable(),
      catalogue: CatalogueFacts.nullable(),
      members: z.array(PackageMember),
    }),
  ),
  /** Other files of the same image under other signatures. */
  sameImage: z.array(FileRow),
  quarantined: z.boolean(),
  /** The toy driver made of this file, if any. */
  toySampleId: z.number().nullable(),
})
export type FileDetail = z.infer<typeof FileDetail>

export const AuditEntry = z.object({
  id: z.number(),
  at: z.string(),
  /** `tags`, `status`, `verdict`, `notes`, `imported`, `removed`, `undone`. */
  what: z.string(),
  before: z.string(),
  after: z.string(),
  /** Word for `files.undo`; absent when this change cannot be taken back (any more). */
  undo: z.string().optional(),
})
export type AuditEntry = z.infer<typeof AuditEntry>

export const KIN_RELATIONS = [
  'authentihash',
  'imphash',
  'rich',
  'signer',
  'pdb-folder',
  'tlsh',
] as const
export const Kin = z.object({
  /** The file itself first. At most 200 files; `more` says how many were left out. */
  files: z.array(FileRow),
  /** One shared value and the files that share it. */
  groups: z.array(
    z.object({
      relation: z.enum(KIN_RELATIONS),
      value: z.string(),
      label: z.string(),
      files: z.array(FileId),
      /** All files with this value, also those not listed. */
      total: z.number(),
      /** TLSH distance to the file itself, by file id; other relations have none. */
      distances: z.record(z.string(), z.number()),
    }),
  ),
  more: z.number(),
})
export type Kin = z.infer<typeof Kin>

export const Comparison = z.object({
  left: FileRow,
  right: FileRow,
  sections: z.array(
    z.object({
      title: z.string(),
      rows: z.array(
        z.object({
          label: z.string(),
          left: z.string(),
          right: z.string(),
          state: z.enum(['same', 'changed', 'added', 'removed']),
        }),
      ),
    }),
  ),
})
export type Comparison = z.infer<typeof Comparison>

export const SavedSearch = z.object({
  id: z.number(),
  name: z.string(),
  query: z.string(),
  createdAt: z.string(),
})

/** What the window selected: rows by id, or everything the query finds. */
export const Selection = z.union([
  z.object({ ids: FileIds }),
  z.object({ query: z.string().max(2000) }),
])

export const EXPORT_FORMATS = [
  'csv',
  'json',
  'loldrivers-yaml',
  'stix',
  'misp',
  'sipolicy',
  'html',
] as const
export const ExportFormat = z.enum(EXPORT_FORMATS)
export type ExportFormat = z.infer<typeof ExportFormat>

// ---- intake

export const JOB_STATES = ['running', 'paused', 'interrupted', 'done', 'cancelled'] as const
export const IntakeJob = z.object({
  id: z.number(),
  /** What was given, in words: `samples-2026.zip`, `3 files`. */
  title: z.string(),
  state: z.enum(JOB_STATES),
  /** Why it is `interrupted`, and what to do about it, in words; null when it is not. */
  interruption: z.string().nullable().optional(),
  startedAt: z.string(),
  /** `listing` while folders are walked: the total still grows. */
  phase: z.enum(['listing', 'reading']),
  total: z.number(),
  done: z.number(),
  added: z.number(),
  /** Already on the shelf (same SHA-256). */
  merged: z.number(),
  failed: z.number(),
  /** Came in with less than was asked for; `intake.failures` lists them with those that failed. */
  noted: z.number().optional(),
  /** Found, and nothing that is kept here: documents in an archive. */
  skipped: z.number().optional(),
  bytesDone: z.number(),
  bytesTotal: z.number(),
  /** Files per second over the last seconds, and the rest of the time in seconds; null when unknown. */
  rate: z.number().nullable(),
  secondsLeft: z.number().nullable(),
  /** File being read. */
  current: z.string().nullable(),
  keepBytes: z.boolean(),
})
export type IntakeJob = z.infer<typeof IntakeJob>

export const IntakeFailure = z.object({
  name: z.string(),
  offset: z.number().nullable(),
  reason: z.string(),
})
export type IntakeFailure = z.infer<typeof IntakeFailure>

export const QuarantineInfo = z.object({
  files: z.number(),
  bytes: z.number(),
  /** Where the key lies; `none` while nothing was chosen. */
  key: z.enum(['none', 'os-key-store', 'passphrase', 'key-file']),
  /** Null when open; otherwise what is needed, in words. */
  locked: z.string().nullable(),
  /** What the protection does and does not promise, in words. */
  promise: z.string(),
  osKeyStoreAvailable: z.boolean(),
})
export type QuarantineInfo = z.infer<typeof QuarantineInfo>

const IntakeOptions = z.object({
  keepBytes: z.boolean().default(false),
  tags: z.array(z.string().min(1).max(50)).max(20).default([]),
  /** Passwords tried on archives after `infected`; kept in memory only. */
  passwords: z.array(z.string().max(200)).max(20).default([]),
})

const Undo = z.object({ changed: z.number(), undo: z.string().nullable() })

export const filesContract = {
  'files.list': call(
    z.object({
      query: z.string().max(2000).default(''),
      sort: FileSort.prefault({}),
      offset: z.number().int().min(0).default(0),
      limit: z.number().int().min(1).max(1000).default(200),
    }),
    z.object({
      total: z.number(),
      all: z.number(),
      rows: z.array(FileRow),
      /** What in the query could not be understood, in words. */
      problem: z.string().nullable(),
      /** A hash was asked for that is not on the shelf; what reference data says of it, in words. */
      hashNote: z.string().nullable(),
      /** Reference data is being put on the shelf: more comes without being asked for. */
      isFilling: z.boolean(),
      /** Counts over the result: what the facets show. */
      facets: z.array(
        z.object({
          field: z.string(),
          label: z.string(),
          values: z.array(z.object({ value: z.string(), label: z.string(), count: z.number() })),
        }),
      ),
    }),
  ),
  /** Ids of a stretch of the result, for selecting a range that was not fetched. */
  'files.ids': call(
    z.object({
      query: z.string().max(2000),
      sort: FileSort.prefault({}),
      offset: z.number().int().min(0),
      limit: z.number().int().min(1).max(200_000),
    }),
    z.object({ ids: z.array(FileId) }),
  ),
  'files.complete': call(
    z.object({ text: z.string().max(2000), cursor: z.number().int().min(0) }),
    z.object({
      from: z.number(),
      completions: z.array(z.object({ insert: z.string(), label: z.string(), detail: z.string() })),
    }),
  ),
  'files.get': call(z.object({ id: FileId }), FileDetail),
  'files.kin': call(
    z.object({ id: FileId, tlshDistanceMax: z.number().int().min(0).max(300).default(60) }),
    Kin,
  ),
  'files.compare': call(z.object({ left: FileId, right: FileId }), Comparison),
  /** Capabilities of a selection (at most 60 files), for the matrix. */
  'files.matrix': call(
    z.object({ ids: z.array(FileId).min(1).max(60) }),
    z.object({
      capabilities: z.array(CapabilityMatch.omit({ evidence: true })),
      files: z.array(z.object({ row: FileRow, capabilities: z.array(z.string()) })),
    }),
  ),
  /** Change what people say of files. One undo word for the whole change. */
  'files.annotate': call(
    z.object({
      selection: Selection,
      status: FileStatus.optional(),
      verdict: FileVerdict.optional(),
      verdictReason: z.string().max(10_000).optional(),
      notes: z.string().max(200_000).optional(),
      addTags: z.array(z.string().min(1).max(50)).max(50).default([]),
      removeTags: z.array(z.string().min(1).max(50)).max(50).default([]),
    }),
    Undo,
  ),
  'files.remove': call(z.object({ selection: Selection }), Undo),
  'files.undo': call(z.object({ undo: z.string().max(100) }), z.object({ changed: z.number() })),
  'files.history': call(z.object({ id: FileId }), z.object({ entries: z.array(AuditEntry) })),
  /** Main asks for the path. `toyRows` of CSV and the like are exactly what the table shows. */
  'files.export': call(
    z.object({ selection: Selection, format: ExportFormat }),
    z.object({ path: z.string().nullable(), files: z.number(), left: z.array(z.string()) }),
  ),
  /** A DSL skeleton with the file's device name, link, dispatch table and IOCTL codes. */
  'files.openAsToy': call(z.object({ id: FileId }), z.object({ sampleId: z.number() })),

  'searches.list': call(z.object({}), z.object({ searches: z.array(SavedSearch) })),
  'searches.save': call(
    z.object({ name: z.string().min(1).max(100), query: z.string().max(2000) }),
    SavedSearch,
  ),
  'searches.delete': call(z.object({ id: z.number() }), z.object({})),

  /** Ask for files or a folder and take them in. `job` is null when the user thought better of it. */
  'intake.choose': call(
    IntakeOptions.extend({ what: z.enum(['files', 'folder']) }),
    z.object({ job: z.number().nullable() }),
  ),
  /** From the preload only: paths of files that were really dropped. */
  'intake.dropped': call(
    IntakeOptions.extend({ paths: z.array(z.string().max(32_000)).min(1).max(10_000) }),
    z.object({ job: z.number().nullable() }),
  ),
  'intake.jobs': call(z.object({}), z.object({ jobs: z.array(IntakeJob) })),
  'intake.control': call(
    z.object({ job: z.number(), action: z.enum(['pause', 'resume', 'cancel', 'undo', 'dismiss']) }),
    z.object({ changed: z.number(), undo: z.string().nullable().optional() }),
  ),
  'intake.failures': call(
    z.object({ job: z.number(), offset: z.number().int().min(0).default(0) }),
    z.object({ total: z.number(), failures: z.array(IntakeFailure) }),
  ),

  'known.info': call(
    z.object({}),
    z.object({
      sources: z.array(
        z.object({
          name: z.string(),
          version: z.string(),
          licence: z.string(),
          entries: z.number(),
          samples: z.number(),
          /** Different drivers among the samples: entries list some of them more than once. */
          drivers: z.number(),
          importedAt: z.string(),
          shipped: z.boolean(),
        }),
      ),
      policies: z.array(
        z.object({
          id: z.number(),
          name: z.string(),
          version: z.string(),
          rules: z.number(),
          matches: z.number(),
          importedAt: z.string(),
        }),
      ),
    }),
  ),
  /** LOLDrivers YAML or JSON (files or a folder), or a SiPolicy XML; main asks for the path. */
  'known.import': call(
    z.object({ what: z.enum(['files', 'folder']) }),
    z.object({
      entries: z.number(),
      samples: z.number(),
      rules: z.number(),
      problems: z.array(z.string()),
      cancelled: z.boolean(),
    }),
  ),
  'known.removePolicy': call(z.object({ id: z.number() }), z.object({})),

  'yara.info': call(
    z.object({}),
    z.object({
      folder: z.string().nullable(),
      rules: z.number(),
      problems: z.array(z.string()),
    }),
  ),
  'yara.chooseFolder': call(z.object({}), z.object({ folder: z.string().nullable() })),
  'yara.forget': call(z.object({}), z.object({})),

  'quarantine.info': call(z.object({}), QuarantineInfo),
  'quarantine.setUp': call(
    z.object({
      key: z.enum(['os-key-store', 'passphrase', 'key-file']),
      passphrase: z.string().max(1000).optional(),
    }),
    QuarantineInfo,
  ),
  'quarantine.unlock': call(z.object({ passphrase: z.string().max(1000) }), QuarantineInfo),
  'quarantine.forget': call(z.object({ ids: FileIds }), z.object({ forgotten: z.number() })),
  /** A copy as a zip with AES and the password `infected`; main asks for the path. */
  'quarantine.export': call(z.object({ id: FileId }), z.object({ path: z.string().nullable() })),

  'files.changed': stream(z.object({ reason: z.string() })),
  'intake.progress': stream(IntakeJob),
}

type Dropped = (typeof filesContract)['intake.dropped']

/** Hand over files that were really dropped: only the preload can tell their paths. */
export type DropFiles = (
  files: readonly File[],
  options: Omit<z.input<Dropped['input']>, 'paths'>,
) => Promise<Result<z.output<Dropped['output']>>>
