/**
 * Bytes of items, on disk or inside of archives. Archives stay open while their entries are read,
 * which come one after the other. Calls must not overlap.
 */
import { open, stat } from 'node:fs/promises'
import {
  budgetFor,
  fileSource,
  memorySource,
  openArchive,
  Passwords,
  type Archive,
  type Budget,
  type ByteSource,
} from './archive'
import { CONTAINER_BYTES_MAX, FILE_BYTES_MAX } from './limits'
import { systemReason, Unreadable } from './reasons'
import { HEAD_BYTES } from './recognise'

/** Which file, and which entry of which entry in it; no entries for the file itself. */
export interface Place {
  path: string
  entries: number[]
}

/** Archives held open: the outermost and those inside of it. */
const OPEN_MAX = 3

export class ItemReader {
  readonly #passwords: Passwords
  readonly #open = new Map<string, Archive>()
  readonly #budgets = new Map<string, Budget>()
  /** Entries of archives that were opened before: they are paid for. */
  readonly #listed = new Map<string, number>()

  readonly #bytesFree: number | undefined

  /** @param bytesFree what any archive may unpack to, whatever its size */
  constructor(passwords: string[], bytesFree?: number) {
    this.#passwords = new Passwords(passwords)
    this.#bytesFree = bytesFree
  }

  /** The first bytes of a file on disk. @throws Unreadable */
  async head(path: string): Promise<Uint8Array> {
    return readPart(path, HEAD_BYTES)
  }

  /** @throws Unreadable, also for what is larger than `bytesMax` */
  async bytes(place: Place, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
    const { path, entries } = place
    const last = entries.at(-1)
    if (last === undefined) return readPart(path, bytesMax + 1, bytesMax)
    const archive = await this.archive({ path, entries: entries.slice(0, -1) })
    return archive.read(last, bytesMax)
  }

  /** Bytes of a listed item, whatever it is. @throws Unreadable */
  async item(item: Place & { name: string }): Promise<Uint8Array<ArrayBuffer>> {
    const { path, entries, name } = item
    const last = entries.at(-1)
    if (last !== undefined) {
      const archive = await this.archive({ path, entries: entries.slice(0, -1) })
      if (!name.endsWith(`/${archive.entry(last)?.name}`))
        throw new Unreadable('The archive has changed since it was listed. Import it again.')
    }
    return this.bytes(item, Math.max(FILE_BYTES_MAX, CONTAINER_BYTES_MAX))
  }

  /** The archive at a place. @throws Unreadable */
  async archive(place: Place): Promise<Archive> {
    const key = keyOf(place)
    const held = this.#open.get(key)
    if (held) {
      this.#open.delete(key)
      this.#open.set(key, held)
      return held
    }
    return this.#openAt(place)
  }

  /** The archive at a place whose bytes were read already. @throws Unreadable */
  async hold(place: Place, bytes: Uint8Array): Promise<Archive> {
    return this.#openFrom(place, memorySource(bytes))
  }

  /** The limit of entries holds for everything in one file on disk, and opening again costs nothing. */
  async #openFrom(place: Place, source: ByteSource): Promise<Archive> {
    const key = keyOf(place)
    const budget = await this.#budget(place.path)
    const before = this.#listed.get(key)
    const entriesMax = before ?? budget.entries
    const archive = await openArchive(source, { passwords: this.#passwords, budget, entriesMax })
    if (before === undefined) {
      budget.entries -= archive.entries.length
      this.#listed.set(key, archive.entries.length)
    }
    return this.#keep(key, archive)
  }

  async #keep(key: string, archive: Archive): Promise<Archive> {
    this.#open.set(key, archive)
    for (const [other, old] of this.#open) {
      if (this.#open.size <= OPEN_MAX) break
      this.#open.delete(other)
      await old.close()
    }
    return archive
  }

  async #openAt(place: Place): Promise<Archive> {
    const { path, entries } = place
    if (entries.length > 0) return this.hold(place, await this.bytes(place, CONTAINER_BYTES_MAX))
    try {
      return await this.#openFrom(place, await fileSource(path))
    } catch (error) {
      throw error instanceof Unreadable ? error : new Unreadable(systemReason(error))
    }
  }

  /** One for each file on disk, whatever is inside of it. */
  async #budget(path: string): Promise<Budget> {
    const budget = this.#budgets.get(path) ?? budgetFor(await sizeOf(path), this.#bytesFree)
    this.#budgets.set(path, budget)
    return budget
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()]
    this.#open.clear()
    for (const archive of all) await archive.close()
  }
}

const keyOf = ({ path, entries }: Place): string => JSON.stringify([path, ...entries])

/** Size of a regular file on disk. @throws Unreadable */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    throw new Unreadable(systemReason(error))
  }
}

/**
 * @param length as many bytes from the start as are there
 * @param refuseAbove refuse files with more bytes than this
 */
async function readPart(
  path: string,
  length: number,
  refuseAbove = Infinity,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const file = await open(path, 'r')
    try {
      const info = await file.stat()
      if (!info.isFile()) throw new Unreadable('This is no regular file, so it was not read.')
      if (info.size > refuseAbove)
        throw new Unreadable(`It is larger than ${Math.round(refuseAbove / 1024 / 1024)} MB.`)
      const bytes = new Uint8Array(Math.min(length, info.size))
      let at = 0
      while (at < bytes.length) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, at)
        if (bytesRead === 0) break
        at += bytesRead
      }
      return at === bytes.length ? bytes : bytes.slice(0, at)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw error instanceof Unreadable ? error : new Unreadable(systemReason(error))
  }
}
