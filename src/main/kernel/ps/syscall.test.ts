import { describe, expect, test } from 'vitest'
import { KTHREAD } from '../../../shared/nt/generated/offsets'
import { CTL_CODE } from '../../../shared/nt/ioctl'
import {
  KE_SERVICE_DESCRIPTOR_TABLE,
  KI_SERVICE_TABLE,
  KI_SYSTEM_CALL_64,
  serviceEntry,
} from '../../../shared/nt/system-call'
import { Kernel } from '../kernel'
import { PTE } from '../mm/layout'
import { complete, lab, open } from '../testing/client'
import type { Code, DriverApi } from '../testing/machine'
import { SERVICES } from './services'

const BUFFERED = CTL_CODE(0x8000, 0x800, 0, 0)
const CONTROL = 14

describe('KiServiceTable', () => {
  test('holds an entry for each service at its number, with its stack arguments', () => {
    const k = new Kernel({ seed: 1, trace: 'off' })
    const entry = (number: number): number => k.memory.i32(k.syscalls.table + number * 4)
    for (const service of SERVICES) {
      expect(k.images.symbol(k.syscalls.target(service.number))).toBe(`nt!${service.name}`)
      expect(entry(service.number) & 0xf).toBe(Math.max(service.args.length - 4, 0))
    }
    // NtDeviceIoControlFile takes ten arguments, six of them on the stack.
    expect(entry(7) & 0xf).toBe(6)
    const numbers = SERVICES.map((service) => service.number)
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  test('lies where whoever draws a call takes it to be, and its entries lead where they say', () => {
    const k = new Kernel({ seed: 1, trace: 'off' })
    const { memory, syscalls } = k
    expect(memory.address(syscalls.entryPoint)).toBe(KI_SYSTEM_CALL_64)
    expect(memory.address(syscalls.table)).toBe(KI_SERVICE_TABLE)
    expect(memory.address(syscalls.descriptor)).toBe(KE_SERVICE_DESCRIPTOR_TABLE)
    for (const { number } of SERVICES) {
      const { target } = serviceEntry(memory.u32(syscalls.table + number * 4))
      expect(target).toBe(memory.address(syscalls.target(number)))
    }
  })

  test('is named by KeServiceDescriptorTable and is read-only', () => {
    const k = new Kernel({ seed: 1, trace: 'off' })
    expect(k.ob.data.find('KeServiceDescriptorTable')).toBe(k.syscalls.descriptor)
    expect(k.memory.ptr(k.syscalls.descriptor)).toBe(k.syscalls.table)
    expect(k.memory.u32(k.syscalls.descriptor + 0x10)).toBe(470)
    expect(k.memory.pte(k.syscalls.table) & PTE.write).toBe(0)
  })

  test('writing it directly is bug check 0xBE', () => {
    const { m } = lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          d.k.slowAccess({
            kind: 'write',
            index: d.k.syscalls.table,
            size: 4,
            lo: 0,
            hi: 0,
            at: null,
            state: 'done',
            code: 0,
          })
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        yield* d.ddi('DeviceIoControl', yield* open(d), BUFFERED, 0, 0, 0, 0, d.out(), 0)
        return 0
      },
    })
    expect(m.bugCheck?.code).toBe(0xbe)
    expect(m.bugCheck?.parameters[0]).toBe(m.k.memory.address(m.k.syscalls.table))
  })

  test('a changed entry sends the call to the driver, which may go on to the service', () => {
    const seen: string[] = []
    const { m, exitCode } = lab({
      *entry(d) {
        const { memory, syscalls } = d.k
        const original = syscalls.target(0x0f)
        // What a driver does by a second, writable mapping of the page.
        memory.protect(syscalls.table & ~0xfff, 1, PTE.read | PTE.write)
        const hook = d.fn('HookedClose')
        expect(hook).not.toBe(0)
        memory.setU32(syscalls.table + 0x0f * 4, (hook - syscalls.table) << 4)
        expect(syscalls.target(0x0f)).toBe(hook)
        seen.push(d.k.images.symbol(original))
        return 0
      },
      driver: {
        *HookedClose(_d, handle): Code {
          seen.push(`hooked ${handle}`)
          return 0xc0000022
        },
      },
      *client(d) {
        const event = yield* d.ddi('CreateEvent', 0, 1, 0, null)
        expect(yield* d.ddi('CloseHandle', event)).toBe(0)
        expect(yield* d.ddi('GetLastError')).toBe(5)
        return 0
      },
    })
    expect(exitCode).toBe(0)
    expect(seen).toEqual(['nt!NtClose', 'hooked 4'])
    const table = m.of('hop').find((hop) => hop.name === 'KiServiceTable[0xF]')
    expect(table?.detail).toContain('toy!HookedClose')
    expect.assertions(7)
  })
})

describe('the way in and back', () => {
  test('with IA32_LSTAR moved it leads into the driver first, and syscall says so', () => {
    const { m, exitCode } = lab({
      *entry(d) {
        yield* d.ddi('__writemsr', 0xc000_0082, d.k.memory.address(d.fn('Gate')))
        return 0
      },
      driver: {
        *Gate() {},
      },
      *client(d) {
        const event = yield* d.ddi('CreateEvent', 0, 1, 0, null)
        yield* d.ddi('CloseHandle', event)
        return 3
      },
    })
    expect(exitCode).toBe(3)
    const at = m.events.findIndex((event) => event.t === 'hop' && event.layer === 'syscall')
    const way = m.events.slice(at, at + 4)
    expect(way).toMatchObject([
      { t: 'hop', layer: 'syscall', entry: { symbol: 'toy!Gate' } },
      { t: 'routine.called', name: 'Gate', cause: way[0]!.seq },
      { t: 'routine.returned', name: 'Gate' },
      { t: 'hop', layer: 'KiSystemCall64', cause: way[0]!.seq },
    ])
  })

  test('every hop is an event, each caused by the one before', () => {
    const { m } = lab({
      majors: { [CONTROL]: (d, _device, irp) => complete(d, irp!, 0) },
      *client(d) {
        const file = yield* open(d)
        yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, d.out(), 0)
        return 0
      },
    })
    const hops = m.of('hop')
    const first = hops.findIndex((hop) => hop.name === 'KERNEL32!DeviceIoControl')
    const way = hops.slice(first, first + 7)
    expect(way.map((hop) => hop.layer)).toEqual([
      'win32',
      'ntdll',
      'syscall',
      'KiSystemCall64',
      'SSDT',
      'Nt',
      'return',
    ])
    for (let i = 1; i < 6; i++) expect(way[i]?.cause).toBe(way[i - 1]?.seq)
    expect(way.map((hop) => hop.mode)).toEqual([
      'user',
      'user',
      'user',
      'kernel',
      'kernel',
      'kernel',
      'user',
    ])
    const nt = way[5]!
    const created = m.of('irp.created').find((event) => event.major === CONTROL)
    expect(created?.cause).toBe(nt.seq)
    expect(way[6]?.cause).toBe(nt.seq)
    expect(way[6]?.detail).toContain('STATUS_SUCCESS')
  })

  test('without a trace nothing is said and the same happens', () => {
    const run = (trace: 'off' | 'full') =>
      lab({
        trace,
        majors: { [CONTROL]: (d, _device, irp) => complete(d, irp!, 0, 0) },
        *client(d) {
          const file = yield* open(d)
          yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, d.out(), 0)
          return yield* d.ddi('GetLastError')
        },
      })
    const [off, full] = [run('off'), run('full')]
    expect(off.m.of('hop')).toEqual([])
    expect(off.m.k.memory.digest()).toBe(full.m.k.memory.digest())
  })

  test('the stack of a crash shows the way', () => {
    const { m } = lab({
      majors: {
        *[CONTROL](d) {
          yield* d.ddi('ExRaiseStatus', 0xc0000005)
          return 0
        },
      },
      *client(d) {
        yield* d.ddi('DeviceIoControl', yield* open(d), BUFFERED, 0, 0, 0, 0, d.out(), 0)
        return 0
      },
    })
    expect(m.bugCheck?.code).toBe(0x3b)
    expect(m.bugCheck?.parameters[0]).toBe(0xc0000005n)
    const frames = m.k.stopRecord.stack.map((item) => item.frame)
    expect(frames).toEqual(
      expect.arrayContaining([
        'toy!Major14',
        'nt!NtDeviceIoControlFile',
        'nt!KiSystemServiceCopyEnd',
        'ntdll!NtDeviceIoControlFile',
        'client!main',
        'ntdll!RtlUserThreadStart',
      ]),
    )
  })
})

describe('what a service must leave as it was', () => {
  const control = (run: (d: DriverApi) => Code) =>
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          yield* run(d)
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        yield* d.ddi('DeviceIoControl', yield* open(d), BUFFERED, 0, 0, 0, 0, d.out(), 0)
        return 0
      },
    }).m

  test('0x4A: the IRQL', () => {
    const m = control(function* (d) {
      yield* d.ddi('KeRaiseIrql', 1, d.out())
    })
    expect(m.bugCheck?.code).toBe(0x4a)
    expect(m.bugCheck?.parameters.slice(1)).toEqual([1n, 0n, 0n])
    expect(m.bugCheck?.parameters[0]).toBe(m.k.memory.address(m.k.syscalls.target(7)))
  })

  test('0x01: critical regions', () => {
    const m = control(function* (d) {
      yield* d.ddi('KeEnterCriticalRegion')
    })
    expect(m.bugCheck?.code).toBe(0x01)
    expect(m.bugCheck?.parameters.slice(1)).toEqual([0n, 0xffffn, 0n])
  })
})

describe('previous mode', () => {
  test('is UserMode in a call from a program and KernelMode behind a Zw routine', () => {
    const modes: number[] = []
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          modes.push(yield* d.ddi('ExGetPreviousMode'))
          modes.push(d.k.memory.u8(d.k.thread.address + KTHREAD.PreviousMode))
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        yield* d.ddi('DeviceIoControl', yield* open(d), BUFFERED, 0, 0, 0, 0, d.out(), 0)
        return 0
      },
    })
    expect(modes).toEqual([1, 1])
  })

  test('overwritten in KTHREAD, it lets a program reach kernel memory', () => {
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          d.k.memory.setU8(d.k.thread.address + KTHREAD.PreviousMode, 0)
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        const file = yield* open(d)
        const secret = d.k.pool.allocate(16, 'Test', { system: true })
        d.k.memory.setU32(secret, 0x600d)
        const buffer = yield* d.ddi('calloc', 1, 16)
        expect(yield* d.ddi('ReadProcessMemory', -1, secret, buffer, 4, null)).toBe(0)
        expect(yield* d.ddi('GetLastError')).toBe(998)
        yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, d.out(), 0)
        expect(yield* d.ddi('ReadProcessMemory', -1, secret, buffer, 4, null)).toBe(1)
        expect(d.k.memory.u32(buffer)).toBe(0x600d)
        return 0
      },
    })
    expect.assertions(4)
  })
})
