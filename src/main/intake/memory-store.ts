/**
 * A job store in memory, with the promises of the real one: each call is a transaction. It keeps no
 * facts: who needs them overrides `landed`. The terminal scans with it.
 */
import type {
  IntakeBatch,
  IntakeItem,
  JobStore,
  LandedFile,
  Landing,
  NewItem,
  NewJob,
  StoredJob,
  Undone,
} from './port'
import type { IntakeFailure } from '../../shared/contract/files'

export class MemoryStore implements JobStore {
  readonly #jobs = new Map<number, StoredJob>()
  readonly items = new Map<number, Map<number, IntakeItem>>()
  readonly #failures = new Map<number, IntakeFailure[]>()
  /** SHA-256 of every file that came in, with the job that brought it. */
  readonly #files = new Map<string, number>()

  /** A file came in; `isNew` unless the same bytes came before. */
  protected landed(_file: LandedFile, _isNew: boolean, _job: number): void {}

  create(job: NewJob, owner: string | null = null): number {
    const id = this.#jobs.size + 1
    const counts = { total: 0, done: 0, added: 0, merged: 0, failed: 0, noted: 0, skipped: 0 }
    const run = { owner, interruption: null }
    const stored = { ...job, ...counts, ...run, id, bytesDone: 0, bytesTotal: 0 }
    const startedAt = new Date().toISOString()
    this.#jobs.set(id, { ...stored, state: 'running', phase: 'listing', startedAt })
    this.items.set(id, new Map())
    this.#failures.set(id, [])
    return id
  }
  jobs(): StoredJob[] {
    return [...this.#jobs.values()].reverse().map((job) => ({ ...job }))
  }
  get(job: number): StoredJob {
    const found = this.#jobs.get(job)
    if (!found) throw new Error(`no job ${job}`)
    return { ...found }
  }
  #change(job: number, change: Partial<StoredJob>): void {
    this.#jobs.set(job, { ...this.get(job), ...change })
  }
  setState(...[job, state, why]: Parameters<JobStore['setState']>): void {
    this.#change(job, { state, owner: null, interruption: null, ...why })
  }
  clearList(job: number): void {
    if (this.get(job).phase !== 'listing') throw new Error('the list is complete')
    this.items.set(job, new Map())
    this.#failures.set(job, [])
    this.#change(job, { total: 0, bytesTotal: 0, failed: 0, noted: 0 })
  }
  #append(job: number, items: NewItem[]): void {
    const { total, bytesTotal } = this.get(job)
    items.forEach((item, index) => {
      const number = total + index + 1
      this.items.get(job)?.set(number, { ...item, number })
    })
    const bytes = items.reduce((sum, { size }) => sum + size, 0)
    this.#change(job, { total: total + items.length, bytesTotal: bytesTotal + bytes })
  }
  listed(job: number, items: NewItem[], failures: IntakeFailure[], isLast: boolean): void {
    this.#append(job, items)
    this.#failures.get(job)?.push(...failures)
    this.#change(job, { failed: this.get(job).failed + failures.length })
    if (isLast) this.#change(job, { phase: 'reading' })
  }
  pending(job: number, after: number, limit: number): IntakeItem[] {
    const found: IntakeItem[] = []
    // They are appended by number, and those that are done are gone.
    for (const item of this.items.get(job)?.values() ?? []) {
      if (found.length >= limit) break
      if (item.number > after) found.push(item)
    }
    return found
  }
  land(job: number, batch: IntakeBatch): Landing {
    const list = this.items.get(job)
    const taken = batch.items
      .map((number) => list?.get(number))
      .filter((item) => item !== undefined)
    if (batch.items.length > 0 && taken.length === 0)
      return { added: 0, merged: 0, failed: 0, problems: [] }
    let added = 0
    for (const file of batch.files) {
      const { sha256 } = file.facts.hashes
      const isNew = !this.#files.has(sha256)
      if (isNew) {
        this.#files.set(sha256, job)
        added++
      }
      this.landed(file, isNew, job)
    }
    for (const item of taken) list?.delete(item.number)
    this.#append(job, batch.found)
    this.#failures.get(job)?.push(...batch.failures, ...batch.notices)
    const stored = this.get(job)
    this.#change(job, {
      done: stored.done + taken.length,
      bytesDone: stored.bytesDone + taken.reduce((sum, { size }) => sum + size, 0),
      added: stored.added + added,
      merged: stored.merged + batch.files.length - added,
      failed: stored.failed + batch.failures.length,
      noted: stored.noted + batch.notices.length,
      skipped: stored.skipped + batch.skipped,
    })
    const merged = batch.files.length - added
    return { added, merged, failed: batch.failures.length, problems: [] }
  }
  failures(
    job: number,
    offset: number,
    limit: number,
  ): { total: number; failures: IntakeFailure[] } {
    const all = this.#failures.get(job) ?? []
    return { total: all.length, failures: all.slice(offset, offset + limit) }
  }
  undo(job: number): Promise<Undone> {
    const own = [...this.#files].filter(([, bringer]) => bringer === job)
    for (const [sha256] of own) this.#files.delete(sha256)
    return Promise.resolve({ changed: own.length, undo: null })
  }
  dismiss(job: number): void {
    this.#jobs.delete(job)
  }
}
