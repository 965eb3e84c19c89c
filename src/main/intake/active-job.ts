/**
 * The job that runs: what the helper was given and has not answered, and what is suspect after a
 * helper died. Suspects are read one at a time; the one that is alone with a dying helper twice is
 * the culprit.
 */
import { ITEMS_AHEAD } from './limits'
import type { IntakeItem } from './port'

/** Deaths of helpers with one and the same file alone: once may have had other reasons. */
const DEATHS_MAX = 2

export class ActiveJob {
  readonly id: number
  isListing = false
  /** Helpers that died while the job was listed. */
  listingDeaths = 0
  /** Set while the helper is to stop: what happens when it has. */
  stopping: (() => void) | null = null
  readonly #outstanding = new Map<number, IntakeItem>()
  /** Last number given in normal operation. */
  #after = 0
  readonly #suspects: IntakeItem[] = []
  readonly #deaths = new Map<number, number>()
  /** A suspect is being read, alone. */
  #isCareful = false

  constructor(id: number) {
    this.id = id
  }

  /**
   * What to give the helper now.
   * @param pending items of the store's list, by number
   * @returns nothing when it has enough; null when everything is done
   */
  next(pending: (after: number, limit: number) => IntakeItem[]): IntakeItem[] | null {
    const isBusy = this.#outstanding.size > 0
    if (this.#isCareful && isBusy) return []
    // Just after a death nothing is outstanding, so the first suspect is alone as well.
    const suspect = this.#suspects.shift()
    this.#isCareful = suspect !== undefined
    if (suspect) return this.#given([suspect])
    if (this.#outstanding.size > ITEMS_AHEAD / 2) return []
    const items = pending(this.#after, ITEMS_AHEAD)
    this.#after = items.at(-1)?.number ?? this.#after
    return items.length > 0 || isBusy ? this.#given(items) : null
  }

  answered(numbers: readonly number[]): void {
    for (const number of numbers) this.#outstanding.delete(number)
  }

  /** The helper died over what it had. @returns the item that is to blame, when it is known */
  died(): IntakeItem | null {
    const items = [...this.#outstanding.values()]
    this.#outstanding.clear()
    const [only] = items
    if (only && items.length === 1) {
      const deaths = (this.#deaths.get(only.number) ?? 0) + 1
      this.#deaths.set(only.number, deaths)
      if (deaths >= DEATHS_MAX) return only
    }
    this.#suspects.unshift(...items)
    return null
  }

  #given(items: IntakeItem[]): IntakeItem[] {
    for (const item of items) this.#outstanding.set(item.number, item)
    return items
  }
}
