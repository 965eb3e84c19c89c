/** The versions of reference data that were taken in, and whose entries each may change. */
import type { Database } from 'better-sqlite3'

export interface KnownSource {
  /** `LOLDrivers (magicsword-io)`. */
  name: string
  version: string
  licence: string
  shipped: boolean
}

/** What ships with the app; what people imported; what came with a document of another shelf. */
export type SourceKind = 'shipped' | 'import' | 'document'

/** A source that is being taken in. */
export interface Begun {
  id: number
  name: string
  kind: SourceKind
}

/**
 * Whose entries a source brings up to date. What ships leaves those of an import alone, so that the
 * next start does not undo it; a document has only a part of an entry's samples.
 */
export const MAY_CHANGE: Record<SourceKind, readonly SourceKind[]> = {
  shipped: ['shipped', 'document'],
  import: ['shipped', 'document', 'import'],
  document: [],
}

export interface KnownSources {
  /** Inside a write. @param isWhole  all of it is here with this write */
  begin(source: Omit<KnownSource, 'shipped'>, kind: SourceKind, isWhole: boolean): Begun
  /** All of it is here now; sources without entries go. Inside a write. */
  end(source: Begun): void
}

export function createKnownSources(db: Database, now: () => Date): KnownSources {
  const put = db
    .prepare<[Record<string, unknown>], number>(
      `INSERT INTO known_sources (name, version, licence, kind, imported_at, is_whole)
       VALUES (@name, @version, @licence, @kind, @at, @isWhole)
       ON CONFLICT (name, version, kind)
         DO UPDATE SET licence = @licence, imported_at = @at, is_whole = @isWhole
       RETURNING id`,
    )
    .pluck()
  const setWhole = db.prepare('UPDATE known_sources SET is_whole = 1 WHERE id = ?')
  // What ships stays even when imports brought all of it: that it was taken in must be remembered.
  const dropEmpty = db.prepare(
    `DELETE FROM known_sources WHERE id <> @id AND (kind <> 'shipped' OR @kind = 'shipped')
       AND NOT EXISTS (SELECT 1 FROM known_entries e WHERE e.source_id = known_sources.id)`,
  )
  return {
    begin: ({ name, version, licence }, kind, isWhole) => {
      const at = now().toISOString()
      const id = put.get({ name, version, licence, kind, at, isWhole: isWhole ? 1 : 0 })
      if (id === undefined) throw new Error(`The source ${name} was not written.`)
      return { id, name, kind }
    },
    end: (source) => {
      setWhole.run(source.id)
      dropEmpty.run(source)
    },
  }
}
