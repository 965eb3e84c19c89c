/** Which files have an encrypted copy in the quarantine, and under which name it lies there. */
import type { Database } from 'better-sqlite3'

export interface QuarantineIndex {
  /** Name of the copy of a file; null when there is none. */
  copyOf(fileId: number): string | null
  totals(): { files: number; bytes: number }
  /** Forget copies. @returns the names that are to be removed from the folder */
  forget(fileIds: readonly number[]): string[]
  /** All names, to find copies that nobody knows of. */
  names(): string[]
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
  const names = db.prepare<[], string>('SELECT name FROM quarantine ORDER BY name').pluck()
  return {
    copyOf: (id) => nameOf.get(id) ?? null,
    totals: () => totals.get() ?? { files: 0, bytes: 0 },
    forget: db.transaction((ids: readonly number[]) => ids.flatMap((id) => drop.all(id))),
    names: () => names.all(),
  }
}
