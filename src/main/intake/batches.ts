/**
 * Results on their way to main: gathered into batches, and never more than a few batches ahead of
 * what main has written.
 */
import { BATCH_FILES_MAX, BATCH_MS_MAX, BATCHES_UNWRITTEN_MAX } from './limits'
import type { IntakeBatch, LandedPackage } from './port'

/** How many messages may be sent before earlier ones were written. */
export class Credit {
  #unwritten = 0
  #waiting: (() => void)[] = []

  /** Resolves when one more may be sent, and counts it as sent. */
  async take(): Promise<void> {
    while (this.#unwritten >= BATCHES_UNWRITTEN_MAX)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#unwritten++
  }

  written(): void {
    this.#unwritten = Math.max(0, this.#unwritten - 1)
    this.#waiting.shift()?.()
  }
}

/** Collects the results of one job. */
export class Batches {
  #batch = emptyBatch()
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Sends one after the other. */
  #sending: Promise<void> = Promise.resolve()
  readonly #credit: Credit
  readonly #post: (batch: IntakeBatch) => void

  constructor(credit: Credit, post: (batch: IntakeBatch) => void) {
    this.#credit = credit
    this.#post = post
  }

  /** Lands with or before whatever is added afterwards. */
  addPackages(packages: LandedPackage[]): void {
    this.#batch.packages.push(...packages)
  }

  /** @returns resolves when more results are welcome */
  add(part: Partial<Omit<IntakeBatch, 'packages'>>): Promise<void> {
    const batch = this.#batch
    batch.items.push(...(part.items ?? []))
    batch.found.push(...(part.found ?? []))
    batch.files.push(...(part.files ?? []))
    batch.records.push(...(part.records ?? []))
    batch.failures.push(...(part.failures ?? []))
    batch.notices.push(...(part.notices ?? []))
    batch.skipped += part.skipped ?? 0
    this.#timer ??= setTimeout(() => void this.flush(), BATCH_MS_MAX)
    if (batch.items.length >= BATCH_FILES_MAX || batch.records.length > 0) return this.flush()
    return this.#sending
  }

  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = this.#batch
    if (!isEmpty(batch)) {
      this.#batch = emptyBatch()
      this.#sending = this.#sending.then(async () => {
        await this.#credit.take()
        this.#post(batch)
      })
    }
    return this.#sending
  }

  /** Forget what was not sent. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#batch = emptyBatch()
  }
}

export const emptyBatch = (): IntakeBatch => ({
  items: [],
  found: [],
  packages: [],
  files: [],
  records: [],
  failures: [],
  notices: [],
  skipped: 0,
})

const isEmpty = (batch: IntakeBatch): boolean =>
  batch.skipped === 0 &&
  [
    batch.items,
    batch.found,
    batch.packages,
    batch.files,
    batch.records,
    batch.failures,
    batch.notices,
  ].every(({ length }) => length === 0)
