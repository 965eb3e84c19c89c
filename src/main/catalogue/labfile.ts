/**
 * The `.ring0lab` file: samples and their runs in one JSON document, to hand on or to keep.
 *
 *     { "format": "ring0lab", "version": 1,
 *       "createdBy": "Ring0 Lab 0.1.0", "createdAt": "2026-11-22T10:00:00.000Z",
 *       "sha256": "<digest of content as canonical JSON: sorted keys, no spaces>",
 *       "content": {
 *         "samples": [{ "key": "s1", "title", "summary", "status", "tags", "notes",
 *                       "createdAt", "updatedAt", "files": { "driver.ts": "..." } }],
 *         "runs":    [{ "id", "sample": "s1" | null, "sampleTitle", "startedAt",
 *                       "request": RunRequest, "report": RunReport }] } }
 *
 * Within one version fields are only added, and readers skip what they do not know. A file may come
 * from anyone: size and depth are limited before it is looked at, the checksum must fit, and every
 * item is parsed on its own, so that a bad one is named and the rest still comes in.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename } from 'node:path'
import { z } from 'zod'
import { SampleStatus } from '../../shared/contract/catalogue'
import { ProjectFiles, RunReport, RunRequest } from '../../shared/contract/model'
import { fail, ok, type Result } from '../../shared/errors'
import { jsonErrorPlace } from '../../shared/json-place'
import { canonicalJson, isProjectPath, sha256 } from './text'

const LABFILE_FORMAT = 'ring0lab'
const LABFILE_VERSION = 1

const BYTES_MAX = 64 * 1024 * 1024
const DEPTH_MAX = 64
const ITEMS_MAX = 20_000

const Time = z.iso.datetime()

export const LabSample = z.object({
  key: z.string().min(1).max(64),
  title: z.string().trim().min(1).max(200),
  summary: z.string().max(2000).default(''),
  status: SampleStatus.default('draft'),
  tags: z.array(z.string().min(1).max(50)).max(50).default([]),
  notes: z.string().max(200_000).default(''),
  createdAt: Time.optional(),
  updatedAt: Time.optional(),
  files: ProjectFiles.refine(
    (files) => Object.keys(files).length > 0 && Object.keys(files).length <= 200,
    'a sample has 1 to 200 files',
  ).refine((files) => Object.keys(files).every(isProjectPath), 'a file has a forbidden name'),
})
export type LabSample = z.infer<typeof LabSample>

export const LabRun = z.object({
  id: z.string().min(1).max(64),
  sample: z.string().max(64).nullable(),
  sampleTitle: z.string().max(200),
  startedAt: Time,
  request: RunRequest,
  report: RunReport,
})
export type LabRun = z.infer<typeof LabRun>

export interface LabContent {
  samples: LabSample[]
  runs: LabRun[]
}

/** The document as text. Equal content gives equal text, but for `createdAt`. */
export function writeLab(content: LabContent, createdBy: string, createdAt: Date): string {
  const body = canonicalJson(content)
  const head = {
    format: LABFILE_FORMAT,
    version: LABFILE_VERSION,
    createdBy,
    createdAt: createdAt.toISOString(),
    sha256: sha256(body),
  }
  return `${JSON.stringify(head).slice(0, -1)},"content":${body}}\n`
}

/**
 * Read a document.
 *
 * Errors: `file-invalid` when it is not a lab file, from a newer version, changed on the way or cut
 * short. Items that cannot be used are left out and named in `skipped`, with their place.
 */
export function readLab(text: string): Result<{ content: LabContent; skipped: string[] }> {
  let document: unknown
  try {
    document = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    const place = jsonErrorPlace(text)
    return invalid(
      'The file is not a lab file: it is not JSON.',
      'Choose a file that ends in .ring0lab. If it is one, it was cut short: fetch it again.',
      place ? `Line ${place.line}, column ${place.column}: ${place.found}` : undefined,
    )
  }
  if (!isRecord(document) || document['format'] !== LABFILE_FORMAT)
    return invalid(
      'The file is not a lab file: it has no mark "format": "ring0lab".',
      'Choose a file that Ring0 Lab exported.',
    )
  const version = document['version']
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1)
    return invalid('The lab file has no version.', 'Export it again where it came from.')
  if (version > LABFILE_VERSION)
    return invalid(
      `The lab file has version ${version}; this Ring0 Lab reads up to version ${LABFILE_VERSION}.`,
      'Update Ring0 Lab, or export the file from an older one.',
    )
  const content = document['content']
  if (!isRecord(content) || !Array.isArray(content['samples']) || !Array.isArray(content['runs']))
    return invalid(
      'The lab file has no lists content.samples and content.runs.',
      'Export it again where it came from.',
    )
  if (depthOf(content) > DEPTH_MAX)
    return invalid(
      `The lab file is nested more than ${DEPTH_MAX} deep.`,
      'No lab file that Ring0 Lab writes is; do not trust it.',
    )
  if (document['sha256'] !== sha256(canonicalJson(content)))
    return invalid(
      'The lab file was changed or cut short after it was written: its checksum does not fit.',
      'Fetch it again, or export it again where it came from.',
    )
  const samples: unknown[] = content['samples']
  const runs: unknown[] = content['runs']
  if (samples.length + runs.length > ITEMS_MAX)
    return invalid(
      `The lab file holds more than ${ITEMS_MAX} samples and runs.`,
      'Export them in several files.',
    )
  const skipped: string[] = []
  return ok({
    content: {
      samples: parseItems(samples, LabSample, 'samples', skipped),
      runs: parseItems(runs, LabRun, 'runs', skipped),
    },
    skipped,
  })
}

function parseItems<T>(
  items: readonly unknown[],
  shape: z.ZodType<T>,
  place: string,
  skipped: string[],
): T[] {
  return items.flatMap((item, index) => {
    const parsed = shape.safeParse(item)
    if (parsed.success) return [parsed.data]
    const issue = parsed.error.issues[0]
    const name =
      isRecord(item) && typeof item['title'] === 'string' ? ` “${item['title'].slice(0, 60)}”` : ''
    const path = issue?.path.map((part) => String(part).slice(0, 60)).join('.') ?? ''
    skipped.push(
      `content.${place}[${index}]${name}${path ? `, field ${path}` : ''}: ${issue?.message ?? 'not understood'}`,
    )
    return []
  })
}

/** Read a lab file from disk; besides the errors of `readLab`: `file-unreadable`. */
export function readLabFile(path: string): ReturnType<typeof readLab> {
  let text: string
  try {
    const { size } = statSync(path)
    if (size > BYTES_MAX)
      return invalid(
        `The file has ${Math.round(size / 1024 / 1024)} MB; a lab file has at most ${BYTES_MAX / 1024 / 1024} MB.`,
        'Export the samples in several files.',
        path,
      )
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(readFileSync(path))
  } catch (error) {
    if (error instanceof TypeError)
      return invalid(
        'The file is not a lab file: it is not UTF-8 text.',
        'Choose a file that ends in .ring0lab.',
        path,
      )
    return fail(
      'file-unreadable',
      `The file ${basename(path)} cannot be read.`,
      'Check that it exists and may be read.',
      `${path}\n${String(error)}`,
    )
  }
  return readLab(text)
}

/** Write beside the goal, then rename: the old file stays whole until the new one is. */
export function writeLabFile(path: string, text: string): Result<{ path: string }> {
  const partial = `${path}.part`
  try {
    const handle = openSync(partial, 'w')
    try {
      // Not writeSync: on a disk that fills up it may write less than it was given and say nothing.
      writeFileSync(handle, text)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(partial, path)
    return ok({ path })
  } catch (error) {
    rmSync(partial, { force: true })
    const isFull = String(error).includes('ENOSPC')
    return fail(
      isFull ? 'disk-full' : 'file-unreadable',
      `The file ${basename(path)} cannot be written.`,
      isFull ? 'Free some space or choose another folder.' : 'Choose a folder that may be written.',
      `${path}\n${String(error)}`,
    )
  }
}

const invalid = (message: string, hint: string, detail?: string): Result<never> =>
  fail('file-invalid', message, hint, detail)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Counted without recursion, since the input decides how deep it goes. */
function depthOf(value: unknown): number {
  let depth = 0
  let level: unknown[] = [value]
  while (level.length > 0 && depth <= DEPTH_MAX) {
    depth++
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null
        ? Object.values(item).filter((child) => typeof child === 'object' && child !== null)
        : [],
    )
  }
  return depth
}
