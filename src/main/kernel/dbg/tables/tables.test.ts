import { describe, expect, test } from 'vitest'
import { diffTables, type TableDifference } from '../../../../shared/memory/difference'
import { TABLE_NAMES, type MemoryTables, type Row } from '../../../../shared/memory/tables'
import {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  EPROCESS,
  KLDR_DATA_TABLE_ENTRY,
} from '../../../../shared/nt/generated/offsets'
import { IA32_LSTAR } from '../../hal/control-registers'
import { removeEntry } from '../../ke/list'
import { Kernel } from '../../kernel'
import { RAM_START } from '../../mm/layout'
import type { Ptr } from '../../mm/memory'
import { TestMachine, type DriverApi } from '../../testing/machine'
import { takeTables } from '.'

interface Readings {
  k: Kernel
  before: MemoryTables
  after: MemoryTables
}

/** A machine with two drivers and a process; what `tamper` did to it since is in `after`. */
function readings(tamper: (k: Kernel, d: DriverApi) => void): Readings {
  const m = new TestMachine()
  let api: DriverApi | null = null
  const code = {
    *DriverEntry(d: DriverApi, driver = 0) {
      api ??= d
      d.k.memory.setPtr(driver + DRIVER_OBJECT.MajorFunction, d.fn('Create'))
      yield* d.ddi('IoCreateDevice', driver, 0, d.string('\\Device\\Toy'), 0x22, 0, 0, d.out())
      yield* d.ddi('PsSetCreateProcessNotifyRoutineEx', d.fn('Notify'), 0)
      return 0
    },
    *Create() {
      return 0
    },
    *Notify() {
      return 0
    },
  }
  m.driver('toy', code)
  m.driver('other', { *DriverEntry() {}, *Dispatch() {} })
  let before: MemoryTables = {}
  let after: MemoryTables = {}
  m.main(function* (k) {
    k.processes.create('victim.exe')
    yield* k.loader.load('toy')
    yield* k.loader.load('other')
    before = takeTables(k)
    tamper(k, api!)
    after = takeTables(k)
    yield* k.loader.unload('never')
  })
  m.run()
  return { k: m.k, before, after }
}

function shows(tamper: (k: Kernel, d: DriverApi) => void): TableDifference[] {
  const { before, after } = readings(tamper)
  return diffTables(before, after)
}

const rowOf = (tables: MemoryTables, table: string, wanted: Row): Row | undefined =>
  tables[table]?.find((row) => Object.entries(wanted).every(([key, value]) => row[key] === value))

/** Write where the page table forbids it, as a second mapping would. */
function poke(k: Kernel, at: Ptr, bytes: number[]): void {
  k.memory.ram(RAM_START + k.memory.physical(at), bytes.length).set(bytes)
}

describe('the tables of an honest machine', () => {
  const { k, before, after } = readings(() => undefined)

  test('are all there, and reading them changes nothing', () => {
    expect(Object.keys(before)).toEqual(TABLE_NAMES)
    expect(diffTables(before, after)).toEqual([])
    const digest = k.memory.digest()
    takeTables(k)
    expect(k.memory.digest()).toBe(digest)
  })

  test('show every system service in the kernel', () => {
    expect(before['ssdt']?.length).toBeGreaterThan(30)
    expect(before['ssdt']?.filter(({ inKernel }) => !inKernel)).toEqual([])
    expect(rowOf(before, 'ssdt', { service: 'NtClose' })?.['symbol']).toBe('nt!NtClose')
  })

  test('show each module, process and thread from all sides', () => {
    expect(before['modules']?.map(({ name }) => name)).toEqual([
      'ntoskrnl.exe',
      'toy.sys',
      'other.sys',
    ])
    for (const row of before['modules'] ?? [])
      expect(row).toMatchObject({ byList: true, byLoader: true, byMemory: true })
    expect(before['processes']?.map(({ name }) => name)).toEqual(['System', 'victim.exe'])
    for (const row of before['processes'] ?? [])
      expect(row).toMatchObject({ byList: true, byHandleTable: true, isExiting: false })
    for (const row of before['threads'] ?? [])
      expect(row).toMatchObject({ byList: true, byScheduler: true, process: 'System' })
  })

  test('show drivers, devices and callbacks with the module they lead to', () => {
    expect(rowOf(before, 'drivers', { driver: '\\Driver\\toy' })).toMatchObject({
      routine: 'IRP_MJ_CREATE',
      symbol: 'toy!Create',
      isOwn: true,
    })
    expect(before['devices']).toMatchObject([
      { name: '\\Device\\Toy', driver: '\\Driver\\toy', isOwn: true, isSecured: false, stack: [] },
    ])
    expect(before['callbacks']).toMatchObject([
      {
        kind: 'process',
        where: 'PspCreateProcessNotifyRoutine[0]',
        symbol: 'toy!Notify',
        driver: 'toy',
        inMemory: true,
        registered: true,
      },
    ])
  })

  test('show no changed code, the registers, and each token once', () => {
    expect(before['code']).toEqual([])
    expect(rowOf(before, 'registers', { register: 'CR0.WP' })?.['value']).toBe(1)
    expect(rowOf(before, 'registers', { register: 'IA32_LSTAR' })?.['symbol']).toBe(
      'nt!KiSystemCall64',
    )
    for (const row of before['tokens'] ?? [])
      expect(row).toMatchObject({ isOwn: true, sharedWith: [] })
  })
})

describe('what the kernel shows', () => {
  test('of an entry of KiServiceTable that leads to a driver', () => {
    const [ssdt, ...others] = shows((k, d) => {
      const distance = (d.fn('Create') - k.syscalls.table) << 4
      poke(
        k,
        k.syscalls.table + 0xf * 4,
        [0, 8, 16, 24].map((bits) => (distance >> bits) & 0xff),
      )
    })
    expect(others).toEqual([])
    expect(ssdt).toMatchObject({ table: 'ssdt', appeared: [], vanished: [] })
    expect(ssdt?.changed[0]?.after).toMatchObject({
      service: 'NtClose',
      symbol: 'toy!Create',
      module: 'toy',
      inKernel: false,
    })
  })

  test('of a process that was taken off the list', () => {
    const found = shows((k) => {
      const victim = k.processes.all().find(({ name }) => name === 'victim.exe')!
      removeEntry(k, victim.address + EPROCESS.ActiveProcessLinks)
    })
    expect(found).toMatchObject([
      { table: 'processes', changed: [{ fields: ['byList'], after: { name: 'victim.exe' } }] },
    ])
  })

  test('of a module that was taken off the list', () => {
    const found = shows((k) => {
      const toy = k.loader.byName('toy')!
      removeEntry(k, k.memory.ptr(toy.object + DRIVER_OBJECT.DriverSection))
    })
    expect(found).toMatchObject([
      { table: 'modules', changed: [{ after: { name: 'toy', byList: false, byMemory: true } }] },
    ])
  })

  test('of a stolen token', () => {
    const [processes, tokens] = shows((k) => {
      const [system, victim] = k.processes.all()
      const field = EPROCESS['Token.Value']
      k.memory.setU64(victim!.address + field, k.memory.u64(system!.address + field))
    })
    expect(processes).toMatchObject({ table: 'processes', changed: [{ fields: ['token'] }] })
    expect(tokens?.changed.map(({ after }) => after['sharedWith'])).toEqual([
      [expect.stringMatching(/^victim\.exe \(\d+\)$/)],
      ['System (4)'],
    ])
    expect(tokens?.changed[1]?.after).toMatchObject({ user: 'SYSTEM', isOwn: false })
  })

  test('of a dispatch routine that was replaced', () => {
    const [found] = shows((k) => {
      const [toy, other] = ['toy', 'other'].map((name) => k.loader.byName(name)!)
      k.memory.setPtr(
        other!.object + DRIVER_OBJECT.MajorFunction,
        k.memory.ptr(toy!.object + DRIVER_OBJECT.MajorFunction),
      )
    })
    expect(found).toMatchObject({
      table: 'drivers',
      appeared: [{ driver: '\\Driver\\other', symbol: 'toy!Create', isOwn: false }],
    })
  })

  test('of one that was replaced in a driver object that no longer names its image', () => {
    const [found] = shows((k) => {
      const [toy, other] = ['toy', 'other'].map((name) => k.loader.byName(name)!)
      const { memory } = k
      memory.setPtr(
        other!.object + DRIVER_OBJECT.MajorFunction,
        memory.ptr(toy!.object + DRIVER_OBJECT.MajorFunction),
      )
      memory.setU64(other!.object + DRIVER_OBJECT.DriverStart, 0n)
    })
    expect(found).toMatchObject({
      table: 'drivers',
      appeared: [{ driver: '\\Driver\\other', symbol: 'toy!Create', isOwn: false }],
    })
  })

  test('of a device that was given to another driver', () => {
    const [found] = shows((k) => {
      const [toy, other] = ['toy', 'other'].map((name) => k.loader.byName(name)!)
      const { memory } = k
      const device = memory.ptr(toy!.object + DRIVER_OBJECT.DeviceObject)
      memory.setPtr(device + DEVICE_OBJECT.DriverObject, other!.object)
    })
    expect(found).toMatchObject({
      table: 'devices',
      changed: [{ after: { driver: '\\Driver\\other', isOwn: false } }],
    })
  })

  test('of a notify routine that somebody cleared', () => {
    const [found] = shows((k) => {
      k.memory.setU64(k.ob.data.find('PspCreateProcessNotifyRoutine'), 0n)
    })
    expect(found).toMatchObject({
      table: 'callbacks',
      vanished: [{ inMemory: true }],
      appeared: [{ symbol: 'toy!Notify', inMemory: false, registered: true, driver: 'toy' }],
    })
  })

  test('of a function that begins with a jump', () => {
    const [found] = shows((k, d) => {
      const at = k.images.registerNative('NtClose', function* () {})
      const distance = d.fn('Create') - (at + 5)
      poke(k, at, [0xe9, ...[0, 8, 16, 24].map((bits) => (distance >> bits) & 0xff)])
    })
    expect(found).toMatchObject({
      table: 'code',
      appeared: [
        { symbol: 'nt!NtClose', module: 'nt', leadsTo: 'toy!Create', leadsToModule: 'toy' },
      ],
    })
  })

  test('of registers that were written', () => {
    const [found] = shows((k, d) => {
      k.hal.registers.writeMsr(IA32_LSTAR, k.memory.address(d.fn('Create')))
      k.hal.registers.writeCr0(k.hal.registers.readCr0() & ~0x1_0000n)
    })
    expect(found?.changed.map(({ after }) => [after['register'], after['symbol']])).toEqual([
      ['CR0', null],
      ['CR0.WP', null],
      ['IA32_LSTAR', 'toy!Create'],
    ])
  })

  test('of knots and wild pointers: less, and never nothing', () => {
    const { after } = readings((k) => {
      const { memory } = k
      const head = k.ob.data.find('PsActiveProcessHead')
      const first = memory.ptr(head)
      memory.setPtr(first, first)
      const toy = k.loader.byName('toy')!
      const section = memory.ptr(toy.object + DRIVER_OBJECT.DriverSection)
      memory.setU64(section, 0x4141_4141_4141_4141n)
      memory.setU16(section + KLDR_DATA_TABLE_ENTRY.BaseDllName, 0xffff)
      const device = memory.ptr(toy.object + DRIVER_OBJECT.DeviceObject)
      memory.setPtr(device + DEVICE_OBJECT.AttachedDevice, device)
      memory.setU64(device + DEVICE_OBJECT.SecurityDescriptor, 0xffff_ffff_ffff_fff0n)
      memory.setU64(k.ob.data.find('PspLoadImageNotifyRoutine'), 0x1234_5678_9abc_def0n)
    })
    expect(rowOf(after, 'processes', { name: 'System' })?.['byList']).toBe(true)
    expect(rowOf(after, 'processes', { name: 'victim.exe' })?.['byList']).toBe(false)
    expect(after['devices']).toMatchObject([
      { dacl: null, isSecured: true, stack: ['\\Device\\Toy'] },
    ])
    expect(rowOf(after, 'callbacks', { kind: 'image' })).toMatchObject({
      module: null,
      registered: false,
    })
  })
})

test('thousands of made-up processes are cut short, and push out none that is there', () => {
  const { after } = readings((k) => {
    const { memory } = k
    const head = k.ob.data.find('PsActiveProcessHead')
    const room = k.pool.allocate(0x40000, 'ekaF', { system: true })
    const real = memory.ptr(head)
    for (let i = 0; i < 9900; i++)
      memory.setPtr(room + i * 24, i < 9899 ? room + (i + 1) * 24 : real)
    memory.setPtr(head, room)
  })
  for (const table of ['processes', 'threads', 'tokens'])
    expect(after[table]?.length, table).toBeLessThanOrEqual(4096)
  for (const name of ['System', 'victim.exe'])
    expect(rowOf(after, 'processes', { name })).toMatchObject({ byHandleTable: true })
  const shared = after['tokens']?.map(({ sharedWith }) => (sharedWith as string[]).length) ?? []
  expect(Math.max(...shared)).toBe(33)
})

test('the tables of a machine without x64 registers have none', () => {
  expect(takeTables(new Kernel({ seed: 1, trace: 'off', hal: 'arm64' }))['registers']).toEqual([])
})
