import { describe, expect, it } from 'vitest'
import type { KernelOptions } from '../options'
import type { Code, DriverApi } from '../testing/machine'
import { stopOf, toyDriver } from '../testing/toy-driver'
import { PTE } from './layout'

const PAGED = 1
const NONPAGED = 0
const TAG = 0x67615054

/** A block of pool that fills pages of its own. */
function* block(d: DriverApi, type: number, bytes = 8192): Code<number> {
  return yield* d.ddi('ExAllocatePoolWithTag', type, bytes, TAG)
}

const run = (
  body: (d: DriverApi) => Code<void>,
  options: Partial<KernelOptions> = {},
): ReturnType<typeof toyDriver> => toyDriver(body, {}, options)

describe('a page in the page file', () => {
  it('comes back with what was in it at the first touch below DISPATCH_LEVEL', () => {
    const m = run(function* (d) {
      const { memory, mm } = d.k
      const at = yield* block(d, PAGED)
      memory.setU32(at + 4096, 0xfeed)
      const free = memory.freePages
      expect(mm.pager.trim(null, 'test')).toBeGreaterThanOrEqual(2)
      expect(memory.freePages).toBeGreaterThan(free)
      expect(memory.pte(at + 4096) & (PTE.read | PTE.pagedOut)).toBe(PTE.pagedOut)
      expect(yield* d.ddi('MmIsAddressValid', at + 4096)).toBe(0)
      expect(yield* d.ddi64('MmGetPhysicalAddress', at + 4096)).toBe(0n)
      expect(memory.u32(at + 4096)).toBe(0xfeed)
      expect(yield* d.ddi('MmIsAddressValid', at + 4096)).toBe(1)
      memory.setU32(at, 7)
      expect(memory.u32(at)).toBe(7)
      yield* d.ddi('ExFreePoolWithTag', at, TAG)
    })
    expect(stopOf(m)).toBeNull()
    const trimmed = m.of('pages.trimmed')
    expect(trimmed).toHaveLength(1)
    const faulted = m.of('page.faulted')
    expect(faulted).toHaveLength(2)
    expect(faulted.map(({ access }) => access)).toEqual(['read', 'write'])
    expect(trimmed[0]!.pages).toContain(faulted[0]!.page)
  })

  it('is out of reach from DISPATCH_LEVEL on, like every pageable page', () => {
    const m = run(function* (d) {
      const at = yield* block(d, PAGED)
      d.k.mm.pager.trim(null, 'test')
      yield* d.ddi('KfRaiseIrql', 2)
      yield* d.ddi('RtlZeroMemory', at, 4)
    })
    expect(stopOf(m)).toMatchObject({ code: '0xD1' })
    expect(m.of('page.faulted')).toHaveLength(0)
  })

  it('is still there when the level falls again', () => {
    const m = run(function* (d) {
      const { memory } = d.k
      const at = yield* block(d, PAGED)
      memory.setU32(at, 5)
      d.k.mm.pager.trim(null, 'test')
      const old = yield* d.ddi('KfRaiseIrql', 2)
      yield* d.ddi('KeLowerIrql', old)
      expect(memory.pte(at) & PTE.read).toBe(0)
      expect(memory.u32(at)).toBe(5)
    })
    expect(stopOf(m)).toBeNull()
  })

  it('frees nothing twice when its block is freed while it is out', () => {
    const m = run(function* (d) {
      const before = d.k.memory.freePages
      const at = yield* block(d, PAGED)
      d.k.mm.pager.trim(null, 'test')
      yield* d.ddi('ExFreePoolWithTag', at, TAG)
      expect(d.k.memory.freePages).toBeLessThanOrEqual(before + 64)
      expect(d.k.memory.pagesOut).toBe(0)
    })
    expect(stopOf(m)).toBeNull()
  })
})

describe('what cannot leave', () => {
  it('is nonpaged memory', () => {
    run(function* (d) {
      const at = yield* block(d, NONPAGED)
      d.k.mm.pager.trim(null, 'test')
      expect(d.k.memory.pte(at) & PTE.read).toBe(PTE.read)
    })
  })

  it('is a page that an MDL has locked, until it is unlocked', () => {
    const m = run(function* (d) {
      const { memory, mm } = d.k
      const at = yield* block(d, PAGED)
      const mdl = yield* d.ddi('IoAllocateMdl', at, 100, false, false, null)
      mm.pager.trim(null, 'test')
      // Locking brings it in.
      yield* d.ddi('MmProbeAndLockPages', mdl, 0, 1)
      expect(memory.pte(at) & PTE.read).toBe(PTE.read)
      mm.pager.trim(null, 'test')
      expect(memory.pte(at) & PTE.read).toBe(PTE.read)
      const mapped = yield* d.ddi('MmGetSystemAddressForMdlSafe', mdl, 16)
      const old = yield* d.ddi('KfRaiseIrql', 2)
      yield* d.ddi('RtlFillMemory', mapped, 4, 9)
      yield* d.ddi('KeLowerIrql', old)
      yield* d.ddi('MmUnlockPages', mdl)
      yield* d.ddi('IoFreeMdl', mdl)
      mm.pager.trim(null, 'test')
      expect(memory.pte(at) & PTE.read).toBe(0)
      expect(memory.u32(at)).toBe(0x09090909)
      yield* d.ddi('ExFreePoolWithTag', at, TAG)
    })
    expect(stopOf(m)).toBeNull()
  })
})

describe('the policy', () => {
  const body = function* (d: DriverApi): Code<void> {
    const blocks: number[] = []
    for (let i = 0; i < 8; i++) blocks.push(yield* block(d, PAGED))
    for (let round = 0; round < 100; round++)
      for (const at of blocks) {
        yield* d.ddi('KeGetCurrentIrql')
        d.k.memory.setU32(at, round)
        expect(d.k.memory.u32(at)).toBe(round)
      }
    for (const at of blocks) yield* d.ddi('ExFreePoolWithTag', at, TAG)
  }

  it('`none` leaves pages alone below DISPATCH_LEVEL', () => {
    expect(run(body).of('pages.trimmed')).toHaveLength(0)
  })

  it('`pressure` sends them out again and again, each seed in its own way', () => {
    const trace = (seed: number): string =>
      JSON.stringify(run(body, { seed, paging: 'pressure' }).events)
    const m = run(body, { paging: 'pressure' })
    expect(stopOf(m)).toBeNull()
    expect(m.of('pages.trimmed').length).toBeGreaterThan(2)
    expect(m.of('page.faulted').length).toBeGreaterThan(2)
    expect(trace(1)).toBe(trace(1))
    expect(trace(2)).not.toBe(trace(1))
  })
})
