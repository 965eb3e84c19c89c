/** Content-addressed texts: the sources of samples and runs, each kept once. */
import type { Database } from 'better-sqlite3'
import type { ProjectFiles } from '../../shared/contract/model'
import { sha256 } from './text'

export interface TextStore {
  /** Keep a text (if it is not there yet) and say its digest. */
  put(body: string): string
  putAll(files: ProjectFiles): Record<string, string>
  /** @throws when a digest is unknown: the database would be inconsistent */
  getAll(digests: Record<string, string>): ProjectFiles
  /** Drop texts that nothing refers to any more. Returns how many. */
  sweep(): number
}

export function createTextStore(db: Database): TextStore {
  const insert = db.prepare('INSERT INTO texts (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const select = db.prepare<[string], string>('SELECT body FROM texts WHERE digest = ?').pluck()
  const sweep = db.prepare(`
    DELETE FROM texts WHERE
      digest NOT IN (SELECT digest FROM sample_files) AND
      digest NOT IN (SELECT digest FROM run_files) AND
      digest NOT IN (SELECT kept.value FROM sample_versions, json_each(sample_versions.files) AS kept)
  `)
  const put = (body: string): string => {
    const digest = sha256(body)
    insert.run(digest, body)
    return digest
  }
  return {
    put,
    putAll: (files) =>
      Object.fromEntries(Object.entries(files).map(([path, body]) => [path, put(body)])),
    getAll: (digests) =>
      Object.fromEntries(
        Object.entries(digests).map(([path, digest]) => {
          const body = select.get(digest)
          if (body === undefined) throw new Error(`The text ${digest} of ${path} is missing`)
          return [path, body]
        }),
      ),
    sweep: () => sweep.run().changes,
  }
}
