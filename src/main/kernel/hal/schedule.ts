/** What hardware does later, in the order of time: devices that finish, the balance of memory. */
import type { Kernel } from '../kernel'

interface Later {
  tick: number
  work: () => void
  cause: number
  /** It alone does not keep an idle machine going. */
  isBackground: boolean
}

export class Schedule {
  private readonly queue: Later[] = []
  /** Tick of the earliest entry; Infinity when there is none. */
  next = Infinity
  /** The same of what an idle machine waits for. */
  nextWanted = Infinity

  /** Tick of the entry that is being worked on; time may have gone past it in one leap. */
  private doing: number | null = null

  constructor(private readonly k: Kernel) {}

  /** @param ticks units of 100 ns from now */
  after(ticks: number, work: () => void, isBackground = false): void {
    const { k } = this
    const from = this.doing ?? k.tick
    const item: Later = { tick: from + ticks, work, cause: k.thread?.cause ?? 0, isBackground }
    // Behind those of the same tick: first come, first served.
    let at = this.queue.length
    while (at > 0 && this.queue[at - 1]!.tick > item.tick) at--
    this.queue.splice(at, 0, item)
    this.update()
  }

  /** Let happen what is due. */
  run(): void {
    const { k } = this
    while (this.next <= k.tick) {
      const item = this.queue.shift()!
      this.update()
      const { thread } = k
      const outer = thread.cause
      thread.cause = item.cause
      this.doing = item.tick
      item.work()
      thread.cause = outer
    }
    this.doing = null
  }

  private update(): void {
    this.next = this.queue[0]?.tick ?? Infinity
    this.nextWanted = this.queue.find((item) => !item.isBackground)?.tick ?? Infinity
  }
}
