/** Says things about many subjects, about each not too often, and the last one always. */
export class Throttle {
  readonly #milliseconds: number
  readonly #last = new Map<number, { at: number; timer?: ReturnType<typeof setTimeout> }>()

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds
  }

  /** @param say called now, or when it is time again; urgent: now */
  tell(subject: number, say: () => void, isUrgent = false): void {
    const last = this.#last.get(subject) ?? { at: -Infinity }
    const now = performance.now()
    const wait = last.at + this.#milliseconds - now
    if (!isUrgent && wait > 0) {
      last.timer ??= setTimeout(() => this.tell(subject, say, true), wait)
      this.#last.set(subject, last)
      return
    }
    clearTimeout(last.timer)
    this.#last.set(subject, { at: now })
    say()
  }

  /** Nothing more is said. */
  close(): void {
    for (const { timer } of this.#last.values()) clearTimeout(timer)
  }
}
