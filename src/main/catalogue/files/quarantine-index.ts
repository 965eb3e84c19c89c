/** Which files have an encrypted copy in the quarantine, and under which name it lies there. */
import type { Database } from 'better-sqlite3'

export interface QuarantineIndex {
  /** Name of the copy of a file; null when there is none. */
  copyOf(fileId: number): string | null
  totals(): { files: number; bytes: number }
  /** Forget copies. @returns the names that are to be removed from the folder */
  forget(fileIds: readonly number[]): string[]
  /** Names of copies whose files are gone for good: to be removed from the folder, then dropped. */
  orphans(): string[]
  /** Forget copies by name, after they were removed from the folder. */
  drop(names: readonly string[]): void
}

export function createQuarantineIndex(db: Database): QuarantineIndex {
  const nameOf = db
    .prepare<[number], string>(
      `SELECT q.name FROM quarantine q JOIN files f ON f.sha256 = q.sha256 WHERE f.id = ?`,
    )
    .pluck()
  const totals = db.prepare<[], { files: number; bytes: number }>(
    'SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM quarantine',
  )
  const drop = db
    .prepare<[number], string>(
      `DELETE FROM quarantine WHERE sha256 = (SELECT sha256 FROM files WHERE id = ?) RETURNING name`,
    )
    .pluck()
  // A removed file can come back; one that is known by reference data only has no bytes here.
  const orphans = db
    .prepare<[], string>(
      `SELECT q.name FROM quarantine q LEFT JOIN files f ON f.sha256 = q.sha256
       WHERE f.id IS NULL OR f.origin <> 'file' ORDER BY q.name`,
    )
    .pluck()
  const dropName = db.prepare('DELETE FROM quarantine WHERE name = ?')
  return {
    copyOf: (id) => nameOf.get(id) ?? null,
    totals: () => totals.get() ?? { files: 0, bytes: 0 },
    forget: db.transaction((ids: readonly number[]) => ids.flatMap((id) => drop.all(id))),
    orphans: () => orphans.all(),
    drop: db.transaction((names: readonly string[]) => {
      for (const name of names) dropName.run(name)
    }),
  }
}
