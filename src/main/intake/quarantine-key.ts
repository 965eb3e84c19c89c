/**
 * The quarantine's master key and what guards it: the key store of the operating system, a
 * passphrase, or a file beside it. The master key itself is random and stays the same when the guard
 * is changed, so changing it rewrites one small file and no copies.
 *
 * `quarantine/key.json` holds the wrapped key. A key that was in use is never overwritten before the
 * new wrapping was tried.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { QuarantineInfo } from '../../shared/contract/files'
import { fail, ok, type Result } from '../../shared/errors'
import { notWritten, writeAtomically } from './quarantine'
import { messageOf } from './reasons'

/** Electron's safeStorage, as far as it is needed. */
export interface OsKeyStore {
  /** False also when the system has no store and the text would only be obscured (`basic_text`). */
  isAvailable(): boolean
  encrypt(text: string): Uint8Array
  /** @throws when the store is locked, or the text belongs to another user or machine */
  decrypt(bytes: Uint8Array): string
}

const Wrapped = z.object({ nonce: z.string(), body: z.string(), tag: z.string() })
const KeyFile = z.discriminatedUnion('guard', [
  z.object({ version: z.literal(1), guard: z.literal('os-key-store'), sealed: z.string() }),
  z.object({
    version: z.literal(1),
    guard: z.literal('passphrase'),
    salt: z.string(),
    // Bounded: the file may have been replaced.
    cost: z
      .number()
      .int()
      .min(2 ** 14)
      .max(2 ** 20),
    blockSize: z.number().int().min(1).max(32),
    parallelization: z.number().int().min(1).max(16),
    wrapped: Wrapped,
  }),
  z.object({ version: z.literal(1), guard: z.literal('key-file'), wrapped: Wrapped }),
])
type KeyFile = z.infer<typeof KeyFile>
export type Guard = KeyFile['guard']

/** 128 MB and about half a second: a guess costs as much. */
const SCRYPT = { cost: 2 ** 17, blockSize: 8, parallelization: 1 }

const PROMISES: Record<Guard | 'none', string> = {
  none: 'Nothing is kept yet. Choose how the key is guarded before bytes are kept.',
  'os-key-store':
    'Copies are encrypted with AES-256-GCM. The key lies in the key store of the operating system: whoever is logged in as you can open them, a copy of the disk alone cannot.',
  passphrase:
    'Copies are encrypted with AES-256-GCM. The key is wrapped with your passphrase, which is asked for once in each session. Without the passphrase nobody can open them, and nobody can restore it.',
  'key-file':
    'Copies are encrypted with AES-256-GCM, but the key lies in a file beside them. This keeps them from being run, indexed or scanned by mistake. It does not protect them from anyone who can read your files.',
}

export interface QuarantineKeyOptions {
  /** `<userData>/quarantine`. */
  folder: string
  osKeyStore: OsKeyStore
  scrypt?: typeof SCRYPT
}

/** Guards the key; one per app. */
export class QuarantineKey {
  readonly #folder: string
  readonly #osKeyStore: OsKeyStore
  readonly #scrypt: typeof SCRYPT
  /** Changes of the key, one after the other. */
  #last: Promise<unknown> = Promise.resolve()
  #stored: KeyFile | null = null
  #masterKey: Buffer | null = null
  /** Why the stored key cannot be used. */
  #trouble: string | null = null

  private constructor({ folder, osKeyStore, scrypt: parameters }: QuarantineKeyOptions) {
    this.#folder = folder
    this.#osKeyStore = osKeyStore
    this.#scrypt = parameters ?? SCRYPT
  }

  /** Read what is stored, and open it where no passphrase is needed. */
  static async open(options: QuarantineKeyOptions): Promise<QuarantineKey> {
    const key = new QuarantineKey(options)
    await key.#load()
    return key
  }

  /** 32 bytes, or null while it is locked or was never set up. */
  get masterKey(): Uint8Array | null {
    return this.#masterKey
  }

  /** All of QuarantineInfo that is not counted by the shelf. */
  get info(): Omit<QuarantineInfo, 'files' | 'bytes'> {
    const key = this.#stored?.guard ?? 'none'
    return {
      key,
      locked: this.#locked,
      promise: PROMISES[key],
      osKeyStoreAvailable: this.#osKeyStore.isAvailable(),
    }
  }

  get #locked(): string | null {
    if (this.#masterKey) return null
    if (this.#trouble !== null) return this.#trouble
    return this.#stored ? 'Enter the passphrase of the quarantine.' : null
  }

  /**
   * Choose a guard, for the first time or instead of another. The quarantine must be open then.
   * @errors `bad-request` when it is locked, the store is missing or the passphrase is too short;
   * `internal` when the guard does not give the key back
   */
  setUp(guard: Guard, passphrase = ''): Promise<Result<void>> {
    return this.#serially(() => this.#setUp(guard, passphrase))
  }

  async #setUp(guard: Guard, passphrase: string): Promise<Result<void>> {
    if (this.#trouble !== null || (this.#stored && !this.#masterKey))
      return fail(
        'bad-request',
        'The quarantine is locked, so its key cannot be guarded in another way.',
        this.#locked ?? '',
      )
    // A second key file would have to replace the first before the wrapping that fits it is there.
    if (guard === 'key-file' && this.#stored?.guard === 'key-file') return ok(undefined)
    const masterKey = this.#masterKey ?? randomBytes(32)
    const made = await this.#wrap(guard, masterKey, passphrase)
    if (!made.ok) return made
    const { stored, keyFile } = made.value
    const opened = await this.#unwrap(stored, keyFile, passphrase)
    if (!opened?.equals(masterKey))
      return fail(
        'internal',
        'The key that was wrapped did not come out again, so nothing was changed.',
        'Choose another guard of the key.',
      )
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      if (keyFile) await writeAtomically(this.#keyFilePath, [keyFile])
      const text = JSON.stringify(stored, null, 2)
      await writeAtomically(this.#storedPath, [Buffer.from(text)])
      // Only now does nothing need the old one.
      if (guard !== 'key-file') await rm(this.#keyFilePath, { force: true })
    } catch (error) {
      return notWritten(error)
    }
    this.#stored = stored
    this.#masterKey = masterKey
    return ok(undefined)
  }

  /** @errors `bad-request` with a wrong passphrase, or when none is needed */
  unlock(passphrase: string): Promise<Result<void>> {
    return this.#serially(() => this.#unlock(passphrase))
  }

  async #unlock(passphrase: string): Promise<Result<void>> {
    const stored = this.#stored
    if (stored?.guard !== 'passphrase')
      return fail('bad-request', 'The quarantine is not guarded by a passphrase.', 'Set one first.')
    const masterKey = await this.#unwrap(stored, undefined, passphrase)
    if (!masterKey)
      return fail(
        'bad-request',
        'This is not the passphrase of the quarantine.',
        'Try again. Nobody can restore a lost passphrase.',
      )
    this.#masterKey = masterKey
    return ok(undefined)
  }

  /** Forget the key until the passphrase comes again. Other guards stay open. */
  lock(): void {
    if (this.#stored?.guard !== 'passphrase') return
    this.#masterKey?.fill(0)
    this.#masterKey = null
  }

  get #storedPath(): string {
    return join(this.#folder, 'key.json')
  }
  get #keyFilePath(): string {
    return join(this.#folder, 'key')
  }

  async #load(): Promise<void> {
    let text: string
    try {
      text = await readFile(this.#storedPath, 'utf8')
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT')
        this.#trouble = `The quarantine’s key could not be read: ${messageOf(error)}`
      return
    }
    try {
      this.#stored = KeyFile.parse(JSON.parse(text))
    } catch {
      this.#trouble =
        'The quarantine’s key (key.json) is damaged. Put a copy of it back; without it the copies stay closed.'
      return
    }
    await this.#openStored(this.#stored)
  }

  async #openStored(stored: KeyFile): Promise<void> {
    if (stored.guard === 'passphrase') return
    const keyFile = await readFile(this.#keyFilePath).catch(() => undefined)
    this.#masterKey = await this.#unwrap(stored, keyFile, '')
    if (!this.#masterKey)
      this.#trouble =
        stored.guard === 'os-key-store'
          ? 'The key store of the operating system does not give out the quarantine’s key. Unlock it, or log in as the user who set the quarantine up, and start the app again.'
          : 'The quarantine’s key file is missing or is another one. Put a copy of it back; without it the copies stay closed.'
  }

  /** The master key out of what guards it; null when it does not come out. */
  async #unwrap(
    stored: KeyFile,
    keyFile: Buffer | undefined,
    passphrase: string,
  ): Promise<Buffer | null> {
    switch (stored.guard) {
      case 'os-key-store':
        try {
          const text = this.#osKeyStore.decrypt(Buffer.from(stored.sealed, 'base64'))
          const key = Buffer.from(text, 'base64')
          return key.length === 32 ? key : null
        } catch {
          return null
        }
      case 'passphrase': {
        const { cost, blockSize, parallelization } = stored
        const parameters = { cost, blockSize, parallelization }
        const salt = Buffer.from(stored.salt, 'base64')
        return unwrap(await stretch(passphrase, salt, parameters), stored.wrapped)
      }
      case 'key-file':
        return keyFile?.length === 32 ? unwrap(keyFile, stored.wrapped) : null
    }
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work)
    this.#last = next
    return next
  }

  async #wrap(
    guard: Guard,
    masterKey: Buffer,
    passphrase: string,
  ): Promise<Result<{ stored: KeyFile; keyFile?: Buffer }>> {
    if (guard === 'os-key-store') {
      if (!this.#osKeyStore.isAvailable())
        return fail(
          'bad-request',
          'This system has no key store that the app can use.',
          'Choose a passphrase, or the key file with its weaker promise.',
        )
      try {
        const sealed = Buffer.from(this.#osKeyStore.encrypt(masterKey.toString('base64')))
        const stored = { version: 1, guard, sealed: sealed.toString('base64') } as const
        return ok({ stored })
      } catch (error) {
        return fail(
          'internal',
          `The key store of the operating system refused the key: ${messageOf(error)}`,
          'Choose a passphrase instead.',
        )
      }
    }
    if (guard === 'passphrase') {
      if (passphrase.length < PASSPHRASE_CHARS_MIN)
        return fail(
          'bad-request',
          `The passphrase has fewer than ${PASSPHRASE_CHARS_MIN} characters.`,
          'Take several words.',
        )
      const salt = randomBytes(32)
      const wrapped = wrap(await stretch(passphrase, salt, this.#scrypt), masterKey)
      const parameters = this.#scrypt
      const stored = { version: 1, guard, salt: salt.toString('base64'), ...parameters, wrapped }
      return ok({ stored: KeyFile.parse(stored) })
    }
    const keyFile = randomBytes(32)
    return ok({ stored: { version: 1, guard, wrapped: wrap(keyFile, masterKey) }, keyFile })
  }
}

export const PASSPHRASE_CHARS_MIN = 10

function stretch(passphrase: string, salt: Buffer, parameters: typeof SCRYPT): Promise<Buffer> {
  const { cost, blockSize } = parameters
  const options = { ...parameters, maxmem: 256 * cost * blockSize }
  return new Promise((resolve, reject) =>
    // One spelling of letters with marks, whatever the keyboard makes of them.
    scrypt(passphrase.normalize('NFC'), salt, 32, options, (error, key) =>
      error ? reject(error) : resolve(key),
    ),
  )
}

/** The tag of GCM is the verifier: a wrong key does not fit. */
function wrap(key: Uint8Array, masterKey: Uint8Array): z.infer<typeof Wrapped> {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const body = Buffer.concat([cipher.update(masterKey), cipher.final()])
  const text = (bytes: Buffer): string => bytes.toString('base64')
  return { nonce: text(nonce), body: text(body), tag: text(cipher.getAuthTag()) }
}

function unwrap(key: Uint8Array, wrapped: z.infer<typeof Wrapped>): Buffer | null {
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes(wrapped.nonce))
    decipher.setAuthTag(bytes(wrapped.tag))
    const masterKey = Buffer.concat([decipher.update(bytes(wrapped.body)), decipher.final()])
    return masterKey.length === 32 ? masterKey : null
  } catch {
    return null
  }
}
