/**
 * First shape of the catalogue.
 *
 * Texts are content addressed, so a hundred runs of one driver keep its source once. Samples are
 * deleted by a mark (`deletion` is the undo token) and swept up later. Real driver files will get
 * tables of their own in a later migration: `files` keyed by SHA-256 with their names, imports and
 * certificates, and a link table from a file to the toy sample that is its twin. Nothing here has
 * to change for that, because samples are referred to by id and texts by digest.
 */
import type { Database } from 'better-sqlite3'

export function up(db: Database): void {
  db.exec(`
    CREATE TABLE meta (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE texts (
      digest TEXT PRIMARY KEY,
      body TEXT NOT NULL
    ) STRICT;

    -- AUTOINCREMENT: an id that was shown once never means another sample.
    CREATE TABLE samples (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      slug TEXT NOT NULL,
      title TEXT NOT NULL,
      summary TEXT NOT NULL,
      status TEXT NOT NULL,
      origin TEXT NOT NULL CHECK (origin IN ('bundled', 'user', 'imported')),
      shelf_order INTEGER NOT NULL DEFAULT 1000000,
      notes TEXT NOT NULL DEFAULT '',
      -- SHA-256 of title and files: what an import compares.
      content TEXT NOT NULL,
      -- For samples that ship with the app: their folder, and the digest of what was shipped last.
      bundle TEXT UNIQUE,
      shipped TEXT,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      deleted_at TEXT,
      deletion TEXT
    ) STRICT;
    CREATE UNIQUE INDEX samples_slug ON samples (slug) WHERE deleted_at IS NULL;
    CREATE INDEX samples_content ON samples (content);
    CREATE INDEX samples_deletion ON samples (deletion) WHERE deletion IS NOT NULL;

    CREATE TABLE sample_files (
      sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
      path TEXT NOT NULL,
      digest TEXT NOT NULL REFERENCES texts (digest),
      PRIMARY KEY (sample_id, path)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sample_files_digest ON sample_files (digest);

    -- What a sample was before a save: file list as JSON, path to digest.
    CREATE TABLE sample_versions (
      sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
      version INTEGER NOT NULL,
      saved_at TEXT NOT NULL,
      title TEXT NOT NULL,
      files TEXT NOT NULL,
      PRIMARY KEY (sample_id, version)
    ) STRICT, WITHOUT ROWID;

    -- shipped = 1: came with the sample and follows its updates; 0: put there by the user.
    CREATE TABLE sample_tags (
      sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
      tag TEXT NOT NULL COLLATE NOCASE,
      shipped INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (sample_id, tag)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sample_tags_tag ON sample_tags (tag);

    -- request: RunRequest without its files, which are in run_files; report: RunReport.
    CREATE TABLE runs (
      id TEXT PRIMARY KEY,
      sample_id INTEGER REFERENCES samples (id) ON DELETE SET NULL,
      sample_title TEXT NOT NULL,
      started_at TEXT NOT NULL,
      seed INTEGER NOT NULL,
      outcome TEXT NOT NULL,
      events INTEGER NOT NULL,
      summary TEXT NOT NULL,
      request TEXT NOT NULL,
      report TEXT NOT NULL
    ) STRICT;
    CREATE INDEX runs_sample ON runs (sample_id, started_at);
    CREATE INDEX runs_started ON runs (started_at);

    CREATE TABLE run_files (
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      path TEXT NOT NULL,
      digest TEXT NOT NULL REFERENCES texts (digest),
      PRIMARY KEY (run_id, path)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX run_files_digest ON run_files (digest);

    CREATE TABLE drafts (
      key TEXT PRIMARY KEY,
      sample_id INTEGER,
      files TEXT NOT NULL,
      view TEXT NOT NULL,
      saved_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE settings (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Trigrams find a word inside an identifier: 'complete' in IoCompleteRequest.
    CREATE VIRTUAL TABLE samples_fts USING fts5 (
      title, summary, tags, notes, sources, tokenize = 'trigram'
    );
  `)
}
