/**
 * Physical memory at addresses of the system: MmMapIoSpace and its counterpart.
 *
 * Whatever lies at the physical address is mapped: registers of a device, RAM of anybody, or nothing,
 * which reads as ones. That a driver can reach all RAM this way is what vulnerable drivers are used for.
 */
import { hex, pointer } from '../../../shared/nt/format'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PTE } from './layout'
import type { Ptr } from './memory'

const OFFSET = PAGE_SIZE - 1
/** Devices and RAM of this machine lie below. */
const PHYSICAL_END = 0x1_0000_0000
/** MmNonCached. */
const NON_CACHED = 0

interface Mapping {
  pages: number
  /** RAM frames that were mapped without cache. */
  uncached: number[]
}

export class IoMappings {
  private readonly mappings = new Map<Ptr, Mapping>()

  constructor(private readonly k: Kernel) {}

  /**
   * MmMapIoSpace.
   * @param cacheType MEMORY_CACHING_TYPE
   * @returns the address, 0 when there is no room or the range is no physical address of the machine
   */
  map(physical: bigint, bytes: number, cacheType: number, flags = PTE.read | PTE.write): Ptr {
    const { k } = this
    if (bytes <= 0 || physical < 0n || physical + BigInt(bytes) > PHYSICAL_END) return 0
    const first = Number(physical) & ~OFFSET
    const start = first >>> 0
    const offset = Number(physical & BigInt(OFFSET))
    const pages = Math.ceil((offset + bytes) / PAGE_SIZE)
    const at = k.mm.ptes.take(pages)
    if (!at) return 0
    this.checkRam(physical, bytes, start, pages)
    const uncached = this.mapPages(at, start, pages, flags)
    if (cacheType === NON_CACHED) k.hal.dma.setUncached(uncached, true)
    this.mappings.set(at, { pages, uncached: cacheType === NON_CACHED ? uncached : [] })
    const device = k.hal.io.deviceAt(Number(physical))
    k.emit({
      t: 'physical.mapped',
      mapping: k.memory.format(at + offset),
      physical: hex(physical),
      bytes,
      what: device?.name ?? (k.memory.frameAt(Number(physical)) ? 'RAM' : 'nothing'),
    })
    return at + offset
  }

  /** Map physical pages, RAM or not. @returns the frames of RAM among them */
  mapPages(at: Ptr, physical: number, pages: number, flags: number): number[] {
    const { memory } = this.k
    const frames: number[] = []
    for (let i = 0; i < pages; i++) {
      const frame = memory.frameAt(physical + i * PAGE_SIZE)
      const to = at + i * PAGE_SIZE
      if (frame) {
        memory.mapFrames(to, [frame], flags)
        frames.push(frame)
      } else memory.mapDevice(to, physical + i * PAGE_SIZE, 1, flags & PTE.user)
    }
    return frames
  }

  private checkRam(physical: bigint, bytes: number, start: number, pages: number): void {
    const { memory, verifier } = this.k
    if (!verifier.isActive('VR-MM-IOSPACE-RAM')) return
    for (let i = 0; i < pages; i++) {
      const frame = memory.frameAt(start + i * PAGE_SIZE)
      if (!frame || memory.frames.lockCount(frame) > 0) continue
      verifier.check(
        'VR-MM-IOSPACE-RAM',
        true,
        [0x83, physical, bytes, Math.floor(start / PAGE_SIZE) + i],
        `MmMapIoSpace was called for RAM at ${hex(physical)}; it is for the memory of devices.`,
      )
    }
  }

  /**
   * MmUnmapIoSpace.
   * @bugcheck 0xDA when nothing was mapped there, or with another size
   */
  unmap(base: Ptr, bytes: number): void {
    const { k } = this
    const at = base & ~OFFSET
    const mapping = this.mappings.get(at)
    const address = pointer(k.memory.address(base))
    if (!mapping)
      return k.bugCheck(
        0xda,
        3,
        0,
        0,
        k.memory.address(base),
        `MmUnmapIoSpace was called for ${address}, where MmMapIoSpace has mapped nothing.`,
      )
    const pages = Math.ceil(((base & OFFSET) + bytes) / PAGE_SIZE)
    if (pages !== mapping.pages)
      k.bugCheck(
        0xda,
        2,
        0,
        mapping.pages,
        pages,
        `MmUnmapIoSpace was called with another size than the mapping at ${address} has.`,
      )
    this.mappings.delete(at)
    k.hal.dma.setUncached(mapping.uncached, false)
    k.memory.unalias(at, mapping.pages)
    k.mm.ptes.give(at, mapping.pages)
    k.emit({ t: 'physical.unmapped', mapping: k.memory.format(base) })
  }
}
