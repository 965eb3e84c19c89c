/**
 * Ids of files in the order of a column. An order is made when it is first asked for and kept until
 * the column changes; a page of a result is then a walk along it.
 */
import type { Database } from 'better-sqlite3'
import type { FILE_SORTS } from '../../../../shared/contract/files'
import { hasBit, type Bits } from './bitset'
import { NOTHING, type ColumnName, type Columns } from './columns'

export type SortKey = (typeof FILE_SORTS)[number]

const COLUMN_OF: Partial<Record<SortKey, ColumnName>> = {
  added: 'added',
  size: 'size',
  compiled: 'compiled',
  signedAt: 'signed',
  entropy: 'entropy',
  evidence: 'evidence',
  capabilities: 'capability',
}
type TextKey = 'name' | 'signer' | 'machine'

interface Order {
  version: number
  /** Rising; those without a value are at the end, from `valued` on. */
  ids: Uint32Array
  valued: number
}

export class Orders {
  readonly #orders = new Map<SortKey, Order>()
  /** Counts changes of names, signers and machines, which are no columns. */
  #textVersion = 0
  readonly #texts: Record<TextKey, { ids(): number[]; without(): number }>

  constructor(
    db: Database,
    private readonly columns: Columns,
  ) {
    const text = (column: TextKey): { ids(): number[]; without(): number } => {
      const ids = db
        .prepare<[], number>(`SELECT id FROM files ORDER BY ${column} COLLATE NOCASE, id`)
        .pluck()
      const without = db
        .prepare<[], number>(`SELECT count(*) FROM files WHERE ${column} IS NULL`)
        .pluck()
      return { ids: () => ids.all(), without: () => without.get() ?? 0 }
    }
    this.#texts = { name: text('name'), signer: text('signer'), machine: text('machine') }
  }

  forget(): void {
    this.#orders.clear()
  }

  /** Files were added, or renamed. */
  textsChanged(): void {
    this.#textVersion++
  }

  /** Ids of a set in an order, from `offset` on; files without a value come last either way. */
  page(bits: Bits, key: SortKey, descending: boolean, offset: number, limit: number): number[] {
    const { ids, valued } = this.#order(key)
    const page: number[] = []
    let skip = offset
    const walk = (from: number, to: number, step: 1 | -1): void => {
      for (let i = from; i !== to && page.length < limit; i += step) {
        const id = ids[i]!
        if (!hasBit(bits, id)) continue
        if (skip > 0) skip--
        else page.push(id)
      }
    }
    if (descending) walk(valued - 1, -1, -1)
    else walk(0, valued, 1)
    walk(valued, ids.length, 1)
    return page
  }

  #order(key: SortKey): Order {
    const column = COLUMN_OF[key]
    const version = column ? this.columns.version(column) : this.#textVersion
    const present = this.#orders.get(key)
    if (present?.version === version) return present
    const order = column
      ? byNumber(this.columns.numbers(column), version)
      : this.#byText(key as TextKey, version)
    this.#orders.set(key, order)
    return order
  }

  #byText(key: TextKey, version: number): Order {
    const all = Uint32Array.from(this.#texts[key].ids())
    // SQLite puts NULL first.
    const without = this.#texts[key].without()
    const ids = new Uint32Array(all.length)
    ids.set(all.subarray(without))
    ids.set(all.subarray(0, without), all.length - without)
    return { version, ids, valued: all.length - without }
  }
}

/** Sort ids by a column with two passes of 16 bits each. */
function byNumber(numbers: Uint32Array, version: number): Order {
  let ids = new Uint32Array(numbers.length)
  for (let i = 0; i < ids.length; i++) ids[i] = i
  for (const shift of [0, 16]) {
    const starts = new Uint32Array(65_537)
    for (let i = 0; i < ids.length; i++) starts[((numbers[ids[i]!]! >>> shift) & 0xffff) + 1]!++
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!
    const sorted = new Uint32Array(ids.length)
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!
      sorted[starts[(numbers[id]! >>> shift) & 0xffff]!++] = id
    }
    ids = sorted
  }
  let valued = ids.length
  while (valued > 0 && numbers[ids[valued - 1]!] === NOTHING) valued--
  return { version, ids, valued }
}
