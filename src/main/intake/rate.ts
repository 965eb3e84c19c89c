/** How fast an import goes, and how long the rest will take. */

interface Mark {
  at: number
  files: number
  bytes: number
}

/** What counts as the last seconds, in milliseconds. */
const WINDOW_MS = 8000
/** Below this there is too little to go by. */
const LEAST_MS = 500

export class Rate {
  #marks: Mark[] = []

  /** @param at monotonic, in milliseconds */
  mark(at: number, files: number, bytes: number): void {
    this.#marks.push({ at, files, bytes })
    // One mark before the window stays, as its beginning.
    while ((this.#marks[1]?.at ?? Infinity) < at - WINDOW_MS) this.#marks.shift()
  }

  /** After a pause what was before says nothing. */
  reset(): void {
    this.#marks = []
  }

  /**
   * Files per second and seconds left; null when unknown. Small files cost by their number, large
   * ones by their bytes, so both estimates count the same.
   */
  estimate(left: { files: number; bytes: number }): {
    rate: number | null
    secondsLeft: number | null
  } {
    const [first] = this.#marks
    const last = this.#marks.at(-1)
    const milliseconds = first && last ? last.at - first.at : 0
    if (!first || !last || milliseconds < LEAST_MS) return { rate: null, secondsLeft: null }
    const files = ((last.files - first.files) * 1000) / milliseconds
    const bytes = ((last.bytes - first.bytes) * 1000) / milliseconds
    if (files <= 0) return { rate: 0, secondsLeft: null }
    const byFiles = left.files / files
    const byBytes = bytes > 0 ? left.bytes / bytes : byFiles
    return { rate: round(files), secondsLeft: Math.ceil((byFiles + byBytes) / 2) }
  }
}

const round = (value: number): number => Math.round(value * 10) / 10
