import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import {
  budgetFor,
  fileSource,
  memorySource,
  openArchive,
  Passwords,
  type Archive,
} from './archive'
import { ItemReader } from './item-reader'
import { ARCHIVE_ENTRIES_MAX } from './limits'
import { zip } from './testing/zips'

const fixtures = resolve(__dirname, '../../../data/fixtures/pe')
const lantern = readFileSync(join(fixtures, 'lantern.sys'))
const MB = 1024 * 1024

function openBytes(
  bytes: Uint8Array,
  passwords: string[] = [],
  allowance?: number,
): Promise<Archive> {
  return openArchive(memorySource(bytes), {
    passwords: new Passwords(passwords),
    budget: allowance === undefined ? budgetFor(bytes.length) : { left: allowance, entries: 1000 },
  })
}
const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it was read',
    (error: Error & { offset?: number }) => ({ reason: error.message, offset: error.offset }),
  )

test('an archive as analysts send it opens with the password infected', async () => {
  const source = await fileSource(join(fixtures, 'lantern-infected.zip'))
  const archive = await openArchive(source, {
    passwords: new Passwords([]),
    budget: budgetFor(source.size),
  })
  expect(archive.entries).toEqual([{ index: 0, name: 'lantern.sys', size: 6656, offset: 0 }])
  expect(Buffer.compare(await archive.read(0, MB), lantern)).toBe(0)
  await archive.close()
})

test.each([
  ['plain', {}],
  ['stored', { level: 0 }],
  ['ZipCrypto', { password: 'infected', zipCrypto: true }],
  ['AES', { password: 'infected' }],
])('%s entries come out as they went in', async (_, options) => {
  const archive = await openBytes(await zip({ 'a/b.sys': lantern, 'c.sys': 'MZ' }, options))
  expect(archive.entries.map(({ name, size }) => [name, size])).toEqual([
    ['a/b.sys', 6656],
    ['c.sys', 2],
  ])
  expect(Buffer.compare(await archive.read(0, MB), lantern)).toBe(0)
  expect(Buffer.from(await archive.read(1, MB)).toString()).toBe('MZ')
})

test.each([[true], [false]])(
  'given passwords are tried after infected (ZipCrypto: %s)',
  async (zipCrypto) => {
    const bytes = await zip({ 'a.sys': lantern }, { password: 'third', zipCrypto })
    const archive = await openBytes(bytes, ['first', 'second', 'third'])
    expect((await archive.read(0, MB)).length).toBe(6656)
  },
)

test.each([[true], [false]])(
  'an unknown password is said to be one, with the place (ZipCrypto: %s)',
  async (zipCrypto) => {
    const archive = await openBytes(
      await zip({ 'a.txt': 'x', 'a.sys': lantern }, { password: 'secret', zipCrypto }),
    )
    expect(await reasonOf(archive.read(1, MB))).toEqual({
      reason: expect.stringMatching(
        /^It is encrypted, .* passwords are forgotten when the app ends\.$/,
      ),
      offset: archive.entries[1]?.offset,
    })
    expect(archive.entries[1]?.offset).toBeGreaterThan(0)
  },
)

test('a ZipCrypto password that passes the test of one byte by chance is not taken for the right one', async () => {
  const bytes = await zip({ 'a.sys': lantern }, { password: 'the right one', zipCrypto: true })
  // One in 256 wrong passwords passes; among 1,000 there are some.
  const wrong = Array.from({ length: 1000 }, (_, number) => `wrong ${number}`)
  const archive = await openBytes(bytes, [...wrong, 'the right one'])
  expect(
    createHash('sha256')
      .update(await archive.read(0, MB))
      .digest('hex'),
  ).toBe(createHash('sha256').update(lantern).digest('hex'))
})

test('a checksum that does not fit is told, and the entries after it are read', async () => {
  const bytes = await zip({ 'a.sys': lantern, 'b.sys': lantern }, { level: 0 })
  bytes[3000] = (bytes[3000] ?? 0) ^ 1
  const archive = await openBytes(bytes)
  expect(await reasonOf(archive.read(0, MB))).toEqual({
    reason: 'It is damaged: its checksum does not fit.',
    offset: 0,
  })
  expect((await archive.read(1, MB)).length).toBe(6656)
})

test('AES data changed after encryption is told as that', async () => {
  const bytes = await zip({ 'a.sys': lantern }, { password: 'infected' })
  bytes[500] = (bytes[500] ?? 0) ^ 1
  const archive = await openBytes(bytes)
  expect(await reasonOf(archive.read(0, MB))).toMatchObject({
    reason: expect.stringContaining('authentication code'),
  })
})

test.each([
  ['half of an archive', async () => (await zip({ 'a.sys': lantern })).subarray(0, 900)],
  ['nothing', async () => new Uint8Array(0)],
  ['a driver', async () => new Uint8Array(lantern)],
])('%s is no archive, and that is said', async (_, bytes) => {
  await expect(openBytes(await bytes())).rejects.toThrow(/cut off, or is no zip file/)
})

test('a bomb is stopped by what it unpacks to, not by what it says', async () => {
  const bytes = await zip({ 'a.sys': new Uint8Array(8 * MB), 'b.sys': 'MZ' })
  expect(bytes.length).toBeLessThan(20_000)
  const archive = await openBytes(bytes)
  expect(await reasonOf(archive.read(0, MB))).toEqual({
    reason: 'It unpacks to more than 1 MB, which is the limit.',
    offset: 0,
  })
  const small = await openBytes(bytes, [], 2 * MB)
  expect(await reasonOf(small.read(0, 100 * MB))).toMatchObject({
    reason: expect.stringContaining('zip bomb'),
  })
})

test('names that climb out, spoof or carry control characters are shown as names', async () => {
  const archive = await openBytes(
    await zip({
      '../../etc/passwd': 'MZ',
      'C:\\x\\evil.sys': 'MZ',
      'a\u202egpj.sys': 'MZ',
      'b\n.sys': 'MZ',
    }),
  )
  expect(archive.entries.map(({ name }) => name)).toEqual([
    '../../etc/passwd',
    'C:/x/evil.sys',
    'a\ufffdgpj.sys',
    'b\ufffd.sys',
  ])
})

test('more entries than the limit are cut off and said to be', async () => {
  const bytes = await zip(Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`${n}`, 'x'])))
  const archive = await openArchive(memorySource(bytes), {
    passwords: new Passwords([]),
    budget: budgetFor(bytes.length),
    entriesMax: 10,
  })
  expect([archive.entries.length, archive.isCut]).toEqual([10, true])
})

test('archives with any byte changed are read or refused, and nothing else', async () => {
  const bytes = await zip(
    { 'a.sys': lantern.subarray(0, 600), 'b.sys': 'MZ' },
    { password: 'infected' },
  )
  let refused = 0
  for (let at = 0; at < bytes.length; at++) {
    const broken = bytes.slice()
    broken[at] = (broken[at] ?? 0) ^ 0xff
    try {
      const archive = await openBytes(broken)
      for (const { index } of archive.entries) await archive.read(index, MB)
    } catch (error) {
      expect((error as Error).name + (error as Error).message).not.toMatch(/TypeError|undefined/)
      refused++
    }
  }
  expect(refused).toBeGreaterThan(100)
})

const sevenZip = ['/usr/bin/7zz', '/usr/bin/7z'].find(existsSync)
test.runIf(sevenZip)('archives of another program are read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ring0-archive-'))
  try {
    writeFileSync(join(folder, 'a.sys'), lantern)
    for (const method of ['ZipCrypto', 'AES256', 'AES128']) {
      const file = join(folder, `${method}.zip`)
      const flags = ['a', '-tzip', '-pinfected', `-mem=${method}`, file, join(folder, 'a.sys')]
      execFileSync(sevenZip ?? '', flags, { stdio: 'ignore' })
      const archive = await openBytes(readFileSync(file))
      expect(Buffer.compare(await archive.read(0, MB), lantern)).toBe(0)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('all archives in one file share what may be listed, and opening again costs nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ring0-archive-'))
  const reader = new ItemReader([])
  try {
    const empty = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`${at}.sys`, '']))
    const inner = await zip(empty)
    const path = join(folder, 'fan.zip')
    writeFileSync(
      path,
      await zip(Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`${n}.zip`, inner]))),
    )
    const counts: number[] = []
    for (const entry of [0, 1, 2, 3, 4, 5, 0]) {
      const archive = await reader.archive({ path, entries: [entry] })
      counts.push(archive.entries.length)
    }
    const left = ARCHIVE_ENTRIES_MAX - 6 - 4 * 20_000
    expect(counts).toEqual([20_000, 20_000, 20_000, 20_000, left, 0, 20_000])
  } finally {
    await reader.close()
    rmSync(folder, { recursive: true })
  }
})
