import { describe, expect, test } from 'vitest'
import { EPROCESS, ETHREAD, PEB, TEB } from '../../../shared/nt/generated/offsets'
import { CTL_CODE } from '../../../shared/nt/ioctl'
import type { ScenarioStep } from '../../../shared/contract/model'
import { complete, lab, open, stackOf } from '../testing/client'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'
import { NtException, RunLimit } from '../stop'
import { parseControlCode } from './steps'
import { USER_LAYOUT } from './processes'

const BUFFERED = CTL_CODE(0x8000, 0x800, 0, 0)
const CONTROL = 14
const READ = 3
const PENDING = 0x103

/** A program without a driver to talk to. */
function program(
  main: (d: DriverApi) => Code,
  more: Record<string, (d: DriverApi, ...args: number[]) => Code> = {},
  options: { elevated?: boolean } = {},
): { m: TestMachine; exitCode: number | null } {
  return lab({ client: main, program: more, ...options })
}

const stdout = (m: TestMachine): string =>
  m
    .of('stdout')
    .map((event) => event.text)
    .join('')

describe('a program', () => {
  test('returns its exit code, TEB and PEB say who it is', () => {
    const { m, exitCode } = program(function* (d) {
      const { memory, thread } = d.k
      const teb = memory.ptr(thread.address + ETHREAD['Tcb.Teb'])
      expect(memory.ptr(teb + TEB['NtTib.Self'])).toBe(teb)
      expect(memory.size(teb + TEB['ClientId.UniqueThread'])).toBe(thread.id)
      const peb = memory.ptr(teb + TEB.ProcessEnvironmentBlock)
      expect(peb).toBe(memory.ptr(thread.process.address + EPROCESS.Peb))
      const start = memory.sliceStart(thread.process.slice)
      expect(memory.ptr(peb + PEB.ImageBaseAddress)).toBe(start + USER_LAYOUT.image)
      yield* d.ddi('SetLastError', 1234)
      expect(memory.u32(teb + TEB.LastErrorValue)).toBe(1234)
      expect(yield* d.ddi('GetCurrentProcessId')).toBe(thread.process.id)
      return -7
    })
    expect(exitCode).toBe(-7)
    const exited = m.of('process.exited')
    expect(exited.map(({ name, exitCode: code }) => [name, code])).toEqual([['client.exe', -7]])
    expect.assertions(8)
  })

  test('writes text as it is: lines when they are complete, the rest at the end', () => {
    const { m } = program(function* (d) {
      expect(yield* d.ddi('printf', 'a')).toBe(1)
      yield* d.ddi('printf', 'b=%d\nc=%s', 5, 'six')
      yield* d.ddi('puts', '!')
      yield* d.ddi('printf', 'last')
      return 0
    })
    expect(m.of('stdout').map((event) => event.text)).toEqual(['ab=5\n', 'c=six!\n', 'last'])
    expect(stdout(m)).toBe('ab=5\nc=six!\nlast')
    expect.assertions(3)
  })
  test('ExitProcess ends it in the middle', () => {
    const { m, exitCode } = program(function* (d) {
      yield* d.ddi('ExitProcess', 42)
      yield* d.ddi('puts', 'never')
      return 0
    })
    expect(exitCode).toBe(42)
    expect(stdout(m)).toBe('')
  })
})

describe('an exception in user mode', () => {
  test.each([
    ['nobody handles it: the process ends with its code', false],
    ['it can be handled', true],
  ])('%s', (_name, handled) => {
    const { m, exitCode } = program(function* (d) {
      const access = { kind: 'read', index: 0x10, size: 4, lo: 0, hi: 0, at: null } as const
      const done = { ...access, state: 'done' as 'done' | 'throw' | 'dead', code: 0 }
      try {
        d.k.slowAccess(done)
        if (done.state === 'throw') throw new NtException(done.code)
      } catch (error) {
        if (!handled) throw error
        return 5
      }
      return 0
    })
    expect(m.bugCheck).toBeNull()
    expect(exitCode).toBe(handled ? 5 : 0xc0000005)
    expect(m.of('exception.raised')).toHaveLength(1)
  })

  test('a bad pointer given to Win32 itself', () => {
    const { m, exitCode } = program(function* (d) {
      yield* d.ddi('WaitForMultipleObjects', 2, 0x1000, 0, 0)
      return 0
    })
    expect(m.bugCheck).toBeNull()
    expect(exitCode).toBe(0xc0000005)
  })

  test.each(['memcpy', 'memset', 'strlen', 'printf', 'memcmp'])(
    '%s does not reach kernel memory',
    (name) => {
      const { m, exitCode } = program(function* (d) {
        const pool = d.k.pool.allocate(16, 'Test', { system: true })
        d.k.memory.setU32(pool, 0x1234)
        const own = yield* d.ddi('calloc', 1, 16)
        if (name === 'strlen') yield* d.ddi(name, pool)
        else if (name === 'printf') yield* d.ddi(name, '%s', d.k.memory.address(pool))
        else if (name === 'memset') yield* d.ddi(name, pool, 0, 4)
        else yield* d.ddi(name, own, pool, 4)
        return 0
      })
      expect([m.bugCheck, exitCode]).toEqual([null, 0xc0000005])
    },
  )

  test('a kernel address as result parameter is not written', () => {
    const { m, exitCode } = lab({
      majors: { [CONTROL]: (d, _device, irp) => complete(d, irp!, 0, 0) },
      *client(d) {
        const pool = d.k.pool.allocate(16, 'Test', { system: true })
        d.k.memory.setU32(pool, 0x1234)
        const file = yield* open(d)
        try {
          yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, pool, 0)
        } finally {
          expect(d.k.memory.u32(pool)).toBe(0x1234)
        }
        return 0
      },
    })
    expect(m.bugCheck).toBeNull()
    expect(exitCode).toBe(0xc0000005)
    expect.assertions(3)
  })
})

describe('code of the other mode', () => {
  const call = (d: DriverApi, address: number): void => {
    const args = {
      int: () => 0,
      wide: () => 0n,
      large: () => null,
      text: () => null,
      out: () => 0,
      varargs: () => [],
    }
    const answer = d.k.callAddress(address, 0, args, 0)
    if (answer.state === 'throw') throw new NtException(answer.code)
  }

  test('a program that calls into the kernel faults', () => {
    const { m, exitCode } = program(function* (d) {
      call(d, d.k.syscalls.entryPoint)
      yield* []
      return 0
    })
    expect([m.bugCheck, exitCode]).toEqual([null, 0xc0000005])
  })

  test('a driver that calls into a program is stopped: 0xFC', () => {
    const { m } = lab({
      majors: {
        *[CONTROL](d, device, irp) {
          const type3 = d.k.memory.ptr(stackOf(d, irp!) + 0x20)
          const driver = d.k.memory.ptr(device! + 8)
          d.k.memory.setPtr(driver + 0x70 + READ * 8, type3)
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        const neither = CTL_CODE(0x8000, 0x800, 3, 0)
        const file = yield* open(d)
        yield* d.ddi('DeviceIoControl', file, neither, d.fn('payload'), 0, 0, 0, d.out(), 0)
        yield* d.ddi('ReadFile', file, 0, 0, d.out(), 0)
        return 0
      },
      program: {
        *payload() {
          yield* []
          return 0
        },
      },
    })
    expect(m.bugCheck?.code).toBe(0xfc)
  })
})

describe('threads', () => {
  test('start, end and are waited for', () => {
    const ran: number[] = []
    const { exitCode } = program(
      function* (d) {
        const id = d.out()
        const thread = yield* d.ddi('CreateThread', 0, 0, d.fn('work'), 0x55, 0, id)
        const code = d.out()
        expect(yield* d.ddi('GetExitCodeThread', thread, code)).toBe(1)
        expect(code.value).toBe(259)
        expect(yield* d.ddi('WaitForSingleObject', thread, 0xffff_ffff)).toBe(0)
        expect(yield* d.ddi('GetExitCodeThread', thread, code)).toBe(1)
        expect(code.value).toBe(9)
        expect(ran).toEqual([0x55, Number(id.value)])
        return 1
      },
      {
        *work(d, parameter) {
          ran.push(parameter!, yield* d.ddi('GetCurrentThreadId'))
          return 9
        },
      },
    )
    expect(exitCode).toBe(1)
    expect.assertions(7)
  })

  test('the end of main ends them all, in waits too', () => {
    const { m, exitCode } = program(
      function* (d) {
        for (let i = 0; i < 3; i++) yield* d.ddi('CreateThread', 0, 0, d.fn('work'), i, 0, null)
        yield* d.ddi('Sleep', 1)
        return 2
      },
      {
        *work(d, i) {
          const event = yield* d.ddi('CreateEvent', 0, 1, 0, null)
          if (i === 0) yield* d.ddi('WaitForSingleObject', event, 0xffff_ffff)
          else for (;;) yield* d.ddi('Sleep', i! * 100_000)
          return 0
        },
      },
    )
    expect(exitCode).toBe(2)
    expect(m.of('process.exited').map((event) => event.exitCode)).toEqual([2])
    // At most the last one is still on its way out.
    expect(m.k.scheduler.threads.length).toBeLessThanOrEqual(1)
  })

  test('an exception in one ends the process', () => {
    const { exitCode } = program(
      function* (d) {
        yield* d.ddi('CreateThread', 0, 0, d.fn('work'), 0, 0, null)
        yield* d.ddi('Sleep', 1000)
        return 0
      },
      {
        *work() {
          throw new NtException(0xc0000094)
        },
      },
    )
    expect(exitCode).toBe(0xc0000094)
  })

  test('a start address that is no code of the program ends the process', () => {
    const { m, exitCode } = program(function* (d) {
      yield* d.ddi('CreateThread', 0, 0, d.k.syscalls.entryPoint, 0, 0, null)
      yield* d.ddi('Sleep', 1000)
      return 0
    })
    expect(m.bugCheck).toBeNull()
    expect(exitCode).toBe(0xc0000005)
  })

  test('TerminateThread cuts a wait short', () => {
    program(
      function* (d) {
        const thread = yield* d.ddi('CreateThread', 0, 0, d.fn('work'), 0, 0, null)
        yield* d.ddi('Sleep', 1)
        expect(yield* d.ddi('TerminateThread', thread, 77)).toBe(1)
        expect(yield* d.ddi('WaitForSingleObject', thread, 1000)).toBe(0)
        const code = d.out()
        yield* d.ddi('GetExitCodeThread', thread, code)
        expect(code.value).toBe(77)
        return 0
      },
      {
        *work(d) {
          yield* d.ddi('Sleep', 0xffff_ffff)
          return 0
        },
      },
    )
    expect.assertions(3)
  })
})

describe('waits', () => {
  test('events by name, for one and for all', () => {
    program(
      function* (d) {
        const { memory } = d.k
        const first = yield* d.ddi('CreateEvent', 0, 0, 0, 'go')
        const again = yield* d.ddi('CreateEvent', 0, 0, 0, 'go')
        expect(yield* d.ddi('GetLastError')).toBe(183)
        expect(again).not.toBe(first)
        const handles = yield* d.ddi('calloc', 8, 8)
        const events: number[] = []
        for (let i = 0; i < 5; i++) events.push(yield* d.ddi('CreateEvent', 0, 1, 0, null))
        events.forEach((event, i) => memory.setSize(handles + i * 8, event))
        yield* d.ddi('CreateThread', 0, 0, d.fn('work'), events[3]!, 0, null)
        expect(yield* d.ddi('WaitForMultipleObjects', 5, handles, 0, 0)).toBe(0x102)
        expect(yield* d.ddi('WaitForMultipleObjects', 5, handles, 0, 1000)).toBe(3)
        expect(yield* d.ddi('WaitForMultipleObjects', 5, handles, 1, 10)).toBe(0x102)
        expect(yield* d.ddi('WaitForMultipleObjects', 65, handles, 0, 0)).toBe(0xffff_ffff)
        expect(yield* d.ddi('GetLastError')).toBe(87)
        expect(yield* d.ddi('WaitForSingleObject', 0x7777, 0)).toBe(0xffff_ffff)
        expect(yield* d.ddi('GetLastError')).toBe(6)
        expect(yield* d.ddi('SetEvent', again)).toBe(1)
        expect(yield* d.ddi('WaitForSingleObject', first, 0)).toBe(0)
        expect(yield* d.ddi('WaitForSingleObject', first, 0)).toBe(0x102)
        yield* d.ddi('SetEvent', first)
        expect(yield* d.ddi('ResetEvent', first)).toBe(1)
        expect(yield* d.ddi('WaitForSingleObject', first, 0)).toBe(0x102)
        return 0
      },
      {
        *work(d, event) {
          yield* d.ddi('Sleep', 5)
          yield* d.ddi('SetEvent', event!)
          return 0
        },
      },
    )
    expect.assertions(14)
  })

  test('Sleep takes its time', () => {
    const { m } = program(function* (d) {
      const before = yield* d.ddi('GetTickCount')
      yield* d.ddi('Sleep', 250)
      expect((yield* d.ddi('GetTickCount')) - before).toBeGreaterThanOrEqual(250)
      return 0
    })
    expect(m.k.tick).toBeLessThan(10_000_000)
    expect.assertions(2)
  })
})

describe('other processes', () => {
  /** Two programs: `victim` sleeps, `main` gets its process id. */
  function two(
    main: (d: DriverApi, victim: number) => Code,
    options: { elevated?: boolean; protect?: boolean; user?: string; debug?: boolean } = {},
  ): TestMachine {
    const m = new TestMachine()
    const sleeper = m.program('victim', {
      *main(d) {
        yield* d.ddi('Sleep', 60_000)
        return 0
      },
    })
    m.main(function* (k) {
      const victim = yield* k.programs.start('victim.exe', sleeper, new Map(), {
        user: options.user ?? 'user',
      })
      if (options.protect) k.memory.setU8(victim.address + EPROCESS.Protection, 0x31)
      const unit = m.program('client', { main: (d) => main(d, victim.id) })
      const client = yield* k.programs.start('client.exe', unit, new Map(), {
        elevated: options.elevated ?? true,
      })
      yield* k.programs.exited(client)
      yield* k.programs.exited(victim)
    })
    return m.run()
  }

  test('are ended by TerminateProcess', () => {
    const m = two(function* (d, id) {
      const handle = yield* d.ddi('OpenProcess', 1 | 0x10_1000, 0, id)
      const code = d.out()
      yield* d.ddi('GetExitCodeProcess', handle, code)
      expect(code.value).toBe(259)
      expect(yield* d.ddi('TerminateProcess', handle, 66)).toBe(1)
      expect(yield* d.ddi('WaitForSingleObject', handle, 1000)).toBe(0)
      yield* d.ddi('GetExitCodeProcess', handle, code)
      expect(code.value).toBe(66)
      return 0
    })
    expect(m.of('process.exited').map((event) => [event.name, event.exitCode])).toEqual([
      ['victim.exe', 66],
      ['client.exe', 0],
    ])
    expect.assertions(5)
  })

  test.each([
    ['a protected one', { protect: true }, 0, 5],
    ['one of another user, without SeDebugPrivilege', { user: 'SYSTEM', elevated: false }, 0, 5],
    ['one of another user, with it held and not enabled', { user: 'SYSTEM' }, 0, 5],
    ['one of another user, with it', { user: 'SYSTEM', debug: true }, 1, 0],
  ] as [string, Parameters<typeof two>[1] & object, number, number][])(
    '%s',
    (_name, options, opens, error) => {
      two(function* (d, id) {
        if (options.debug) yield* d.ddi('RtlAdjustPrivilege', 20, true, false, d.out())
        yield* d.ddi('SetLastError', 0)
        const handle = yield* d.ddi('OpenProcess', 0x1f_ffff, 0, id)
        expect([handle === 0 ? 0 : 1, yield* d.ddi('GetLastError')]).toEqual([opens, error])
        return 0
      }, options)
      expect.assertions(1)
    },
  )

  test('an id that nobody has is ERROR_INVALID_PARAMETER', () => {
    program(function* (d) {
      expect(yield* d.ddi('OpenProcess', 1, 0, 0xfffc)).toBe(0)
      expect(yield* d.ddi('GetLastError')).toBe(87)
      return 0
    })
    expect.assertions(2)
  })

  test('have memory of their own, which handles reach', () => {
    two(function* (d, id) {
      const handle = yield* d.ddi('OpenProcess', 0x1f_ffff, 0, id)
      const there = yield* d.ddi('VirtualAllocEx', handle, 0, 8192, 0x3000, 4)
      expect(there).not.toBe(0)
      const here = yield* d.ddi('calloc', 1, 16)
      d.k.memory.setU32(here, 0xabcd)
      expect(yield* d.ddi('WriteProcessMemory', handle, there + 4094, here, 4, null)).toBe(1)
      expect(yield* d.ddi('ReadProcessMemory', handle, there + 4094, here + 8, 4, null)).toBe(1)
      expect(d.k.memory.u32(here + 8)).toBe(0xabcd)
      expect(() => d.k.memory.u8(there)).toThrow()
      expect(yield* d.ddi('ReadProcessMemory', handle, there + 8190, here, 4, null)).toBe(0)
      expect(yield* d.ddi('GetLastError')).toBe(299)
      return 0
    })
    expect.assertions(7)
  })
})

describe('memory', () => {
  test('VirtualAlloc, VirtualProtect, VirtualFree', () => {
    program(function* (d) {
      const { memory } = d.k
      const at = yield* d.ddi('VirtualAlloc', 0, 5000, 0x2000, 4)
      expect(() => memory.u8(at)).toThrow()
      expect(yield* d.ddi('VirtualAlloc', at + 4096, 10, 0x1000, 4)).toBe(at + 4096)
      memory.setU8(at + 4096, 1)
      const old = d.out()
      expect(yield* d.ddi('VirtualProtect', at + 4096, 1, 2, old)).toBe(1)
      expect(old.value).toBe(4)
      expect(() => memory.setU8(at + 4096, 2)).toThrow()
      expect(yield* d.ddi('VirtualProtect', at, 1, 2, old)).toBe(0)
      expect(yield* d.ddi('VirtualFree', at + 4096, 0, 0x8000)).toBe(0)
      expect(yield* d.ddi('VirtualFree', at, 0, 0x8000)).toBe(1)
      expect(() => memory.u8(at + 4096)).toThrow()
      return 0
    })
    expect.assertions(9)
  })

  test('the heap hands out blocks that do not overlap and takes them back', () => {
    const { exitCode } = program(function* (d) {
      const heap = yield* d.ddi('GetProcessHeap')
      const blocks: { at: number; size: number }[] = []
      for (const size of [1, 16, 17, 100, 5000, 40_000, 100_000]) {
        const at = yield* d.ddi('HeapAlloc', heap, 8, size)
        expect(at & 15).toBe(0)
        d.k.memory.fill(at, size, size & 0xff)
        blocks.push({ at, size })
      }
      for (const { at, size } of blocks) expect(d.k.memory.u8(at + size - 1)).toBe(size & 0xff)
      for (const { at } of blocks) expect(yield* d.ddi('HeapFree', heap, 0, at)).toBe(1)
      const again = yield* d.ddi('malloc', 100)
      expect(blocks.some(({ at }) => at === again)).toBe(true)
      return 0
    })
    expect(exitCode).toBe(0)
  })

  test.each([
    [
      'freeing twice',
      function* (d: DriverApi): Code {
        const at = yield* d.ddi('malloc', 10)
        yield* d.ddi('free', at)
        yield* d.ddi('free', at)
        return 0
      },
    ],
    [
      'writing before a block',
      function* (d: DriverApi): Code {
        const at = yield* d.ddi('malloc', 10)
        d.k.memory.setU32(at - 8, 0)
        yield* d.ddi('free', at)
        return 0
      },
    ],
  ])('%s ends the process with STATUS_HEAP_CORRUPTION', (_name, main) => {
    const { m, exitCode } = program(main)
    expect(exitCode).toBe(0xc0000374)
    expect(m.bugCheck).toBeNull()
  })
})

describe('drivers from user mode', () => {
  const KEY = '\\Registry\\Machine\\System\\CurrentControlSet\\Services\\toy'

  test('find their constants where they were when they are loaded again', () => {
    const found: [number, string][] = []
    lab({
      *entry(d) {
        const at = d.string('\\A\\Constant')
        found.push([at, d.k.memory.text16(d.k.memory.ptr(at + 8), d.k.memory.u16(at))])
        return 0
      },
      *client(d) {
        const path = d.string(KEY)
        yield* d.ddi('RtlAdjustPrivilege', 10, true, false, d.out())
        yield* d.ddi('NtUnloadDriver', path)
        const at = found[0]![0]
        expect(() => d.k.memory.u16(at)).toThrow()
        yield* d.ddi('NtLoadDriver', path)
        return 0
      },
    })
    expect(found[0]?.[1]).toBe('\\A\\Constant')
    expect(found[1]).toEqual(found[0])
    expect.assertions(3)
  })

  test('unload and load again, in the System process', () => {
    const processes: number[] = []
    const { m } = lab({
      *entry(d) {
        processes.push(d.k.thread.process.id)
        return 0
      },
      *client(d) {
        const path = d.string(KEY)
        // Held, but not enabled.
        expect(yield* d.ddi('NtLoadDriver', path)).toBe(0xc0000061)
        yield* d.ddi('RtlAdjustPrivilege', 10, true, false, d.out())
        expect(yield* d.ddi('NtLoadDriver', path)).toBe(0xc000010e)
        expect(yield* d.ddi('NtUnloadDriver', path)).toBe(0)
        expect(yield* open(d)).toBe(0xffff_ffff)
        expect(yield* d.ddi('NtLoadDriver', path)).toBe(0)
        expect(yield* open(d)).not.toBe(0xffff_ffff)
        return 0
      },
    })
    expect(processes).toEqual([4, 4])
    expect(m.bugCheck).toBeNull()
    expect.assertions(8)
  })

  test('need a privilege', () => {
    lab({
      elevated: false,
      *client(d) {
        expect(yield* d.ddi('NtUnloadDriver', d.string(KEY))).toBe(0xc0000061)
        return 0
      },
    })
    expect.assertions(1)
  })
})

describe('the service control manager', () => {
  test('starts and stops a driver', () => {
    const { m } = lab({
      *client(d) {
        const manager = yield* d.ddi('OpenSCManager', null, null, 0xf003f)
        expect(yield* d.ddi('OpenService', manager, 'nobody', 0xf01ff)).toBe(0)
        expect(yield* d.ddi('GetLastError')).toBe(1060)
        const service = yield* d.ddi('OpenService', manager, 'toy', 0xf01ff)
        const status = yield* d.ddi('calloc', 1, 28)
        const state = (): number => d.k.memory.u32(status + 4)
        expect(yield* d.ddi('StartService', service, 0, 0)).toBe(0)
        expect(yield* d.ddi('GetLastError')).toBe(1056)
        const file = yield* open(d)
        expect(yield* d.ddi('ControlService', service, 1, status)).toBe(1)
        expect(state()).toBe(3)
        yield* d.ddi('CloseHandle', file)
        expect(yield* d.ddi('QueryServiceStatus', service, status)).toBe(1)
        expect(state()).toBe(1)
        expect(yield* d.ddi('ControlService', service, 1, status)).toBe(0)
        expect(yield* d.ddi('GetLastError')).toBe(1062)
        expect(yield* d.ddi('StartService', service, 0, 0)).toBe(1)
        yield* d.ddi('QueryServiceStatus', service, status)
        expect(state()).toBe(4)
        expect(yield* d.ddi('CloseServiceHandle', service)).toBe(1)
        expect(yield* d.ddi('CloseServiceHandle', service)).toBe(0)
        return 0
      },
    })
    expect(m.of('driver.unloaded')).toHaveLength(1)
    expect.assertions(15)
  })

  test('lets nobody without administrator rights change anything', () => {
    lab({
      elevated: false,
      *client(d) {
        expect(yield* d.ddi('OpenSCManager', null, null, 0xf003f)).toBe(0)
        expect(yield* d.ddi('GetLastError')).toBe(5)
        const manager = yield* d.ddi('OpenSCManager', null, null, 1)
        expect(yield* d.ddi('OpenService', manager, 'toy', 0x20)).toBe(0)
        const service = yield* d.ddi('OpenService', manager, 'toy', 4)
        const status = yield* d.ddi('calloc', 1, 28)
        expect(yield* d.ddi('QueryServiceStatus', service, status)).toBe(1)
        expect(yield* d.ddi('ControlService', service, 1, status)).toBe(0)
        expect(yield* d.ddi('GetLastError')).toBe(5)
        return 0
      },
    })
    expect.assertions(6)
  })
})

describe('the same seed', () => {
  const run = (seed: number): { bytes: string; events: string } => {
    const { m } = lab({
      seed,
      majors: { [CONTROL]: (d, _device, irp) => complete(d, irp!, 0) },
      *client(d) {
        const threads: number[] = []
        for (let i = 0; i < 3; i++)
          threads.push(yield* d.ddi('CreateThread', 0, 0, d.fn('work'), i, 0, null))
        for (const thread of threads) yield* d.ddi('WaitForSingleObject', thread, 0xffff_ffff)
        return 0
      },
      program: {
        *work(d, i) {
          const file = yield* open(d)
          for (let n = 0; n < 20; n++) {
            yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, d.out(), 0)
            yield* d.ddi('printf', '%d', i)
          }
          return 0
        },
      },
    })
    return { bytes: m.k.memory.digest(), events: JSON.stringify(m.events) }
  }

  test('gives the same bytes and events, another one another order', () => {
    const [first, again, other] = [run(7), run(7), run(8)]
    expect(again).toEqual(first)
    expect(other.events).not.toBe(first.events)
  })
})

describe('a process that is ended while a driver holds its thread', () => {
  test('stays until the driver lets go', () => {
    let packet = 0
    const m = new TestMachine()
    const order: string[] = []
    m.driver('toy', {
      *DriverEntry(d, object) {
        const out = d.out()
        const name = d.string('\\Device\\Toy')
        yield* d.ddi('IoCreateDevice', object!, 0, name, 0x22, 0, false, out)
        yield* d.ddi('IoCreateSymbolicLink', d.string('\\??\\Toy'), name)
        for (const major of [0, 2, 18]) d.k.memory.setPtr(object! + 0x70 + major * 8, d.fn('Ok'))
        d.k.memory.setPtr(object! + 0x70 + CONTROL * 8, d.fn('Control'))
        return 0
      },
      Ok: (d, _device, irp) => complete(d, irp!, 0),
      *Control(d, _device, irp) {
        if (d.k.memory.u32(stackOf(d, irp!) + 0x18) !== BUFFERED) {
          yield* complete(d, packet, 0)
          return yield* complete(d, irp!, 0)
        }
        packet = irp!
        yield* d.ddi('IoMarkIrpPending', irp!)
        return PENDING
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('toy')
      const stuck = yield* k.programs.start(
        'stuck.exe',
        m.program('stuck', {
          *main(d) {
            yield* d.ddi('DeviceIoControl', yield* open(d), BUFFERED, 0, 0, 0, 0, d.out(), 0)
            order.push('never')
            return 0
          },
        }),
      )
      const killer = yield* k.programs.start(
        'killer.exe',
        m.program('killer', {
          *main(d) {
            yield* d.ddi('Sleep', 10)
            const handle = yield* d.ddi('OpenProcess', 0x1f_ffff, 0, stuck.id)
            yield* d.ddi('TerminateProcess', handle, 1)
            expect(yield* d.ddi('WaitForSingleObject', handle, 100)).toBe(0x102)
            const free = CTL_CODE(0x8000, 0x900, 0, 0)
            yield* d.ddi('DeviceIoControl', yield* open(d), free, 0, 0, 0, 0, d.out(), 0)
            expect(yield* d.ddi('WaitForSingleObject', handle, 100)).toBe(0)
            return 0
          },
        }),
      )
      yield* k.programs.exited(killer)
      expect(yield* k.programs.exited(stuck)).toBe(1)
    })
    m.run()
    expect(order).toEqual([])
    expect.assertions(4)
  })
})

describe('steps of a scenario', () => {
  test.each([
    [0x80002000, 0x80002000],
    ['0x80002000', 0x80002000],
    ['2147491840', 0x80002000],
    ['CTL_CODE(0x8000, 0x800, 0, 0)', 0x80002000],
    ['CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_READ_ACCESS)', 0x00226003],
    ['CTL_CODE(34,2048,METHOD_BUFFERED,FILE_READ_ACCESS | FILE_WRITE_ACCESS)', 0x0022e000],
    ['CTL_CODE(1,2,3)', undefined],
    ['IOCTL_TOY', undefined],
    ['', undefined],
  ])('control code %s', (text, code) => expect(parseControlCode(text)).toBe(code))

  function run(steps: ScenarioStep[], flags = 0): TestMachine {
    const m = new TestMachine()
    m.driver('toy', {
      *DriverEntry(d, object) {
        const out = d.out()
        const name = d.string('\\Device\\Toy')
        yield* d.ddi('IoCreateDevice', object!, 0, name, 0x22, 0, false, out)
        const at = Number(out.value) + 0x30
        d.k.memory.setU32(at, d.k.memory.u32(at) | flags)
        yield* d.ddi('IoCreateSymbolicLink', d.string('\\??\\Toy'), name)
        for (const major of [0, 2, 18]) d.k.memory.setPtr(object! + 0x70 + major * 8, d.fn('Ok'))
        for (const major of [3, 4, 14]) d.k.memory.setPtr(object! + 0x70 + major * 8, d.fn('Echo'))
        d.k.memory.setPtr(object! + 0x68, d.fn('Unload'))
        return 0
      },
      *Unload(d, object) {
        yield* d.ddi('IoDeleteSymbolicLink', d.string('\\??\\Toy'))
        yield* d.ddi('IoDeleteDevice', d.k.memory.ptr(object! + 8))
      },
      Ok: (d, _device, irp) => complete(d, irp!, 0),
      *Echo(d, _device, irp) {
        const { memory } = d.k
        const stack = stackOf(d, irp!)
        const buffer = memory.ptr(irp! + 0x18)
        const isControl = memory.u8(stack) === 14
        const length = memory.u32(stack + (isControl ? 0x10 : 8))
        const text = buffer && memory.u8(stack) !== 3 ? memory.read(buffer, length) : []
        yield* d.ddi('DbgPrint', `${memory.u8(stack)}:${String.fromCharCode(...text)}`)
        return yield* complete(d, irp!, 0, length)
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('toy')
      yield* k.programs.exited(yield* k.programs.startSteps('scenario.exe', steps))
    })
    return m.run()
  }

  const opened: ScenarioStep = {
    do: 'open',
    path: '\\\\.\\Toy',
    as: 'h',
    access: ['read', 'write'],
    overlapped: false,
  }

  test('open, ask, read, write, wait, close, unload', () => {
    const m = run(
      [
        opened,
        {
          do: 'ioctl',
          handle: 'h',
          code: BUFFERED,
          input: { text: 'hi' },
          outputLength: 4,
          repeat: 3,
        },
        { do: 'write', handle: 'h', data: { hex: '414243' }, repeat: 1 },
        { do: 'read', handle: 'h', length: 5, repeat: 2 },
        { do: 'wait', milliseconds: 3 },
        { do: 'close', handle: 'h' },
        { do: 'unload' },
      ],
      4,
    )
    expect(m.of('dbgprint').map((event) => event.text)).toEqual([
      ...Array<string>(3).fill('14:hi'),
      '4:ABC',
      '3:',
      '3:',
    ])
    expect(
      m.k.io.requests.map((request) => [request.api, request.status, request.information]),
    ).toEqual([
      ['CreateFile', 0, 0],
      ...Array<[string, number, number]>(3).fill(['DeviceIoControl', 0, 2]),
      ['WriteFile', 0, 3],
      ['ReadFile', 0, 5],
      ['ReadFile', 0, 5],
      ['CloseHandle', 0, 0],
      ['CloseHandle', 0, 0],
    ])
    expect(m.of('driver.unloaded')).toHaveLength(1)
    expect(m.of('process.exited').map((event) => event.exitCode)).toEqual([0])
    expect(m.k.ended).toBe('done')
  })

  test('a handle that was not closed is closed at the end; one that never opened fails', () => {
    const m = run([
      { ...opened, path: '\\\\.\\Nobody', as: 'x' },
      { do: 'ioctl', handle: 'x', code: BUFFERED, outputLength: 0, repeat: 1 },
      opened,
      { do: 'unload' },
    ])
    expect(m.k.io.requests.map((request) => [request.major, request.status])).toEqual([
      [0, 0xc0000034],
      // INVALID_HANDLE_VALUE is also the pseudo handle of the process, which is no file.
      [14, 0xc0000024],
      [0, 0],
      [18, 0],
      [2, 0],
    ])
    expect(m.of('driver.unloaded')).toHaveLength(1)
  })

  test('a control code that is none ends the run with a reason', () => {
    const m = run([
      opened,
      { do: 'ioctl', handle: 'h', code: 'IOCTL_X', outputLength: 0, repeat: 1 },
    ])
    expect(m.k.ended).toBeInstanceOf(RunLimit)
    expect((m.k.ended as RunLimit).detail).toContain('IOCTL_X')
  })
})
