/** The time one file may take. Readers ask between steps; whoever is out of time stops where it is. */
export class Deadline {
  readonly #end: number
  readonly #now: () => number
  #asked = 0
  #isPassed = false

  /**
   * @param milliseconds from now
   * @param now          monotonic clock in milliseconds
   */
  constructor(milliseconds: number, now: () => number = () => performance.now()) {
    this.#now = now
    this.#end = now() + milliseconds
  }

  /** Is the time over? Cheap enough for every turn of a loop: the clock is read on every 64th call. */
  get isPassed(): boolean {
    if (this.#isPassed) return true
    if ((this.#asked++ & 63) !== 0) return false
    return this.isPassedNow
  }

  /** The same with the clock read: for steps that are few and long. */
  get isPassedNow(): boolean {
    this.#isPassed ||= this.#now() > this.#end
    return this.#isPassed
  }
}
