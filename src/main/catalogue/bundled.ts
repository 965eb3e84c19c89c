/**
 * The samples that ship with the app: read from their folders, put on the shelf, and followed when
 * the app brings a newer text. What the user put on them (tags, notes) and the user's own copies
 * are not touched; a shipped sample that the user deleted stays away until it is asked back.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { z } from 'zod'
import { SampleStatus } from '../../shared/contract/catalogue'
import type { ProjectFiles } from '../../shared/contract/model'
import type { SampleStore } from './samples'
import { canonicalJson, contentDigest, sha256, tidyTag } from './text'
import type { TextStore } from './texts'

/** `sample.json` beside the driver; every field may be left out. */
const SampleSettings = z.object({
  tags: z.array(z.string()).default([]),
  status: SampleStatus.optional(),
  order: z.number().int().default(100_000),
})

export interface BundledSample {
  /** Name of its folder. */
  bundle: string
  title: string
  summary: string
  status: z.output<typeof SampleStatus>
  tags: string[]
  order: number
  files: ProjectFiles
}

/** Files that belong to a sample's text; traces, tests and settings do not. */
const isSource = (name: string): boolean =>
  /\.(ts|json|md|inf)$/.test(name) && name !== 'sample.json' && !name.endsWith('.test.ts')

/**
 * Read every folder that holds a `driver.ts`. Folders that cannot be read are named in `problems`
 * and left out: one bad sample must not keep the app from starting.
 */
export function readBundledSamples(folder: string): {
  samples: BundledSample[]
  problems: string[]
} {
  const samples: BundledSample[] = []
  const problems: string[] = []
  let names: string[]
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
  } catch (error) {
    return { samples, problems: [`${folder}: ${String(error)}`] }
  }
  for (const bundle of names) {
    try {
      const sample = readSample(join(folder, bundle), bundle)
      if (sample) samples.push(sample)
    } catch (error) {
      problems.push(`${bundle}: ${String(error)}`)
    }
  }
  return { samples, problems }
}

function readSample(folder: string, bundle: string): BundledSample | null {
  const names = readdirSync(folder).sort()
  if (!names.includes('driver.ts')) return null
  const files: ProjectFiles = {}
  for (const name of names.filter(isSource)) files[name] = readFileSync(join(folder, name), 'utf8')
  const settings = SampleSettings.parse(
    names.includes('sample.json')
      ? JSON.parse(readFileSync(join(folder, 'sample.json'), 'utf8'))
      : {},
  )
  const { title, summary } = describeReadme(files['README.md'] ?? '', bundle)
  return {
    bundle,
    title,
    summary,
    status: settings.status ?? ('fixed.ts' in files ? 'crashing' : 'reference'),
    tags: settings.tags.map(tidyTag).filter((tag) => tag !== ''),
    order: settings.order,
    files,
  }
}

/** First heading is the title, first paragraph the summary; both as plain text. */
export function describeReadme(text: string, fallback: string): { title: string; summary: string } {
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  const heading = lines.findIndex((line) => /^#\s+\S/.test(line))
  const title = heading < 0 ? fallback : plain(lines[heading]!.replace(/^#\s+/, ''))
  const paragraph: string[] = []
  for (const line of lines.slice(heading + 1)) {
    if (line.trim() === '') {
      if (paragraph.length > 0) break
    } else if (/^(#|```|[-*]\s|\||>)/.test(line)) {
      if (paragraph.length > 0) break
      if (!line.startsWith('>')) break
    } else paragraph.push(line.trim())
  }
  return { title: title.slice(0, 200), summary: plain(paragraph.join(' ')).slice(0, 2000) }
}

const plain = (markdown: string): string =>
  markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`]|\*\*/g, '')
    .trim()

/**
 * Put shipped samples on the shelf or bring them up to date.
 * @returns how many rows were added or changed
 */
export function seedBundledSamples(
  db: Database,
  texts: TextStore,
  store: SampleStore,
  shipped: readonly BundledSample[],
  now: () => Date,
): { changed: number } {
  const present = db.prepare<[string], { id: number; shipped: string }>(
    'SELECT id, shipped FROM samples WHERE bundle = ?',
  )
  const insert = db.prepare(`
    INSERT INTO samples (slug, title, summary, status, origin, shelf_order, content, bundle, shipped,
      created_at, updated_at)
    VALUES (@slug, @title, @summary, @status, 'bundled', @order, @content, @bundle, @shipped, @time, @time)
  `)
  const update = db.prepare(`
    UPDATE samples SET title = @title, summary = @summary, status = @status, shelf_order = @order,
      content = @content, shipped = @shipped, updated_at = @time
    WHERE id = @id
  `)
  const clearFiles = db.prepare('DELETE FROM sample_files WHERE sample_id = ?')
  const addFile = db.prepare('INSERT INTO sample_files (sample_id, path, digest) VALUES (?, ?, ?)')
  const clearTags = db.prepare('DELETE FROM sample_tags WHERE sample_id = ? AND shipped = 1')
  const addTag = db.prepare(
    'INSERT INTO sample_tags (sample_id, tag, shipped) VALUES (?, ?, 1) ON CONFLICT DO NOTHING',
  )

  return db
    .transaction(() => {
      let changed = 0
      for (const sample of shipped) {
        const digest = sha256(canonicalJson(sample))
        const row = present.get(sample.bundle)
        if (row?.shipped === digest) continue
        const values = {
          title: sample.title,
          summary: sample.summary,
          status: sample.status,
          order: sample.order,
          content: contentDigest(sample.title, sample.files),
          shipped: digest,
          time: now().toISOString(),
        }
        let id: number
        if (row) {
          id = row.id
          update.run({ ...values, id })
        } else {
          const slug = store.freeSlug(sample.bundle)
          id = Number(insert.run({ ...values, slug, bundle: sample.bundle }).lastInsertRowid)
        }
        clearFiles.run(id)
        for (const [path, text] of Object.entries(texts.putAll(sample.files)))
          addFile.run(id, path, text)
        clearTags.run(id)
        for (const tag of sample.tags) addTag.run(id, tag)
        store.reindex(id)
        changed++
      }
      return { changed }
    })
    .immediate()
}
