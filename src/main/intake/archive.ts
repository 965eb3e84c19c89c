/**
 * Zip archives, read entry by entry: deflate and stored, ZipCrypto and AES, also from damaged and
 * hostile files. Names inside are names and never become paths. What may be unpacked is counted in a
 * `Budget`, which archives inside of archives share with the outermost one.
 */
import { open } from 'node:fs/promises'
import {
  configure,
  ERR_BAD_FORMAT,
  ERR_ENCRYPTED_CENTRAL_DIRECTORY,
  ERR_EOCDR_NOT_FOUND,
  ERR_INVALID_AUTHENTICATION_CODE,
  ERR_INVALID_COMPRESSED_DATA,
  ERR_INVALID_CRC32,
  ERR_INVALID_PASSWORD,
  ERR_INVALID_UNCOMPRESSED_SIZE,
  ERR_UNSUPPORTED_COMPRESSION,
  ERR_UNSUPPORTED_ENCRYPTION,
  Reader,
  ZipReader,
  type FileEntry,
} from '@zip.js/zip.js'
import {
  ARCHIVE_ENTRIES_MAX,
  CONTAINER_BYTES_MAX,
  UNPACKED_BYTES_FREE,
  UNPACKED_RATIO_MAX,
  UNPACK_MS_MAX,
} from './limits'
import { displayName } from './names'
import { messageOf, Unreadable } from './reasons'

// Neither Node nor a utility process has web workers.
configure({ useWebWorkers: false })

/** Bytes that can be read at any place. */
export interface ByteSource {
  size: number
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

export async function fileSource(path: string): Promise<ByteSource> {
  const file = await open(path, 'r')
  const { size } = await file.stat()
  return {
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length)
      const { bytesRead } = await file.read(bytes, 0, length, offset)
      return bytesRead === length ? bytes : bytes.subarray(0, bytesRead)
    },
    close: () => file.close(),
  }
}

export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    close: async () => undefined,
  }
}

/** What an outermost archive may still unpack to, with all that lies in it. */
export interface Budget {
  /** Bytes. */
  left: number
  /** Entries that may still be listed: an empty one costs no bytes, but a line each. */
  entries: number
}

export const budgetFor = (archiveBytes: number, bytesFree = UNPACKED_BYTES_FREE): Budget => ({
  left: bytesFree + UNPACKED_RATIO_MAX * archiveBytes,
  entries: ARCHIVE_ENTRIES_MAX,
})

/** Passwords to try, the one that worked last first. */
export class Passwords {
  #candidates: string[]
  /** `infected` is what analysts use among each other; it is always tried first. */
  constructor(given: string[]) {
    this.#candidates = [...new Set(['infected', ...given])]
  }
  get candidates(): readonly string[] {
    return this.#candidates
  }
  worked(password: string): void {
    this.#candidates = [password, ...this.#candidates.filter((other) => other !== password)]
  }
}

export interface ArchiveEntry {
  /** Position in the archive's directory, folders counted. */
  index: number
  name: string
  /** Unpacked, as the archive says. */
  size: number
  /** Of its header in the archive. */
  offset: number
}

export interface Archive {
  /** Files only. */
  entries: ArchiveEntry[]
  entry(index: number): ArchiveEntry | undefined
  /** Not all entries are listed: there are more than the limit. */
  isCut: boolean
  /**
   * Unpack one entry, checksum tested.
   * @throws Unreadable with the entry's offset
   */
  read(index: number, bytesMax: number): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}

export interface ArchiveOptions {
  passwords: Passwords
  budget: Budget
  entriesMax?: number
}

/** @throws Unreadable when its directory cannot be read; the source is closed then */
export async function openArchive(source: ByteSource, options: ArchiveOptions): Promise<Archive> {
  const { entriesMax = ARCHIVE_ENTRIES_MAX, passwords, budget } = options
  const files = new Map<number, FileEntry>()
  let isCut = false
  try {
    const reader = new ZipReader(new SourceReader(source), { strictness: 'tolerant' })
    let index = 0
    for await (const entry of reader.getEntriesGenerator()) {
      if (index >= entriesMax) {
        isCut = true
        break
      }
      if (!entry.directory) files.set(index, entry)
      index++
    }
  } catch (error) {
    await source.close()
    throw new Unreadable(directoryReason(error))
  }
  const entries = new Map(
    [...files].map(([index, { filename, uncompressedSize, offset }]) => [
      index,
      { index, name: displayName(filename), size: uncompressedSize, offset },
    ]),
  )
  return {
    entries: [...entries.values()],
    entry: (index) => entries.get(index),
    isCut,
    read(index, bytesMax) {
      const entry = files.get(index)
      if (!entry) throw new Unreadable('The archive has changed: this entry is not in it any more.')
      return readEntry(entry, bytesMax, passwords, budget)
    },
    close: () => source.close(),
  }
}

class SourceReader extends Reader<ByteSource> {
  readonly #source: ByteSource
  constructor(source: ByteSource) {
    super(source)
    this.#source = source
    this.size = source.size
  }
  override async readUint8Array(index: number, length: number): Promise<Uint8Array> {
    // A directory may claim any length.
    if (length > CONTAINER_BYTES_MAX) throw new RangeError('its directory claims to be too large')
    return this.#source.read(index, Math.max(0, Math.min(length, this.size - index)))
  }
}

const GIVE_PASSWORD =
  'Give its password again and import the archive anew; passwords are forgotten when the app ends.'

async function readEntry(
  entry: FileEntry,
  bytesMax: number,
  passwords: Passwords,
  budget: Budget,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!entry.encrypted) return unpack(entry, bytesMax, undefined, budget)
  let passedFirstTest = false
  for (const password of passwords.candidates) {
    try {
      const bytes = await unpack(entry, bytesMax, password, budget)
      passwords.worked(password)
      return bytes
    } catch (error) {
      const { cause } = error as Error
      if (!isAmong(cause, [ERR_INVALID_PASSWORD, ...DAMAGE])) throw error
      if (isAmong(cause, DAMAGE)) passedFirstTest = true
      // AES tests two bytes and then signs everything: behind that it is damage.
      if (isAmong(cause, DAMAGE) && !entry.zipCrypto) throw error
    }
  }
  throw new Unreadable(
    passedFirstTest
      ? `It is encrypted, and either it is damaged or its password is not among those tried. ${GIVE_PASSWORD}`
      : `It is encrypted, and none of the ${passwords.candidates.length} passwords tried opens it. ${GIVE_PASSWORD}`,
    entry.offset,
  )
}

/** @throws Unreadable, whose `cause` is the library's error */
async function unpack(
  entry: FileEntry,
  bytesMax: number,
  password: string | undefined,
  budget: Budget,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  /** Why we ended it ourselves. */
  let wall: string | null = null
  const writable = new WritableStream<Uint8Array>({
    write(chunk) {
      size += chunk.length
      budget.left -= chunk.length
      if (size > bytesMax)
        wall = `It unpacks to more than ${megabytes(bytesMax)}, which is the limit.`
      else if (budget.left < 0)
        wall =
          'The archive unpacks to far more than its size, as a zip bomb does; the rest was left out.'
      if (wall !== null) throw new RangeError(wall)
      chunks.push(chunk)
    },
  })
  try {
    await entry.getData(writable, {
      ...(password === undefined ? {} : { password }),
      checkCrc32: true,
      signal: AbortSignal.timeout(UNPACK_MS_MAX),
    })
  } catch (error) {
    const reason = wall ?? entryReason(error)
    throw Object.assign(new Unreadable(reason, entry.offset), wall === null && { cause: error })
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** With a wrong ZipCrypto password that passes the test of one byte, these come instead. */
const DAMAGE = [
  ERR_INVALID_CRC32,
  ERR_INVALID_COMPRESSED_DATA,
  ERR_INVALID_UNCOMPRESSED_SIZE,
  ERR_INVALID_AUTHENTICATION_CODE,
]

function isAmong(error: unknown, messages: string[]): boolean {
  return error instanceof Error && messages.includes(error.message)
}

function directoryReason(error: unknown): string {
  if (isAmong(error, [ERR_BAD_FORMAT, ERR_EOCDR_NOT_FOUND]))
    return 'The archive’s directory is missing: it was cut off, or is no zip file.'
  if (isAmong(error, [ERR_ENCRYPTED_CENTRAL_DIRECTORY]))
    return 'The archive’s directory is encrypted, which is not supported. Unpack it with another program.'
  return `The archive’s directory is damaged: ${messageOf(error)}.`
}

function entryReason(error: unknown): string {
  if (isAmong(error, [ERR_INVALID_CRC32])) return 'It is damaged: its checksum does not fit.'
  if (isAmong(error, [ERR_INVALID_AUTHENTICATION_CODE]))
    return 'It is damaged, or was changed after it was encrypted: its authentication code does not fit.'
  if (isAmong(error, [ERR_UNSUPPORTED_COMPRESSION, ERR_UNSUPPORTED_ENCRYPTION]))
    return 'It is packed in a way that is not supported. Unpack it with another program.'
  if (error instanceof Error && error.name === 'TimeoutError')
    return `Unpacking it took more than ${UNPACK_MS_MAX / 1000} seconds, so it was left out.`
  return `It is damaged: ${messageOf(error)}.`
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`
