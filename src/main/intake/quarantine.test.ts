import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { budgetFor, memorySource, openArchive, Passwords } from './archive'
import { forget, infectedZip, openQuarantine, sweepStrays } from './quarantine'
import { QuarantineKey, type OsKeyStore } from './quarantine-key'
import { Folder } from './testing/desk'

const lantern = readFileSync(resolve(__dirname, '../../../data/fixtures/pe/lantern.sys'))
const sha256 = createHash('sha256').update(lantern).digest('hex')
const MB = 1024 * 1024

let folder: Folder
beforeEach(() => {
  folder = new Folder()
})
afterEach(() => folder.remove())

describe('copies', () => {
  const key = randomBytes(32)

  async function kept(): Promise<{ name: string; path: string }> {
    const name = await openQuarantine(folder.path, key).keep(sha256, lantern)
    if (!name.ok) throw new Error(name.error.message)
    return { name: name.value, path: join(folder.path, name.value.slice(0, 2), name.value) }
  }

  test('come back as they went in', async () => {
    await kept()
    const read = await openQuarantine(folder.path, key).read(sha256)
    expect(read.ok && Buffer.compare(read.value, lantern)).toBe(0)
  })

  test('say nothing by name or content, and are for their owner alone', async () => {
    const { name, path } = await kept()
    expect(name).toMatch(/^[0-9a-f]{64}$/)
    expect(name).not.toContain(sha256.slice(0, 16))
    const sealed = readFileSync(path)
    expect(sealed.includes(lantern.subarray(0, 16))).toBe(false)
    expect(sealed.subarray(0, 8).toString()).toBe('R0LBQRNT')
    expect(sealed.length).toBe(lantern.length + 8 + 4 + 32 + 12 + 16)
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('are kept once, under one name, and never left half-written', async () => {
    const first = await kept()
    const before = readFileSync(first.path)
    expect(await kept()).toEqual(first)
    expect(readFileSync(first.path).equals(before)).toBe(true)
    expect(readdirSync(join(folder.path, first.name.slice(0, 2)))).toEqual([first.name])
  })

  test('with any byte changed are refused', async () => {
    const { path } = await kept()
    const sealed = readFileSync(path)
    for (const at of [0, 8, 12, 40, 50, 56, 3000, sealed.length - 1]) {
      const broken = Buffer.from(sealed)
      broken[at] = (broken[at] ?? 0) ^ 1
      writeFileSync(path, broken)
      const read = await openQuarantine(folder.path, key).read(sha256)
      expect(read).toMatchObject({ ok: false, error: { code: 'file-invalid' } })
    }
    writeFileSync(path, sealed.subarray(0, 30))
    expect(await openQuarantine(folder.path, key).read(sha256)).toMatchObject({
      error: { message: expect.stringContaining('header') },
    })
  })

  test('do not open with another key, nor as another file', async () => {
    const { path } = await kept()
    const other = openQuarantine(folder.path, randomBytes(32))
    expect(await other.read(sha256)).toMatchObject({ error: { code: 'not-found' } })
    const wrong = createHash('sha256').update('other').digest('hex')
    const own = openQuarantine(folder.path, key)
    const moved = own.nameOf(wrong)
    folder.put(`${moved.slice(0, 2)}/${moved}`, readFileSync(path))
    expect(await own.read(wrong)).toMatchObject({ error: { code: 'file-invalid' } })
  })

  test('are forgotten by name, and by names only', async () => {
    const { name, path } = await kept()
    folder.put('precious', 'x')
    expect(await forget(folder.path, ['../precious', 'precious', name, name])).toBe(1)
    expect([existsSync(path), existsSync(join(folder.path, 'precious'))]).toEqual([false, true])
  })

  test('that are damaged are written anew', async () => {
    const { path } = await kept()
    writeFileSync(path, readFileSync(path).subarray(0, 100))
    await kept()
    expect((await openQuarantine(folder.path, key).read(sha256)).ok).toBe(true)
  })

  test('half-written are swept when they are a day old; whole ones never', async () => {
    const { name, path } = await kept()
    const part = folder.put(`${name.slice(0, 2)}/${name}.0123456789ab.part`, 'x')
    folder.put('key.json', 'x')
    const hour = 3600_000
    expect(await sweepStrays(folder.path, new Date(Date.now() + 23 * hour))).toBe(0)
    expect(await sweepStrays(folder.path, new Date(Date.now() + 25 * hour))).toBe(1)
    const stay = [path, part, join(folder.path, 'key.json')]
    expect(stay.map((it) => existsSync(it))).toEqual([true, false, true])
  })

  test('that cannot be written are told', async () => {
    const file = folder.put('no-folder', 'x')
    expect(await openQuarantine(file, key).keep(sha256, lantern)).toMatchObject({ ok: false })
  })

  test('go out as a zip that opens with infected', async () => {
    const bytes = await infectedZip('lantern.sys', lantern)
    const archive = await openArchive(memorySource(bytes), {
      passwords: new Passwords([]),
      budget: budgetFor(bytes.length),
    })
    expect(archive.entries[0]?.name).toBe('lantern.sys')
    expect(Buffer.compare(await archive.read(0, MB), lantern)).toBe(0)
    expect(Buffer.from(bytes).includes(lantern.subarray(0, 64))).toBe(false)
  })
})

describe('the key', () => {
  const scrypt = { cost: 2 ** 14, blockSize: 8, parallelization: 1 }
  /** A key store that turns bytes around. */
  const store = (isAvailable = true, secret = 7): OsKeyStore => ({
    isAvailable: () => isAvailable,
    encrypt: (text) => Buffer.from(text).map((byte) => byte ^ secret),
    decrypt: (bytes) => Buffer.from(Buffer.from(bytes).map((byte) => byte ^ secret)).toString(),
  })
  const open = (osKeyStore = store()): Promise<QuarantineKey> =>
    QuarantineKey.open({ folder: folder.path, osKeyStore, scrypt })

  test('is not there until a guard is chosen', async () => {
    const key = await open(store(false))
    expect(key.masterKey).toBeNull()
    expect(key.info).toMatchObject({ key: 'none', locked: null, osKeyStoreAvailable: false })
    expect(await key.setUp('os-key-store')).toMatchObject({
      ok: false,
      error: { hint: expect.stringContaining('passphrase') },
    })
    expect(await key.setUp('passphrase', 'short')).toMatchObject({ ok: false })
    expect(key.info.key).toBe('none')
  })

  test('in the key store of the system opens by itself, and for its user only', async () => {
    const first = await open()
    expect(await first.setUp('os-key-store')).toEqual({ ok: true, value: undefined })
    const again = await open()
    expect(again.masterKey).toEqual(first.masterKey)
    expect(again.info).toMatchObject({ key: 'os-key-store', locked: null })
    const stored = readFileSync(join(folder.path, 'key.json'), 'utf8')
    expect(stored).not.toContain(Buffer.from(first.masterKey ?? []).toString('base64'))
    const stranger = await open(store(true, 9))
    expect(stranger.masterKey).toBeNull()
    expect(stranger.info.locked).toMatch(/key store of the operating system/)
  })

  test('behind a passphrase waits for it', async () => {
    const first = await open()
    await first.setUp('passphrase', 'correct horse battery')
    const again = await open()
    expect(again.masterKey).toBeNull()
    expect(again.info.locked).toBe('Enter the passphrase of the quarantine.')
    expect(await again.setUp('key-file')).toMatchObject({ ok: false })
    expect(await again.unlock('wrong horse battery')).toMatchObject({
      error: { message: 'This is not the passphrase of the quarantine.' },
    })
    expect(await again.unlock('correct horse battery')).toMatchObject({ ok: true })
    expect(again.masterKey).toEqual(first.masterKey)
    again.lock()
    expect(again.masterKey).toBeNull()
  })

  test('in a file states the weaker promise, and is closed without the file', async () => {
    const first = await open()
    await first.setUp('key-file')
    expect(first.info.promise).toMatch(/does not protect/)
    if (process.platform !== 'win32')
      expect(statSync(join(folder.path, 'key')).mode & 0o777).toBe(0o600)
    expect((await open()).masterKey).toEqual(first.masterKey)
    expect(await first.setUp('key-file')).toMatchObject({ ok: true })
    expect((await open()).masterKey).toEqual(first.masterKey)
    rmSync(join(folder.path, 'key'))
    const closed = await open()
    expect([closed.masterKey, closed.info.locked]).toEqual([
      null,
      expect.stringMatching(/key file/),
    ])
  })

  test('changes its guard without a copy being written anew', async () => {
    const first = await open()
    await first.setUp('key-file')
    const master = Buffer.from(first.masterKey ?? [])
    await openQuarantine(folder.path, master).keep(sha256, lantern)
    await first.setUp('passphrase', 'correct horse battery')
    expect(existsSync(join(folder.path, 'key'))).toBe(false)
    const again = await open()
    await again.unlock('correct horse battery')
    expect(again.masterKey).toEqual(master)
    await again.setUp('os-key-store')
    const last = await open()
    const read = await openQuarantine(folder.path, last.masterKey ?? new Uint8Array()).read(sha256)
    expect(read.ok).toBe(true)
  })

  test('that its guard does not give back changes nothing', async () => {
    const forgetful: OsKeyStore = { ...store(), decrypt: () => Buffer.alloc(32).toString('base64') }
    const key = await open(forgetful)
    expect(await key.setUp('os-key-store')).toMatchObject({
      ok: false,
      error: { message: expect.stringMatching(/did not come out again/) },
    })
    expect([existsSync(join(folder.path, 'key.json')), key.masterKey]).toEqual([false, null])
  })

  test('chosen twice at once is one key, which the record holds', async () => {
    const key = await open()
    await Promise.all([key.setUp('passphrase', 'correct horse battery'), key.setUp('key-file')])
    expect((await open()).masterKey).toEqual(key.masterKey)
    const other = await open()
    await Promise.all([other.setUp('passphrase', 'six old red boats'), other.setUp('os-key-store')])
    expect((await open()).masterKey).toEqual(key.masterKey)
  })

  test.each([['{'], ['{"version":1,"guard":"passphrase"}'], ['{"version":9}'], ['']])(
    'whose record is damaged (%s) is told and never overwritten',
    async (text) => {
      folder.put('key.json', text)
      const key = await open()
      expect(key.info.locked).toMatch(/damaged/)
      expect(await key.setUp('key-file')).toMatchObject({ ok: false })
      expect(readFileSync(join(folder.path, 'key.json'), 'utf8')).toBe(text)
    },
  )
})
