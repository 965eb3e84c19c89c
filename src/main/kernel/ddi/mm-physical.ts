/** Physical memory: mapping it, taking it, reading it, and what lies where. */
import { DISPATCH_LEVEL } from '../../../shared/nt/irql'
import {
  MM_COPY_MEMORY_PHYSICAL,
  MM_COPY_MEMORY_VIRTUAL,
  MmCached,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_INVALID_PAGE_PROTECTION,
  STATUS_INVALID_PARAMETER,
  STATUS_NOT_MAPPED_VIEW,
  STATUS_PARTIAL_COPY,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PTE } from '../mm/layout'
import { MemoryFault, type Ptr } from '../mm/memory'
import { flagsOfProtection } from '../mm/user-memory'
import { ddi, t } from './types'

/** PHYSICAL_ADDRESS by value. */
const PHYSICAL = { k: 'large', c: 'PHYSICAL_ADDRESS' } as const
const CACHE = t.enum('MEMORY_CACHING_TYPE')
const LOW_LEVELS: [number, number] = [0, DISPATCH_LEVEL]

/** Copy page by page; what was copied before the first byte out of reach. */
function copyPages(
  size: number,
  from: bigint,
  read: (at: bigint, count: number) => Uint8Array | null,
  write: (offset: number, bytes: Uint8Array) => void,
): number {
  let done = 0
  while (done < size) {
    const at = from + BigInt(done)
    const count = Math.min(size - done, PAGE_SIZE - Number(at & BigInt(PAGE_SIZE - 1)))
    const bytes = read(at, count)
    if (!bytes) break
    write(done, bytes)
    done += count
  }
  return done
}

/** RAM at a physical address; null where there is none. */
function readPhysical(k: Kernel, at: bigint, count: number): Uint8Array | null {
  const where = at >= 0n && at < 1n << 32n ? Number(at) : 0
  return k.memory.frameAt(where) ? k.memory.ram(where, count).slice() : null
}

/** Memory at an address; null where it cannot be read. */
function readVirtual(k: Kernel, at: bigint, count: number): Uint8Array | null {
  try {
    return k.memory.read(k.memory.index(at), count)
  } catch (error) {
    if (error instanceof MemoryFault) return null
    throw error
  }
}

/** A kernel address at which a physical page is mapped; 0 for none. */
function virtualOf(k: Kernel, physical: number): Ptr {
  const { ptes } = k.memory
  const frame = k.memory.frameAt(physical)
  if (!frame) return 0
  for (let page = 0; page < ptes.length; page++) {
    const entry = ptes[page]!
    const isHere = entry >>> 12 === frame && !(entry & (PTE.device | PTE.user))
    if (isHere) return page * PAGE_SIZE + (physical % PAGE_SIZE)
  }
  return 0
}

export const MM_PHYSICAL_DDIS = {
  MmMapIoSpace: ddi({
    params: { PhysicalAddress: PHYSICAL, NumberOfBytes: t.size, CacheType: CACHE },
    returns: t.pvoid,
    support: 'partial',
    note: 'Physical addresses end at 4 GiB; page tables are not in physical memory, so none are refused.',
    run: (k, a) => k.mm.io.map(a.PhysicalAddress ?? 0n, a.NumberOfBytes, a.CacheType),
  }),
  MmMapIoSpaceEx: ddi({
    params: { PhysicalAddress: PHYSICAL, NumberOfBytes: t.size, Protect: t.ulong },
    returns: t.pvoid,
    irql: LOW_LEVELS,
    summary: 'Maps a physical address range into system space with a page protection.',
    docs: 'wdm/nf-wdm-mmmapiospaceex',
    run(k, a) {
      const flags = flagsOfProtection(a.Protect & 0xff)
      if (flags === undefined) return 0
      const isCached = (a.Protect & 0x600) === 0
      const kernelFlags = flags & ~PTE.user
      return k.mm.io.map(a.PhysicalAddress ?? 0n, a.NumberOfBytes, isCached ? 1 : 0, kernelFlags)
    },
  }),
  MmUnmapIoSpace: ddi({
    params: { BaseAddress: t.pvoid, NumberOfBytes: t.size },
    returns: t.void,
    run: (k, a) => k.mm.io.unmap(a.BaseAddress, a.NumberOfBytes),
  }),

  MmAllocateContiguousMemory: ddi({
    params: { NumberOfBytes: t.size, HighestAcceptableAddress: PHYSICAL },
    returns: t.pvoid,
    run: (k, a) =>
      k.mm.contiguous.allocate(a.NumberOfBytes, 0n, a.HighestAcceptableAddress ?? 0n, MmCached),
  }),
  MmAllocateContiguousMemorySpecifyCache: ddi({
    params: {
      NumberOfBytes: t.size,
      LowestAcceptableAddress: PHYSICAL,
      HighestAcceptableAddress: PHYSICAL,
      BoundaryAddressMultiple: PHYSICAL,
      CacheType: CACHE,
    },
    returns: t.pvoid,
    irql: LOW_LEVELS,
    summary: 'Allocates physically contiguous nonpaged memory with a kind of caching.',
    docs: 'wdm/nf-wdm-mmallocatecontiguousmemoryspecifycache',
    run: (k, a) =>
      k.mm.contiguous.allocate(
        a.NumberOfBytes,
        a.LowestAcceptableAddress ?? 0n,
        a.HighestAcceptableAddress ?? 0n,
        a.CacheType,
        'MmAllocateContiguousMemorySpecifyCache',
        a.BoundaryAddressMultiple ?? 0n,
      ),
  }),
  MmFreeContiguousMemory: ddi({
    params: { BaseAddress: t.pvoid },
    returns: t.void,
    run: (k, a) => k.mm.contiguous.free(a.BaseAddress),
  }),
  MmFreeContiguousMemorySpecifyCache: ddi({
    params: { BaseAddress: t.pvoid, NumberOfBytes: t.size, CacheType: CACHE },
    returns: t.void,
    irql: LOW_LEVELS,
    summary: 'Frees contiguous memory that was allocated with a kind of caching.',
    docs: 'wdm/nf-wdm-mmfreecontiguousmemoryspecifycache',
    run: (k, a) => k.mm.contiguous.free(a.BaseAddress, 'MmFreeContiguousMemorySpecifyCache'),
  }),

  MmAllocatePagesForMdlEx: ddi({
    params: {
      LowAddress: PHYSICAL,
      HighAddress: PHYSICAL,
      SkipBytes: PHYSICAL,
      TotalBytes: t.size,
      CacheType: CACHE,
      Flags: t.ulong,
    },
    returns: t.ptr('MDL'),
    run: (k, a) =>
      k.mm.mdlPages.allocate({
        low: a.LowAddress ?? 0n,
        high: a.HighAddress ?? 0n,
        skip: a.SkipBytes ?? 0n,
        bytes: a.TotalBytes,
        cacheType: a.CacheType,
        flags: a.Flags,
      }),
  }),
  MmAllocatePagesForMdl: ddi({
    params: {
      LowAddress: PHYSICAL,
      HighAddress: PHYSICAL,
      SkipBytes: PHYSICAL,
      TotalBytes: t.size,
    },
    returns: t.ptr('MDL'),
    irql: LOW_LEVELS,
    summary: 'Allocates zeroed physical pages described by a new MDL; not mapped.',
    docs: 'wdm/nf-wdm-mmallocatepagesformdl',
    run: (k, a) =>
      k.mm.mdlPages.allocate({
        low: a.LowAddress ?? 0n,
        high: a.HighAddress ?? 0n,
        skip: a.SkipBytes ?? 0n,
        bytes: a.TotalBytes,
        cacheType: MmCached,
        flags: 0,
      }),
  }),
  MmFreePagesFromMdl: ddi({
    params: { MemoryDescriptorList: t.ptr('MDL') },
    returns: t.void,
    run: (k, a) => k.mm.mdlPages.free(a.MemoryDescriptorList),
  }),

  MmGetPhysicalAddress: ddi({
    params: { BaseAddress: t.pvoid },
    returns: t.longlong,
    run: (k, a) => BigInt(Math.max(k.memory.physicalAddress(a.BaseAddress), 0)),
  }),
  MmGetVirtualForPhysical: ddi({
    params: { PhysicalAddress: PHYSICAL },
    returns: t.pvoid,
    support: 'partial',
    note: 'NULL for a page that is not mapped in system space; Windows gives a wrong address.',
    run: (k, a) => virtualOf(k, Number(a.PhysicalAddress ?? 0n)),
  }),
  MmCopyMemory: ddi({
    params: {
      TargetAddress: t.pvoid,
      SourceAddress: { ...t.ulonglong, c: 'MM_COPY_ADDRESS' },
      NumberOfBytes: t.size,
      Flags: t.ulong,
      NumberOfBytesTransferred: t.ptr('SIZE_T'),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'SourceAddress is the number in the union: a physical address, or cast(ULONG_PTR, pointer).',
    run(k, a) {
      const { memory } = k
      memory.setU64(a.NumberOfBytesTransferred, 0n)
      const isPhysical = a.Flags === MM_COPY_MEMORY_PHYSICAL
      if (!isPhysical && a.Flags !== MM_COPY_MEMORY_VIRTUAL) return STATUS_INVALID_PARAMETER
      const done = copyPages(
        a.NumberOfBytes,
        a.SourceAddress,
        (at, count) => (isPhysical ? readPhysical : readVirtual)(k, at, count),
        (offset, bytes) => memory.write(a.TargetAddress + offset, bytes),
      )
      memory.setSize(a.NumberOfBytesTransferred, done)
      if (done === a.NumberOfBytes) return STATUS_SUCCESS
      return done > 0 ? STATUS_PARTIAL_COPY : STATUS_ACCESS_VIOLATION
    },
  }),

  MmProtectMdlSystemAddress: ddi({
    params: { MemoryDescriptorList: t.ptr('MDL'), NewProtect: t.ulong },
    returns: t.ntstatus,
    run(k, a) {
      const flags = flagsOfProtection(a.NewProtect & 0xff)
      if (flags === undefined) return STATUS_INVALID_PAGE_PROTECTION
      const isDone = k.mdls.protect(a.MemoryDescriptorList, flags & ~PTE.user)
      return isDone ? STATUS_SUCCESS : STATUS_NOT_MAPPED_VIEW
    },
  }),
}
