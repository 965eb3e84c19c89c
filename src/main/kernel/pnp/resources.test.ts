import { expect, test, vi } from 'vitest'
import {
  CM_PARTIAL_RESOURCE_DESCRIPTOR as PARTIAL,
  IO_RESOURCE_DESCRIPTOR as WANTED,
  IO_RESOURCE_LIST,
  IO_RESOURCE_REQUIREMENTS_LIST as LIST,
  IO_STACK_LOCATION,
  IRP,
} from '../../../shared/nt/generated/offsets'
import { CmResourceTypeInterrupt, CmResourceTypePort } from '../../../shared/nt/generated/constants'
import {
  IRP_MN_FILTER_RESOURCE_REQUIREMENTS,
  IRP_MN_QUERY_RESOURCE_REQUIREMENTS,
  IRP_MN_QUERY_RESOURCES,
  IRP_MN_START_DEVICE,
} from '../../../shared/nt/irp-functions'
import { stackOf } from '../testing/client'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'
import { buildList } from './resource-lists'
import { passDown, pnpDriver, scenario } from './testing'
import { busDriver, type Child } from './testing-bus'

interface Wanted {
  type: number
  from: number
  to: number
  length?: number
  alternative?: boolean
}

/** IO_RESOURCE_REQUIREMENTS_LIST in paged pool of the bus driver. */
function* requirements(d: DriverApi, lists: Wanted[][]): Code<number> {
  const { memory } = d.k
  const bytes = 0x20 + lists.reduce((sum, list) => sum + 8 + list.length * WANTED.SIZE, 0)
  const block = yield* d.ddi('ExAllocatePoolWithTag', 1, bytes, 0x31677542)
  memory.setU32(block + LIST.ListSize, bytes)
  memory.setU32(block + LIST.AlternativeLists, lists.length)
  let at = block + LIST.List
  for (const list of lists) {
    memory.setU32(at + IO_RESOURCE_LIST.Count, list.length)
    at += IO_RESOURCE_LIST.Descriptors
    for (const { type, from, to, length = 8, alternative } of list) {
      memory.setU8(at + WANTED.Type, type)
      memory.setU8(at + WANTED.Option, alternative ? 8 : 0)
      if (type === CmResourceTypeInterrupt) {
        memory.setU32(at + WANTED['u.Interrupt.MinimumVector'], from)
        memory.setU32(at + WANTED['u.Interrupt.MaximumVector'], to)
      } else {
        memory.setU32(at + WANTED['u.Port.Length'], length)
        memory.setU32(at + WANTED['u.Port.Alignment'], 8)
        memory.setU64(at + WANTED['u.Port.MinimumAddress.QuadPart'], BigInt(from))
        memory.setU64(at + WANTED['u.Port.MaximumAddress.QuadPart'], BigInt(to))
      }
      at += WANTED.SIZE
    }
  }
  return block
}

interface Options {
  filter?: (d: DriverApi, list: number) => void
  /** First port of the eight that the firmware gave a lamp; such a lamp asks for nothing. */
  boot?: (lamp: number) => number | undefined
  machine?: TestMachine
}

/** What each lamp on a bus was started with, `port 0x300`, in the order of the starts. */
function given(
  lists: Wanted[][],
  lamps: number,
  { filter, boot, machine: m = new TestMachine() }: Options = {},
): { m: TestMachine; started: string[][] } {
  const started: string[][] = []
  const children: Child[] = Array.from({ length: lamps }, (_, i) => ({
    id: 'BUS\\Lamp',
    instance: String(i),
  }))
  busDriver(m, 'Bus', children, {
    childPnp: {
      *[IRP_MN_QUERY_RESOURCES](d, device, irp) {
        const start = boot?.(children.findIndex(({ pdo }) => pdo === device))
        if (start !== undefined) {
          const range = { type: CmResourceTypePort, share: 1, flags: 0, length: 8n }
          const list = buildList(d.k, [{ ...range, start: BigInt(start) }])
          d.k.memory.setPtr(irp! + IRP['IoStatus.Information'], list)
          d.k.memory.setU32(irp! + IRP['IoStatus.Status'], 0)
        }
        const status = d.k.memory.u32(irp! + IRP['IoStatus.Status'])
        yield* d.ddi('IoCompleteRequest', irp!, 0)
        return status
      },
      *[IRP_MN_QUERY_RESOURCE_REQUIREMENTS](d, device, irp) {
        if (boot?.(children.findIndex(({ pdo }) => pdo === device)) !== undefined) {
          yield* d.ddi('IoCompleteRequest', irp!, 0)
          return 0xc00000bb
        }
        d.k.memory.setPtr(irp! + IRP['IoStatus.Information'], yield* requirements(d, lists))
        d.k.memory.setU32(irp! + IRP['IoStatus.Status'], 0)
        yield* d.ddi('IoCompleteRequest', irp!, 0)
        return 0
      },
    },
  })
  pnpDriver(m, 'Lamp', {
    pnp: {
      *[IRP_MN_FILTER_RESOURCE_REQUIREMENTS](d, device, irp) {
        const at = 'Parameters.FilterResourceRequirements.IoResourceRequirementList'
        filter?.(d, d.k.memory.ptr(stackOf(d, irp!) + IO_STACK_LOCATION[at]))
        return yield* passDown(d, device!, irp!)
      },
      *[IRP_MN_START_DEVICE](d, device, irp) {
        const { memory } = d.k
        const at = IO_STACK_LOCATION['Parameters.StartDevice.AllocatedResourcesTranslated']
        const list = memory.ptr(stackOf(d, irp!) + at)
        const found: string[] = []
        for (let i = 0; i < memory.u32(list + 16); i++) {
          const one = list + 20 + i * PARTIAL.SIZE
          found.push(
            memory.u8(one) === CmResourceTypePort
              ? `port 0x${memory.u64(one + PARTIAL['u.Port.Start.QuadPart']).toString(16)}`
              : `vector ${memory.u32(one + PARTIAL['u.Interrupt.Vector'])}`,
          )
        }
        started.push(found)
        return yield* passDown(d, device!, irp!)
      },
    },
  })
  m.k.pnp.packages.add({ id: 'TOY\\Bus', service: 'Bus' })
  m.k.pnp.packages.add({ id: 'BUS\\Lamp', service: 'Lamp' })
  scenario(m, function* (k) {
    yield* k.pnp.plug('TOY\\Bus', 'bus')
    yield* k.pnp.removeAll()
  })
  return { m, started }
}

const port = (from: number, to: number): Wanted => ({ type: CmResourceTypePort, from, to })

test('every device gets ranges that nobody else has, and its interrupt', () => {
  const { m, started } = given(
    [[port(0x300, 0x3ff), { type: CmResourceTypeInterrupt, from: 5, to: 5 }]],
    2,
  )
  expect(m.bugCheck).toBeNull()
  expect(started).toEqual([
    ['port 0x300', 'vector 5'],
    ['port 0x308', 'vector 5'],
  ])
  expect(m.k.loader.leaks).toEqual([])
})

test('an alternative is taken when the first choice is, in the list or as a list of its own', () => {
  const alternative = { ...port(0x400, 0x407), alternative: true }
  expect(given([[port(0x300, 0x307), alternative]], 2).started).toEqual([
    ['port 0x300'],
    ['port 0x400'],
  ])
  expect(given([[port(0x300, 0x307)], [port(0x500, 0x507)]], 2).started).toEqual([
    ['port 0x300'],
    ['port 0x500'],
  ])
})

test('a device that finds no place is not started: code 12', () => {
  const { m, started } = given([[port(0x300, 0x307)]], 2)
  expect(started).toEqual([['port 0x300']])
  expect(m.of('devnode.problem')).toMatchObject([{ problem: 'CM_PROB_NORMAL_CONFLICT', code: 12 }])
  expect(m.k.loader.leaks).toEqual([])
})

test('the stack changes what the device asks for before the choice', () => {
  const { started } = given([[port(0x300, 0x3ff)]], 1, {
    filter: (d, list) =>
      d.k.memory.setU64(
        list + LIST.List + 8 + WANTED['u.Port.MinimumAddress.QuadPart'],
        BigInt(0x3f0),
      ),
  })
  expect(started).toEqual([['port 0x3f0']])
})

test('what the firmware gave a device nobody else gets, not even one that starts before it', () => {
  const { started, m } = given([[port(0x300, 0x3ff)]], 3, {
    boot: (lamp) => [undefined, 0x300, 0x308][lamp],
  })
  expect(started).toEqual([['port 0x310'], ['port 0x300'], ['port 0x308']])
  expect(m.k.loader.leaks).toEqual([])
})

test('two devices that the firmware gave the same do not both start', () => {
  const { started, m } = given([], 2, { boot: () => 0x300 })
  expect(started).toEqual([['port 0x300']])
  expect(m.of('devnode.problem')).toMatchObject([{ problem: 'CM_PROB_NORMAL_CONFLICT' }])
})

test('the ports of the board stay free, unless a device names just them', () => {
  const uart = new TestMachine().k.hal.device('uart0')!.ports!.base
  expect(given([[port(uart, uart + 0x1f)]], 1).started).toEqual([
    [`port 0x${(uart + 8).toString(16)}`],
  ])
  expect(given([[port(uart, uart + 7)]], 1).started).toEqual([[`port 0x${uart.toString(16)}`]])
})

test('a device of the board that is found twice starts once', () => {
  const m = new TestMachine()
  const [id] = [m.k.hal.device('uart0')!.hardwareId]
  pnpDriver(m, 'Serial')
  m.k.pnp.packages.add({ id, service: 'Serial' })
  scenario(m, function* (k) {
    yield* k.pnp.plug(id, 'one')
    yield* k.pnp.plug(id, 'two')
    expect([...k.pnp.all()].slice(1).map(({ state }) => state)).toEqual([
      'DeviceNodeStarted',
      'DeviceNodeInitialized',
    ])
    yield* k.pnp.removeAll()
  })
  expect(m.of('devnode.problem')).toMatchObject([{ problem: 'CM_PROB_NORMAL_CONFLICT' }])
  expect(m.k.loader.leaks).toEqual([])
})

test('without memory for its list a device is not started: code 3', () => {
  const machine = new TestMachine()
  const { pool } = machine.k
  const allocate = pool.allocate.bind(pool)
  vi.spyOn(pool, 'allocate').mockImplementation((bytes, tag, options) =>
    tag === 'PpRe' ? 0 : allocate(bytes, tag, options),
  )
  const { started, m } = given([[port(0x300, 0x3ff)]], 1, { machine })
  expect(started).toEqual([])
  expect(m.of('devnode.problem')).toMatchObject([{ problem: 'CM_PROB_OUT_OF_MEMORY', code: 3 }])
  expect(m.k.loader.leaks).toEqual([])
})
