import { spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { APPLICATION_ID, openDatabase } from './database'
import { MIGRATIONS, type Migration } from './migrations'
import {
  must,
  sampleFields,
  temporaryCatalogue,
  temporaryFolder,
} from './testing/temporary-catalogue'

const open = (file: string, over: Partial<Parameters<typeof openDatabase>[0]> = {}) =>
  openDatabase({ file, appVersion: '0.1.0', busyTimeoutMs: 50, ...over })

const NEWEST = MIGRATIONS.length
const NEXT: Migration = {
  version: NEWEST + 1,
  name: 'test',
  up: (db) => void db.exec('CREATE TABLE second (id INTEGER) STRICT'),
}

describe('a new catalogue', () => {
  test('is made with the newest format, marked, and in WAL mode', () => {
    const file = join(temporaryFolder(), 'deep', 'folder', 'catalogue.sqlite')
    const db = must(open(file))
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.at(-1)!.version)
    expect(db.pragma('application_id', { simple: true })).toBe(APPLICATION_ID)
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(db.pragma('foreign_keys', { simple: true })).toBe(1)
    expect(db.pragma('synchronous', { simple: true })).toBe(2)
    db.close()
  })

  test('opens again, and an empty file counts as new', () => {
    const file = join(temporaryFolder(), 'catalogue.sqlite')
    writeFileSync(file, '')
    must(open(file)).close()
    must(open(file)).close()
  })
})

describe('migrations', () => {
  test('run forward once, each whole, with a copy of the old file kept', () => {
    const folder = temporaryFolder()
    const file = join(folder, 'catalogue.sqlite')
    const first = must(open(file))
    first.prepare(`INSERT INTO settings VALUES ('kept', 'yes')`).run()
    first.close()
    const second = must(open(file, { migrations: [...MIGRATIONS, NEXT] }))
    expect(second.pragma('user_version', { simple: true })).toBe(NEWEST + 1)
    expect(second.prepare(`SELECT value FROM settings`).pluck().get()).toBe('yes')
    second.close()
    const copy = new Sqlite(join(folder, `catalogue.before-${NEWEST + 1}.sqlite`), {
      readonly: true,
    })
    expect(copy.pragma('user_version', { simple: true })).toBe(NEWEST)
    expect(copy.prepare(`SELECT value FROM settings`).pluck().get()).toBe('yes')
    copy.close()
  })

  test('one that fails leaves the file at the version before', () => {
    const file = join(temporaryFolder(), 'catalogue.sqlite')
    must(open(file)).close()
    const failing: Migration = {
      version: NEWEST + 1,
      name: 'failing',
      up: (db) => {
        db.exec('CREATE TABLE half (id INTEGER) STRICT')
        db.exec('CREATE TABLE half (id INTEGER) STRICT')
      },
    }
    const result = open(file, { migrations: [...MIGRATIONS, failing] })
    expect(result).toMatchObject({ ok: false, error: { code: 'internal' } })
    const db = must(open(file))
    expect(db.pragma('user_version', { simple: true })).toBe(NEWEST)
    expect(db.prepare(`SELECT count(*) FROM sqlite_schema WHERE name = 'half'`).pluck().get()).toBe(
      0,
    )
    db.close()
  })

  test('are numbered 1, 2, 3 without gaps', () =>
    expect(MIGRATIONS.map((migration) => migration.version)).toEqual(
      MIGRATIONS.map((_, index) => index + 1),
    ))
})

/** Every file of the folder with its bytes, but for SQLite's shared-memory index. */
const bytesOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => !/-(shm|wal)$/.test(name))
      .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  )

describe('a file that is refused is not changed', () => {
  function refused(prepare: (file: string) => void): {
    code: string
    message: string
    detail: string
  } {
    const folder = temporaryFolder()
    const file = join(folder, 'catalogue.sqlite')
    prepare(file)
    const before = bytesOf(folder)
    const result = open(file)
    expect(bytesOf(folder)).toEqual(before)
    if (result.ok) {
      result.value.close()
      throw new Error('It was opened')
    }
    expect(result.error.detail).toContain(file)
    return { ...result.error, detail: result.error.detail ?? '' }
  }

  test('from a newer version', () => {
    const error = refused((file) =>
      must(open(file, { appVersion: '9.9.9', migrations: [...MIGRATIONS, NEXT] })).close(),
    )
    expect(error.code).toBe('database-newer')
    expect(error.message).toContain(`format ${NEWEST + 1}`)
  })

  test('from a newer version that was killed before its log was folded in', () => {
    const error = refused((file) => {
      const elsewhere = join(temporaryFolder(), 'catalogue.sqlite')
      must(open(elsewhere)).close()
      copyFileSync(elsewhere, file)
      const db = new Sqlite(elsewhere)
      db.pragma('journal_mode = WAL')
      db.pragma('wal_autocheckpoint = 0')
      db.prepare(`UPDATE meta SET value = '9.9.9'`).run()
      db.pragma(`user_version = ${NEWEST + 1}`)
      copyFileSync(`${elsewhere}-wal`, `${file}-wal`)
      db.close()
    })
    expect(error.code).toBe('database-newer')
    expect(error.message).toContain('9.9.9')
  })

  test('no database at all', () =>
    expect(refused((file) => writeFileSync(file, 'not a database, '.repeat(40))).code).toBe(
      'database-damaged',
    ))

  test('cut short', () =>
    expect(
      refused((file) => {
        must(open(file)).close()
        truncateSync(file, 9000)
      }).code,
    ).toBe('database-damaged'))

  test('with broken pages', () => {
    const error = refused((file) => {
      const db = must(open(file))
      const insert = db.prepare('INSERT INTO texts VALUES (?, ?)')
      for (let i = 0; i < 200; i++) insert.run(`digest ${i}`, 'x'.repeat(500))
      db.close()
      const bytes = readFileSync(file)
      for (let page = 20; page < 40; page++) bytes.fill(0xa5, page * 4096, page * 4096 + 200)
      writeFileSync(file, bytes)
    })
    expect(error.code).toBe('database-damaged')
    expect(error.message).toContain('damaged')
  })

  test('of another program', () => {
    const foreign = (file: string): void => {
      const db = new Sqlite(file)
      db.exec('CREATE TABLE bookmarks (url TEXT)')
      db.pragma('user_version = 3')
      db.close()
    }
    expect(refused(foreign).detail).toContain('another program')
    expect(
      refused((file) => {
        const db = new Sqlite(file)
        db.exec('CREATE TABLE bookmarks (url TEXT)')
        db.close()
      }).detail,
    ).toContain('another program')
  })

  test('held by another process', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'catalogue.sqlite')
    must(open(file)).close()
    const release = join(folder, 'release')
    const holder = spawn(
      process.execPath,
      [
        '-e',
        `const db = new (require(process.argv[1]))(process.argv[2])
         db.pragma('locking_mode = EXCLUSIVE')
         db.exec("BEGIN EXCLUSIVE; INSERT INTO settings VALUES ('held', 'yes')")
         console.log('held')
         setInterval(() => { if (require('fs').existsSync(process.argv[3])) process.exit(0) }, 20)`,
        process.env['RING0_BETTER_SQLITE3'] ??
          createRequire(import.meta.url).resolve('better-sqlite3'),
        file,
        release,
      ],
      { env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' }, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await new Promise((resolve) => holder.stdout.once('data', resolve))
    const result = open(file)
    writeFileSync(release, '')
    await new Promise((resolve) => holder.once('exit', resolve))
    expect(result).toMatchObject({ ok: false, error: { code: 'database-locked' } })
    must(open(file)).close()
  })

  test('a folder in its place', () => {
    const folder = temporaryFolder()
    const result = open(folder)
    expect(result).toMatchObject({ ok: false, error: { code: 'file-unreadable' } })
    expect(existsSync(folder)).toBe(true)
  })
})

test('a write that meets a lock answers with an error and works later', () => {
  const catalogue = temporaryCatalogue({ busyTimeoutMs: 30 })
  const other = new Sqlite(catalogue.file)
  other.exec('BEGIN IMMEDIATE')
  expect(catalogue.handlers['samples.create'](sampleFields('One'))).toMatchObject({
    ok: false,
    error: { code: 'database-locked' },
  })
  other.exec('ROLLBACK')
  other.close()
  expect(catalogue.handlers['samples.create'](sampleFields('One'))).toMatchObject({ ok: true })
})
