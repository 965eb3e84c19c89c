import { describe, expect, test } from 'vitest'
import {
  DEVICE_CAPABILITIES,
  DEVICE_OBJECT,
  IO_STACK_LOCATION,
  IRP,
} from '../../../shared/nt/generated/offsets'
import { DO_BUS_ENUMERATED_DEVICE } from '../../../shared/nt/generated/constants'
import {
  IRP_MN_CANCEL_REMOVE_DEVICE,
  IRP_MN_QUERY_CAPABILITIES,
  IRP_MN_QUERY_PNP_DEVICE_STATE,
  IRP_MN_QUERY_REMOVE_DEVICE,
  IRP_MN_QUERY_STOP_DEVICE,
  IRP_MN_REMOVE_DEVICE,
  IRP_MN_START_DEVICE,
} from '../../../shared/nt/irp-functions'
import { foldAll } from '../../../shared/trace/fold'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import { complete, stackOf } from '../testing/client'
import { TestMachine, type DriverFunction } from '../testing/machine'
import { minorOf, minors, passDown, pnpDriver, scenario, type PnpDriverOptions } from './testing'

const LAMP = { id: 'TOY\\Lamp', service: 'Lamp', description: 'A lamp' }

/** A machine with a lamp that is plugged in first. */
function lamp(
  options: PnpDriverOptions = {},
  then?: (k: Kernel, m: TestMachine) => KernelRoutine<unknown>,
): TestMachine {
  const m = new TestMachine()
  pnpDriver(m, 'Lamp', options)
  m.k.pnp.packages.add(LAMP)
  return scenario(m, function* (k) {
    yield* k.pnp.plug('TOY\\Lamp', 'lamp')
    if (then) yield* then(k, m)
  })
}

/** CREATE, CLEANUP and CLOSE that succeed. */
const OPENABLE: Record<number, DriverFunction> = Object.fromEntries(
  [0, 2, 18].map((major) => [major, (d, _device, irp) => complete(d, irp!, 0)]),
)

/** States that a device went through. */
function states(m: TestMachine, path = 'TOY\\Lamp\\0000'): string[] {
  return m.of('devnode.state').flatMap((event) => (event.devnode === path ? [event.to] : []))
}

function lampMinors(m: TestMachine): string[] {
  return minors(m).flatMap((line) => (line.startsWith('Lamp ') ? [line.slice(5)] : []))
}

describe('arrival', () => {
  test('a bus is asked for what it has, and the device for what it is', () => {
    const m = lamp()
    expect(m.bugCheck).toBeNull()
    expect(minors(m).filter((line) => line.startsWith('PnpManager'))).toEqual([
      'PnpManager QUERY_DEVICE_RELATIONS',
      'PnpManager QUERY_ID',
      'PnpManager QUERY_CAPABILITIES',
      'PnpManager QUERY_DEVICE_TEXT',
      'PnpManager QUERY_DEVICE_TEXT',
      'PnpManager QUERY_ID',
      'PnpManager QUERY_ID',
      'PnpManager QUERY_ID',
      'PnpManager QUERY_ID',
      'PnpManager QUERY_RESOURCES',
      'PnpManager QUERY_RESOURCE_REQUIREMENTS',
      'PnpManager DEVICE_ENUMERATED',
      'PnpManager FILTER_RESOURCE_REQUIREMENTS',
      'PnpManager START_DEVICE',
      'PnpManager QUERY_CAPABILITIES',
      'PnpManager QUERY_PNP_DEVICE_STATE',
      'PnpManager QUERY_DEVICE_RELATIONS',
    ])
    expect(lampMinors(m)).toEqual([
      'FILTER_RESOURCE_REQUIREMENTS',
      'START_DEVICE',
      'QUERY_CAPABILITIES',
      'QUERY_PNP_DEVICE_STATE',
      'QUERY_DEVICE_RELATIONS',
    ])
    expect(states(m)).toEqual([
      'DeviceNodeInitialized',
      'DeviceNodeDriversAdded',
      'DeviceNodeResourcesAssigned',
      'DeviceNodeStarted',
    ])
  })

  test('K065 QUERY_CAPABILITIES arrives with Size 0x40, Version 1, Address and UINumber 0xFFFFFFFF', () => {
    const seen: number[][] = []
    const m = lamp({
      pnp: {
        *[IRP_MN_QUERY_CAPABILITIES](d, device, irp) {
          const { memory } = d.k
          const at = memory.ptr(
            stackOf(d, irp!) + IO_STACK_LOCATION['Parameters.DeviceCapabilities.Capabilities'],
          )
          seen.push([
            memory.u16(at + DEVICE_CAPABILITIES.Size),
            memory.u16(at + DEVICE_CAPABILITIES.Version),
            memory.u32(at + DEVICE_CAPABILITIES.Address),
            memory.u32(at + DEVICE_CAPABILITIES.UINumber),
          ])
          return yield* passDown(d, device!, irp!)
        },
      },
    })
    expect(m.bugCheck).toBeNull()
    expect(seen).toEqual([[0x40, 1, 0xffff_ffff, 0xffff_ffff]])
  })

  test('K066 every PnP packet arrives with STATUS_NOT_SUPPORTED, at PASSIVE_LEVEL in a system thread', () => {
    const seen = new Set<string>()
    const m = new TestMachine()
    pnpDriver(m, 'Lamp', {
      majors: {
        *27(d, device, irp) {
          const status = d.k.memory.u32(irp! + IRP['IoStatus.Status']).toString(16)
          seen.add(`${status} ${d.k.irql.level} ${d.k.thread.process.name}`)
          if (minorOf(d, irp!) !== IRP_MN_REMOVE_DEVICE) return yield* passDown(d, device!, irp!)
          const lower = d.k.memory.ptr(d.k.memory.ptr(device! + DEVICE_OBJECT.DeviceExtension))
          const status2 = yield* passDown(d, device!, irp!)
          yield* d.ddi('IoDetachDevice', lower)
          yield* d.ddi('IoDeleteDevice', device!)
          return status2
        },
      },
    })
    m.k.pnp.packages.add(LAMP)
    scenario(m, function* (k) {
      yield* k.pnp.plug('TOY\\Lamp', 'lamp')
      yield* k.pnp.restart('lamp')
      yield* k.pnp.unplug('lamp')
    })
    expect([...seen]).toEqual(['c00000bb 0 System'])
  })

  test('lower filters, function driver and upper filters are added in this order, device filters before those of the class', () => {
    const m = new TestMachine()
    for (const name of ['Low', 'ClassLow', 'Lamp', 'Up', 'ClassUp']) pnpDriver(m, name)
    m.k.pnp.packages.add({
      ...LAMP,
      lowerFilters: ['Low'],
      upperFilters: ['Up'],
      class: 'Toys',
    })
    scenario(m, function* (k) {
      // The class key appears with the first device of the class.
      yield* k.pnp.plug('TOY\\Lamp', 'first')
      const classes = k.registry.key('\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Control\\Class')!
      const toys = [...classes.subkeys.values()].find((key) => key.value('Class'))!
      k.registry.set(toys, 'UpperFilters', ['ClassUp'])
      k.registry.set(toys, 'LowerFilters', ['ClassLow'])
      yield* k.pnp.plug('TOY\\Lamp', 'second')
    })
    const starts = minors(m).filter((line) => line.endsWith('START_DEVICE'))
    expect(starts.map((line) => line.split(' ')[0])).toEqual([
      ...['Up', 'Lamp', 'Low', 'PnpManager'],
      ...['ClassUp', 'Up', 'Lamp', 'ClassLow', 'Low', 'PnpManager'],
    ])
  })

  test('a physical device is marked as one, and its stack cannot be opened before it is started', () => {
    const opens: number[] = []
    const m = lamp({
      pnp: {
        *[IRP_MN_START_DEVICE](d, device, irp) {
          const pdo = d.k.memory.ptr(d.k.memory.ptr(device! + DEVICE_OBJECT.DeviceExtension) + 8)
          expect(d.k.memory.u32(pdo + DEVICE_OBJECT.Flags) & DO_BUS_ENUMERATED_DEVICE).not.toBe(0)
          const file = d.out()
          const name = d.string(d.k.ob.lookup(pdo)!.name!)
          opens.push(yield* d.ddi('IoGetDeviceObjectPointer', name, 1, file, d.out()))
          return yield* passDown(d, device!, irp!)
        },
      },
    })
    expect(m.bugCheck).toBeNull()
    expect(opens).toEqual([0xc000_000e])
  })

  test('the PnP manager loads drivers when a device needs them, and unloads them with the last one', () => {
    const m = lamp({}, function* (k) {
      expect(k.loader.byName('Lamp')).toBeDefined()
      // Nobody but the PnP manager unloads a driver that has AddDevice.
      expect(yield* k.loader.unload('Lamp')).toBe(0xc000_0010)
      yield* k.pnp.unplug('lamp')
      expect(k.loader.byName('Lamp')).toBeUndefined()
    })
    expect(m.bugCheck).toBeNull()
    expect(m.of('driver.unloaded').map(({ name }) => name)).toEqual(['Lamp'])
    expect(m.k.loader.leaks).toEqual([])
  })

  test('a device without a driver waits for one', () => {
    const m = new TestMachine()
    scenario(m, (k) => k.pnp.plug('TOY\\Ghost', 'ghost'))
    // The machine's own bus says that its devices work raw; a package without a service does.
    expect(states(m, 'TOY\\Ghost\\0000').at(-1)).toBe('DeviceNodeStarted')
  })
})

describe('what goes wrong at the start', () => {
  test('a failed START_DEVICE removes the stack and leaves code 10', () => {
    const m = lamp({
      pnp: { [IRP_MN_START_DEVICE]: (d, _device, irp) => complete(d, irp!, 0xc0000001) },
    })
    expect(lampMinors(m).slice(-2)).toEqual(['START_DEVICE', 'REMOVE_DEVICE'])
    expect(m.of('devnode.problem')).toMatchObject([{ problem: 'CM_PROB_FAILED_START', code: 10 }])
    expect(states(m).at(-1)).toBe('DeviceNodeInitialized')
    expect(m.of('driver.unloaded')).toHaveLength(1)
  })

  test('a failed AddDevice leaves code 31, a driver that does not load code 39', () => {
    const failing = lamp({ addStatus: 0xc000_0001 })
    expect(failing.of('devnode.problem')).toMatchObject([{ code: 31 }])
    const m = new TestMachine()
    m.k.pnp.packages.add({ id: 'TOY\\Lamp', service: 'Nowhere' })
    scenario(m, (k) => k.pnp.plug('TOY\\Lamp', 'lamp'))
    expect(m.of('devnode.problem')).toMatchObject([
      { problem: 'CM_PROB_DRIVER_FAILED_LOAD', code: 39 },
    ])
  })

  test('PNP_DEVICE_FAILED takes the stack down by surprise and leaves code 43', () => {
    const m = lamp({
      pnp: {
        *[IRP_MN_QUERY_PNP_DEVICE_STATE](d, device, irp) {
          d.k.memory.setU32(irp! + IRP['IoStatus.Status'], 0)
          d.k.memory.setSize(irp! + IRP['IoStatus.Information'], 4)
          return yield* passDown(d, device!, irp!)
        },
      },
    })
    expect(lampMinors(m).slice(-2)).toEqual(['SURPRISE_REMOVAL', 'REMOVE_DEVICE'])
    expect(m.of('devnode.problem')).toMatchObject([{ code: 43 }])
  })
})

describe('removal', () => {
  test('is asked for, then done; the device leaves the tree when its bus no longer has it', () => {
    const m = lamp({}, function* (k) {
      expect(yield* k.pnp.unplug('lamp')).toBe(0)
    })
    expect(lampMinors(m).slice(-2)).toEqual(['QUERY_REMOVE_DEVICE', 'REMOVE_DEVICE'])
    expect(states(m).slice(-3)).toEqual([
      'DeviceNodeQueryRemoved',
      'DeviceNodeRemoved',
      'DeviceNodeDeleted',
    ])
    expect(minors(m).filter((line) => line === 'PnpManager REMOVE_DEVICE')).toHaveLength(2)
    expect(m.k.loader.leaks).toEqual([])
  })

  test('a driver that refuses gets CANCEL_REMOVE_DEVICE and stays', () => {
    const m = lamp(
      { pnp: { [IRP_MN_QUERY_REMOVE_DEVICE]: (d, _device, irp) => complete(d, irp!, 0x80000011) } },
      function* (k) {
        expect(yield* k.pnp.unplug('lamp')).toBe(0x80000011)
      },
    )
    expect(lampMinors(m).slice(-2)).toEqual(['QUERY_REMOVE_DEVICE', 'CANCEL_REMOVE_DEVICE'])
    expect(states(m).at(-1)).toBe('DeviceNodeStarted')
  })

  test('an open handle is a veto after the drivers agreed', () => {
    const m = lamp({ majors: OPENABLE }, function* (k) {
      const file = yield* openLamp(k)
      expect(yield* k.pnp.unplug('lamp')).toBe(0x80000028)
      yield* k.ob.dereference(file)
      expect(yield* k.pnp.unplug('lamp')).toBe(0)
    })
    expect(lampMinors(m).filter((line) => line.includes('REMOVE'))).toEqual([
      'QUERY_REMOVE_DEVICE',
      'CANCEL_REMOVE_DEVICE',
      'QUERY_REMOVE_DEVICE',
      'REMOVE_DEVICE',
    ])
    expect(m.bugCheck).toBeNull()
  })

  test('K067 a device that vanishes while it is open gets SURPRISE_REMOVAL once, and REMOVE_DEVICE after the handle is closed', () => {
    const m = lamp({ majors: OPENABLE }, function* (k, m) {
      const file = yield* openLamp(k)
      yield* k.pnp.surpriseRemove('lamp')
      expect(states(m).at(-1)).toBe('DeviceNodeRemovePendingCloses')
      // Nobody else gets in, and asking the bus again changes nothing.
      expect(
        (yield* k.io.openFile({ path: pathOf(k), access: 1, synchronous: true, userMode: false }))
          .status,
      ).toBe(0xc000_000e)
      k.pnp.invalidateRelations(k.pnp.root, 0)
      yield* k.pnp.actions.settle()
      k.emit({ t: 'dbgprint', text: 'closing' })
      yield* k.ob.dereference(file)
      yield* k.pnp.actions.settle()
    })
    const closing = m.of('dbgprint')[0]!.seq
    const sent = m.of('irp.sent').filter((event) => event.major === 27 && event.to === 'Lamp')
    const surprises = sent.filter((event) => event.minor === 23)
    const removes = sent.filter((event) => event.minor === 2)
    expect(surprises).toHaveLength(1)
    expect(removes).toHaveLength(1)
    expect(surprises[0]!.seq).toBeLessThan(closing)
    expect(removes[0]!.seq).toBeGreaterThan(closing)
    expect(m.bugCheck).toBeNull()
    expect(m.k.loader.leaks).toEqual([])
  })

  test('whoever comes while a removal is under way finds no device', () => {
    const m = lamp({ majors: OPENABLE }, function* (k) {
      const file = yield* openLamp(k)
      const path = k.pnp.find('lamp')!.path
      yield* k.pnp.surpriseRemove('lamp')
      expect(yield* k.pnp.unplug(path)).toBe(0xc000_000e)
      expect(yield* k.pnp.restart(path)).toBe(0xc000_000e)
      // The last close asks for the removal; before its turn comes the device is asked for again.
      yield* k.ob.dereference(file)
      expect(yield* k.pnp.unplug(path)).toBe(0xc000_000e)
      yield* k.pnp.removeAll()
    })
    expect(m.bugCheck).toBeNull()
    expect(lampMinors(m).filter((line) => line === 'REMOVE_DEVICE')).toHaveLength(1)
  })

  test('a device that is not open is removed at once after the surprise', () => {
    const m = lamp({}, (k) => k.pnp.surpriseRemove('lamp'))
    expect(lampMinors(m).slice(-2)).toEqual(['SURPRISE_REMOVAL', 'REMOVE_DEVICE'])
    expect(states(m).at(-1)).toBe('DeviceNodeDeleted')
  })
})

function pathOf(k: Kernel): string {
  return k.ob.lookup(k.pnp.find('lamp')!.pdo)!.name!
}

function* openLamp(k: Kernel): KernelRoutine<number> {
  const path = pathOf(k)
  const opened = yield* k.io.openFile({ path, access: 1, synchronous: true, userMode: false })
  return opened.file!.address
}

describe('stop and restart', () => {
  test('a device that agrees is stopped, filtered and started again', () => {
    const m = lamp({}, function* (k) {
      expect(yield* k.pnp.restart('lamp')).toBe(0)
    })
    expect(lampMinors(m).slice(5, 9)).toEqual([
      'QUERY_STOP_DEVICE',
      'STOP_DEVICE',
      'FILTER_RESOURCE_REQUIREMENTS',
      'START_DEVICE',
    ])
    expect(states(m).slice(-3)).toEqual([
      'DeviceNodeQueryStopped',
      'DeviceNodeStopped',
      'DeviceNodeStarted',
    ])
  })

  test('a device that refuses gets CANCEL_STOP_DEVICE', () => {
    const m = lamp(
      { pnp: { [IRP_MN_QUERY_STOP_DEVICE]: (d, _device, irp) => complete(d, irp!, 0xc0000001) } },
      function* (k) {
        expect(yield* k.pnp.restart('lamp')).toBe(0xc000_0001)
      },
    )
    expect(lampMinors(m).slice(-2)).toEqual(['QUERY_STOP_DEVICE', 'CANCEL_STOP_DEVICE'])
  })
})

test('the fold has the device tree at every step', () => {
  const m = lamp({}, (k) => k.pnp.surpriseRemove('lamp'))
  const started = m
    .of('devnode.state')
    .find(({ devnode, to }) => devnode.startsWith('TOY') && to === 'DeviceNodeStarted')!
  expect(foldAll(m.events, started.seq).devnodes).toMatchObject([
    { devnode: 'HTREE\\ROOT\\0', parent: null },
    {
      devnode: 'TOY\\Lamp\\0000',
      parent: 'HTREE\\ROOT\\0',
      service: 'Lamp',
      state: 'DeviceNodeStarted',
      problem: null,
    },
  ])
  expect(foldAll(m.events).devnodes).toHaveLength(1)
})

test('a spurious CANCEL_REMOVE_DEVICE reaches the driver that refused, too', () => {
  const m = lamp(
    { pnp: { [IRP_MN_QUERY_REMOVE_DEVICE]: (d, _device, irp) => complete(d, irp!, 0xc0000001) } },
    (k) => k.pnp.unplug('lamp'),
  )
  expect(
    m
      .of('irp.sent')
      .filter((event) => event.minor === IRP_MN_CANCEL_REMOVE_DEVICE && event.major === 27)
      .map(({ to }) => to),
  ).toEqual(['Lamp', 'PnpManager'])
})
