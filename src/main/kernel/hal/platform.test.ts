import { describe, expect, it } from 'vitest'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_DATATYPE_MISALIGNMENT,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelOptions } from '../options'
import { PAGE_SIZE, RAM_START } from '../mm/layout'
import type { NtException } from '../stop'
import type { Code, DriverApi } from '../testing/machine'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'
import { HAL_NAMES, platformOf } from './platform'
import { COM1 } from './testing'

const PCI = 5
const ISA = 1
const PCI_CONFIGURATION = 4

function onArm(body: (d: DriverApi) => Code<void>): ReturnType<typeof toyDriver> {
  const options: Partial<KernelOptions> = { hal: 'arm64' }
  return toyDriver(body, {}, options)
}

/** Status of the exception that a call raises; 0 for none. */
function* raisedBy(call: Code<number>): Code<number> {
  try {
    yield* call
  } catch (error) {
    return (error as NtException).code
  }
  return 0
}

describe.each(HAL_NAMES)('the levels of %s', (name) => {
  const platform = platformOf(name)

  it('of devices lie between DISPATCH_LEVEL and the clock', () => {
    for (let line = 0; line < 24; line++) {
      const irql = platform.irqlOf(platform.vectorOf(line))
      expect(irql).toBeGreaterThan(2)
      expect(irql).toBeLessThan(13)
    }
  })

  it('are 0 for vectors that no device can have', () => {
    expect(platform.irqlOf(0)).toBe(0)
    expect(platform.irqlOf(0xffff)).toBe(0)
  })
})

describe('HalGetInterruptVector', () => {
  it('gives what IoConnectInterrupt wants, on each platform its own', () => {
    const vectors: number[][] = []
    for (const hal of HAL_NAMES)
      toyDriver(
        function* (d) {
          const [irql, affinity] = [d.out(), d.out()]
          const vector = yield* d.ddi('HalGetInterruptVector', ISA, 0, 4, 4, irql, affinity)
          vectors.push([vector, Number(irql.value), Number(affinity.value)])
          const object = d.out()
          expect(
            yield* d.ddi(
              'IoConnectInterrupt',
              object,
              d.fn('Isr'),
              0,
              null,
              vector,
              Number(irql.value),
              Number(irql.value),
              0,
              true,
              BigInt(affinity.value),
              false,
            ),
          ).toBe(0)
          yield* d.ddi('IoDisconnectInterrupt', Number(object.value))
        },
        { *Isr() {} },
        { hal },
      )
    expect(vectors).toEqual([
      [0x94, 9, 1],
      [36, 7, 1],
    ])
  })
})

describe('ports', () => {
  it('of nobody read ones and swallow what is written', () => {
    toyDriver(function* (d) {
      yield* d.ddi('WRITE_PORT_ULONG', 0x500, 1)
      expect(yield* d.ddi('READ_PORT_UCHAR', 0x500)).toBe(0xff)
      expect(yield* d.ddi('READ_PORT_USHORT', 0x500)).toBe(0xffff)
      expect(yield* d.ddi('READ_PORT_ULONG', 0x500)).toBe(0xffff_ffff)
    })
  })

  it('take and give buffers', () => {
    const m = toyDriver(function* (d) {
      const buffer = scratch(d, 16)
      d.k.memory.write(buffer, Uint8Array.of(0x48, 0x69))
      yield* d.ddi('WRITE_PORT_UCHAR', COM1 + 4, 0x10)
      yield* d.ddi('WRITE_PORT_BUFFER_UCHAR', COM1, buffer, 2)
      // In loop mode what is sent comes back, as fast as the line is.
      yield* d.ddi('KeStallExecutionProcessor', 200)
      yield* d.ddi('READ_PORT_BUFFER_UCHAR', COM1, buffer + 8, 2)
      expect(d.k.memory.sz(buffer + 8)).toBe('Hi')
    })
    expect(stopOf(m)).toBeNull()
  })

  it('do not exist on ARM64: the number is an address there', () => {
    onArm(function* (d) {
      expect(yield* raisedBy(d.ddi('READ_PORT_UCHAR', COM1))).toBe(STATUS_ACCESS_VIOLATION)
      expect(yield* raisedBy(d.ddi('WRITE_PORT_UCHAR', COM1, 0))).toBe(STATUS_ACCESS_VIOLATION)
    })
  })

  it('of a PC are translated to memory on ARM64', () => {
    onArm(function* (d) {
      const { memory } = d.k
      const [space, address] = [scratch(d, 4), scratch(d, 8)]
      memory.setU32(space, 1)
      expect(yield* d.ddi('HalTranslateBusAddress', ISA, 0, BigInt(COM1), space, address)).toBe(1)
      expect(memory.u32(space)).toBe(0)
      const registers = yield* d.ddi('MmMapIoSpace', memory.u64(address), 8, 0)
      yield* d.ddi('WRITE_REGISTER_UCHAR', registers + 7, 0x5a)
      expect(yield* d.ddi('READ_REGISTER_UCHAR', registers + 7)).toBe(0x5a)
      memory.setU32(space, 1)
      expect(yield* d.ddi('HalTranslateBusAddress', ISA, 0, 0x60n, space, address)).toBe(0)
    })
  })
})

describe('registers in memory', () => {
  it('cannot be reached at odd addresses on ARM64', () => {
    onArm(function* (d) {
      const at = yield* d.ddi('MmMapIoSpace', 0xfebf_0000n, 0x1000, 0)
      expect(yield* raisedBy(d.ddi('READ_REGISTER_ULONG', at + 2))).toBe(
        STATUS_DATATYPE_MISALIGNMENT,
      )
      expect(yield* raisedBy(d.ddi('READ_REGISTER_ULONG', at))).toBe(0)
    })
  })
})

describe('memory that a device writes', () => {
  const transfer = function* (d: DriverApi, cache: number): Code<[before: number, after: number]> {
    const { memory } = d.k
    const buffer = yield* d.ddi(
      'MmAllocateContiguousMemorySpecifyCache',
      4096,
      0n,
      0xffff_ffffn,
      0n,
      cache,
    )
    const physical = yield* d.ddi64('MmGetPhysicalAddress', buffer)
    const at = yield* d.ddi('MmMapIoSpace', 0xfebf_0000n, 0x1000, 0)
    d.k.hal.receive('dma0', Uint8Array.of(1, 2, 3, 4))
    yield* d.ddi('WRITE_REGISTER_ULONG', at + 0xc, Number(physical))
    yield* d.ddi('WRITE_REGISTER_ULONG', at + 0x14, 4)
    yield* d.ddi('WRITE_REGISTER_ULONG', at + 4, 1)
    yield* d.ddi('KeStallExecutionProcessor', 100)
    expect(yield* d.ddi('READ_REGISTER_ULONG', at + 8)).toBe(2)
    expect(yield* d.ddi('READ_REGISTER_ULONG', at + 0x18)).toBe(4)
    const before = memory.u32(buffer)
    const mdl = yield* d.ddi('IoAllocateMdl', buffer, 4096, false, false, null)
    yield* d.ddi('MmBuildMdlForNonPagedPool', mdl)
    yield* d.ddi('KeFlushIoBuffers', mdl, true, true)
    return [before, memory.u32(buffer)]
  }

  it.each([
    ['x64', 1, 0x0403_0201],
    ['arm64', 1, 0],
    ['arm64', 0, 0x0403_0201],
  ] as const)('is seen on %s with cache type %i before a flush: %i', (hal, cache, before) => {
    let seen: [number, number] = [0, 0]
    const m = toyDriver(
      function* (d) {
        seen = yield* transfer(d, cache)
      },
      {},
      { hal },
    )
    expect(stopOf(m)).toBeNull()
    expect(seen).toEqual([before, 0x0403_0201])
  })

  it('and nobody flushes is seen by itself when the cache is full, oldest first', () => {
    onArm(function* (d) {
      const { memory, hal } = d.k
      const first = RAM_START + 0x10_0000
      for (let page = 0; page < 600; page++)
        hal.dma.write(first + page * PAGE_SIZE, Uint8Array.of(7))
      const seen = (page: number): number => memory.ram(first + page * PAGE_SIZE, 1)[0]!
      expect([seen(0), seen(87), seen(88), seen(599)]).toEqual([7, 7, 0, 0])
      yield* d.ddi('KeGetCurrentIrql')
    })
  })

  it('fails where no RAM is, and when the device may not be master of the bus', () => {
    toyDriver(function* (d) {
      const at = yield* d.ddi('MmMapIoSpace', 0xfebf_0000n, 0x1000, 0)
      d.k.hal.receive('dma0', Uint8Array.of(1))
      yield* d.ddi('WRITE_REGISTER_ULONG', at + 0xc, 0xf000_0000)
      yield* d.ddi('WRITE_REGISTER_ULONG', at + 0x14, 1)
      yield* d.ddi('WRITE_REGISTER_ULONG', at + 4, 1)
      yield* d.ddi('KeStallExecutionProcessor', 100)
      expect(yield* d.ddi('READ_REGISTER_ULONG', at + 8)).toBe(4)
    })
  })
})

describe('PCI configuration space', () => {
  it('tells who is in a slot, and takes what can be written', () => {
    toyDriver(function* (d) {
      const { memory } = d.k
      const at = scratch(d, 256)
      const get = (slot: number, offset: number, bytes: number): Code<number> =>
        d.ddi('HalGetBusDataByOffset', PCI_CONFIGURATION, 0, slot, at, offset, bytes)
      expect(yield* get(3, 0, 64)).toBe(64)
      expect([memory.u16(at), memory.u16(at + 2)]).toEqual([0x5230, 0x4c41])
      expect([memory.u32(at + 0x10), memory.u8(at + 0x3c)]).toEqual([0xfebf_0000, 17])
      expect(yield* get(4, 0, 64)).toBe(2)
      expect(memory.u16(at)).toBe(0xffff)
      expect(yield* get(3, 250, 64)).toBe(6)
      expect(yield* get(3, 0xffff_ffff, 64)).toBe(0)
      // The size of the range: ones are written, what stays are the bits that can be set.
      memory.setU32(at, 0xffff_ffff)
      const set = d.ddi('HalSetBusDataByOffset', PCI_CONFIGURATION, 0, 3, at, 0x10, 4)
      expect(yield* set).toBe(4)
      yield* get(3, 0x10, 4)
      expect(memory.u32(at)).toBe(0xffff_f000)
      expect(yield* d.ddi('HalGetBusDataByOffset', 0, 0, 0, at, 0, 4)).toBe(0)
      expect(yield* d.ddi('HalGetBusDataByOffset', PCI_CONFIGURATION, 7, 0, at, 0, 4)).toBe(0)
      expect(yield* d.ddi('HalGetInterruptVector', PCI, 3, 17, 17, d.out(), d.out())).toBe(0)
    })
  })
})
