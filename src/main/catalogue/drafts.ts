/** Unsaved work and settings: small rows that are written often. */
import type { Database } from 'better-sqlite3'
import { ProjectFiles } from '../../shared/contract/model'

export interface Draft {
  files: ProjectFiles
  sampleId: number | null
  view: string
  savedAt: string
}

export interface DraftStore {
  save(key: string, draft: Omit<Draft, 'savedAt'>): void
  load(key: string): Draft | null
  discard(key: string): void
}

export interface SettingStore {
  all(): Record<string, string>
  get(key: string): string | null
  set(key: string, value: string): void
}

export function createDraftStore(db: Database, now: () => Date): DraftStore {
  const save = db.prepare(`
    INSERT INTO drafts (key, sample_id, files, view, saved_at)
    VALUES (@key, @sampleId, @files, @view, @savedAt)
    ON CONFLICT (key) DO UPDATE SET
      sample_id = @sampleId, files = @files, view = @view, saved_at = @savedAt
  `)
  const load = db.prepare<
    [string],
    { sample_id: number | null; files: string; view: string; saved_at: string }
  >('SELECT sample_id, files, view, saved_at FROM drafts WHERE key = ?')
  const discard = db.prepare('DELETE FROM drafts WHERE key = ?')
  return {
    save(key, { files, sampleId, view }) {
      const savedAt = now().toISOString()
      save.run({ key, sampleId, files: JSON.stringify(files), view, savedAt })
    },
    load(key) {
      const row = load.get(key)
      if (!row) return null
      return {
        files: ProjectFiles.parse(JSON.parse(row.files)),
        sampleId: row.sample_id,
        view: row.view,
        savedAt: row.saved_at,
      }
    },
    discard: (key) => void discard.run(key),
  }
}

export function createSettingStore(db: Database): SettingStore {
  const all = db.prepare<[], { key: string; value: string }>('SELECT key, value FROM settings')
  const get = db.prepare<[string], string>('SELECT value FROM settings WHERE key = ?').pluck()
  const set = db.prepare(`
    INSERT INTO settings (key, value) VALUES (@key, @value)
    ON CONFLICT (key) DO UPDATE SET value = @value
  `)
  return {
    all: () => Object.fromEntries(all.all().map(({ key, value }) => [key, value])),
    get: (key) => get.get(key) ?? null,
    set: (key, value) => void set.run({ key, value }),
  }
}
