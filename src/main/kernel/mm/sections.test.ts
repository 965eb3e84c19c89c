import { describe, expect, it } from 'vitest'
import { OBJECT_ATTRIBUTES } from '../../../shared/nt/generated/offsets'
import {
  STATUS_CONFLICTING_ADDRESSES,
  STATUS_INVALID_FILE_FOR_SECTION,
  STATUS_INVALID_HANDLE,
  STATUS_INVALID_PAGE_PROTECTION,
  STATUS_INVALID_PARAMETER,
  STATUS_INVALID_VIEW_SIZE,
  STATUS_NOT_MAPPED_VIEW,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SECTION_PROTECTION,
  STATUS_SECTION_TOO_BIG,
} from '../../../shared/nt/generated/ntstatus'
import type { Code, DriverApi } from '../testing/machine'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'
import { PAGE_SIZE } from './layout'

const ALL_ACCESS = 0xf001f
const COMMIT = 0x0800_0000
const READONLY = 2
const READWRITE = 4
const CURRENT = -1

function* attributes(d: DriverApi, name: string): Code<number> {
  const at = scratch(d, OBJECT_ATTRIBUTES.SIZE)
  yield* d.ddi('InitializeObjectAttributes', at, d.string(name), 0x240, 0, null)
  return at
}

function* section(d: DriverApi, bytes: bigint, protection = READWRITE): Code<number> {
  const handle = d.out()
  const status = yield* d.ddi(
    'ZwCreateSection',
    handle,
    ALL_ACCESS,
    null,
    bytes,
    protection,
    COMMIT,
    0,
  )
  expect(status).toBe(0)
  return Number(handle.value)
}

interface View {
  status: number
  base: number
  size: number
}

function* map(
  d: DriverApi,
  handle: number,
  options: { offset?: bigint; size?: number; protect?: number; base?: number } = {},
): Code<View> {
  const { memory } = d.k
  const [base, size, offset] = [scratch(d, 8), scratch(d, 8), scratch(d, 8)]
  memory.setPtr(base, options.base ?? 0)
  memory.setSize(size, options.size ?? 0)
  memory.setU64(offset, options.offset ?? 0n)
  const status = yield* d.ddi(
    'ZwMapViewOfSection',
    handle,
    CURRENT,
    base,
    0n,
    0,
    offset,
    size,
    2,
    0,
    options.protect ?? READWRITE,
  )
  return { status, base: memory.ptr(base), size: memory.size(size) }
}

describe('a section', () => {
  it('shows the same memory in every view, from the offset that was asked for', () => {
    const m = toyDriver(function* (d) {
      const { memory } = d.k
      const handle = yield* section(d, 3n * BigInt(PAGE_SIZE))
      const whole = yield* map(d, handle)
      expect([whole.status, whole.size]).toEqual([0, 3 * PAGE_SIZE])
      const part = yield* map(d, handle, { offset: BigInt(PAGE_SIZE), size: 16 })
      expect([part.status, part.size]).toEqual([0, PAGE_SIZE])
      memory.setU32(whole.base + PAGE_SIZE + 4, 0x77)
      expect(memory.u32(part.base + 4)).toBe(0x77)
      expect(yield* d.ddi('ZwUnmapViewOfSection', CURRENT, whole.base + 100)).toBe(0)
      expect(yield* d.ddi('ZwUnmapViewOfSection', CURRENT, whole.base)).toBe(STATUS_NOT_MAPPED_VIEW)
      // A view keeps the section alive when the last handle is gone.
      yield* d.ddi('ZwClose', handle)
      expect(memory.u32(part.base + 4)).toBe(0x77)
      const free = memory.freePages
      expect(yield* d.ddi('ZwUnmapViewOfSection', CURRENT, part.base)).toBe(0)
      expect(memory.freePages).toBeGreaterThanOrEqual(free + 3)
    })
    expect(stopOf(m)).toBeNull()
    expect(m.of('section.created')).toMatchObject([{ bytes: 3 * PAGE_SIZE, name: null }])
    expect(m.of('view.mapped')).toHaveLength(2)
    expect(m.of('view.unmapped')).toHaveLength(2)
    expect(m.of('object.deleted').some(({ type }) => type === 'Section')).toBe(true)
  })

  it('gives no more than its protection, and writing a read-only view is 0xBE', () => {
    const m = toyDriver(function* (d) {
      const handle = yield* section(d, 4096n, READONLY)
      const denied = yield* map(d, handle)
      expect(denied.status).toBe(STATUS_SECTION_PROTECTION)
      const view = yield* map(d, handle, { protect: READONLY })
      expect(view.status).toBe(0)
      yield* d.ddi('RtlZeroMemory', view.base, 4)
    })
    expect(stopOf(m)?.code).toBe('0xBE')
  })

  it('can be found by its name', () => {
    toyDriver(function* (d) {
      const at = yield* attributes(d, '\\BaseNamedObjects\\Shared')
      const [made, opened] = [d.out(), d.out()]
      expect(
        yield* d.ddi('ZwCreateSection', made, ALL_ACCESS, at, 4096n, READWRITE, COMMIT, 0),
      ).toBe(0)
      expect(yield* d.ddi('ZwOpenSection', opened, ALL_ACCESS, at)).toBe(0)
      const missing = yield* attributes(d, '\\BaseNamedObjects\\Missing')
      expect(yield* d.ddi('ZwOpenSection', opened, ALL_ACCESS, missing)).toBe(
        STATUS_OBJECT_NAME_NOT_FOUND,
      )
      const wrong = yield* attributes(d, '\\Device')
      expect(yield* d.ddi('ZwOpenSection', opened, ALL_ACCESS, wrong)).toBe(
        STATUS_OBJECT_TYPE_MISMATCH,
      )
    })
  })

  it.each([
    ['no size', 0n, READWRITE, COMMIT, 0, STATUS_INVALID_PARAMETER],
    ['an absurd size', 1n << 40n, READWRITE, COMMIT, 0, STATUS_SECTION_TOO_BIG],
    ['no such protection', 4096n, 0x99, COMMIT, 0, STATUS_INVALID_PAGE_PROTECTION],
    ['neither SEC_COMMIT nor SEC_RESERVE', 4096n, READWRITE, 0, 0, STATUS_INVALID_PARAMETER],
    ['a file', 4096n, READWRITE, COMMIT, 4, STATUS_INVALID_FILE_FOR_SECTION],
  ])('is refused for %s', (_what, bytes, protection, attributes_, file, status) => {
    toyDriver(function* (d) {
      expect(
        yield* d.ddi(
          'ZwCreateSection',
          d.out(),
          ALL_ACCESS,
          null,
          bytes,
          protection,
          attributes_,
          file,
        ),
      ).toBe(status)
    })
  })

  it('has no view outside of it, at a place of the caller’s choice, or of what is no section', () => {
    toyDriver(function* (d) {
      const handle = yield* section(d, 4096n)
      const status = function* (options: Parameters<typeof map>[2], of = handle): Code<number> {
        return (yield* map(d, of, options)).status
      }
      expect(yield* status({ offset: 0x10000n })).toBe(STATUS_INVALID_VIEW_SIZE)
      expect(yield* status({ size: 0x2000 })).toBe(STATUS_INVALID_VIEW_SIZE)
      expect(yield* status({ base: 0x1000 })).toBe(STATUS_CONFLICTING_ADDRESSES)
      expect(yield* status({ protect: 0x77 })).toBe(STATUS_INVALID_PAGE_PROTECTION)
      expect(yield* status({}, 0x4444)).toBe(STATUS_INVALID_HANDLE)
    })
  })

  it('can be mapped into system space by its object', () => {
    const m = toyDriver(function* (d) {
      const { memory } = d.k
      const handle = yield* section(d, 8192n)
      const object = d.out()
      expect(yield* d.ddi('ObReferenceObjectByHandle', handle, 0, null, 0, object, null)).toBe(0)
      const [base, size] = [scratch(d, 8), scratch(d, 8)]
      expect(yield* d.ddi('MmMapViewInSystemSpace', Number(object.value), base, size)).toBe(0)
      expect(memory.size(size)).toBe(8192)
      memory.setU32(memory.ptr(base), 1)
      expect(yield* d.ddi('MmUnmapViewInSystemSpace', memory.ptr(base))).toBe(0)
      expect(yield* d.ddi('MmUnmapViewInSystemSpace', memory.ptr(base))).toBe(
        STATUS_NOT_MAPPED_VIEW,
      )
      expect(yield* d.ddi('MmMapViewInSystemSpace', scratch(d, 16), base, size)).toBe(
        STATUS_INVALID_PARAMETER,
      )
      yield* d.ddi('ObDereferenceObject', Number(object.value))
      yield* d.ddi('ZwClose', handle)
    })
    expect(stopOf(m)).toBeNull()
  })
})

describe('\\Device\\PhysicalMemory', () => {
  it('is a section whose views are physical memory', () => {
    const m = toyDriver(function* (d) {
      const { memory } = d.k
      const handle = d.out()
      const at = yield* attributes(d, '\\Device\\PhysicalMemory')
      expect(yield* d.ddi('ZwOpenSection', handle, ALL_ACCESS, at)).toBe(0)
      const victim = scratch(d, 16)
      memory.setU32(victim, 0x600d)
      const physical = yield* d.ddi64('MmGetPhysicalAddress', victim)
      const view = yield* map(d, Number(handle.value), {
        offset: physical,
        size: 16,
      })
      expect(view.status).toBe(0)
      expect(memory.u32(view.base + Number(physical & 0xfffn))).toBe(0x600d)
      const registers = yield* map(d, Number(handle.value), {
        offset: 0xfebf_0000n,
        size: 0x1000,
      })
      expect(yield* d.ddi('READ_REGISTER_ULONG', registers.base)).toBe(0x52304c41)
    })
    expect(stopOf(m)).toBeNull()
    expect(m.of('view.mapped')[0]).toMatchObject({ section: '\\Device\\PhysicalMemory' })
  })
})
