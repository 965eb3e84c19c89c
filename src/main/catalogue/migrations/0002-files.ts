/**
 * The shelf of real driver files.
 *
 * `files` has what a line of the table shows; all that was read from a file is one deflated JSON in
 * `file_facts`. Questions are answered by an inverted index: `terms` are the values that occur
 * (`import` / `mmmapiospace`), `postings` say which files have them, as one list
 * (`files/index/id-list.ts`) or in chunks of 4,096 ids of at most 512 bytes
 * (`files/index/chunk.ts`), and `columns` hold numbers of all files in the same chunks. Two trigram
 * tables find terms by a part of them; they hold no text of their own.
 */
import type { Database } from 'better-sqlite3'

export function up(db: Database): void {
  db.exec(`
    CREATE TABLE intake_jobs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      title TEXT NOT NULL,
      paths TEXT NOT NULL,
      keep_bytes INTEGER NOT NULL,
      tags TEXT NOT NULL,
      state TEXT NOT NULL,
      -- The program that runs it (intake/owner.ts); NULL when none does.
      owner TEXT,
      -- Why it is interrupted; NULL when it is not.
      interruption TEXT,
      phase TEXT NOT NULL,
      started_at TEXT NOT NULL,
      total INTEGER NOT NULL DEFAULT 0,
      done INTEGER NOT NULL DEFAULT 0,
      added INTEGER NOT NULL DEFAULT 0,
      merged INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0,
      noted INTEGER NOT NULL DEFAULT 0,
      skipped INTEGER NOT NULL DEFAULT 0,
      bytes_done INTEGER NOT NULL DEFAULT 0,
      bytes_total INTEGER NOT NULL DEFAULT 0,
      dismissed INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    -- What is still to be read; entries: positions in archives as JSON.
    CREATE TABLE intake_items (
      job_id INTEGER NOT NULL REFERENCES intake_jobs (id) ON DELETE CASCADE,
      number INTEGER NOT NULL,
      name TEXT NOT NULL,
      path TEXT NOT NULL,
      entries TEXT NOT NULL,
      size INTEGER NOT NULL,
      is_given INTEGER NOT NULL,
      PRIMARY KEY (job_id, number)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE intake_failures (
      id INTEGER PRIMARY KEY,
      job_id INTEGER NOT NULL REFERENCES intake_jobs (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      offset INTEGER,
      reason TEXT NOT NULL
    ) STRICT;
    CREATE INDEX intake_failures_job ON intake_failures (job_id, id);

    -- AUTOINCREMENT: an id that was shown once never means another file, nor does a bit of a posting.
    CREATE TABLE files (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      -- The identity; NULL for reference data that knows the file by another hash only.
      sha256 TEXT UNIQUE,
      origin TEXT NOT NULL CHECK (origin IN ('file', 'known')),
      -- The name it came under first; aliases counts the rows of file_names.
      name TEXT NOT NULL,
      aliases INTEGER NOT NULL DEFAULT 1,
      -- Schema of the facts; NULL while nothing was read.
      schema TEXT,
      -- How good they are (files/reading.ts): from bytes or from a document, whole or lost to a limit.
      reading TEXT CHECK (reading IN ('whole', 'told', 'lost', 'told-lost')),
      size INTEGER,
      machine TEXT,
      -- Driver types with spaces between them.
      types TEXT NOT NULL DEFAULT '',
      compiled TEXT,
      signature TEXT,
      signer TEXT,
      signed_at TEXT,
      evidence INTEGER NOT NULL DEFAULT 0,
      capabilities INTEGER NOT NULL DEFAULT 0,
      known TEXT,
      blocked INTEGER NOT NULL DEFAULT 0,
      status TEXT NOT NULL DEFAULT 'new',
      verdict TEXT NOT NULL DEFAULT 'none',
      verdict_reason TEXT NOT NULL DEFAULT '',
      notes TEXT NOT NULL DEFAULT '',
      -- JSON, sorted.
      tags TEXT NOT NULL DEFAULT '[]',
      -- 1: made of reference data, even when the file itself arrived later.
      from_known INTEGER NOT NULL DEFAULT 0,
      -- The job that put it here; NULL for reference data.
      job_id INTEGER REFERENCES intake_jobs (id) ON DELETE SET NULL,
      added_at TEXT NOT NULL,
      deleted_at TEXT,
      deletion TEXT
    ) STRICT;
    CREATE INDEX files_name ON files (name COLLATE NOCASE, id);
    CREATE INDEX files_signer ON files (signer COLLATE NOCASE, id);
    CREATE INDEX files_machine ON files (machine COLLATE NOCASE, id);
    CREATE INDEX files_job ON files (job_id) WHERE job_id IS NOT NULL;
    CREATE INDEX files_notes ON files (id) WHERE notes <> '';
    CREATE INDEX files_deletion ON files (deletion) WHERE deletion IS NOT NULL;
    CREATE INDEX files_deleted_at ON files (deleted_at) WHERE deleted_at IS NOT NULL;

    CREATE TABLE file_facts (
      file_id INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
      facts BLOB NOT NULL
    ) STRICT;

    CREATE TABLE file_names (
      file_id INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      -- Where it came from under this name the first time.
      origin TEXT NOT NULL,
      at TEXT NOT NULL,
      -- The job that brought it; NULL for reference data. No foreign key: it is asked for with the file.
      job_id INTEGER,
      PRIMARY KEY (file_id, name)
    ) STRICT, WITHOUT ROWID;

    -- kind: files/hashes.ts. No foreign key: it would read the whole table for each file that is
    -- swept up, which the writer spares by knowing the hashes.
    CREATE TABLE file_hashes (
      hash BLOB NOT NULL,
      kind INTEGER NOT NULL,
      file_id INTEGER NOT NULL,
      PRIMARY KEY (hash, kind, file_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE file_yara (
      file_id INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
      matches TEXT NOT NULL
    ) STRICT;

    CREATE TABLE packages (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      key TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      -- Deflated JSON: {inf, catalogue}.
      facts BLOB NOT NULL
    ) STRICT;
    CREATE TABLE package_members (
      package_id INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
      file_id INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      is_listed INTEGER,
      PRIMARY KEY (package_id, file_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX package_members_file ON package_members (file_id);

    -- Encrypted copies in the folder of the quarantine, by the hash of what is in them.
    CREATE TABLE quarantine (
      sha256 TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      size INTEGER NOT NULL,
      kept_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE file_twins (
      file_id INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
      sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE
    ) STRICT;
    CREATE INDEX file_twins_sample ON file_twins (sample_id);

    -- One row for each file and field that a change touched; change is the undo word.
    -- before and after: text, and JSON for tags and verdict. undone: 1 when it was taken back.
    CREATE TABLE file_audit (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      file_id INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
      at TEXT NOT NULL,
      what TEXT NOT NULL,
      before TEXT NOT NULL,
      after TEXT NOT NULL,
      change TEXT,
      is_undo INTEGER NOT NULL DEFAULT 0,
      undone INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX file_audit_file ON file_audit (file_id, id);
    CREATE INDEX file_audit_change ON file_audit (change) WHERE change IS NOT NULL;

    CREATE TABLE saved_searches (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE COLLATE NOCASE,
      query TEXT NOT NULL,
      created_at TEXT NOT NULL
    ) STRICT;

    -- Reference data: each version that was taken in, and which entries rest on it. A sample is told
    -- by the first hash that is known of it.
    CREATE TABLE known_sources (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL,
      version TEXT NOT NULL,
      licence TEXT NOT NULL,
      -- Who may change what an entry says: an import everything, what ships only what no import
      -- said, and a document with files (which has a part of an entry's samples) nothing.
      kind TEXT NOT NULL CHECK (kind IN ('shipped', 'import', 'document')),
      imported_at TEXT NOT NULL,
      -- 0 until all of it is here.
      is_whole INTEGER NOT NULL,
      UNIQUE (name, version, kind)
    ) STRICT;
    CREATE TABLE known_entries (
      id INTEGER PRIMARY KEY,
      source_id INTEGER NOT NULL REFERENCES known_sources (id),
      entry TEXT NOT NULL UNIQUE,
      category TEXT NOT NULL,
      -- JSON without the samples.
      data TEXT NOT NULL
    ) STRICT;
    CREATE INDEX known_entries_source ON known_entries (source_id);
    CREATE TABLE known_samples (
      id INTEGER PRIMARY KEY,
      -- 'sha256:' and the value.
      identity TEXT NOT NULL UNIQUE
    ) STRICT;
    -- Every hash that an entry gives for the sample; kind: files/hashes.ts.
    CREATE TABLE known_hashes (
      hash BLOB NOT NULL,
      kind INTEGER NOT NULL,
      sample_id INTEGER NOT NULL REFERENCES known_samples (id) ON DELETE CASCADE,
      PRIMARY KEY (hash, kind, sample_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE known_links (
      entry_id INTEGER NOT NULL REFERENCES known_entries (id) ON DELETE CASCADE,
      -- Place in the entry's list: one entry can list a sample twice.
      position INTEGER NOT NULL,
      sample_id INTEGER NOT NULL REFERENCES known_samples (id),
      -- JSON: what this entry says of the sample.
      data TEXT NOT NULL,
      PRIMARY KEY (entry_id, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX known_links_sample ON known_links (sample_id);
    CREATE TABLE known_matches (
      file_id INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
      sample_id INTEGER NOT NULL REFERENCES known_samples (id) ON DELETE CASCADE,
      matched_by TEXT NOT NULL,
      PRIMARY KEY (file_id, sample_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX known_matches_sample ON known_matches (sample_id);

    CREATE TABLE block_policies (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      -- What a newer version of the policy shares with this one.
      key TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      version TEXT NOT NULL,
      rules INTEGER NOT NULL,
      policy BLOB NOT NULL,
      imported_at TEXT NOT NULL,
      -- The last file it was held against; NULL when it was held against all.
      applied_to INTEGER
    ) STRICT;
    CREATE TABLE file_blocks (
      file_id INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
      policy_id INTEGER NOT NULL REFERENCES block_policies (id) ON DELETE CASCADE,
      rule TEXT NOT NULL,
      rule_name TEXT NOT NULL,
      matched_by TEXT NOT NULL,
      text TEXT NOT NULL,
      PRIMARY KEY (file_id, policy_id, rule, matched_by)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX file_blocks_policy ON file_blocks (policy_id);

    -- value: lower case; label: as it was written first, NULL when that is the same.
    CREATE TABLE terms (
      id INTEGER PRIMARY KEY,
      field TEXT NOT NULL,
      value TEXT NOT NULL,
      label TEXT,
      -- Files that have it, deleted ones that can still come back among them.
      files INTEGER NOT NULL DEFAULT 0,
      UNIQUE (field, value)
    ) STRICT;
    CREATE TABLE postings (
      term_id INTEGER NOT NULL,
      -- -1: all ids of a term that few files have, as a list.
      chunk INTEGER NOT NULL,
      bits BLOB NOT NULL,
      PRIMARY KEY (term_id, chunk)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE columns (
      name TEXT NOT NULL,
      chunk INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (name, chunk)
    ) STRICT;

    -- rowid: id of the term.
    CREATE VIRTUAL TABLE words_fts USING fts5 (
      value, content = '', columnsize = 0, tokenize = 'trigram'
    );
    CREATE VIRTUAL TABLE values_fts USING fts5 (
      value, content = '', columnsize = 0, tokenize = 'trigram'
    );
  `)
}
