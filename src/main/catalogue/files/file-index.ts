/**
 * The index of the shelf as one thing: terms, columns and orders, changed together in the
 * transaction that changes the files, and read anew when another process wrote.
 */
import type { Database } from 'better-sqlite3'
import { Columns } from './index/columns'
import { Orders } from './index/orders'
import { Postings, type Term } from './index/postings'
import { textIndexOf } from './terms'

export interface FileIndex {
  postings: Postings
  columns: Columns
  orders: Orders
  /** Grows with every change: what was computed before is old. */
  generation(): number
  /** To be called before reading: forgets what is in memory when another process wrote. */
  refresh(): void
  /** Do it in one transaction, with the changes of the index; all or nothing. */
  write<T>(work: () => T): T
  /**
   * The same for what can be done again: it is on the disk with the next `write`, and a loss of
   * power before that takes it back whole.
   */
  writeLazily<T>(work: () => T): T
  /** Replace one group of a file's terms. */
  replace(fileId: number, before: Iterable<Term>, after: Iterable<Term>): void
}

export function createFileIndex(db: Database): FileIndex {
  // The pages of an index are written again and again: folding the log in less often (at 16 MB)
  // writes each of them to the file less often.
  db.pragma('wal_autocheckpoint = 4000')
  const postings = new Postings(db, textIndexOf)
  const columns = new Columns(db)
  const orders = new Orders(db, columns)
  let generation = 0
  let depth = 0
  const dataVersion = (): unknown => db.pragma('data_version', { simple: true })
  let seen = dataVersion()

  function forget(): void {
    postings.forget()
    columns.forget()
    orders.forget()
    generation++
  }

  function refresh(): void {
    const version = dataVersion()
    if (version === seen) return
    seen = version
    forget()
  }

  const transaction = db.transaction((work: () => unknown): unknown => {
    // Inside the lock nobody else writes, so what is in memory is right from here on.
    refresh()
    const result = work()
    postings.flush()
    columns.flush()
    return result
  })

  function write<T>(work: () => T): T {
    if (depth > 0) return work()
    depth++
    try {
      const result = transaction.immediate(work) as T
      generation++
      return result
    } catch (error) {
      forget()
      throw error
    } finally {
      depth--
    }
  }

  return {
    postings,
    columns,
    orders,
    generation: () => generation,
    refresh,
    write,
    writeLazily: (work) => {
      db.pragma('synchronous = NORMAL')
      try {
        return write(work)
      } finally {
        db.pragma('synchronous = FULL')
      }
    },
    replace: (fileId, before, after) => {
      const wanted = new Map([...after].map((term) => [`${term.field}\0${term.value}`, term]))
      const gone: Term[] = []
      for (const term of before) if (!wanted.delete(`${term.field}\0${term.value}`)) gone.push(term)
      postings.remove(fileId, gone)
      postings.add(fileId, wanted.values())
    },
  }
}
