/**
 * The shelf's own JSON: what was read from files, what people say of them, and what reference data
 * says of those that were never seen. Taken in again it gives back what was exported; a shelf that
 * has the files already keeps its own words and adds the others.
 */
import { z } from 'zod'
import { FILE_STATUSES, FILE_VERDICTS, YaraMatch } from '../contract/files'
import { FileFacts } from './facts'
import { KnownEntryData } from './known'

export const DOCUMENT_FORMAT = 'ring0-files'
export const DOCUMENT_VERSION = 1

const hexOf = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))
/** As `Date.toISOString` writes it. */
const Time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/)

/** Kinds of `files/hashes.ts` that reference data gives. */
const Hashes = z
  .object({
    sha256: hexOf(64),
    sha1: hexOf(40),
    md5: hexOf(32),
    authSha256: hexOf(64),
    authSha1: hexOf(40),
    authMd5: hexOf(32),
    imphash: hexOf(32),
    rich: hexOf(32),
  })
  .partial()

export const DocumentFile = z.object({
  /** How it is told from others: kind and lower-case hex, `sha256:6f45...`. */
  identity: z
    .string()
    .regex(/^((sha256|authSha256):[0-9a-f]{64}|(sha1|authSha1):[0-9a-f]{40}|md5:[0-9a-f]{32})$/),
  /** Of a file that was never seen, as reference data gives them. */
  hashes: Hashes,
  /** The first is the one that is shown. */
  names: z
    .array(z.object({ name: z.string().max(300), from: z.string().max(32_000), at: Time }))
    .min(1)
    .max(1000),
  addedAt: Time,
  /** Null when no file was seen. */
  facts: FileFacts.nullable(),
  notes: z.string().max(200_000),
  tags: z.array(z.string().min(1).max(50)).max(200),
  status: z.enum(FILE_STATUSES),
  verdict: z.enum(FILE_VERDICTS),
  verdictReason: z.string().max(10_000),
  yara: z.array(YaraMatch),
})
export type DocumentFile = z.infer<typeof DocumentFile>

/** Everything but the files: it stands before them, so that a long document can be read in pieces. */
export const DocumentHeader = z.object({
  format: z.literal(DOCUMENT_FORMAT),
  version: z.literal(DOCUMENT_VERSION),
  createdAt: Time,
  /** Entries that list exported files, with those of their samples only. */
  reference: z
    .array(
      z.object({
        name: z.string(),
        version: z.string(),
        licence: z.string(),
        entries: z.array(KnownEntryData),
      }),
    )
    .default([]),
})
export type DocumentHeader = z.infer<typeof DocumentHeader>

export const FileDocument = DocumentHeader.extend({ files: z.array(DocumentFile) })
export type FileDocument = z.infer<typeof FileDocument>
