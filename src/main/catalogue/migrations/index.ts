/** The migrations in order. Forward only: a shipped one is never edited, a new one is added. */
import type { Database } from 'better-sqlite3'
import { up as samples } from './0001-samples'
import { up as files } from './0002-files'
import { up as lessons } from './0003-lessons'

export interface Migration {
  /** What `PRAGMA user_version` says once it has run. */
  version: number
  name: string
  up(db: Database): void
}

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: 'samples', up: samples },
  { version: 2, name: 'files', up: files },
  { version: 3, name: 'lessons', up: lessons },
]
