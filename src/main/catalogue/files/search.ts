/** From the query line's terms to the set of files that meet them. */
import type { Database } from 'better-sqlite3'
import {
  clausesOf,
  fold,
  parseFileQuery,
  type FileMatch,
  type FileTerm,
  type ParsedFileQuery,
} from '../../../shared/file-query'
import { ftsString } from '../search'
import { HASH_KINDS, KINDS_OF_FIELD, type HashKind } from './hashes'
import {
  addAll,
  countBits,
  emptyBits,
  keepCommon,
  setBit,
  takeOut,
  type Bits,
} from './index/bitset'
import { ENTROPY_UNIT, NOTHING, type ColumnName, type Columns } from './index/columns'
import type { Postings } from './index/postings'
import { INDEX_FIELDS, SMALL_FIELDS, WORD_FIELDS, wordsOf } from './terms'

/** Trigrams need three characters. */
const TRIGRAM = 3

export interface Found {
  query: ParsedFileQuery
  /** Not to be changed. */
  bits: Bits
  total: number
}

export interface FileSearch {
  /** All files that were not deleted; not to be changed. */
  alive(): Bits
  find(text: string): Found
  /** Files with one of the hashes, deleted ones too. */
  byHash(hash: string, kinds: readonly HashKind[] | null): number[]
}

/** A pattern of the query line for LIKE, with `\` as the escape. */
export const likeOf = (pattern: string): string =>
  pattern.replace(/[\\%_]/g, (character) => `\\${character}`).replaceAll('*', '%')

const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join(', ')

export function createFileSearch(db: Database, postings: Postings, columns: Columns): FileSearch {
  const chunksOf = (sql: string) =>
    db.prepare<unknown[], [number, Uint8Array]>(`SELECT p.chunk, p.bits FROM ${sql}`).raw()
  const byPattern = chunksOf(
    `terms t CROSS JOIN postings p ON p.term_id = t.id
     WHERE t.field = ? AND t.value LIKE ? ESCAPE '\\'`,
  )
  const byPrefix = chunksOf(
    `terms t CROSS JOIN postings p ON p.term_id = t.id
     WHERE t.field = ? AND t.value >= ? AND t.value < ?`,
  )
  const byWord = chunksOf(
    'words_fts f CROSS JOIN postings p ON p.term_id = f.rowid WHERE words_fts MATCH ?',
  )
  const byValue = chunksOf(
    'values_fts f CROSS JOIN postings p ON p.term_id = f.rowid WHERE values_fts MATCH ?',
  )
  const inSmallFields = chunksOf(
    `terms t CROSS JOIN postings p ON p.term_id = t.id
     WHERE t.field IN (${placeholders(SMALL_FIELDS)}) AND t.value LIKE ? ESCAPE '\\'`,
  )
  const inWords = chunksOf(
    `terms t CROSS JOIN postings p ON p.term_id = t.id
     WHERE t.field IN (${placeholders(WORD_FIELDS)}) AND t.value LIKE ? ESCAPE '\\'`,
  )
  // LIKE and instr know the cases of ASCII only.
  db.function('fold', { deterministic: true }, (text) => fold(String(text)))
  const inNotes = db
    .prepare<[string], number>(
      `SELECT id FROM files INDEXED BY files_notes WHERE notes <> '' AND instr(fold(notes), ?) > 0`,
    )
    .pluck()
  const withHash = db
    .prepare<[Uint8Array], [number, number]>('SELECT file_id, kind FROM file_hashes WHERE hash = ?')
    .raw()
  const withHashBetween = db
    .prepare<[Uint8Array, Uint8Array], [number, number]>(
      'SELECT file_id, kind FROM file_hashes WHERE hash BETWEEN ? AND ?',
    )
    .raw()

  const alive = (): Bits => postings.filesWith('alive', 'yes')

  function byHash(hash: string, kinds: readonly HashKind[] | null): number[] {
    const digits = hash.replace('*', '')
    const isWhole = [32, 40, 64].includes(digits.length) && !hash.endsWith('*')
    const even = digits.length % 2 === 0
    const rows = isWhole
      ? withHash.all(Buffer.from(digits, 'hex'))
      : withHashBetween.all(
          Buffer.from(even ? digits : `${digits}0`, 'hex'),
          Buffer.from(`${digits}${'f'.repeat(even ? 64 : 65)}`, 'hex'),
        )
    const wanted = kinds?.map((kind) => HASH_KINDS[kind] as number)
    return rows.filter(([, kind]) => wanted?.includes(kind) ?? true).map(([id]) => id)
  }

  function union(collect: (into: Bits) => void): Bits {
    const into = emptyBits(postings.chunks)
    collect(into)
    return into
  }

  function byPatternIn(field: string, pattern: string, into: Bits): void {
    const isPrefix = /^[^*]+\*$/.test(pattern)
    if (!isPrefix) {
      postings.collect(into, byPattern.iterate(field, likeOf(pattern)))
      return
    }
    const from = pattern.slice(0, -1)
    // Behind every text that begins so: no character is above this one.
    postings.collect(into, byPrefix.iterate(field, from, `${from}\u{10ffff}`))
  }

  function withText(text: string): Bits {
    const pattern = likeOf(`*${text.replaceAll('*', ' ')}*`)
    return union((into) => {
      postings.collect(into, inSmallFields.iterate(...SMALL_FIELDS, pattern))
      const isWord = wordsOf(text)[0] === text
      if ([...text].length < TRIGRAM)
        postings.collect(into, inWords.iterate(...WORD_FIELDS, pattern))
      else if (isWord) postings.collect(into, byWord.iterate(ftsString(text)))
      else {
        postings.collect(into, byValue.iterate(ftsString(text)))
        for (const id of inNotes.all(text)) setBit(into, id)
      }
    })
  }

  function inRange(column: ColumnName, from: number | null, to: number | null): Bits {
    const unit = column === 'entropy' ? ENTROPY_UNIT : 1
    const least = from === null ? 0 : Math.ceil(from * unit - 1e-6)
    const end = to === null ? NOTHING : Math.ceil(to * unit - 1e-6)
    const numbers = columns.numbers(column)
    return union((into) => {
      const length = Math.min(numbers.length, into.length * 32)
      for (let id = 0; id < length; id++) {
        const value = numbers[id]!
        if (value >= least && value < end) into[id >>> 5]! |= 1 << (id & 31)
      }
    })
  }

  function filesOf(match: FileMatch): Bits {
    switch (match.kind) {
      case 'text':
        return withText(match.text)
      case 'values': {
        const fields = INDEX_FIELDS[match.field] ?? [match.field]
        const sets = fields.flatMap((field) =>
          match.values.map((value) => postings.filesWith(field, value)),
        )
        return sets.length === 1
          ? sets[0]!
          : union((into) => {
              for (const set of sets) addAll(into, set)
            })
      }
      case 'pattern':
        return union((into) => {
          for (const field of INDEX_FIELDS[match.field] ?? [match.field])
            byPatternIn(field, match.pattern, into)
        })
      case 'hash': {
        const { field, hash } = match
        return union((into) => {
          if (field !== 'certificate')
            for (const id of byHash(hash, field === null ? null : (KINDS_OF_FIELD[field] ?? [])))
              setBit(into, id)
          if (field !== null && field !== 'certificate') return
          if (hash.endsWith('*')) byPatternIn('certificate', hash, into)
          else addAll(into, postings.filesWith('certificate', hash))
        })
      }
      case 'range':
        return inRange(match.field as ColumnName, match.from, match.to)
    }
  }

  const anyOf = (terms: readonly FileTerm[]): Bits =>
    terms.length === 1
      ? filesOf(terms[0]!.match)
      : union((into) => {
          for (const { match } of terms) addAll(into, filesOf(match))
        })

  function find(text: string): Found {
    const query = parseFileQuery(text)
    const bits = alive().slice()
    for (const { any, negated } of clausesOf(query.terms))
      if (negated) takeOut(bits, anyOf(any))
      else keepCommon(bits, anyOf(any))
    return { query, bits, total: countBits(bits) }
  }

  return { alive, find, byHash }
}
