/**
 * Bytes of driver files, encrypted, under names that say nothing. Each file has a key of its own,
 * derived from the master key and a random salt; AES-256-GCM authenticates the bytes together with
 * their SHA-256. The name is a keyed hash of the SHA-256: without the key it tells nothing, and
 * keeping the same file again writes the same name.
 *
 * `<folder>/3f/3f9c…` (no ending, mode 0600):
 *   8  `R0LBQRNT`      4  version, 1, little endian      32  salt      12  nonce
 *   …  ciphertext     16  tag
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
} from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { configure, Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js'
import { fail, ok, type Result } from '../../shared/errors'
import { messageOf, systemReason } from './reasons'

configure({ useWebWorkers: false })

const MAGIC = Buffer.from('R0LBQRNT')
const VERSION = 1
const SALT_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = MAGIC.length + 4 + SALT_BYTES + NONCE_BYTES

/** Names of files in the quarantine: what the shelf remembers. */
const NAME = /^[0-9a-f]{64}$/

export interface Quarantine {
  /**
   * Keep a copy: written to a temporary file, flushed, and renamed. A good one that is there stays.
   * @returns its name
   * @errors `disk-full`, `file-unreadable`
   */
  keep(sha256: string, bytes: Uint8Array): Promise<Result<string>>
  /**
   * The bytes back, tested against their SHA-256.
   * @errors `not-found`, `file-invalid` when it was damaged or belongs to another key
   */
  read(sha256: string): Promise<Result<Uint8Array>>
  /** Name that a file has or would have. */
  nameOf(sha256: string): string
}

/** @param masterKey 32 bytes */
export function openQuarantine(folder: string, masterKey: Uint8Array): Quarantine {
  const nameKey = derive(masterKey, Buffer.alloc(0), 'ring0 quarantine names')
  const nameOf = (sha256: string): string =>
    createHmac('sha256', nameKey).update(sha256).digest('hex')
  return {
    nameOf,
    async keep(sha256, bytes) {
      const name = nameOf(sha256)
      const path = pathOf(folder, name)
      try {
        // A copy that is damaged is written anew.
        if ((await isThere(path)) && (await this.read(sha256)).ok) return ok(name)
        await writeAtomically(path, seal(masterKey, sha256, bytes))
        return ok(name)
      } catch (error) {
        return notWritten(error)
      }
    },
    async read(sha256) {
      let sealed: Buffer
      try {
        sealed = await readFile(pathOf(folder, nameOf(sha256)))
      } catch (error) {
        const isGone = (error as { code?: unknown }).code === 'ENOENT'
        return fail(
          isGone ? 'not-found' : 'file-unreadable',
          isGone
            ? 'The quarantine does not hold the bytes of this file.'
            : `The copy in the quarantine could not be read. ${systemReason(error)}`,
          'Import the file again with “keep the bytes”.',
        )
      }
      return unseal(masterKey, sha256, sealed)
    },
  }
}

/** Delete copies. Missing ones count as deleted. @returns how many were there */
export async function forget(folder: string, names: string[]): Promise<number> {
  let forgotten = 0
  for (const name of names.filter((one) => NAME.test(one))) {
    const path = pathOf(folder, name)
    if (await isThere(path)) forgotten++
    await rm(path, { force: true })
  }
  return forgotten
}

/** A temporary file that is older was left behind: writing one takes seconds. */
const STRAY_MS_MIN = 24 * 3600_000

/**
 * Remove temporary files that a crash left. Copies are never swept: several catalogues may share the
 * folder, and none knows what the others hold.
 * @returns how many were removed
 */
export async function sweepStrays(folder: string, now: Date): Promise<number> {
  let removed = 0
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (!entry.isDirectory() || !/^[0-9a-f]{2}$/.test(entry.name)) continue
    for (const name of await readdir(join(folder, entry.name))) {
      if (!/^[0-9a-f]{64}\.[0-9a-f]{12}\.part$/.test(name)) continue
      const path = join(folder, entry.name, name)
      const written = await stat(path).catch(() => null)
      if (!written || now.getTime() - written.mtimeMs < STRAY_MS_MIN) continue
      await rm(path, { force: true })
      removed++
    }
  }
  return removed
}

/**
 * A zip to hand on: AES-256, password `infected`, as analysts expect it.
 * @param name file name inside
 */
export async function infectedZip(name: string, bytes: Uint8Array): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter())
  const options = { password: 'infected', encryptionStrength: 3 as const }
  await writer.add(name, new Uint8ArrayReader(bytes), options)
  return writer.close()
}

function seal(masterKey: Uint8Array, sha256: string, bytes: Uint8Array): Buffer[] {
  const salt = randomBytes(SALT_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const version = Buffer.alloc(4)
  version.writeUInt32LE(VERSION)
  const header = Buffer.concat([MAGIC, version, salt, nonce])
  const cipher = createCipheriv('aes-256-gcm', fileKey(masterKey, salt), nonce)
  cipher.setAAD(Buffer.concat([header, Buffer.from(sha256, 'hex')]))
  return [header, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]
}

function unseal(masterKey: Uint8Array, sha256: string, sealed: Buffer): Result<Uint8Array> {
  const hint = 'Import the file again with “keep the bytes”.'
  const invalid = (message: string): Result<never> => fail('file-invalid', message, hint)
  if (sealed.length < HEADER_BYTES + TAG_BYTES || !sealed.subarray(0, 8).equals(MAGIC))
    return invalid('The copy in the quarantine is damaged: its header is missing.')
  const version = sealed.readUInt32LE(8)
  if (version !== VERSION)
    return invalid(`The copy in the quarantine has format ${version}; this app reads ${VERSION}.`)
  const header = sealed.subarray(0, HEADER_BYTES)
  const salt = header.subarray(12, 12 + SALT_BYTES)
  const nonce = header.subarray(12 + SALT_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', fileKey(masterKey, salt), nonce)
  decipher.setAAD(Buffer.concat([header, Buffer.from(sha256, 'hex')]))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    const body = sealed.subarray(HEADER_BYTES, -TAG_BYTES)
    const bytes = Buffer.concat([decipher.update(body), decipher.final()])
    if (createHash('sha256').update(bytes).digest('hex') === sha256) return ok(bytes)
    return invalid('The copy in the quarantine holds another file.')
  } catch {
    return invalid('The copy in the quarantine is damaged, or belongs to another key.')
  }
}

const fileKey = (masterKey: Uint8Array, salt: Uint8Array): Buffer =>
  derive(masterKey, salt, 'ring0 quarantine file')

const derive = (key: Uint8Array, salt: Uint8Array, info: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, info, 32))

function pathOf(folder: string, name: string): string {
  if (!NAME.test(name)) throw new RangeError('no name of the quarantine')
  return join(folder, name.slice(0, 2), name)
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** All or nothing, also when the power goes: temporary file, flush, rename. */
export async function writeAtomically(path: string, parts: Uint8Array[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomBytes(6).toString('hex')}.part`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      for (const part of parts) await file.write(part)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
}

export function notWritten(error: unknown): Result<never> {
  const code = (error as { code?: unknown }).code
  if (code === 'ENOSPC')
    return fail(
      'disk-full',
      'The disk is full, so the quarantine could not be written.',
      'Free some space and try again.',
    )
  return fail(
    'file-unreadable',
    `The quarantine could not be written: ${messageOf(error)}`,
    'Look at the rights of the app’s folder.',
  )
}
