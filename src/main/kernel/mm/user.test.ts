import { describe, expect, it } from 'vitest'
import {
  STATUS_GUARD_PAGE_VIOLATION,
  STATUS_INVALID_PAGE_PROTECTION,
} from '../../../shared/nt/generated/ntstatus'
import { EPROCESS } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { NtException } from '../stop'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'
import { scratch, stopOf } from '../testing/toy-driver'
import { NtFreeVirtualMemory, NtProtectVirtualMemory } from './nt-memory'
import { flagsOfProtection, protectionOfFlags, reserve } from './user-memory'

const GUARDED = 0x104
const READWRITE = 4
const READONLY = 2
const SELF = -1

/** Run driver code attached to a fresh process, with the address of a committed page in it. */
function inProcess(
  body: (d: DriverApi, at: number, k: Kernel) => Code<void>,
  protection = READWRITE,
): TestMachine {
  const m = new TestMachine()
  m.driver('toy', {
    *DriverEntry(d) {
      const { k } = d
      const process = k.processes.create('victim.exe')
      if (typeof process === 'number') throw new Error('no process')
      const { base } = reserve(k, process, 8192, flagsOfProtection(protection)!)!
      const state = scratch(d, 64)
      yield* d.ddi('KeStackAttachProcess', process.address, state)
      yield* body(d, base, k)
      yield* d.ddi('KeUnstackDetachProcess', state)
      return 0
    },
  })
  m.main(function* (k) {
    yield* k.loader.load('toy')
  })
  return m.run()
}

describe('a guard page', () => {
  it('raises STATUS_GUARD_PAGE_VIOLATION once, and is an ordinary page afterwards', () => {
    let code = 0
    const m = inProcess(function* (d, at, k) {
      expect(protectionOfFlags(k.memory.pte(at))).toBe(GUARDED)
      try {
        yield* d.ddi('RtlZeroMemory', at, 4)
      } catch (error) {
        code = (error as NtException).code
      }
      expect(protectionOfFlags(k.memory.pte(at))).toBe(READWRITE)
      yield* d.ddi('RtlFillMemory', at, 4, 7)
      expect(k.memory.u32(at)).toBe(0x07070707)
      // The next page still has its guard.
      expect(protectionOfFlags(k.memory.pte(at + 4096))).toBe(GUARDED)
    }, GUARDED)
    expect(stopOf(m)).toBeNull()
    expect(code).toBe(STATUS_GUARD_PAGE_VIOLATION)
  })

  it('has no protection that allows nothing', () => {
    expect(flagsOfProtection(0x101)).toBeUndefined()
    expect(flagsOfProtection(0x102)).toBeDefined()
  })
})

describe('MmSecureVirtualMemory', () => {
  /** Base and size for the services, in the process. */
  const range = (k: Kernel, d: DriverApi, at: number, bytes: number): [number, number] => {
    const [base, size] = [scratch(d, 8), scratch(d, 8)]
    k.memory.setPtr(base, at)
    k.memory.setSize(size, bytes)
    return [base, size]
  }

  it('keeps a range from being freed or weakened until it is released', () => {
    const m = inProcess(function* (d, at, k) {
      const secure = yield* d.ddi('MmSecureVirtualMemory', at, 100, READWRITE)
      expect(secure).not.toBe(0)
      // Neither service waits, so nothing of the kernel's is yielded here.
      const call = (service: typeof NtFreeVirtualMemory, args: number[]): Code<number> =>
        k.syscalls.callFromKernel(service, args) as unknown as Code<number>
      const [base, size] = range(k, d, at, 4096)
      const old = scratch(d, 4)
      const protect = call(NtProtectVirtualMemory, [SELF, base, size, READONLY, old])
      expect(yield* protect).toBe(STATUS_INVALID_PAGE_PROTECTION)
      const [freeBase, freeSize] = range(k, d, at, 0)
      const free = [SELF, freeBase, freeSize, 0x8000]
      expect(yield* call(NtFreeVirtualMemory, free)).toBe(STATUS_INVALID_PAGE_PROTECTION)
      yield* d.ddi('MmUnsecureVirtualMemory', secure)
      expect(yield* call(NtFreeVirtualMemory, free)).toBe(0)
    })
    expect(stopOf(m)).toBeNull()
  })

  it('has no handle for memory that does not allow what is asked, or is not the user’s', () => {
    inProcess(function* (d, at) {
      expect(yield* d.ddi('MmSecureVirtualMemory', at, 100, READWRITE)).toBe(0)
      expect(yield* d.ddi('MmSecureVirtualMemory', at, 100, READONLY)).not.toBe(0)
      expect(yield* d.ddi('MmSecureVirtualMemory', scratch(d, 16), 16, READONLY)).toBe(0)
      expect(yield* d.ddi('MmSecureVirtualMemory', at, 0, READONLY)).toBe(0)
      expect(yield* d.ddi('MmSecureVirtualMemory', at, 100, 0x99)).toBe(0)
    }, READONLY)
  })

  it('released twice is 0x1A', () => {
    const m = inProcess(function* (d, at) {
      const secure = yield* d.ddi('MmSecureVirtualMemory', at, 16, READONLY)
      yield* d.ddi('MmUnsecureVirtualMemory', secure)
      yield* d.ddi('MmUnsecureVirtualMemory', secure)
    })
    expect(stopOf(m)?.code).toBe('0x1A')
  })
})

describe('MmMapLockedPagesSpecifyCache for UserMode', () => {
  it('maps nonpaged pages of the driver into the process, and unmaps them', () => {
    const m = inProcess(function* (d, _at, k) {
      const { memory } = k
      const mdl = yield* d.ddi('MmAllocatePagesForMdl', 0n, 0xffff_ffffn, 0n, 4096)
      const system = yield* d.ddi('MmGetSystemAddressForMdlSafe', mdl, 16)
      const user = yield* d.ddi('MmMapLockedPagesSpecifyCache', mdl, 1, 1, 0, 0, 16)
      expect(memory.isUser(user)).toBe(true)
      memory.setU32(user, 5)
      expect(memory.u32(system)).toBe(5)
      yield* d.ddi('MmUnmapLockedPages', user, mdl)
      expect(memory.pte(user)).toBe(0)
      yield* d.ddi('MmFreePagesFromMdl', mdl)
      yield* d.ddi('ExFreePool', mdl)
    })
    expect(stopOf(m)).toBeNull()
  })

  it('maps nonpaged pool, which nobody locks, as well', () => {
    const m = inProcess(function* (d, _at, k) {
      const { memory } = k
      const pool = yield* d.ddi('ExAllocatePool2', 0x40n, 4096, 0x74736554)
      const mdl = yield* d.ddi('IoAllocateMdl', pool, 4096, 0, 0, 0)
      yield* d.ddi('MmBuildMdlForNonPagedPool', mdl)
      const user = yield* d.ddi('MmMapLockedPagesSpecifyCache', mdl, 1, 1, 0, 0, 16)
      expect(memory.isUser(user)).toBe(true)
      memory.setU32(pool, 7)
      expect(memory.u32(user)).toBe(7)
      memory.setU32(user, 5)
      expect(memory.u32(pool)).toBe(5)
      yield* d.ddi('MmUnmapLockedPages', user, mdl)
      expect(memory.pte(user)).toBe(0)
      yield* d.ddi('IoFreeMdl', mdl)
      yield* d.ddi('ExFreePool', pool)
    })
    expect(stopOf(m)).toBeNull()
  })
})

describe('MmCopyVirtualMemory', () => {
  it('reads another process without a handle', () => {
    const m = inProcess(function* (d, at, k) {
      const { memory, processes } = k
      memory.setU32(at, 0xbeef)
      const victim = processes.current.address
      expect(memory.u64(victim + EPROCESS.UniqueProcessId)).toBeGreaterThan(4n)
      const [target, count] = [scratch(d, 16), scratch(d, 8)]
      const system = processes.system.address
      expect(yield* d.ddi('MmCopyVirtualMemory', victim, at, system, target, 4, 0, count)).toBe(0)
      expect(memory.u32(target)).toBe(0xbeef)
    })
    expect(stopOf(m)).toBeNull()
  })
})

describe('the kernel stack', () => {
  it('ends in a guard page: going on below it is a double fault', () => {
    const m = inProcess(function* (d, _at, k) {
      yield* d.ddi('RtlZeroMemory', k.thread.stackLimit - 16, 8)
    })
    expect(stopOf(m)).toMatchObject({ code: '0x7F', parameters: ['0x8', '0x0', '0x0', '0x0'] })
  })
})
