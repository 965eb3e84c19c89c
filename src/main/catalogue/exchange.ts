/** Between the catalogue and lab files: what an export takes out, what an import merges in. */
import type { Database } from 'better-sqlite3'
import type { LabContent, LabRun, LabSample } from './labfile'
import type { RunStore } from './runs'
import type { SampleStore } from './samples'
import { canonicalJson, contentDigest, sha256, tidyTag } from './text'

export interface ImportCounts {
  added: number
  merged: number
  skipped: string[]
}

/** Samples with these ids and their runs; every sample and every run when `ids` is empty. */
export function collectLab(
  db: Database,
  samples: SampleStore,
  runs: RunStore,
  ids: readonly number[],
): LabContent {
  const everything = ids.length === 0
  const chosen = everything
    ? db
        .prepare<[], number>('SELECT id FROM samples WHERE deleted_at IS NULL ORDER BY id')
        .pluck()
        .all()
    : [...new Set(ids)]
  const content: LabContent = { samples: [], runs: [] }
  const keyOf = new Map<number, string>()
  for (const id of chosen) {
    const found = samples.get(id)
    if (!found.ok) continue
    const { title, summary, status, tags, notes, createdAt, updatedAt, files } = found.value
    const key = `s${keyOf.size + 1}`
    keyOf.set(id, key)
    content.samples.push({ key, title, summary, status, tags, notes, createdAt, updatedAt, files })
  }
  const runIds = db
    .prepare<[], { id: string; sample_id: number | null }>(
      'SELECT id, sample_id FROM runs ORDER BY started_at, id',
    )
    .all()
  for (const { id, sample_id: sampleId } of runIds) {
    const sample = sampleId === null ? null : (keyOf.get(sampleId) ?? null)
    if (sample === null && !everything) continue
    const run = runs.get(id)
    if (!run.ok) continue
    const { row, request, report } = run.value
    content.runs.push({
      id,
      sample,
      sampleTitle: row.sampleTitle,
      startedAt: row.startedAt,
      request,
      report,
    })
  }
  return content
}

/**
 * Merge by content. A sample with the same title and files is the same one: tags are joined, notes
 * that differ are put below the present ones. Everything else becomes a new sample. Runs are known
 * by id; one that has the id of a different run gets a new id. Nothing present is changed or lost.
 */
export function mergeLab(
  db: Database,
  samples: SampleStore,
  runs: RunStore,
  content: LabContent,
): ImportCounts {
  const byContent = db
    .prepare<[string], number>(
      'SELECT id FROM samples WHERE content = ? AND deleted_at IS NULL ORDER BY id LIMIT 1',
    )
    .pluck()
  const setTimes = db.prepare(
    'UPDATE samples SET created_at = coalesce(?, created_at), updated_at = coalesce(?, updated_at) WHERE id = ?',
  )

  return db
    .transaction((): ImportCounts => {
      const counts: ImportCounts = { added: 0, merged: 0, skipped: [] }
      const idOf = new Map<string, number>()
      for (const sample of content.samples) {
        const present = byContent.get(contentDigest(sample.title, sample.files))
        if (present !== undefined) {
          mergeSample(samples, present, sample)
          idOf.set(sample.key, present)
          counts.merged++
          continue
        }
        const { title, summary, status, notes, files } = sample
        const tags = sample.tags.map(tidyTag).filter((tag) => tag !== '')
        const created = samples.create({ title, summary, status, notes, files, tags }, 'imported')
        if (!created.ok) {
          counts.skipped.push(`“${title}”: ${created.error.message}`)
          continue
        }
        setTimes.run(sample.createdAt ?? null, sample.updatedAt ?? null, created.value.id)
        idOf.set(sample.key, created.value.id)
        counts.added++
      }
      for (const run of content.runs) mergeRun(runs, run, idOf, counts)
      return counts
    })
    .immediate()
}

function mergeSample(samples: SampleStore, id: number, coming: LabSample): void {
  samples.tag([id], coming.tags, [])
  const present = samples.get(id)
  if (!present.ok || coming.notes.trim() === '') return
  const { notes } = present.value
  if (notes.includes(coming.notes)) return
  const joined = notes.trim() === '' ? coming.notes : `${notes}\n\n---\n\n${coming.notes}`
  samples.update({ id, notes: joined })
}

function mergeRun(
  runs: RunStore,
  run: LabRun,
  idOf: ReadonlyMap<string, number>,
  counts: ImportCounts,
): void {
  const sampleId = run.sample === null ? null : (idOf.get(run.sample) ?? null)
  const { sampleTitle, request, report } = run
  const content = canonicalJson({ request, report })
  const isPresent = (id: string): boolean | 'another' => {
    const present = runs.get(id)
    if (!present.ok) return false
    const { request, report } = present.value
    return canonicalJson({ request, report }) === content || 'another'
  }
  // Made from the content, so that a second import of the file finds it.
  const otherId = sha256(`${run.id} ${content}`).slice(0, 32)
  const place = isPresent(run.id)
  if (place === true || (place === 'another' && isPresent(otherId) !== false)) return
  const id = place === 'another' ? otherId : run.id
  const saved = runs.save({ id, sampleId, sampleTitle, request, report }, run.startedAt)
  if (!saved.ok) counts.skipped.push(`Run of “${sampleTitle}”: ${saved.error.message}`)
}
