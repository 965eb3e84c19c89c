/** Variables of the kernel image: what drivers reach through imported data (`PsInitialSystemProcess`). */
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PTE, REGIONS } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { assert } from '../stop'

/** Pages at the end of the kernel image's region. */
const DATA_PAGES = 2

export class NtData {
  private readonly end = REGIONS.ntImage.start + REGIONS.ntImage.bytes
  private next = this.end - DATA_PAGES * PAGE_SIZE
  private readonly names = new Map<string, Ptr>()

  constructor(k: Kernel) {
    const ok = k.memory.commit(this.next, DATA_PAGES, PTE.read | PTE.write)
    assert(ok, 'no memory for the kernel image data')
  }

  /** A variable of so many bytes, zeroed; asking again gives the same place. */
  variable(name: string, bytes: number): Ptr {
    const known = this.names.get(name)
    if (known !== undefined) return known
    const at = this.next
    this.next += (bytes + 7) & ~7
    assert(this.next <= this.end, 'the kernel image data is full')
    this.names.set(name, at)
    return at
  }

  /** Place of a variable; 0 when there is none of that name. */
  find(name: string): Ptr {
    return this.names.get(name) ?? 0
  }
}
