/** How far the student is in each lesson. */
import type { Database } from 'better-sqlite3'

export function up(db: Database): void {
  db.exec(`
    CREATE TABLE lesson_progress (
      slug TEXT PRIMARY KEY,
      predicted INTEGER,
      hints INTEGER NOT NULL DEFAULT 0,
      attempts INTEGER NOT NULL DEFAULT 0,
      points INTEGER NOT NULL DEFAULT 0,
      -- What could be had when the points were.
      points_of INTEGER NOT NULL DEFAULT 0,
      passed_at TEXT,
      solution_seen INTEGER NOT NULL DEFAULT 0,
      -- Of the last check, as JSON.
      report TEXT,
      updated_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
  `)
}
