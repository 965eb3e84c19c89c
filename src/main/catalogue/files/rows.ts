/** Rows of `files` as lines of the table, and the texts that are packed into them. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { FileRow } from '../../../shared/contract/files'
import type { FileFacts } from '../../../shared/driver-file/facts'
import type { Reading } from './reading'
import type { Annotations } from './terms'

export type Row = z.input<typeof FileRow>

/** `files` as it is. */
export interface StoredFile {
  id: number
  sha256: string | null
  origin: 'file' | 'known'
  name: string
  aliases: number
  schema: string | null
  reading: Reading | null
  size: number | null
  machine: string | null
  types: string
  compiled: string | null
  signature: string | null
  signer: string | null
  signed_at: string | null
  evidence: number
  capabilities: number
  known: string | null
  blocked: number
  status: Row['status']
  verdict: Row['verdict']
  verdict_reason: string
  notes: string
  tags: string
  from_known: number
  job_id: number | null
  added_at: string
  deleted_at: string | null
  deletion: string | null
}

export const toRow = (file: StoredFile): Row => ({
  id: file.id,
  name: file.name,
  names: file.aliases,
  sha256: file.sha256,
  origin: file.origin,
  size: file.size,
  machine: file.machine,
  types: file.types === '' ? [] : file.types.split(' '),
  compiled: file.compiled,
  signature: file.signature as Row['signature'],
  signer: file.signer,
  signedAt: file.signed_at,
  evidence: file.evidence,
  known: file.known,
  blocked: file.blocked === 1,
  capabilities: file.capabilities,
  status: file.status,
  verdict: file.verdict,
  tags: JSON.parse(file.tags) as string[],
  hasNotes: file.notes !== '',
  addedAt: file.added_at,
})

export const annotationsOf = (file: StoredFile): Annotations => ({
  status: file.status,
  verdict: file.verdict,
  verdictReason: file.verdict_reason,
  notes: file.notes,
  tags: JSON.parse(file.tags) as string[],
})

/** Level 1: a third larger than 6, and four times as quick. */
export const pack = (value: unknown): Buffer => deflateRawSync(JSON.stringify(value), { level: 1 })
export const unpack = (bytes: Uint8Array): unknown => JSON.parse(inflateRawSync(bytes).toString())

export interface FileRows {
  /** Deleted ones too. */
  stored(id: number): StoredFile | undefined
  /** In the order of the ids; what is not there is left out. */
  rows(ids: readonly number[]): Row[]
  facts(id: number): FileFacts | null
}

export function createFileRows(db: Database): FileRows {
  const byId = db.prepare<[number], StoredFile>('SELECT * FROM files WHERE id = ?')
  const factsOf = db
    .prepare<[number], Uint8Array>('SELECT facts FROM file_facts WHERE file_id = ?')
    .pluck()
  return {
    stored: (id) => byId.get(id),
    rows: (ids) =>
      ids.flatMap((id) => {
        const file = byId.get(id)
        return file ? [toRow(file)] : []
      }),
    facts: (id) => {
      const bytes = factsOf.get(id)
      return bytes ? (unpack(bytes) as FileFacts) : null
    },
  }
}
