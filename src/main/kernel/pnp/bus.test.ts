import { describe, expect, test } from 'vitest'
import {
  IRP_MN_QUERY_DEVICE_RELATIONS,
  IRP_MN_QUERY_ID,
  IRP_MN_START_DEVICE,
} from '../../../shared/nt/irp-functions'
import { DEVICE_OBJECT, IRP } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import { TestMachine } from '../testing/machine'
import { complete, minors, passDown, pnpDriver, scenario } from './testing'
import { busDriver, type BusOptions, type Child } from './testing-bus'

const BUS = { id: 'TOY\\Bus', service: 'Bus' }
const LAMP = { id: 'BUS\\Lamp', service: 'Lamp' }

/** A machine with a bus that has `children`, started. */
function withBus(
  children: Child[],
  then?: (k: Kernel, m: TestMachine) => KernelRoutine<unknown>,
  options: BusOptions & { verifier?: string[] } = {},
): TestMachine {
  const m = new TestMachine(options.verifier ? { verifier: options.verifier } : {})
  busDriver(m, 'Bus', children, options)
  pnpDriver(m, 'Lamp')
  m.k.pnp.packages.add(BUS)
  m.k.pnp.packages.add(LAMP)
  return scenario(m, function* (k) {
    yield* k.pnp.plug('TOY\\Bus', 'bus')
    if (then) yield* then(k, m)
  })
}

function lamps(...instances: string[]): Child[] {
  return instances.map((instance) => ({ id: 'BUS\\Lamp', instance }))
}

function ask(k: Kernel): KernelRoutine<void> {
  k.pnp.invalidateRelations(k.pnp.find('bus')!, 0)
  return k.pnp.actions.settle()
}

const starts = (m: TestMachine): string[] =>
  minors(m).filter((line) => line.endsWith('START_DEVICE'))

describe('a driver as bus driver', () => {
  test('its children are found after its start and started in their order', () => {
    const m = withBus(lamps('1', '2'))
    expect(m.bugCheck).toBeNull()
    const paths = m.of('devnode.arrived').map(({ devnode, parent }) => [devnode, parent])
    // Ids that are unique on their bus only get a prefix that stands for the bus.
    expect(paths.slice(2)).toEqual([
      [expect.stringMatching(/^BUS\\Lamp\\1&[\da-f]+&0&1$/), 'TOY\\Bus\\0000'],
      [expect.stringMatching(/^BUS\\Lamp\\1&[\da-f]+&0&2$/), 'TOY\\Bus\\0000'],
    ])
    expect(starts(m)).toEqual([
      ...['Bus START_DEVICE', 'PnpManager START_DEVICE'],
      ...['Lamp START_DEVICE', 'Bus START_DEVICE'],
      ...['Lamp START_DEVICE', 'Bus START_DEVICE'],
    ])
  })

  test('a child that comes later is found by IoInvalidateDeviceRelations, one that is gone is removed', () => {
    const children = lamps('1')
    const m = withBus(children, function* (k) {
      children.push(...lamps('2'))
      yield* ask(k)
      expect(k.pnp.find('bus')!.children).toHaveLength(2)
      children.shift()
      yield* ask(k)
    })
    expect(m.bugCheck).toBeNull()
    expect(m.of('devnode.removed')).toHaveLength(1)
    expect(minors(m).filter((line) => /^Lamp (SURPRISE|REMOVE)/.test(line))).toEqual([
      'Lamp SURPRISE_REMOVAL',
      'Lamp REMOVE_DEVICE',
    ])
    // The second lamp still uses the driver.
    expect(m.k.loader.byName('Lamp')).toBeDefined()
    expect(m.k.pnp.find('bus')!.children).toHaveLength(1)
  })

  test('a bus goes after its children, and both drivers are unloaded without a leak', () => {
    const m = withBus(lamps('1', '2'), (k) => k.pnp.unplug('bus'))
    expect(m.bugCheck).toBeNull()
    const gone = minors(m).filter((line) => /^(Lamp|Bus) (QUERY_)?REMOVE_DEVICE/.test(line))
    expect(gone).toEqual([
      ...['Lamp QUERY_REMOVE_DEVICE', 'Bus QUERY_REMOVE_DEVICE'],
      ...['Lamp QUERY_REMOVE_DEVICE', 'Bus QUERY_REMOVE_DEVICE'],
      'Bus QUERY_REMOVE_DEVICE',
      ...['Lamp REMOVE_DEVICE', 'Bus REMOVE_DEVICE'],
      ...['Lamp REMOVE_DEVICE', 'Bus REMOVE_DEVICE'],
      'Bus REMOVE_DEVICE',
    ])
    expect(m.of('driver.unloaded').map(({ name }) => name)).toEqual(['Lamp', 'Bus'])
    expect(m.k.loader.leaks).toEqual([])
  })

  test('a bus that is pulled out takes its children with it', () => {
    const m = withBus(lamps('1'), (k) => k.pnp.surpriseRemove('bus'))
    expect(m.bugCheck).toBeNull()
    expect(minors(m).filter((line) => line.includes('SURPRISE'))).toEqual([
      ...['Lamp SURPRISE_REMOVAL', 'Bus SURPRISE_REMOVAL'],
      ...['Bus SURPRISE_REMOVAL', 'PnpManager SURPRISE_REMOVAL'],
    ])
    expect(m.of('devnode.removed').map(({ devnode }) => devnode.split('\\')[1])).toEqual([
      'Lamp',
      'Bus',
    ])
  })
})

describe('a bus that is stopped and started again', () => {
  /** Restart a bus of three lamps of which `broken` does not start a second time. */
  const restarted = (broken: string): { status: number; states: string[]; m: TestMachine } => {
    const seen = new Map<number, number>()
    const children = lamps('1', '2', '3')
    let status = -1
    let states: string[] = []
    const m = withBus(
      children,
      function* (k) {
        status = yield* k.pnp.restart('bus')
        states = k.pnp.find('bus')!.children.map(({ path, state }) => `${path.at(-1)} ${state}`)
      },
      {
        childPnp: {
          *[IRP_MN_START_DEVICE](d, device, irp) {
            const times = (seen.get(device!) ?? 0) + 1
            seen.set(device!, times)
            const fails =
              times > 1 && children.find(({ pdo }) => pdo === device)!.instance === broken
            return yield* complete(d, irp!, fails ? 0xc0000001 : 0)
          },
        },
      },
    )
    return { status, states, m }
  }

  test.each(['1', '2', '3'])('starts its other devices when number %s does not', (broken) => {
    const { status, states, m } = restarted(broken)
    expect(m.bugCheck).toBeNull()
    expect(status >>> 0).toBe(0xc0000001)
    const rest = ['1', '2', '3'].filter((instance) => instance !== broken)
    expect(states.filter((line) => line.endsWith('DeviceNodeStarted'))).toEqual(
      rest.map((instance) => `${instance} DeviceNodeStarted`),
    )
    expect(m.of('devnode.problem').at(-1)).toMatchObject({ problem: 'CM_PROB_FAILED_START' })
  })
})

describe('what a bus driver must not do', () => {
  test('two children of the same ids end in 0xCA with 1', () => {
    const m = withBus([...lamps('1'), ...lamps('1')])
    expect(m.bugCheck).toMatchObject({
      code: 0xca,
      parameters: [1n, expect.any(BigInt), expect.any(BigInt), 0n],
    })
  })

  test('a device that is in one answer twice ends in 0xCA with 1', () => {
    const child: Child = { id: 'BUS\\Lamp', instance: '1' }
    const children = [child]
    const m = withBus(children, function* (k) {
      children.push(child)
      yield* ask(k)
    })
    const at = m.k.memory.address(child.pdo!)
    expect(m.bugCheck).toMatchObject({ code: 0xca, parameters: [1n, at, at, 0n] })
  })

  test('so does a device of another bus', () => {
    const children = lamps('1')
    const m = withBus(children, function* (k) {
      yield* k.pnp.plug('TOY\\Bus', 'second')
    })
    expect(m.bugCheck?.parameters[0]).toBe(1n)
    expect(m.bugCheck?.what).toContain('TOY\\Bus\\0000')
  })

  test('a device that is attached to another is no physical one: 0xCA with 2', () => {
    const children = lamps('1')
    const m = withBus(children, function* (k) {
      const bus = k.pnp.find('bus')!
      children.push({ id: 'BUS\\Lamp', instance: '2', pdo: k.devices.stack(bus.pdo)[1]! })
      yield* ask(k)
    })
    expect(m.bugCheck).toMatchObject({ code: 0xca })
    expect(m.bugCheck?.parameters[0]).toBe(2n)
  })

  test('an id without a backslash, or with a comma, ends in 0xCA with 3', () => {
    for (const id of ['Lamp', 'BUS\\La,mp', 'BUS\\La mp', 'BUS\\' + 'x'.repeat(300)]) {
      const m = withBus([{ id, instance: '1' }])
      expect(m.bugCheck?.code).toBe(0xca)
      expect(m.bugCheck?.parameters[0]).toBe(3n)
    }
  })

  test('a device that was deleted ends in 0xCA with 4, NULL with 8, what is no device with 2', () => {
    const pdo: Child = { id: 'BUS\\Lamp', instance: '1' }
    const kept = withBus([pdo], function* (k) {
      k.ob.reference(pdo.pdo!)
      k.devices.delete(pdo.pdo!)
      yield* ask(k)
    })
    expect(kept.bugCheck?.parameters[0]).toBe(4n)
    for (const [value, code] of [
      [1, 2n],
      [0x0100_0000, 2n],
    ] as const)
      expect(
        withBus([{ id: 'x', instance: '', pdo: value, unreferenced: true }]).bugCheck
          ?.parameters[0],
      ).toBe(code)
  })

  test('VR-PNP-RELATIONS-REF: a device reported without a reference stops the verifier; without it 0xCA with 5 follows', () => {
    const child = (): Child => ({ ...lamps('1')[0]!, unreferenced: true })
    const verified = withBus([child()], undefined, { verifier: ['io'] })
    expect(verified.bugCheck).toMatchObject({ rule: 'VR-PNP-RELATIONS-REF', code: 0xc9 })
    const plain = withBus([child()], (k) => k.pnp.unplug('bus'))
    expect(plain.bugCheck).toMatchObject({ code: 0xca })
    expect(plain.bugCheck?.parameters[0]).toBe(5n)
  })

  test('a bus that finds itself on itself is not followed for ever', () => {
    const m = new TestMachine()
    busDriver(m, 'Bus', [], {
      pnp: {
        *[IRP_MN_QUERY_DEVICE_RELATIONS](d, device, irp) {
          const out = d.out()
          const driver = d.k.memory.ptr(device! + DEVICE_OBJECT.DriverObject)
          yield* d.ddi('IoCreateDevice', driver, 0, null, 0x22, 0x80, false, out)
          const pdo = Number(out.value)
          d.k.memory.setU32(
            pdo + DEVICE_OBJECT.Flags,
            d.k.memory.u32(pdo + DEVICE_OBJECT.Flags) & ~0x80,
          )
          yield* d.ddi('ObReferenceObject', pdo)
          children.add(pdo)
          const block = yield* d.ddi('ExAllocatePoolWithTag', 1, 16, 0x31677542)
          d.k.memory.setU32(block, 1)
          d.k.memory.setPtr(block + 8, pdo)
          d.k.memory.setU32(irp! + IRP['IoStatus.Status'], 0)
          d.k.memory.setPtr(irp! + IRP['IoStatus.Information'], block)
          return yield* passDown(d, device!, irp!)
        },
      },
      majors: {
        *22(d, _device, irp) {
          return yield* complete(d, irp!, 0)
        },
      },
      isOther: (device) => children.has(device),
    })
    const children = new Set<number>()
    m.k.pnp.packages.add({ id: 'TOY\\Bus', service: 'Bus' })
    scenario(m, (k) => k.pnp.plug('TOY\\Bus', 'bus'))
    expect(m.bugCheck).toBeNull()
    expect(m.of('devnode.arrived').length).toBeLessThan(40)
    expect(Math.max(...[...m.k.pnp.all()].map(({ depth }) => depth))).toBe(32)
  })

  test('a child without an id is left alone', () => {
    const m = withBus(lamps('1'), undefined, {
      childPnp: {
        [IRP_MN_QUERY_ID]: (d, _device, irp) =>
          complete(d, irp!, d.k.memory.u32(irp! + IRP['IoStatus.Status'])),
      },
    })
    expect(m.bugCheck).toBeNull()
    expect(m.k.pnp.find('bus')!.children).toEqual([])
  })
})
