import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { extract } from './npm-package.mjs'

const folder = mkdtempSync(join(tmpdir(), 'ring0-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function tar(files) {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write(`${text.length.toString(8).padStart(11, '0')}\0`, 124)
    const body = Buffer.alloc(Math.ceil(text.length / 512) * 512)
    body.write(text)
    return [header, body]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

const long = 'driver '.repeat(1000)
const tarball = gzipSync(
  tar({ 'package/a.txt': 'first', 'package/wanted': long, 'package/z': 'x'.repeat(512) }),
)
const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`

/** The tarball in pieces of a few bytes, as a slow network delivers it. */
function* pieces(size) {
  for (let at = 0; at < tarball.length; at += size) yield tarball.subarray(at, at + size)
}

const target = join(folder, 'out')
const options = { title: 'test', entry: 'package/wanted', integrity, target }

test.each([7, 100, 1e6])(
  'takes one file out of a tarball that arrives by %i bytes',
  async (size) => {
    await extract(Readable.from(pieces(size)), tarball.length, options)
    expect(readFileSync(target, 'utf8')).toBe(long)
  },
)

test('refuses a tarball that is not the pinned one, and leaves nothing', async () => {
  const other = { ...options, integrity: `sha512-${'A'.repeat(86)}==` }
  await expect(extract(Readable.from(pieces(99)), undefined, other)).rejects.toThrow(/integrity/)
  expect(existsSync(target)).toBe(false)
})

test('says so when the file is not in the tarball', async () => {
  const other = { ...options, entry: 'package/absent' }
  await expect(extract(Readable.from(pieces(99)), undefined, other)).rejects.toThrow(/no whole/)
})

test('says so when the download stops in the middle', async () => {
  const half = Readable.from([tarball.subarray(0, tarball.length / 2)])
  await expect(extract(half, undefined, options)).rejects.toThrow()
})
