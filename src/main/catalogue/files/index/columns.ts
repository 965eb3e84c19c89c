/**
 * Numbers of all files by id, for comparisons and for sorting: a `Uint32Array` each, kept in SQLite
 * in chunks and written with the batch that changes them. And the TLSH digests, 36 bytes for each.
 */
import type { Database } from 'better-sqlite3'
import { CHUNK, chunkOf } from './bitset'

/**
 * `compiled`, `signed`, `added`: seconds since 1970; `size`: bytes; `entropy`: ten-thousandths of a
 * bit per byte; `evidence`, `capability`: counts.
 */
export const COLUMNS = [
  'compiled',
  'signed',
  'added',
  'size',
  'entropy',
  'evidence',
  'capability',
] as const
export type ColumnName = (typeof COLUMNS)[number]
export const ENTROPY_UNIT = 10_000

/** What stands for "not there"; sorts last. */
export const NOTHING = 0xffffffff

/** 35 bytes of a TLSH and one that says that it is there. */
export const TLSH_BYTES = 36

const WIDTH: Record<ColumnName | 'tlsh', number> = {
  compiled: 4,
  signed: 4,
  added: 4,
  size: 4,
  entropy: 4,
  evidence: 4,
  capability: 4,
  tlsh: TLSH_BYTES,
}
type Name = keyof typeof WIDTH

interface Loaded {
  bytes: Uint8Array
  numbers: Uint32Array
  /** Counts changes, so that what was made of the column knows that it is old. */
  version: number
}

export class Columns {
  readonly #loaded = new Map<Name, Loaded>()
  readonly #dirty = new Map<Name, Set<number>>()
  #versions = 0
  readonly #read
  readonly #write
  readonly #erase

  constructor(db: Database) {
    this.#read = db
      .prepare<[string], [number, Uint8Array]>('SELECT chunk, bytes FROM columns WHERE name = ?')
      .raw()
    this.#write = db.prepare('INSERT OR REPLACE INTO columns (name, chunk, bytes) VALUES (?, ?, ?)')
    this.#erase = db.prepare('DELETE FROM columns')
  }

  /** Forget what is in memory, unwritten changes too. */
  forget(): void {
    this.#loaded.clear()
    this.#dirty.clear()
  }

  /** Empty all columns, before everything is set anew. */
  erase(): void {
    this.#erase.run()
    this.forget()
  }

  /** Numbers by file id; beyond the end there is nothing. Not to be changed. */
  numbers(name: ColumnName): Uint32Array {
    return this.#load(name).numbers
  }

  /** `TLSH_BYTES` for each file id; the last byte is 1 where there is a digest. */
  tlsh(): Uint8Array {
    return this.#load('tlsh').bytes
  }

  version(name: ColumnName): number {
    return this.#load(name).version
  }

  set(name: ColumnName, id: number, value: number | null): void {
    const number =
      value === null || !Number.isFinite(value)
        ? NOTHING
        : Math.min(Math.max(0, Math.round(value)), NOTHING - 1)
    // Much is said again, or is nothing: a chunk that stays as it is is not written again.
    if (this.numbers(name)[id] === number) return
    this.#forWriting(name, id).numbers[id] = number
  }

  setTlsh(id: number, digest: Uint8Array | null): void {
    if (!digest && this.tlsh()[(id + 1) * TLSH_BYTES - 1] === 0) return
    const { bytes } = this.#forWriting('tlsh', id)
    const place = bytes.subarray(id * TLSH_BYTES, (id + 1) * TLSH_BYTES)
    place.fill(0)
    if (!digest) return
    place.set(digest.subarray(0, TLSH_BYTES - 1))
    place[TLSH_BYTES - 1] = 1
  }

  /** Write what was set; inside the transaction that writes the files. */
  flush(): void {
    for (const [name, chunks] of this.#dirty) {
      const { bytes } = this.#load(name)
      const size = CHUNK * WIDTH[name]
      for (const chunk of chunks)
        this.#write.run(name, chunk, bytes.subarray(chunk * size, (chunk + 1) * size))
    }
    this.#dirty.clear()
  }

  #load(name: Name): Loaded {
    const present = this.#loaded.get(name)
    if (present) return present
    const rows = this.#read.all(name)
    const chunks = rows.reduce((most, [chunk]) => Math.max(most, chunk + 1), 0)
    const loaded = this.#make(name, chunks)
    for (const [chunk, bytes] of rows) loaded.bytes.set(bytes, chunk * CHUNK * WIDTH[name])
    this.#loaded.set(name, loaded)
    return loaded
  }

  #make(name: Name, chunks: number): Loaded {
    const bytes = new Uint8Array(chunks * CHUNK * WIDTH[name])
    if (name !== 'tlsh') bytes.fill(255)
    return { bytes, numbers: new Uint32Array(bytes.buffer), version: ++this.#versions }
  }

  #forWriting(name: Name, id: number): Loaded {
    let loaded = this.#load(name)
    const chunk = chunkOf(id)
    if (loaded.bytes.length < (chunk + 1) * CHUNK * WIDTH[name]) {
      const longer = this.#make(name, chunk + 1)
      longer.bytes.set(loaded.bytes)
      this.#loaded.set(name, (loaded = longer))
    }
    loaded.version = ++this.#versions
    const dirty = this.#dirty.get(name)
    if (dirty) dirty.add(chunk)
    else this.#dirty.set(name, new Set([chunk]))
    return loaded
  }
}
