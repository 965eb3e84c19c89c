import { describe, expect, test } from 'vitest'
import type { CallStory, RingStop } from '../../shared/trace/rings'
import { PTE } from '../kernel/mm/layout'
import { complete, lab, open, type LabOptions } from '../kernel/testing/client'
import type { Code, DriverApi, TestMachine } from '../kernel/testing/machine'
import { TraceStore } from './trace-store'

function storeOf(m: TestMachine): TraceStore {
  const store = new TraceStore()
  for (const event of m.events) store.push(event)
  return store
}

function run(options: Partial<LabOptions> & Pick<LabOptions, 'client'>): TraceStore {
  return storeOf(lab(options).m)
}

/** The only call of a service, or the first one. */
function call(store: TraceStore, service: string): CallStory {
  const found = store.systemCalls(1, 10_000).calls.find((item) => item.service === service)
  expect(found).toBeDefined()
  return store.systemCall(found!.first)!
}

function stop(story: CallStory, kind: RingStop['kind']): RingStop {
  const found = story.stops.find((item) => item.kind === kind)
  expect(found).toBeDefined()
  return found!
}

const value = (at: RingStop, name: string) =>
  at.registers.find((register) => register.name === name)!.value
const changed = (at: RingStop): string[] =>
  at.registers.filter((register) => 'was' in register).map(({ name }) => name)

function* openAndClose(d: DriverApi): Code {
  yield* d.ddi('CloseHandle', yield* open(d))
  return 0
}

describe('a system call of a program', () => {
  const store = run({ client: openAndClose })
  const story = call(store, 'NtCreateFile')

  test('goes down to the driver and back, each stop at its step', () => {
    expect(story.stops.map(({ kind, ring }) => `${kind} ${ring}`)).toEqual([
      'program 3',
      'win32 3',
      'stub 3',
      'syscall 0',
      'entry 0',
      'table 0',
      'service 0',
      'driver 0',
      'back 3',
    ])
    const seqs = story.stops.map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
    expect(story.stops.every(({ hooked }) => hooked === null)).toBe(true)
    expect(story.stops.map(({ module }) => module)).toEqual([
      'client.exe',
      'KERNEL32.dll',
      'ntdll.dll',
      'processor',
      'ntoskrnl.exe',
      'ntoskrnl.exe',
      'ntoskrnl.exe',
      'toy.sys',
      'ntdll.dll',
    ])
    expect(story.unfinished).toBeNull()
  })

  test('changes ring and segments by syscall, the stack only behind it', () => {
    const [stub, syscall, entry] = (['stub', 'syscall', 'entry'] as const).map((kind) =>
      stop(story, kind),
    )
    expect(value(stub!, 'RAX')).toBe('0x55')
    expect(value(stub!, 'R10')).toBe(value(stub!, 'RCX'))
    expect(value(syscall!, 'CPL')).toBe('0')
    expect([value(stub!, 'CS'), value(syscall!, 'CS')]).toEqual(['0x33', '0x10'])
    expect(value(syscall!, 'RCX')).toBe('ntdll!NtCreateFile+0x14')
    expect(value(syscall!, 'R11')).toBe('0x246')
    expect(value(syscall!, 'RFLAGS')).toBe('0x46')
    expect(changed(syscall!)).not.toContain('RSP')
    expect(syscall!.stacks.current).toBe('user')
    expect(value(syscall!, 'RSP')).toMatch(/^below 0x0000018C/)
    expect(value(entry!, 'RSP')).toMatch(/^below 0xFFFFA10E/)
    expect(value(entry!, 'PreviousMode')).toBe('UserMode')
    expect(entry!.stacks.kernel.filter(({ kind }) => kind === 'trap')).toHaveLength(5)
  })

  test('finds the service by the entry of the table', () => {
    const table = stop(story, 'table')
    const created = store
      .range(1, store.count)
      .find((event) => event.t === 'hop' && event.layer === 'SSDT')
    expect(created).toMatchObject({
      detail: `${/is (0x\w+)/.exec(table.sentence)![1]} leads to nt!NtCreateFile`,
    })
    expect(value(table, 'R10')).toMatch(/^0xFFFFF80700101/)
    // Eleven arguments, four of them in registers.
    expect(table.sentence).toContain('7 arguments to copy')
  })

  test('comes back with the status, where it left, on its own stack', () => {
    const back = stop(story, 'back')
    expect(value(back, 'RIP')).toBe('ntdll!NtCreateFile+0x14')
    expect(value(back, 'RAX')).toBe('0x00000000')
    expect(value(back, 'CS')).toBe('0x33')
    expect(back.stacks).toMatchObject({ current: 'user', kernel: [] })
    expect(back.box).toBe(stop(story, 'stub').box)
  })

  test('is the one that is shown for the steps that lie in it', () => {
    const { call: item, stops } = story
    for (const { seq } of stops) expect(store.systemCalls(seq, 10).nearest).toBe(item.first)
    // Of an end that never came back there is no way back.
    const last = store.systemCalls(store.count, 1)
    expect(last.calls).toHaveLength(1)
    const end = call(store, 'NtTerminateProcess')
    expect(end.call.last).toBeNull()
    expect(end.unfinished).toContain('did not come back')
  })
})

test('a driver calls from KernelMode, without a change of ring or stack', () => {
  const store = run({
    *entry(d) {
      yield* d.ddi('ZwTerminateProcess', 0x1234, 0)
      return 0
    },
    client: openAndClose,
  })
  const story = call(store, 'NtTerminateProcess')
  expect(story.call).toMatchObject({ from: 'kernel', caller: 'toy.sys', status: '0xC0000008' })
  expect(story.stops.map(({ kind }) => kind)).toEqual([
    'zw',
    'internal',
    'table',
    'service',
    'back',
  ])
  expect(story.stops.every(({ ring, stacks }) => ring === 0 && stacks.current === 'kernel')).toBe(
    true,
  )
  expect(value(stop(story, 'service'), 'PreviousMode')).toBe('KernelMode')
})

describe('a hook', () => {
  test('of an entry of the table is named where it leads', () => {
    const store = run({
      *entry(d) {
        const { memory, syscalls } = d.k
        memory.protect(syscalls.table & ~0xfff, 1, PTE.read | PTE.write)
        memory.setU32(syscalls.table + 0x0f * 4, (d.fn('HookedClose') - syscalls.table) << 4)
        yield* d.ddi('KeGetCurrentIrql')
        return 0
      },
      driver: {
        *HookedClose(d) {
          yield* d.ddi('KeGetCurrentIrql')
          return 0
        },
      },
      client: openAndClose,
    })
    const story = call(store, 'NtClose')
    expect(story.call.hooks).toEqual([{ where: 'KiServiceTable', symbol: 'toy!HookedClose' }])
    expect(stop(story, 'table').hooked).toBe('leads into toy.sys, not ntoskrnl.exe')
    expect(stop(story, 'service')).toMatchObject({ module: 'toy.sys', name: 'HookedClose' })
    expect(story.stops.filter(({ name }) => name === 'HookedClose')).toHaveLength(1)
    expect(call(store, 'NtCreateFile').call.hooks).toEqual([])
  })

  test('of the bytes of a service comes behind it; the table is as it was', () => {
    const store = run({
      *entry(d) {
        const { images, memory } = d.k
        const at = images.nativeAddress('NtClose')
        const flags = memory.pte(at) & 0xfff
        memory.protect(at, 1, flags | PTE.write)
        // mov rax, Hook / jmp rax
        memory.write(at, Uint8Array.of(0x48, 0xb8))
        memory.setU64(at + 2, memory.address(d.fn('Hook')))
        memory.write(at + 10, Uint8Array.of(0xff, 0xe0))
        memory.protect(at, 1, flags)
        yield* d.ddi('KeGetCurrentIrql')
        return 0
      },
      driver: {
        *Hook(d) {
          yield* d.ddi('KeGetCurrentIrql')
          return 0
        },
      },
      client: openAndClose,
    })
    const story = call(store, 'NtClose')
    expect(story.call.hooks).toEqual([{ where: 'code', symbol: 'toy!Hook' }])
    expect(stop(story, 'table').hooked).toBeNull()
    expect(stop(story, 'diverted')).toMatchObject({ module: 'toy.sys', name: 'Hook' })
    expect(stop(story, 'service')?.sentence).toContain('no longer its own')
    expect(story.stops.filter(({ name }) => name === 'Hook')).toHaveLength(1)
  })

  test('of IA32_LSTAR is the first thing in ring 0, on the stack of the program', () => {
    const store = run({
      *entry(d) {
        yield* d.ddi('__writemsr', 0xc000_0082, d.k.memory.address(d.fn('Gate')))
        return 0
      },
      driver: {
        *Gate(d) {
          yield* d.ddi('KeGetCurrentIrql')
        },
      },
      majors: { 0: (d, _device, irp) => complete(d, irp!, 0) },
      client: openAndClose,
    })
    const story = call(store, 'NtCreateFile')
    expect(story.call.hooks).toEqual([{ where: 'IA32_LSTAR', symbol: 'toy!Gate' }])
    expect(stop(story, 'syscall').hooked).toBe('leads into toy.sys, not ntoskrnl.exe')
    const gate = stop(story, 'gate')
    expect(gate).toMatchObject({ module: 'toy.sys', ring: 0, stacks: { current: 'user' } })
    expect(story.stops[gate.index + 1]!.kind).toBe('entry')
    expect(story.entry[0]).toMatchObject({
      name: 'IA32_LSTAR',
      note: expect.stringContaining('toy!Gate') as string,
    })
  })
})
