import { describe, expect, test } from 'vitest'
import { OB_PRE_OPERATION_INFORMATION } from '../../../shared/nt/generated/offsets'
import { removeEntry } from '../ke/list'
import { scratch } from '../testing/in-driver'
import { TestMachine, type Code, type DriverApi, type DriverFunction } from '../testing/machine'
import { compareAltitudes, isAltitude } from './altitude'

const PROCESS_TERMINATE = 1
const PROCESS_VM_READ = 0x10
const DENIED = 0xc0000022
const INVALID = 0xc000000d
const COLLISION = 0xc01c0011

interface Options {
  version?: number
  altitude?: string
  count?: number
  /** Variable that names the type. */
  type?: string
  operations?: number
  pre?: string
  post?: string
}

/** ObRegisterCallbacks with one operation; the status and the handle. */
function* register(d: DriverApi, options: Options = {}): Code<number> {
  const { k } = d
  const { memory } = k
  const at = scratch(d, 0x28 + 0x20)
  const operation = at + 0x28
  memory.setU16(at, options.version ?? 0x100)
  memory.setU16(at + 2, options.count ?? 1)
  const altitude = d.string(options.altitude ?? '321000')
  memory.copy(at + 8, altitude, 16)
  memory.setPtr(at + 0x18, at)
  memory.setPtr(at + 0x20, operation)
  memory.setPtr(operation, k.ob.data.find(options.type ?? 'PsProcessType'))
  memory.setU32(operation + 8, options.operations ?? 3)
  memory.setPtr(operation + 0x10, options.pre === undefined ? 0 : d.fn(options.pre))
  memory.setPtr(operation + 0x18, options.post === undefined ? 0 : d.fn(options.post))
  const handle = d.out()
  const status = yield* d.ddi('ObRegisterCallbacks', at, handle)
  handles.push(Number(handle.value))
  return status
}
const handles: number[] = []

function driver(
  functions: Record<string, DriverFunction>,
  entry: (d: DriverApi) => Code,
): TestMachine {
  const m = new TestMachine()
  handles.length = 0
  m.driver('toy', {
    *DriverEntry(d) {
      yield* entry(d)
      return 0
    },
    ...functions,
  })
  return m
}

function run(
  functions: Record<string, DriverFunction>,
  entry: (d: DriverApi) => Code,
): TestMachine {
  const m = driver(functions, entry)
  m.main((k) => k.loader.load('toy'))
  m.run()
  return m
}

/** A victim that sleeps, and a program that opens it; the rights that its handle has. */
function opened(
  functions: Record<string, DriverFunction>,
  entry: (d: DriverApi) => Code,
  access: number,
  more?: (d: DriverApi, handle: number) => Code,
): { m: TestMachine; granted: number; terminated: number } {
  const m = driver(functions, entry)
  const sleeper = m.program('victim', {
    *main(d) {
      yield* d.ddi('Sleep', 50)
      return 5
    },
  })
  const result = { m, granted: -1, terminated: -1 }
  let victim = 0
  const attacker = m.program('attacker', {
    *main(d) {
      const handle = yield* d.ddi('OpenProcess', access, false, victim)
      result.granted = d.k.thread.process.handles.entry(handle)?.access ?? -1
      if (more) yield* more(d, handle)
      result.terminated = yield* d.ddi('TerminateProcess', handle, 9)
    },
  })
  m.main(function* (k) {
    yield* k.loader.load('toy')
    const process = yield* k.programs.start('victim.exe', sleeper)
    victim = process.id
    const other = yield* k.programs.start('attacker.exe', attacker)
    yield* k.programs.exited(other)
    yield* k.programs.exited(process)
  })
  m.run()
  expect(m.bugCheck).toBeNull()
  return result
}

/** Takes rights away from every handle that is opened or duplicated. */
const strip = (rights: number): DriverFunction =>
  function* (d, _context, info) {
    const { memory } = d.k
    const parameters = memory.ptr(info! + OB_PRE_OPERATION_INFORMATION.Parameters)
    memory.setU32(parameters, memory.u32(parameters) & ~rights)
    return 0
  }

describe('altitudes', () => {
  test('are decimal numbers and are compared as such', () => {
    expect(['1', '320000', '40.5'].every(isAltitude)).toBe(true)
    expect(['', 'a', '1.', '.5', '1.2.3', '-1'].some(isAltitude)).toBe(false)
    expect(compareAltitudes('100', '99')).toBeGreaterThan(0)
    expect(compareAltitudes('100.5', '100.45')).toBeGreaterThan(0)
    expect(compareAltitudes('0100.50', '100.5')).toBe(0)
  })
})

describe('ObRegisterCallbacks', () => {
  test.each<[string, Options, number]>([
    ['process handles', { pre: 'Pre' }, 0],
    ['thread handles', { pre: 'Pre', type: 'PsThreadType' }, 0],
    ['files', { pre: 'Pre', type: 'IoFileObjectType' }, INVALID],
    ['another version', { pre: 'Pre', version: 0x200 }, INVALID],
    ['no operation', { pre: 'Pre', count: 0 }, INVALID],
    ['operations that are none', { pre: 'Pre', operations: 4 }, INVALID],
    ['no routine', {}, INVALID],
    ['no altitude', { pre: 'Pre', altitude: 'high' }, INVALID],
  ])('%s', (_what, options, expected) => {
    let status = -1
    run({ *Pre() {} }, function* (d) {
      status = yield* register(d, options)
    })
    expect(status).toBe(expected)
  })

  test('an altitude is taken once, and free again after ObUnRegisterCallbacks', () => {
    const got: number[] = []
    const m = run({ *Pre() {} }, function* (d) {
      got.push(yield* register(d, { pre: 'Pre' }))
      got.push(yield* register(d, { pre: 'Pre', altitude: '0321000.0' }))
      yield* d.ddi('ObUnRegisterCallbacks', handles[0]!)
      got.push(yield* register(d, { pre: 'Pre' }))
      got.push(yield* d.ddi('ObGetFilterVersion'))
    })
    expect(m.bugCheck).toBeNull()
    expect(got).toEqual([0, COLLISION, 0, 0x100])
  })

  test('wants its routines in an image linked with /INTEGRITYCHECK', () => {
    const m = new TestMachine()
    let status = -1
    m.driver('toy', {
      *DriverEntry(d) {
        status = yield* register(d, { pre: 'Pre' })
        return 0
      },
      *Pre() {},
    })
    m.k.loader.install('other', 0, {}, false)
    m.main((k) => k.loader.load('other'))
    m.run()
    expect(status).toBe(DENIED)
  })

  test('a handle that is unregistered twice stops the machine', () => {
    const m = run({ *Pre() {} }, function* (d) {
      yield* register(d, { pre: 'Pre' })
      yield* d.ddi('ObUnRegisterCallbacks', handles[0]!)
      yield* d.ddi('ObUnRegisterCallbacks', handles[0]!)
    })
    expect(m.bugCheck?.code).toBe(0x139)
  })
})

describe('a handle to a process', () => {
  const guard = function* (d: DriverApi): Code {
    yield* register(d, { pre: 'Pre' })
  }

  test('loses the rights that a callback takes away', () => {
    const { m, granted, terminated } = opened(
      { Pre: strip(PROCESS_TERMINATE) },
      guard,
      PROCESS_TERMINATE | PROCESS_VM_READ,
    )
    expect(granted).toBe(PROCESS_VM_READ)
    expect(terminated).toBe(0)
    expect(m.of('process.exited').find(({ name }) => name === 'victim.exe')?.exitCode).toBe(5)
    expect(m.of('access.stripped')[0]).toMatchObject({
      before: '0x00000011',
      after: '0x00000010',
      routine: 'toy!Pre',
    })
  })

  test('gains none that were not asked for', () => {
    const { granted } = opened(
      {
        *Pre(d, _context, info) {
          d.k.memory.setU32(d.k.memory.ptr(info! + 0x20), 0x1f_ffff)
          return 0
        },
      },
      guard,
      PROCESS_VM_READ,
    )
    expect(granted).toBe(PROCESS_VM_READ)
  })

  test('is open to a duplicate only by way of the callbacks', () => {
    let copied = -1
    const kinds: number[] = []
    opened(
      {
        *Pre(d, _context, info) {
          kinds.push(d.k.memory.u32(info!))
          if (d.k.memory.u32(info!) === 2) yield* strip(PROCESS_TERMINATE)(d, 0, info!)
          return 0
        },
      },
      guard,
      PROCESS_TERMINATE,
      function* (d, handle) {
        const target = d.out()
        yield* d.ddi('DuplicateHandle', -1, handle, -1, target, 0, false, 2)
        copied = d.k.thread.process.handles.entry(Number(target.value))?.access ?? -1
      },
    )
    expect(kinds).toContain(2)
    expect(copied).toBe(0)
  })

  test('is asked for from the highest altitude down, and told of in reverse', () => {
    const order: string[] = []
    const say = (name: string): DriverFunction =>
      function* () {
        order.push(name)
        return 0
      }
    opened(
      {
        High: say('high'),
        Low: say('low'),
        HighAfter: say('high after'),
        LowAfter: say('low after'),
      },
      function* (d) {
        yield* register(d, { pre: 'Low', post: 'LowAfter', altitude: '1000', operations: 1 })
        yield* register(d, { pre: 'High', post: 'HighAfter', altitude: '99999', operations: 1 })
      },
      PROCESS_VM_READ,
    )
    expect(order).toEqual(['high', 'low', 'low after', 'high after'])
  })

  test('keeps its rights when the callback was unlinked in memory', () => {
    const { granted } = opened(
      { Pre: strip(PROCESS_TERMINATE) },
      function* (d) {
        yield* register(d, { pre: 'Pre' })
        const type = d.k.ob.types.Process.address
        removeEntry(d.k, d.k.memory.ptr(type + 0xc8))
      },
      PROCESS_TERMINATE,
    )
    expect(granted).toBe(PROCESS_TERMINATE)
  })
})
