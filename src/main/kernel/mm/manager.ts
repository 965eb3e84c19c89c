/** The memory manager's parts that go beyond page tables and pool, one of each for a machine. */
import type { Kernel } from '../kernel'
import { ContiguousMemory } from './contiguous'
import { IoMappings } from './io-mappings'
import { MdlPages } from './mdl-pages'
import { Pager, type PagingPolicy } from './pager'
import { Sections } from './sections'
import { SecuredRanges } from './secured'
import { SystemPtes } from './system-ptes'

export class MemoryManager {
  readonly ptes = new SystemPtes()
  readonly io: IoMappings
  readonly contiguous: ContiguousMemory
  readonly mdlPages: MdlPages
  readonly sections: Sections
  readonly secured = new SecuredRanges()
  readonly pager: Pager

  constructor(k: Kernel, paging: PagingPolicy) {
    this.io = new IoMappings(k)
    this.contiguous = new ContiguousMemory(k)
    this.mdlPages = new MdlPages(k)
    this.sections = new Sections(k)
    this.pager = new Pager(k, paging)
  }
}
