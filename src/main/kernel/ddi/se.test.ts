import { describe, expect, test } from 'vitest'
import { SECURITY_SUBJECT_CONTEXT, UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import { lab, open } from '../testing/client'
import { inDriver, scratch } from '../testing/in-driver'
import type { DriverApi } from '../testing/machine'

const ADMINS_ONLY = 'D:P(A;;GA;;;SY)(A;;GA;;;BA)'
const INVALID_HANDLE = 0xffffffff
const SECURE_OPEN = 0x100

const secure = (
  d: DriverApi,
  driver: number,
  name: string,
  sddl: string,
  flags: number,
  out: object,
) =>
  d.ddi(
    'IoCreateDeviceSecure',
    driver,
    0,
    d.string(name),
    0x22,
    flags,
    false,
    d.string(sddl),
    0,
    out as never,
  )

/** Open a path as an administrator or a plain user on a device that is for administrators. */
function opened(elevated: boolean, path: string, flags: number): { handle: number; error: number } {
  const result = { handle: 0, error: 0 }
  const { m } = lab({
    elevated,
    *entry(d, driver) {
      const device = d.out()
      expect(yield* secure(d, driver, '\\Device\\Safe', ADMINS_ONLY, flags, device)).toBe(0)
      const at = Number(device.value) + 0x30
      d.k.memory.setU32(at, d.k.memory.u32(at) & ~0x80)
      yield* d.ddi(
        'IoCreateSymbolicLink',
        d.string('\\DosDevices\\Safe'),
        d.string('\\Device\\Safe'),
      )
    },
    *client(d) {
      result.handle = (yield* open(d, { path })) | 0
      result.error = yield* d.ddi('GetLastError')
    },
  })
  expect(m.bugCheck).toBeNull()
  return result
}

describe('devices with a descriptor', () => {
  test('let administrators in and plain users not', () => {
    expect(opened(true, '\\\\.\\Safe', 0).handle).toBeGreaterThan(0)
    expect(opened(false, '\\\\.\\Safe', 0)).toEqual({ handle: INVALID_HANDLE | 0, error: 5 })
  })

  test('leave names behind their own unchecked without FILE_DEVICE_SECURE_OPEN', () => {
    expect(opened(false, '\\\\.\\Safe\\x', 0).handle).toBeGreaterThan(0)
    expect(opened(false, '\\\\.\\Safe\\x', SECURE_OPEN).error).toBe(5)
  })

  test('a device without one is open to everybody', () => {
    expect(opened(false, '\\\\.\\Toy', 0).handle).toBeGreaterThan(0)
  })

  test('the check is told with its reason', () => {
    const { m } = lab({
      elevated: false,
      *entry(d, driver) {
        const device = d.out()
        yield* secure(d, driver, '\\Device\\Safe', ADMINS_ONLY, 0, device)
        const at = Number(device.value) + 0x30
        d.k.memory.setU32(at, d.k.memory.u32(at) & ~0x80)
        yield* d.ddi('IoCreateSymbolicLink', d.string('\\??\\Safe'), d.string('\\Device\\Safe'))
      },
      *client(d) {
        yield* open(d, { path: '\\\\.\\Safe' })
      },
    })
    expect(m.of('access.checked')[0]).toMatchObject({
      object: '\\Device\\Safe',
      user: 'user',
      status: '0xC0000022',
      dacl: ADMINS_ONLY,
    })
  })

  test('a descriptor of the default kind that a driver breaks in memory lets nobody in', () => {
    const result = { handle: 0 }
    lab({
      *entry(d, _driver, device) {
        const junk = scratch(d, 64)
        d.k.memory.fill(junk, 64, 0xff)
        d.k.memory.setPtr(device + 0x110, junk)
      },
      *client(d) {
        result.handle = (yield* open(d)) | 0
      },
    })
    expect(result.handle).toBe(-1)
  })

  test.each([
    ['no SDDL', '', 0xc000000d],
    ['a mistake in it', 'D:P(A;;GA;;;XX)', 0xc000000d],
    ['an owner in it', 'O:BAD:P(A;;GA;;;SY)', 0xc000000d],
  ])('%s is refused', (_what, sddl, status) => {
    let got = 0
    inDriver(function* (d, driver) {
      got = yield* secure(d, driver, '\\Device\\Safe', sddl, 0, d.out())
      return 0
    })
    expect(got).toBe(status)
  })

  test('a device without a name cannot have one', () => {
    let got = 0
    inDriver(function* (d, driver) {
      got = yield* d.ddi(
        'WdmlibIoCreateDeviceSecure',
        driver,
        0,
        0,
        0x22,
        0,
        false,
        d.string(ADMINS_ONLY),
        0,
        d.out(),
      )
      return 0
    })
    expect(got).toBe(0xc000000d)
  })
})

describe('who asks', () => {
  /** What a dispatch routine finds out about its caller. */
  function asked(elevated: boolean, enable = true): Record<string, number> {
    const found: Record<string, number> = {}
    lab({
      elevated,
      majors: {
        *0(d, _device, irp) {
          const { memory } = d.k
          const subject = scratch(d, SECURITY_SUBJECT_CONTEXT.SIZE)
          yield* d.ddi('SeCaptureSubjectContext', subject)
          const token = memory.ptr(subject + SECURITY_SUBJECT_CONTEXT.PrimaryToken)
          found['admin'] = yield* d.ddi('SeTokenIsAdmin', token)
          found['load'] = yield* d.ddi('SeSinglePrivilegeCheck', 10n, 1)
          found['loadAsKernel'] = yield* d.ddi('SeSinglePrivilegeCheck', 10n, 0)
          yield* d.ddi('SeReleaseSubjectContext', subject)
          memory.setU32(irp! + 0x30, 0)
          yield* d.ddi('IoCompleteRequest', irp!, 0)
          return 0
        },
      },
      *client(d) {
        if (enable) yield* d.ddi('RtlAdjustPrivilege', 10, true, false, d.out())
        yield* open(d)
      },
    })
    return found
  }

  test('an administrator has privileges that a plain user has not', () => {
    expect(asked(true)).toEqual({ admin: 1, load: 1, loadAsKernel: 1 })
    expect(asked(true, false)).toEqual({ admin: 1, load: 0, loadAsKernel: 1 })
    expect(asked(false)).toEqual({ admin: 0, load: 0, loadAsKernel: 1 })
  })

  test('SeLocateProcessImageName gives a string that the caller frees', () => {
    let name = ''
    const { m } = lab({
      majors: {
        *0(d, _device, irp) {
          const { memory } = d.k
          const out = d.out()
          const process = yield* d.ddi('PsGetCurrentProcess')
          expect(yield* d.ddi('SeLocateProcessImageName', process, out)).toBe(0)
          const at = Number(out.value)
          name = memory.text16(memory.ptr(at + UNICODE_STRING.Buffer), memory.u16(at))
          yield* d.ddi('ExFreePool', at)
          memory.setU32(irp! + 0x30, 0)
          yield* d.ddi('IoCompleteRequest', irp!, 0)
          return 0
        },
      },
      *client(d) {
        yield* open(d)
      },
    })
    expect(m.bugCheck).toBeNull()
    expect(name).toBe('\\Device\\HarddiskVolume1\\Lab\\client.exe')
  })
})

describe('SeAccessCheck', () => {
  test('answers with rights, or with a status', () => {
    const got: unknown[] = []
    inDriver(function* (d) {
      const { k } = d
      const { memory } = k
      const subject = scratch(d, SECURITY_SUBJECT_CONTEXT.SIZE)
      yield* d.ddi('SeCaptureSubjectContext', subject)
      const mapping = scratch(d, 16)
      ;[0x12_0089, 0x12_0116, 0x12_00a0, 0x1f_01ff].forEach((mask, i) =>
        memory.setU32(mapping + 4 * i, mask),
      )
      const check = function* (sd: number, desired: number, mode: number) {
        const granted = d.out()
        const status = d.out()
        const ok = yield* d.ddi(
          'SeAccessCheck',
          sd,
          subject,
          false,
          desired,
          0,
          0,
          mapping,
          mode,
          granted,
          status,
        )
        got.push([ok, Number(granted.value) >>> 0, Number(status.value) >>> 0])
      }
      // An empty DACL: nobody, but kernel mode is not asked.
      const empty = scratch(d, 64)
      memory.write(
        empty,
        new Uint8Array([1, 0, 4, 0x80, ...Array(12).fill(0), 20, 0, 0, 0, 2, 0, 8, 0, 0, 0, 0, 0]),
      )
      yield* check(empty, 0x8000_0000, 1)
      yield* check(empty, 0x8000_0000, 0)
      // A NULL DACL: everybody.
      const open = scratch(d, 64)
      memory.write(open, new Uint8Array([1, 0, 4, 0x80, ...Array(16).fill(0)]))
      yield* check(open, 0x4000_0000, 1)
      yield* check(0, 0x4000_0000, 1)
      return 0
    })
    expect(got).toEqual([
      [0, 0, 0xc0000022],
      [1, 0x12_0089, 0],
      [1, 0x12_0116, 0],
      [0, 0, 0xc0000022],
    ])
  })
})
