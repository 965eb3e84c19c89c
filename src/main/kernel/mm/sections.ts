/**
 * Section objects: memory that can be mapped at several places at once. A section is backed by the
 * paging file (its pages are zero at first) or, `\Device\PhysicalMemory` alone, by physical memory.
 */
import { hex } from '../../../shared/nt/format'
import type { Kernel } from '../kernel'
import type { KObject } from '../ob/kobject'
import type { Process } from '../ps/process'
import { PAGE_SIZE, PTE } from './layout'
import type { Ptr } from './memory'
import { protectionOfFlags } from './user-memory'

const SECTION_BYTES = 0x40
/** Addresses of physical memory that can be mapped. */
const PHYSICAL_END = 0x1_0000_0000

export interface SectionData {
  bytes: number
  /** Most that a view may allow: PTE.read, PTE.write, PTE.execute. */
  access: number
  /** Frames behind the pages; null for physical memory. */
  frames: number[] | null
}

export interface View {
  base: Ptr
  pages: number
  section: KObject<SectionData>
  /** Process whose address space it is in; null for the system's. */
  owner: Process | null
}

export class Sections {
  /** By process (null for the system) and first page. */
  private readonly views = new Map<Process | null, Map<Ptr, View>>()
  readonly physicalMemory: KObject<SectionData>

  constructor(private readonly k: Kernel) {
    this.physicalMemory = k.ob.createSystem<SectionData>('Section', SECTION_BYTES, {
      name: '\\Device\\PhysicalMemory',
      permanent: true,
      data: { bytes: PHYSICAL_END, access: PTE.read | PTE.write, frames: null },
    })
  }

  /** A section backed by the paging file. @returns the object, or why there is none */
  create(name: string | null, bytes: number, access: number): KObject<SectionData> | number {
    const { k } = this
    const count = Math.ceil(bytes / PAGE_SIZE)
    const object = k.ob.create<SectionData>('Section', SECTION_BYTES, {
      name,
      data: { bytes, access, frames: [] },
      onDelete: ({ data }) => {
        for (const frame of data.frames ?? []) k.memory.frames.give(frame)
      },
    })
    if (typeof object === 'number') return object
    for (let i = 0; i < count; i++) {
      const frame = k.memory.frames.take()
      k.memory.zeroFrame(frame)
      object.data.frames!.push(frame)
    }
    k.emit({
      t: 'section.created',
      section: k.memory.format(object.address),
      name,
      bytes,
      backing: 'the paging file',
    })
    return object
  }

  /** Whether memory is left for a section of so many bytes. */
  fits(bytes: number): boolean {
    return Math.ceil(bytes / PAGE_SIZE) <= this.k.memory.frames.available
  }

  /**
   * Map part of a section.
   * @param offset in the section, a multiple of the page size
   * @param flags  PTE.read, PTE.write, PTE.execute
   * @returns the view, null when there is no room in the address space
   */
  map(
    section: KObject<SectionData>,
    owner: Process | null,
    offset: number,
    bytes: number,
    flags: number,
  ): View | null {
    const { k } = this
    const pages = Math.ceil(bytes / PAGE_SIZE)
    const base = owner ? k.processes.reserveUser(owner, bytes) : k.mm.ptes.take(pages)
    if (!base) return null
    const all = flags | (owner ? PTE.user : 0)
    const { frames } = section.data
    if (frames) {
      const first = offset / PAGE_SIZE
      k.memory.mapFrames(base, frames.slice(first, first + pages), all)
    } else k.mm.io.mapPages(base, offset, pages, all)
    const view: View = { base, pages, section, owner }
    let list = this.views.get(owner)
    if (!list) this.views.set(owner, (list = new Map<Ptr, View>()))
    list.set(base, view)
    k.ob.reference(section.address)
    k.emit({
      t: 'view.mapped',
      view: k.memory.format(base),
      bytes: pages * PAGE_SIZE,
      section: section.name ?? k.memory.format(section.address),
      owner: owner?.id ?? null,
      offset: hex(offset),
      protection: words(protectionOfFlags(flags)),
    })
    return view
  }

  /** The view that an address lies in. */
  find(owner: Process | null, at: Ptr): View | undefined {
    const list = this.views.get(owner)
    const exact = list?.get(at & ~(PAGE_SIZE - 1))
    if (exact || !list) return exact
    for (const view of list.values())
      if (at >= view.base && at < view.base + view.pages * PAGE_SIZE) return view
    return undefined
  }

  unmap(view: View): void {
    const { k } = this
    this.views.get(view.owner)?.delete(view.base)
    k.memory.unalias(view.base, view.pages)
    if (!view.owner) k.mm.ptes.give(view.base, view.pages)
    k.emit({ t: 'view.unmapped', view: k.memory.format(view.base) })
    k.ob.release(view.section.address)
  }

  /** A process has ended: its views go with it. */
  processExited(process: Process): void {
    for (const view of [...(this.views.get(process)?.values() ?? [])]) this.unmap(view)
    this.views.delete(process)
  }
}

const PROTECTION_WORDS: Readonly<Record<number, string>> = {
  0x01: 'no access',
  0x02: 'read',
  0x04: 'read, write',
  0x20: 'read, execute',
  0x40: 'read, write, execute',
}

function words(protection: number): string {
  return PROTECTION_WORDS[protection] ?? hex(protection)
}
