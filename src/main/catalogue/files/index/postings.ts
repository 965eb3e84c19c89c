/**
 * The inverted index: terms (`import` / `mmmapiospace`) and the files that have them. Changes are
 * collected and written in one go, since the files of a batch share most of their terms. Sets that
 * were asked for stay in memory up to a bound and follow the changes.
 */
import type { Database } from 'better-sqlite3'
import {
  addAll,
  CHUNK,
  chunkOf,
  clearBit,
  CHUNK_WORDS,
  emptyBits,
  setBit,
  type Bits,
} from './bitset'
import { changeChunk, readChunk } from './chunk'
import { appendToIdList, eachId, encodeIdList, LIST_MAX } from './id-list'

/** Bytes of sets kept in memory; a set of 200,000 files has 25 KB. */
const CACHE_BYTES_MAX = 24 * 2 ** 20
const TERM_IDS_MAX = 60_000
/** The chunk that a list of all ids of a term is kept under. */
const LIST = -1

export interface Term {
  field: string
  /** Folded. */
  value: string
  /** As it was written. */
  label: string
}

export interface TermRow {
  id: number
  value: string
  label: string
  files: number
}

/** Which trigram table a field's terms are found in by a part of them; none for most. */
export type TextIndexOf = (field: string) => 'words' | 'values' | null

interface Change {
  term: Term
  /** Whether a file has the term from now on; what is said last counts. */
  files: Map<number, boolean>
}

export class Postings {
  readonly #cache = new Map<number, Bits>()
  readonly #termIds = new Map<string, number>()
  #changes = new Map<string, Change>()
  #chunks = 1
  readonly #sql

  constructor(
    private readonly db: Database,
    private readonly textIndexOf: TextIndexOf,
  ) {
    this.#sql = {
      termId: db
        .prepare<[string, string], number>('SELECT id FROM terms WHERE field = ? AND value = ?')
        .pluck(),
      insertTerm: db.prepare('INSERT INTO terms (field, value, label, files) VALUES (?, ?, ?, ?)'),
      grow: db.prepare('UPDATE terms SET files = files + ? WHERE id = ?'),
      insertText: {
        words: db.prepare('INSERT INTO words_fts (rowid, value) VALUES (?, ?)'),
        values: db.prepare('INSERT INTO values_fts (rowid, value) VALUES (?, ?)'),
      },
      chunk: db
        .prepare<[number, number], Uint8Array>(
          'SELECT bits FROM postings WHERE term_id = ? AND chunk = ?',
        )
        .pluck(),
      chunks: db
        .prepare<[number], [number, Uint8Array]>(
          'SELECT chunk, bits FROM postings WHERE term_id = ?',
        )
        .raw(),
      write: db.prepare('INSERT OR REPLACE INTO postings (term_id, chunk, bits) VALUES (?, ?, ?)'),
      erase: db.prepare('DELETE FROM postings WHERE term_id = ? AND chunk = ?'),
      newestId: db.prepare<[], number | null>('SELECT max(id) FROM files').pluck(),
    }
    this.forget()
  }

  /** Chunks that ids can lie in: the length of every new set. */
  get chunks(): number {
    return this.#chunks
  }

  /** Forget what is in memory: another process wrote, or a transaction was rolled back. */
  forget(): void {
    this.#cache.clear()
    this.#termIds.clear()
    this.#changes.clear()
    this.#chunks = chunkOf(this.#sql.newestId.get() ?? 0) + 1
  }

  add(fileId: number, terms: Iterable<Term>): void {
    this.#chunks = Math.max(this.#chunks, chunkOf(fileId) + 1)
    for (const term of terms) this.#changeOf(term).files.set(fileId, true)
  }

  remove(fileId: number, terms: Iterable<Term>): void {
    for (const term of terms) this.#changeOf(term).files.set(fileId, false)
  }

  #changeOf(term: Term): Change {
    const key = `${term.field}\0${term.value}`
    let change = this.#changes.get(key)
    if (!change) this.#changes.set(key, (change = { term, files: new Map() }))
    return change
  }

  /** Write what was collected; inside the transaction that writes the files. */
  flush(): void {
    const changes = this.#changes
    this.#changes = new Map()
    for (const change of changes.values()) this.#write(change)
  }

  #write({ term, files }: Change): void {
    const id = this.termId(term.field, term.value)
    if (id === null) {
      this.#writeNew(term, files)
      return
    }
    const list = this.#sql.chunk.get(id, LIST)
    const grown = list ? this.#writeList(id, list, files) : this.#writeChunks(id, files)
    if (grown !== 0) this.#sql.grow.run(grown, id)
    const cached = this.#cache.get(id)
    if (!cached) return
    const bits = this.#long(cached)
    for (const [fileId, has] of files)
      if (has) setBit(bits, fileId)
      else clearBit(bits, fileId)
    this.#cache.set(id, bits)
  }

  /** @returns how many more files have the term */
  #writeList(id: number, list: Uint8Array, files: ReadonlyMap<number, boolean>): number {
    let before = 0
    let last = 0
    eachId(list, (each) => {
      before++
      last = each
    })
    const added = [...files.keys()].sort((a, b) => a - b)
    const isAppended = added[0]! > last && [...files.values()].every((has) => has)
    if (isAppended && before + added.length <= LIST_MAX) {
      this.#sql.write.run(id, LIST, appendToIdList(list, last, added))
      return added.length
    }
    const ids = new Set<number>()
    eachId(list, (each) => ids.add(each))
    for (const [fileId, has] of files)
      if (has) ids.add(fileId)
      else ids.delete(fileId)
    if (ids.size <= LIST_MAX) {
      this.#sql.write.run(id, LIST, encodeIdList([...ids].sort((a, b) => a - b)))
      return ids.size - before
    }
    this.#sql.erase.run(id, LIST)
    return this.#writeChunks(id, new Map([...ids].map((each) => [each, true]))) - before
  }

  /** @returns how many more files have the term */
  #writeChunks(id: number, files: ReadonlyMap<number, boolean>): number {
    const chunks = new Map<number, { add: number[]; remove: number[] }>()
    for (const [fileId, has] of files) {
      const chunk = chunkOf(fileId)
      let places = chunks.get(chunk)
      if (!places) chunks.set(chunk, (places = { add: [], remove: [] }))
      places[has ? 'add' : 'remove'].push(fileId % CHUNK)
    }
    let grown = 0
    for (const [chunk, places] of chunks) {
      const before = this.#sql.chunk.get(id, chunk)
      const after = changeChunk(before ?? null, places.add, places.remove)
      if (after.bytes) this.#sql.write.run(id, chunk, after.bytes)
      else if (before) this.#sql.erase.run(id, chunk)
      grown += after.grown
    }
    return grown
  }

  #writeNew({ field, value, label }: Term, files: ReadonlyMap<number, boolean>): void {
    const ids: number[] = []
    for (const [fileId, has] of files) if (has) ids.push(fileId)
    if (ids.length === 0) return
    const shown = label === value ? null : label
    const { lastInsertRowid } = this.#sql.insertTerm.run(field, value, shown, ids.length)
    const id = Number(lastInsertRowid)
    const text = this.textIndexOf(field)
    if (text !== null) this.#sql.insertText[text].run(id, value)
    this.#remember(`${field}\0${value}`, id)
    if (ids.length > LIST_MAX) this.#writeChunks(id, files)
    else this.#sql.write.run(id, LIST, encodeIdList(ids.sort((a, b) => a - b)))
  }

  #remember(key: string, id: number): void {
    if (this.#termIds.size >= TERM_IDS_MAX) this.#termIds.clear()
    this.#termIds.set(key, id)
  }

  termId(field: string, value: string): number | null {
    const key = `${field}\0${value}`
    const known = this.#termIds.get(key)
    if (known !== undefined) return known
    const id = this.#sql.termId.get(field, value)
    if (id === undefined) return null
    this.#remember(key, id)
    return id
  }

  /** Files with a term; not to be changed. */
  bits(termId: number): Bits {
    const cached = this.#cache.get(termId)
    if (cached) {
      // The newest end of the map is what was used last.
      this.#cache.delete(termId)
      this.#cache.set(termId, cached)
      return cached
    }
    const bits = emptyBits(this.#chunks)
    this.collect(bits, this.#sql.chunks.iterate(termId))
    this.#cache.set(termId, bits)
    const setsMax = Math.max(64, CACHE_BYTES_MAX / (this.#chunks * CHUNK_WORDS * 4))
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= setsMax) break
      this.#cache.delete(oldest)
    }
    return bits
  }

  /** Files with a value of a field; empty when nobody has it. Not to be changed. */
  filesWith(field: string, value: string): Bits {
    const id = this.termId(field, value)
    return id === null ? new Uint32Array(0) : this.bits(id)
  }

  /** Add files to a set of `chunks` chunks: rows of `SELECT chunk, bits`. */
  collect(into: Bits, rows: Iterable<[number, Uint8Array]>): void {
    const take = (id: number): void => setBit(into, id)
    for (const [chunk, bytes] of rows)
      if (chunk === LIST) eachId(bytes, take)
      else readChunk(bytes, chunk, into)
  }

  #long(bits: Bits): Bits {
    const length = this.#chunks * CHUNK_WORDS
    if (bits.length >= length) return bits
    const longer = emptyBits(this.#chunks)
    addAll(longer, bits)
    return longer
  }

  /** Empty the index, before everything is added anew. */
  erase(): void {
    this.db.exec(`
      DELETE FROM postings;
      DELETE FROM terms;
      INSERT INTO words_fts (words_fts) VALUES ('delete-all');
      INSERT INTO values_fts (values_fts) VALUES ('delete-all');
    `)
    this.forget()
  }
}
