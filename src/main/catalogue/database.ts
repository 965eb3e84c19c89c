/**
 * Opening the catalogue's file: what is looked at before anything is written, and in which order.
 *
 * 1. The file's header is read as bytes: not a database, another program's database, or one from a
 *    newer version of the app is refused before SQLite sees it.
 * 2. A read-only connection checks the same through the write-ahead log, and the pages.
 * 3. Only then is it opened for writing and migrated, after a copy of the file is put beside it.
 *
 * A file that is refused is left byte for byte as it was.
 */
import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Database } from 'better-sqlite3'
import { ok, type AppError, type Result } from '../../shared/errors'
import { MIGRATIONS, type Migration } from './migrations'

/** `R0LB` in the header of every catalogue file. */
export const APPLICATION_ID = 0x52304c42

/** Every page is checked below this size, and after a crash; above it a clean file is trusted. */
const QUICK_CHECK_BYTES_MAX = 16 * 1024 * 1024

export interface OpenOptions {
  /** Full path of the file; it and its folder are made when absent. */
  file: string
  appVersion: string
  /** How long to wait for another process that holds the file. */
  busyTimeoutMs?: number
  /** Others than the app's own in tests. */
  migrations?: readonly Migration[]
}

/**
 * Open the catalogue, or say why not.
 *
 * Errors: `database-newer`, `database-locked`, `database-damaged`, `disk-full`, `file-unreadable`.
 * `detail` holds what SQLite said.
 */
export function openDatabase(options: OpenOptions): Result<Database> {
  const { file } = options
  const migrations = options.migrations ?? MIGRATIONS
  const timeout = options.busyTimeoutMs ?? 2000
  let db: Database | undefined
  try {
    mkdirSync(dirname(file), { recursive: true })
    const problem = checkHeader(file, migrations) ?? checkContent(file, migrations, timeout)
    if (problem) return { ok: false, error: problem }
    db = new Sqlite(file, { timeout })
    // A log beside an empty file is read only now.
    const version = userVersion(db)
    if (version > newest(migrations)) {
      db.close()
      return { ok: false, error: newer(file, version, newest(migrations), null) }
    }
    db.pragma('journal_mode = WAL')
    // FULL: a commit that was answered with "saved" survives a power cut too, not only a crash.
    db.pragma('synchronous = FULL')
    db.pragma('foreign_keys = ON')
    db.pragma('trusted_schema = OFF')
    migrate(db, file, migrations)
    db.prepare(
      `INSERT INTO meta (key, value) VALUES ('app.version', @version)
       ON CONFLICT (key) DO UPDATE SET value = @version WHERE value <> @version`,
    ).run({ version: options.appVersion })
    return ok(db)
  } catch (error) {
    db?.close()
    return { ok: false, error: toAppError(error, file) }
  }
}

function migrate(db: Database, file: string, migrations: readonly Migration[]): void {
  const from = userVersion(db)
  const due = migrations.filter((migration) => migration.version > from)
  if (due.length === 0) return
  if (from > 0) {
    const copy = join(dirname(file), `${basename(file, '.sqlite')}.before-${from + 1}.sqlite`)
    if (!existsSync(copy)) db.prepare('VACUUM INTO ?').run(copy)
  }
  for (const migration of due)
    db.transaction(() => {
      // Another process may have been quicker.
      if (userVersion(db) >= migration.version) return
      migration.up(db)
      db.pragma(`application_id = ${APPLICATION_ID}`)
      db.pragma(`user_version = ${migration.version}`)
    }).immediate()
}

const newest = (migrations: readonly Migration[]): number => migrations.at(-1)?.version ?? 0
const userVersion = (db: Database): number => Number(db.pragma('user_version', { simple: true }))

/** The first 100 bytes of the file, without SQLite. An absent or empty file is a new catalogue. */
function checkHeader(file: string, migrations: readonly Migration[]): AppError | null {
  if (!existsSync(file)) return null
  const header = Buffer.alloc(100)
  const handle = openSync(file, 'r')
  let length: number
  try {
    length = readSync(handle, header, 0, 100, 0)
  } finally {
    closeSync(handle)
  }
  // An empty file with a log is what a crash during the very first start leaves.
  if (length === 0) return null
  if (length < 100 || header.toString('latin1', 0, 16) !== 'SQLite format 3\0')
    return damaged(file, 'The file is not an SQLite database.')
  const version = header.readUInt32BE(60)
  const application = header.readUInt32BE(68)
  if (application !== APPLICATION_ID && (application !== 0 || version !== 0))
    return damaged(file, `The database belongs to another program (id ${application}).`)
  return version > newest(migrations) ? newer(file, version, newest(migrations), null) : null
}

/** Look through a read-only connection, which also reads what is in the write-ahead log. */
function checkContent(
  file: string,
  migrations: readonly Migration[],
  timeout: number,
): AppError | null {
  if (!existsSync(file) || statSync(file).size === 0) return null
  const log = `${file}-wal`
  const wasCutShort = existsSync(log) && statSync(log).size > 0
  const db = new Sqlite(file, { readonly: true, timeout })
  try {
    const version = userVersion(db)
    if (version > newest(migrations)) {
      const writer = db.prepare(`SELECT value FROM meta WHERE key = 'app.version'`).pluck().get()
      return newer(file, version, newest(migrations), typeof writer === 'string' ? writer : null)
    }
    if (version === 0) {
      const tables = db.prepare(`SELECT count(*) FROM sqlite_schema`).pluck().get()
      return tables === 0 ? null : damaged(file, 'The database belongs to another program.')
    }
    if (wasCutShort || statSync(file).size <= QUICK_CHECK_BYTES_MAX) {
      const findings = db.pragma('quick_check(5)', { simple: false }) as { quick_check: string }[]
      const texts = findings.map((finding) => finding.quick_check)
      if (texts[0] !== 'ok') return damaged(file, texts.join('\n'))
    }
    return null
  } finally {
    db.close()
  }
}

const newer = (file: string, found: number, known: number, writer: string | null): AppError =>
  error(
    'database-newer',
    `The catalogue was written by a newer Ring0 Lab${writer ? ` (${writer})` : ''}: it has format ${found}, and this version reads formats up to ${known}.`,
    'Start the newer version, or open another folder. The file was not changed.',
    file,
  )

const damaged = (file: string, detail: string): AppError =>
  error(
    'database-damaged',
    'The catalogue cannot be read: its file is damaged or is not a catalogue.',
    'Put a copy of the file back, or keep the file aside and begin a new catalogue. The file was not changed.',
    `${file}\n${detail}`,
  )

function error(code: AppError['code'], message: string, hint: string, detail: string): AppError {
  return { code, message, hint, detail }
}

/** SQLite's and the file system's errors in the app's words. */
export function toAppError(cause: unknown, file: string): AppError {
  const code = errorCode(cause)
  const detail = `${file}\n${code}: ${cause instanceof Error ? cause.message : String(cause)}`
  if (/^SQLITE_(BUSY|LOCKED|READONLY)/.test(code))
    return error(
      'database-locked',
      /READONLY/.test(code)
        ? 'The catalogue cannot be written: its file or folder is read-only.'
        : 'The catalogue is held by another program.',
      /READONLY/.test(code)
        ? 'Allow writing to the file and its folder, or open another folder.'
        : 'Close the other program, then try again. Nothing was changed.',
      detail,
    )
  if (/^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(code)) return { ...damaged(file, ''), detail }
  if (/^SQLITE_FULL|^ENOSPC/.test(code))
    return error(
      'disk-full',
      'The disk is full, so the catalogue could not be written.',
      'Free some space, then try again. What was saved before is safe.',
      detail,
    )
  if (/^SQLITE_(CANTOPEN|IOERR|PERM|AUTH)|^E(ACCES|PERM|ISDIR|NOTDIR|IO|ROFS|NOENT)$/.test(code))
    return error(
      'file-unreadable',
      'The catalogue’s file cannot be opened.',
      'Check that its folder exists and may be read and written, or open another folder.',
      detail,
    )
  return error(
    'internal',
    'The catalogue failed in a way that should not happen.',
    'What was saved before is safe. Copy the details into a report.',
    cause instanceof Error && cause.stack ? `${detail}\n${cause.stack}` : detail,
  )
}

function errorCode(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return 'error'
  return String(cause.code)
}
