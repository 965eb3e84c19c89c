/** Queries that people keep by name. */
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { SavedSearch as SavedSearchSchema } from '../../../shared/contract/files'
import { fail, ok, type Result } from '../../../shared/errors'

type SavedSearch = z.infer<typeof SavedSearchSchema>

export interface SearchStore {
  list(): SavedSearch[]
  /** A name that is there gets the new query. */
  save(name: string, query: string): SavedSearch
  delete(id: number): Result<Record<string, never>>
}

export function createSearchStore(db: Database, now: () => Date): SearchStore {
  const columns = 'id, name, query, created_at AS createdAt'
  const all = db.prepare<[], SavedSearch>(
    `SELECT ${columns} FROM saved_searches ORDER BY name COLLATE NOCASE`,
  )
  const put = db.prepare<{ name: string; query: string; at: string }, SavedSearch>(
    `INSERT INTO saved_searches (name, query, created_at) VALUES (@name, @query, @at)
     ON CONFLICT (name) DO UPDATE SET query = excluded.query RETURNING ${columns}`,
  )
  const drop = db.prepare('DELETE FROM saved_searches WHERE id = ?')
  return {
    list: () => all.all(),
    save: (name, query) => put.get({ name: name.trim() || name, query, at: now().toISOString() })!,
    delete: (id) =>
      drop.run(id).changes > 0
        ? ok({})
        : fail(
            'not-found',
            `There is no saved search ${id}.`,
            'It may have been deleted already; look at the list again.',
          ),
  }
}
