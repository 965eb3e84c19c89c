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

const Hex = z.string().regex(/^[0-9a-f]+$/)

export const DocumentFile = z.object({
  /** How it is told from others: kind and lower-case hex, `sha256:6f45...`. */
  identity: z.string().regex(/^(sha256|sha1|md5|authSha256|authSha1):[0-9a-f]+$/),
  /** Of a file that was never seen, as reference data gives them; kinds of `files/hashes.ts`. */
  hashes: z.record(z.string(), Hex),
  /** The first is the one that is shown. */
  names: z
    .array(z.object({ name: z.string().max(300), from: z.string(), at: z.string() }))
    .min(1)
    .max(1000),
  addedAt: z.string(),
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
  createdAt: z.string(),
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
