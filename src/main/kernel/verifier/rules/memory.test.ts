import { describe, expect, test } from 'vitest'
import { IRP } from '../../../../shared/nt/generated/offsets'
import type { Ptr } from '../../mm/memory'
import { complete, lab, open } from '../../testing/client'
import { inDriver } from '../../testing/in-driver'
import type { Code, DriverApi } from '../../testing/machine'

const NO_EXECUTE = 0x4000_0010
const NONPAGED = 512
const PAGED = 1

interface Mdl {
  mdl: Ptr
  buffer: Ptr
}

/** A driver with a pool buffer and an MDL for it. */
function withMdl(
  rule: string,
  pool: number,
  code: (d: DriverApi, m: Mdl) => Code,
): ReturnType<typeof inDriver> {
  return inDriver(
    function* (d) {
      const buffer = yield* d.ddi('ExAllocatePoolWithTag', pool, 64, 0x41414141)
      const mdl = yield* d.ddi('IoAllocateMdl', buffer, 64, false, false, 0)
      yield* code(d, { mdl, buffer })
      return 0
    },
    { verifier: [rule] },
  )
}

const lock = (d: DriverApi, { mdl }: Mdl) => d.ddi('MmProbeAndLockPages', mdl, 0, 2)
const unlock = (d: DriverApi, { mdl }: Mdl) => d.ddi('MmUnlockPages', mdl)
const map = (d: DriverApi, { mdl }: Mdl, bugCheck = 0, priority = NO_EXECUTE) =>
  d.ddi('MmMapLockedPagesSpecifyCache', mdl, 0, 1, 0, bugCheck, priority)

describe('MDL rules', () => {
  const cases: [
    rule: string,
    subcode: number,
    pool: number,
    firstCause: string | null,
    code: (d: DriverApi, m: Mdl) => Code,
  ][] = [
    [
      'VR-MM-LOCK-FLAGS',
      0xb0,
      PAGED,
      'locked',
      function* (d, m) {
        yield* lock(d, m)
        yield* lock(d, m)
      },
    ],
    [
      'VR-MM-LOCK-FLAGS',
      0xb0,
      NONPAGED,
      'built for nonpaged pool',
      function* (d, m) {
        yield* d.ddi('MmBuildMdlForNonPagedPool', m.mdl)
        yield* lock(d, m)
      },
    ],
    [
      'VR-MM-UNLOCK-NOTLOCKED',
      0x7c,
      PAGED,
      'unlocked',
      function* (d, m) {
        yield* lock(d, m)
        yield* unlock(d, m)
        yield* unlock(d, m)
      },
    ],
    [
      'VR-MM-UNLOCK-NONPAGED',
      0x7d,
      NONPAGED,
      'built for nonpaged pool',
      function* (d, m) {
        yield* d.ddi('MmBuildMdlForNonPagedPool', m.mdl)
        yield* unlock(d, m)
      },
    ],
    [
      'VR-MM-UNLOCK-PARTIAL',
      0xb4,
      PAGED,
      'made partial',
      function* (d, m) {
        yield* lock(d, m)
        const part = yield* d.ddi('IoAllocateMdl', m.buffer, 16, false, false, 0)
        yield* d.ddi('IoBuildPartialMdl', m.mdl, part, m.buffer, 16)
        yield* d.ddi('MmUnlockPages', part)
      },
    ],
    [
      'VR-MM-MAP-NOTLOCKED',
      0xb3,
      PAGED,
      'allocated',
      function* (d, m) {
        yield* d.ddi('MmGetSystemAddressForMdlSafe', m.mdl, NO_EXECUTE)
      },
    ],
    [
      'VR-MM-MAP-TWICE',
      0xb2,
      PAGED,
      'mapped',
      function* (d, m) {
        yield* lock(d, m)
        yield* map(d, m)
        yield* map(d, m)
      },
    ],
    [
      'VR-MM-MAP-OBSOLETE',
      0x82,
      PAGED,
      'locked',
      function* (d, m) {
        yield* lock(d, m)
        yield* map(d, m, 1)
      },
    ],
    [
      'VR-MM-EXEC-MAPPING',
      0x2002,
      PAGED,
      'locked',
      function* (d, m) {
        yield* lock(d, m)
        yield* map(d, m, 0, 16)
      },
    ],
    [
      'VR-MM-UNMAP-NOTMAPPED',
      0xb6,
      PAGED,
      'unmapped',
      function* (d, m) {
        yield* lock(d, m)
        const at = yield* map(d, m)
        yield* d.ddi('MmUnmapLockedPages', at, m.mdl)
        yield* d.ddi('MmUnmapLockedPages', at, m.mdl)
      },
    ],
    [
      'VR-MM-FREE-MAPPED',
      0xb8,
      PAGED,
      'mapped',
      function* (d, m) {
        yield* lock(d, m)
        yield* map(d, m)
        yield* d.ddi('IoFreeMdl', m.mdl)
      },
    ],
    [
      'VR-MM-BUILD-PAGED',
      0x7f,
      PAGED,
      'allocated',
      function* (d, m) {
        yield* d.ddi('MmBuildMdlForNonPagedPool', m.mdl)
      },
    ],
  ]

  test.each(cases)('%s (0xC4 0x%i)', (rule, subcode, pool, firstCause, code) => {
    const { bugCheck } = withMdl(rule, pool, code)
    expect(bugCheck).toMatchObject({ code: 0xc4, rule })
    expect(bugCheck?.parameters[0]).toBe(BigInt(subcode))
    expect(bugCheck?.first?.text).toBe(firstCause && `The MDL was ${firstCause} here.`)
    expect(bugCheck?.first?.seq).toBeGreaterThan(0)
  })

  test('a whole life of an MDL breaks none', () => {
    const m = inDriver(
      function* (d) {
        const buffer = yield* d.ddi('ExAllocatePoolWithTag', PAGED, 64, 0x41414141)
        const mdl = yield* d.ddi('IoAllocateMdl', buffer, 64, false, false, 0)
        for (let i = 0; i < 2; i++) {
          yield* lock(d, { mdl, buffer })
          yield* d.ddi('MmGetSystemAddressForMdlSafe', mdl, NO_EXECUTE)
          yield* d.ddi('MmGetSystemAddressForMdlSafe', mdl, NO_EXECUTE)
          yield* unlock(d, { mdl, buffer })
        }
        yield* d.ddi('IoFreeMdl', mdl)
        yield* d.ddi('ExFreePool', buffer)
        return 0
      },
      { verifier: ['all', 'code-integrity'] },
    )
    expect(m.bugCheck).toBeNull()
  })
})

describe('VR-MM-LOCKED-AT-EXIT', () => {
  const locking = (unlocks: boolean): ReturnType<typeof lab> =>
    lab({
      verifier: ['pool-tracking'],
      majors: {
        *4(d, _device, irp) {
          const buffer = d.k.memory.ptr(irp! + IRP.UserBuffer)
          const mdl = yield* d.ddi('IoAllocateMdl', buffer, 8, false, false, 0)
          yield* d.ddi('MmProbeAndLockPages', mdl, 1, 0)
          if (unlocks) {
            yield* d.ddi('MmUnlockPages', mdl)
            yield* d.ddi('IoFreeMdl', mdl)
          }
          return yield* complete(d, irp!, 0, 8)
        },
      },
      *client(d) {
        const handle = yield* open(d)
        const buffer = yield* d.ddi('VirtualAlloc', 0, 64, 0x3000, 4)
        yield* d.ddi('WriteFile', handle, buffer, 8, d.out(), 0)
        yield* d.ddi('CloseHandle', handle)
      },
    })

  test('pages of a process that ends are still locked', () => {
    const { m } = locking(false)
    expect(m.bugCheck).toMatchObject({ code: 0xcb, rule: 'VR-MM-LOCKED-AT-EXIT' })
    expect(m.bugCheck?.parameters[3]).toBe(1n)
    expect(m.bugCheck?.first?.text).toBe('The MDL was locked here.')
  })

  test('unlocked in time', () => {
    expect(locking(true).m.bugCheck).toBeNull()
  })
})
