/**
 * The balance of memory below DISPATCH_LEVEL: which pageable pages are in the page file.
 *
 * From DISPATCH_LEVEL on all pageable pages are out of reach in any case (see memory.ts). With the
 * policy `pressure` they leave below it as well, at times and in an order that the seed decides, and
 * come back when somebody touches them at PASSIVE_LEVEL or APC_LEVEL. A scenario can send them out
 * whenever it likes.
 */
import type { Kernel } from '../kernel'
import type { Random } from '../random'
import type { Ptr } from './memory'

export const PAGING_POLICIES = ['none', 'pressure'] as const
/** When pageable pages leave below DISPATCH_LEVEL: never by themselves, or again and again. */
export type PagingPolicy = (typeof PAGING_POLICIES)[number]

/** Ticks between two looks at memory, at least; as many again at most. */
const TICKS_BETWEEN_LOOKS = 100
/** Simulated ticks that reading a page takes: 0.1 ms. */
const TICKS_PER_READ = 1000

export class Pager {
  private readonly random: Random

  constructor(
    private readonly k: Kernel,
    policy: PagingPolicy,
  ) {
    this.random = k.random.split('pager')
    k.memory.onPageIn = (page, access) => this.cameBack(page, access)
    if (policy === 'pressure') this.lookLater()
  }

  private lookLater(): void {
    const ticks = TICKS_BETWEEN_LOOKS + this.random.below(TICKS_BETWEEN_LOOKS)
    this.k.hal.schedule.after(ticks, () => this.look(), true)
  }

  /** About a quarter of what could leave does. */
  private look(): void {
    const pages = [...this.k.memory.pageable()].filter(() => this.random.below(4) === 0)
    this.send(pages, 'the machine is short of memory')
    this.lookLater()
  }

  /**
   * Send pageable pages to the page file.
   * @param most as many at most, chosen by the seed; all by default
   * @returns how many went
   */
  trim(most: number | null, reason: string): number {
    const pages = [...this.k.memory.pageable()]
    if (most !== null) while (pages.length > most) pages.splice(this.random.below(pages.length), 1)
    return this.send(pages, reason)
  }

  private send(pages: readonly Ptr[], reason: string): number {
    const { memory } = this.k
    const gone = pages.filter((page) => memory.sendOut(page))
    if (gone.length > 0)
      this.k.emit({ t: 'pages.trimmed', pages: gone.map((page) => memory.format(page)), reason })
    return gone.length
  }

  private cameBack(page: Ptr, access: 'read' | 'write'): void {
    const { k } = this
    // The disk takes its time; what that makes due happens at the next routine call.
    k.tick += TICKS_PER_READ
    k.emit({ t: 'page.faulted', page: k.memory.format(page), access })
  }
}
