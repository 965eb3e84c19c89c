import { describe, expect, test } from 'vitest'
import { foldAll } from '../../../shared/trace/fold'
import { lab } from '../testing/client'
import type { Code, DriverApi } from '../testing/machine'

const DEBUG = 20
const SHUTDOWN = 19
const TCB = 7
const NOT_ALL = 1300

/** Memory of the program. */
function* page(d: DriverApi): Code<number> {
  return yield* d.ddi('VirtualAlloc', 0, 4096, 0x3000, 4)
}

function* openToken(d: DriverApi, access: number): Code<number> {
  const token = d.out()
  expect(yield* d.ddi('OpenProcessToken', -1, access, token)).toBe(1)
  return Number(token.value)
}

/** TOKEN_PRIVILEGES at `at`. */
function state(
  d: DriverApi,
  at: number,
  ...privileges: [luid: number, attributes: number][]
): void {
  const { memory } = d.k
  memory.setU32(at, privileges.length)
  privileges.forEach(([luid, attributes], i) => {
    memory.setU64(at + 4 + i * 12, BigInt(luid))
    memory.setU32(at + 12 + i * 12, attributes)
  })
}

const enabled = (d: DriverApi, luid: number): boolean =>
  d.k.se.tokens.hasPrivilege(d.k.se.currentToken, luid)

describe('privileges of a program', () => {
  test('have names', () => {
    lab({
      *client(d) {
        const at = yield* page(d)
        expect(yield* d.ddi('LookupPrivilegeValue', null, 'sedebugprivilege', at)).toBe(1)
        expect(d.k.memory.u64(at)).toBe(20n)
        expect(yield* d.ddi('LookupPrivilegeValue', null, 'SeNothing', at)).toBe(0)
        expect(yield* d.ddi('GetLastError')).toBe(1313)
        return 0
      },
    })
    expect.assertions(4)
  })

  test('are held and disabled, until they are enabled; what was comes back', () => {
    const { m } = lab({
      *client(d) {
        const at = yield* page(d)
        const token = yield* openToken(d, 0x28)
        expect([23, 29, 30, DEBUG, SHUTDOWN].map((luid) => enabled(d, luid))).toEqual([
          ...[true, true, true],
          ...[false, false],
        ])
        state(d, at, [DEBUG, 2], [23, 2])
        const length = at + 256
        const previous = at + 128
        const call = d.ddi('AdjustTokenPrivileges', token, 0, at, 64, previous, length)
        expect(yield* call).toBe(1)
        expect(yield* d.ddi('GetLastError')).toBe(0)
        expect(enabled(d, DEBUG)).toBe(true)
        // Only what changed is in the previous state.
        expect([d.k.memory.u32(previous), d.k.memory.u32(length)]).toEqual([1, 16])
        yield* d.ddi('AdjustTokenPrivileges', token, 0, previous, 0, 0, 0)
        expect(enabled(d, DEBUG)).toBe(false)
        yield* d.ddi('AdjustTokenPrivileges', token, 1, 0, 0, 0, 0)
        expect(enabled(d, 23)).toBe(false)
        yield* d.ddi('CloseHandle', token)
        return 0
      },
    })
    const events = m.of('privileges.adjusted')
    expect(events.map((event) => [event.enabled, event.disabled])).toEqual([
      [['SeDebugPrivilege'], []],
      [[], ['SeDebugPrivilege']],
      [[], ['SeChangeNotifyPrivilege', 'SeImpersonatePrivilege', 'SeCreateGlobalPrivilege']],
    ])
    const at = (i: number) => foldAll(m.events, events[i]!.seq).executive.privileges
    expect(at(0)).toEqual([{ process: events[0]!.process, enabled: ['SeDebugPrivilege'] }])
    expect(at(1)).toEqual([])
  })

  test('that a token does not hold it does not get; what is removed is gone', () => {
    lab({
      *client(d) {
        const at = yield* page(d)
        const token = yield* openToken(d, 0x20)
        state(d, at, [TCB, 2], [SHUTDOWN, 2])
        expect(yield* d.ddi('AdjustTokenPrivileges', token, 0, at, 0, 0, 0)).toBe(1)
        expect(yield* d.ddi('GetLastError')).toBe(NOT_ALL)
        expect([enabled(d, TCB), enabled(d, SHUTDOWN)]).toEqual([false, true])
        state(d, at, [SHUTDOWN, 4])
        yield* d.ddi('AdjustTokenPrivileges', token, 0, at, 0, 0, 0)
        expect(enabled(d, SHUTDOWN)).toBe(false)
        state(d, at, [SHUTDOWN, 2])
        yield* d.ddi('AdjustTokenPrivileges', token, 0, at, 0, 0, 0)
        expect(yield* d.ddi('GetLastError')).toBe(NOT_ALL)
        return 0
      },
    })
    expect.assertions(6)
  })

  test('are not changed by a handle without the right, a bad list, or when what was does not fit', () => {
    lab({
      *client(d) {
        const at = yield* page(d)
        state(d, at, [DEBUG, 2])
        const reading = yield* openToken(d, 8)
        expect(yield* d.ddi('AdjustTokenPrivileges', reading, 0, at, 0, 0, 0)).toBe(0)
        expect(yield* d.ddi('GetLastError')).toBe(5)
        const token = yield* openToken(d, 0x28)
        expect(yield* d.ddi('AdjustTokenPrivileges', token, 0, at, 4, at + 64, 0)).toBe(0)
        expect(yield* d.ddi('GetLastError')).toBe(122)
        expect(yield* d.ddi('AdjustTokenPrivileges', token, 0, 0x10, 0, 0, 0)).toBe(0)
        d.k.memory.setU32(at, 1000)
        expect(yield* d.ddi('AdjustTokenPrivileges', token, 0, at, 0, 0, 0)).toBe(0)
        expect(enabled(d, DEBUG)).toBe(false)
        return 0
      },
    })
    expect.assertions(9)
  })

  test('a plain user holds five, and cannot open the token of the system', () => {
    lab({
      elevated: false,
      *client(d) {
        expect(yield* d.ddi('RtlAdjustPrivilege', DEBUG, true, false, d.out())).toBe(0xc0000061)
        const was = d.out()
        expect(yield* d.ddi('RtlAdjustPrivilege', SHUTDOWN, true, false, was)).toBe(0)
        expect(Number(was.value)).toBe(0)
        expect(yield* d.ddi('RtlAdjustPrivilege', SHUTDOWN, true, false, was)).toBe(0)
        expect(Number(was.value)).toBe(1)
        return 0
      },
    })
    expect.assertions(5)
  })
})
