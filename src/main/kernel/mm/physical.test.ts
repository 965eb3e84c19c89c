import { describe, expect, it } from 'vitest'
import { MDL } from '../../../shared/nt/generated/offsets'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_INVALID_PAGE_PROTECTION,
  STATUS_INVALID_PARAMETER,
  STATUS_NOT_MAPPED_VIEW,
  STATUS_PARTIAL_COPY,
  STATUS_PROCESS_IS_TERMINATING,
} from '../../../shared/nt/generated/ntstatus'
import type { Code } from '../testing/machine'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'
import { PAGE_SIZE, RAM_START } from './layout'

const DMA = 0xfebf_0000n
const ALL = 0xffff_ffffn
const NON_CACHED = 0

describe('MmMapIoSpace', () => {
  it('of more than there is room for is NULL before anybody looks at the pages', () => {
    const m = toyDriver(
      function* (d) {
        // Nearly all of it is no RAM; what is, Driver Verifier would object to.
        expect(yield* d.ddi('MmMapIoSpace', 0n, 0xffff_f000, 1)).toBe(0)
      },
      {},
      { verifier: ['all'] },
    )
    expect(stopOf(m)).toBeNull()
  })

  it('maps the registers of a device, which answer READ_REGISTER and plain copies alike', () => {
    const m = toyDriver(function* (d) {
      const at = yield* d.ddi('MmMapIoSpace', DMA, 0x1000, NON_CACHED)
      expect(yield* d.ddi('READ_REGISTER_ULONG', at)).toBe(0x52304c41)
      expect(yield* d.ddi('READ_REGISTER_UCHAR', at + 1)).toBe(0x4c)
      expect(yield* d.ddi('READ_REGISTER_USHORT', at + 2)).toBe(0x5230)
      const copy = scratch(d, 16)
      yield* d.ddi('RtlCopyMemory', copy, at, 4)
      expect(d.k.memory.u32(copy)).toBe(0x52304c41)
      yield* d.ddi('READ_REGISTER_BUFFER_ULONG', at, copy, 2)
      expect(d.k.memory.u32(copy + 4)).toBe(0)
      // A field access of the driver takes the same way.
      const access = {
        kind: 'read',
        index: at,
        size: 4,
        lo: 0,
        hi: 0,
        at: null,
        state: 'dead',
        code: 0,
      }
      d.k.slowAccess(access as never)
      expect([access.state, access.lo]).toEqual(['done', 0x52304c41])
      expect(yield* d.ddi64('READ_REGISTER_ULONG64', at)).toBe(0x52304c41n)
      yield* d.ddi('MmUnmapIoSpace', at, 0x1000)
    })
    expect(stopOf(m)).toBeNull()
    expect(m.of('physical.mapped')).toMatchObject([{ physical: '0xFEBF0000', what: 'dma0' }])
    expect(m.of('physical.unmapped')).toHaveLength(1)
    expect(m.of('device.accessed')[0]).toMatchObject({ register: 'ID', access: 'read' })
  })

  it('reads ones where nothing answers', () => {
    toyDriver(function* (d) {
      const at = yield* d.ddi('MmMapIoSpace', 0xe000_0004n, 8, NON_CACHED)
      expect(at & 0xfff).toBe(4)
      expect(yield* d.ddi('READ_REGISTER_ULONG', at)).toBe(0xffff_ffff)
      expect(yield* d.ddi('MmMapIoSpace', 0x1_0000_0000n, 8, NON_CACHED)).toBe(0)
      expect(yield* d.ddi('MmMapIoSpace', 0n, 0, NON_CACHED)).toBe(0)
    })
  })

  it('reaches RAM of anybody by its physical address', () => {
    toyDriver(function* (d) {
      const victim = scratch(d, 16)
      const physical = yield* d.ddi64('MmGetPhysicalAddress', victim)
      expect(physical).toBeGreaterThanOrEqual(BigInt(RAM_START))
      const at = yield* d.ddi('MmMapIoSpace', physical, 16, 1)
      d.k.memory.setU32(at, 0x1234)
      expect(d.k.memory.u32(victim)).toBe(0x1234)
      yield* d.ddi('MmUnmapIoSpace', at, 16)
      expect(d.k.memory.u32(victim)).toBe(0x1234)
    })
  })

  it('is stopped by the verifier when it is RAM in use', () => {
    const m = toyDriver(
      function* (d) {
        const physical = yield* d.ddi64('MmGetPhysicalAddress', scratch(d, 16))
        yield* d.ddi('MmMapIoSpace', physical, 16, 1)
      },
      {},
      { verifier: ['VR-MM-IOSPACE-RAM'] },
    )
    expect(m.bugCheck?.rule).toBe('VR-MM-IOSPACE-RAM')
    expect(stopOf(m)).toMatchObject({
      code: '0xC4',
      parameters: ['0x83', expect.anything(), '0x10', expect.anything()],
    })
  })

  it.each([
    ['an address that was never mapped', 0x1000, 0x1000],
    ['another size', 0, 0x2000],
  ])('cannot be undone for %s', (_what, offset, bytes) => {
    const m = toyDriver(function* (d) {
      const at = yield* d.ddi('MmMapIoSpace', DMA, 0x1000, NON_CACHED)
      yield* d.ddi('MmUnmapIoSpace', at + offset, bytes)
    })
    expect(stopOf(m)?.code).toBe('0xDA')
  })

  it('leaves an address behind that faults after MmUnmapIoSpace', () => {
    const m = toyDriver(function* (d) {
      const at = yield* d.ddi('MmMapIoSpace', DMA, 0x1000, NON_CACHED)
      yield* d.ddi('MmUnmapIoSpace', at, 0x1000)
      yield* d.ddi('READ_REGISTER_ULONG', at)
    })
    expect(stopOf(m)?.code).toBe('0x50')
  })
})

describe('contiguous memory', () => {
  it('is zero, one physical run, below the address that was asked for', () => {
    const m = toyDriver(function* (d) {
      const at = yield* d.ddi('MmAllocateContiguousMemory', 3 * PAGE_SIZE, ALL)
      const physical = yield* d.ddi64('MmGetPhysicalAddress', at)
      for (let page = 1; page < 3; page++)
        expect(yield* d.ddi64('MmGetPhysicalAddress', at + page * PAGE_SIZE)).toBe(
          physical + BigInt(page * PAGE_SIZE),
        )
      expect(d.k.memory.u32(at + 0x2ffc)).toBe(0)
      expect(yield* d.ddi('MmGetVirtualForPhysical', physical + 8n)).toBe(at + 8)
      const before = d.k.memory.freePages
      yield* d.ddi('MmFreeContiguousMemory', at)
      expect(d.k.memory.freePages).toBe(before + 3)
    })
    expect(stopOf(m)).toBeNull()
    expect(m.of('frames.allocated')).toHaveLength(1)
    expect(m.of('frames.freed')).toHaveLength(1)
  })

  it('is not there for absurd sizes and addresses', () => {
    toyDriver(function* (d) {
      expect(yield* d.ddi('MmAllocateContiguousMemory', 0x7fff_ffff, ALL)).toBe(0)
      expect(yield* d.ddi('MmAllocateContiguousMemory', 0, ALL)).toBe(0)
      expect(yield* d.ddi('MmAllocateContiguousMemory', 4096, 0xfffn)).toBe(0)
      expect(yield* d.ddi('MmAllocateContiguousMemory', 4096, -1n)).toBe(0)
    })
  })

  it('freed twice, or in its middle, is 0xC2', () => {
    const m = toyDriver(function* (d) {
      const at = yield* d.ddi('MmAllocateContiguousMemorySpecifyCache', 8192, 0n, ALL, 0n, 1)
      yield* d.ddi('MmFreeContiguousMemorySpecifyCache', at + PAGE_SIZE, 4096, 1)
    })
    expect(stopOf(m)).toMatchObject({
      code: '0xC2',
      parameters: ['0x60', expect.anything(), '0x0', '0x0'],
    })
  })
})

describe('MmAllocateContiguousMemorySpecifyCache', () => {
  it('crosses no multiple of BoundaryAddressMultiple', () => {
    toyDriver(function* (d) {
      const boundary = 0x4000n
      const starts: bigint[] = []
      for (let i = 0; i < 6; i++) {
        const at = yield* d.ddi(
          'MmAllocateContiguousMemorySpecifyCache',
          3 * PAGE_SIZE,
          0n,
          ALL,
          boundary,
          1,
        )
        starts.push(yield* d.ddi64('MmGetPhysicalAddress', at))
      }
      for (const start of starts) expect(start % boundary).toBeLessThanOrEqual(0x1000n)
      const wide = 5 * PAGE_SIZE
      const routine = 'MmAllocateContiguousMemorySpecifyCache'
      expect(yield* d.ddi(routine, wide, 0n, ALL, boundary, 1)).toBe(0)
    })
  })
})

describe('MmAllocatePagesForMdlEx', () => {
  it('looks SkipBytes higher for what is missing, and only when told to', () => {
    toyDriver(function* (d) {
      const low = BigInt(RAM_START + 0x20_0000)
      const pages = function* (skip: bigint): Code<number[]> {
        const routine = 'MmAllocatePagesForMdlEx'
        const mdl = yield* d.ddi(routine, low, low + 0x1fffn, skip, 6 * PAGE_SIZE, 0, 1)
        const count = d.k.memory.u32(mdl + MDL.ByteCount) / PAGE_SIZE
        const frames = Array.from({ length: count }, (_, i) =>
          d.k.memory.size(mdl + MDL.SIZE + i * 8),
        )
        yield* d.ddi('MmFreePagesFromMdl', mdl)
        return frames
      }
      const first = Number(low) / PAGE_SIZE
      expect(yield* pages(0n)).toEqual([first, first + 1])
      const found = (yield* pages(0x10_0000n)).sort((a, b) => a - b)
      expect(found.map((frame) => frame - first)).toEqual([0, 1, 256, 257, 512, 513])
    })
  })

  it('tries page after page where SkipBytes is less than one, from addresses without a sign', () => {
    toyDriver(function* (d) {
      const routine = 'MmAllocatePagesForMdlEx'
      expect(yield* d.ddi(routine, -10_000n, 0n, 1n, 6 * PAGE_SIZE, 0, 1)).toBe(0)
      const low = BigInt(RAM_START + 0x20_0000)
      const mdl = yield* d.ddi(routine, low, low + 0xfffn, 1n, 3 * PAGE_SIZE, 0, 1)
      expect(d.k.memory.u32(mdl + MDL.ByteCount)).toBe(3 * PAGE_SIZE)
      yield* d.ddi('MmFreePagesFromMdl', mdl)
    })
  })

  it('gives locked pages that are mapped when somebody asks for it', () => {
    const m = toyDriver(function* (d) {
      const before = d.k.memory.freePages
      const mdl = yield* d.ddi('MmAllocatePagesForMdlEx', 0n, ALL, 0n, 2 * PAGE_SIZE, 1, 0)
      expect(d.k.memory.u32(mdl + MDL.ByteCount)).toBe(2 * PAGE_SIZE)
      const at = yield* d.ddi('MmGetSystemAddressForMdlSafe', mdl, 16)
      d.k.memory.setU32(at + PAGE_SIZE, 7)
      const frame = d.k.memory.size(mdl + MDL.SIZE + 8)
      expect(yield* d.ddi64('MmGetPhysicalAddress', at + PAGE_SIZE)).toBe(BigInt(frame) << 12n)
      yield* d.ddi('MmFreePagesFromMdl', mdl)
      yield* d.ddi('ExFreePool', mdl)
      expect(d.k.memory.freePages).toBeGreaterThanOrEqual(before - 1)
    })
    expect(stopOf(m)).toBeNull()
  })

  it('gives fewer when there are not enough, and none when all are required', () => {
    toyDriver(function* (d) {
      const free = d.k.memory.freePages
      const wanted = (free + 100) * PAGE_SIZE
      expect(yield* d.ddi('MmAllocatePagesForMdlEx', 0n, ALL, 0n, wanted, 1, 4)).toBe(0)
      const low = BigInt(RAM_START + 0x40_0000)
      const mdl = yield* d.ddi('MmAllocatePagesForMdlEx', low, low + 0x1fffn, 0n, 0x8000, 1, 0)
      expect(d.k.memory.u32(mdl + MDL.ByteCount)).toBe(0x2000)
    })
  })

  it('pages freed twice are 0x4E', () => {
    const m = toyDriver(function* (d) {
      const mdl = yield* d.ddi('MmAllocatePagesForMdl', 0n, ALL, 0n, PAGE_SIZE)
      yield* d.ddi('MmFreePagesFromMdl', mdl)
      yield* d.ddi('MmFreePagesFromMdl', mdl)
    })
    expect(stopOf(m)?.code).toBe('0x4E')
  })
})

describe('MmCopyMemory', () => {
  it('reads physical and virtual memory', () => {
    toyDriver(function* (d) {
      const { memory } = d.k
      const [source, target, count] = [scratch(d, 16), scratch(d, 16), scratch(d, 8)]
      memory.setU32(source, 0xabcd)
      const physical = yield* d.ddi64('MmGetPhysicalAddress', source)
      expect(yield* d.ddi('MmCopyMemory', target, physical, 4, 1, count)).toBe(0)
      expect([memory.u32(target), memory.size(count)]).toEqual([0xabcd, 4])
      memory.setU32(target, 0)
      const address = memory.address(source)
      expect(yield* d.ddi('MmCopyMemory', target, address, 4, 2, count)).toBe(0)
      expect(memory.u32(target)).toBe(0xabcd)
    })
  })

  it('says how far it came, and refuses wrong flags', () => {
    toyDriver(function* (d) {
      const { memory } = d.k
      const [target, count] = [scratch(d, 0x2000), scratch(d, 8)]
      const end = BigInt(RAM_START + (64 << 20))
      const copy = (from: bigint, flags: number): Code<number> =>
        d.ddi('MmCopyMemory', target, from, 0x1000, flags, count)
      expect(yield* copy(end - 0x800n, 1)).toBe(STATUS_PARTIAL_COPY)
      expect(memory.size(count)).toBe(0x800)
      expect(yield* copy(end, 1)).toBe(STATUS_ACCESS_VIOLATION)
      expect(yield* copy(0x4141_4141_4141n, 2)).toBe(STATUS_ACCESS_VIOLATION)
      expect(yield* copy(end, 3)).toBe(STATUS_INVALID_PARAMETER)
    })
  })
})

describe('MmCopyVirtualMemory', () => {
  it('refuses kernel addresses for user mode, and what is no process', () => {
    toyDriver(function* (d) {
      const { memory, processes } = d.k
      const system = processes.system.address
      const [a, b, count] = [scratch(d, 16), scratch(d, 16), scratch(d, 8)]
      memory.setU32(a, 99)
      expect(yield* d.ddi('MmCopyVirtualMemory', system, a, system, b, 4, 0, count)).toBe(0)
      expect([memory.u32(b), memory.size(count)]).toEqual([99, 4])
      expect(yield* d.ddi('MmCopyVirtualMemory', system, a, system, b, 4, 1, count)).toBe(
        STATUS_ACCESS_VIOLATION,
      )
      expect(yield* d.ddi('MmCopyVirtualMemory', a, a, system, b, 4, 0, count)).toBe(
        STATUS_PROCESS_IS_TERMINATING,
      )
    })
  })
})

describe('MDLs', () => {
  it('hold the numbers of pages that MmGetPhysicalAddress would tell', () => {
    toyDriver(function* (d) {
      const buffer = yield* d.ddi('ExAllocatePoolWithTag', 0, 64, 0x31746554)
      const mdl = yield* d.ddi('IoAllocateMdl', buffer, 64, false, false, null)
      yield* d.ddi('MmBuildMdlForNonPagedPool', mdl)
      const physical = yield* d.ddi64('MmGetPhysicalAddress', buffer)
      expect(BigInt(d.k.memory.size(mdl + MDL.SIZE))).toBe(physical >> 12n)
      yield* d.ddi('IoFreeMdl', mdl)
      yield* d.ddi('ExFreePool', buffer)
    })
  })

  it('have mappings whose protection can change', () => {
    const m = toyDriver(function* (d) {
      const mdl = yield* d.ddi('MmAllocatePagesForMdl', 0n, ALL, 0n, PAGE_SIZE)
      expect(yield* d.ddi('MmProtectMdlSystemAddress', mdl, 2)).toBe(STATUS_NOT_MAPPED_VIEW)
      const at = yield* d.ddi('MmGetSystemAddressForMdlSafe', mdl, 16)
      expect(yield* d.ddi('MmProtectMdlSystemAddress', mdl, 0x77)).toBe(
        STATUS_INVALID_PAGE_PROTECTION,
      )
      expect(yield* d.ddi('MmProtectMdlSystemAddress', mdl, 2)).toBe(0)
      yield* d.ddi('RtlZeroMemory', at, 4)
    })
    expect(stopOf(m)?.code).toBe('0xBE')
  })

  it('mapped with MdlMappingNoWrite cannot be written', () => {
    const m = toyDriver(function* (d) {
      const mdl = yield* d.ddi('MmAllocatePagesForMdl', 0n, ALL, 0n, PAGE_SIZE)
      const at = yield* d.ddi('MmGetSystemAddressForMdlSafe', mdl, 0x8000_0010)
      yield* d.ddi('RtlZeroMemory', at, 4)
    })
    expect(stopOf(m)?.code).toBe('0xBE')
  })

  it('whose page numbers a driver wrote itself work for locked pages only', () => {
    const m = toyDriver(function* (d) {
      const { memory } = d.k
      const physical = yield* d.ddi64('MmGetPhysicalAddress', scratch(d, 16))
      const mdl = yield* d.ddi('IoAllocateMdl', 0, PAGE_SIZE, false, false, null)
      memory.setU64(mdl + MDL.SIZE, physical >> 12n)
      memory.setU16(mdl + MDL.MdlFlags, 2)
      yield* d.ddi('MmGetSystemAddressForMdlSafe', mdl, 16)
    })
    expect(stopOf(m)).toMatchObject({ code: '0x1A' })
    expect(m.bugCheck?.parameters[0]).toBe(0x1236n)
  })
})
