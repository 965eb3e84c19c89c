import { describe, expect, test } from 'vitest'
import { IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import { IRP_MJ_POWER, minorName } from '../../../shared/nt/irp-functions'
import { foldAll } from '../../../shared/trace/fold'
import type { KernelRoutine } from '../ddi/types'
import { sendOwnIrp } from '../io/own-irp'
import type { Kernel } from '../kernel'
import { busDriver } from '../pnp/testing-bus'
import { complete, lowerOf, minorOf, passDown, pdoOf, pnpDriver, scenario } from '../pnp/testing'
import { stackOf } from '../testing/client'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'

const P = IO_STACK_LOCATION
const QUERY = 3
const SET = 2
const D0 = 1
const D3 = 4

interface Power {
  minor: number
  type: number
  state: number
}

function powerOf(d: DriverApi, irp: number): Power {
  const location = stackOf(d, irp)
  return {
    minor: minorOf(d, irp),
    type: d.k.memory.u32(location + P['Parameters.Power.Type']),
    state: d.k.memory.u32(location + P['Parameters.Power.State.DeviceState']),
  }
}

/** Device state for a system state, as most drivers have it. */
const deviceStateFor = (system: number): number => (system === 1 ? D0 : D3)

/**
 * Power policy owner as the WDK has it: pends a system SET_POWER, passes it down, and asks for the
 * device packet in the completion routine; the system packet goes on when that one is done.
 */
function* policyOwner(d: DriverApi, device: number, irp: number): Code<number> {
  const { minor, type, state } = powerOf(d, irp)
  if (minor === SET && type === 1) yield* d.ddi('PoSetPowerState', device, 1, state)
  if (minor !== SET || type !== 0) return yield* passDown(d, device, irp)
  yield* d.ddi('IoMarkIrpPending', irp)
  yield* d.ddi('IoCopyCurrentIrpStackLocationToNext', irp)
  yield* d.ddi('IoSetCompletionRoutine', irp, d.fn('SystemDone'), device, true, true, true)
  yield* d.ddi('PoCallDriver', lowerOf(d, device), irp)
  return 0x103
}

const OWNER = {
  *SystemDone(d: DriverApi, _device: number, irp: number, context: number): Code<number> {
    const { state } = powerOf(d, irp)
    yield* d.ddi(
      'PoRequestPowerIrp',
      pdoOf(d, context),
      SET,
      deviceStateFor(state),
      d.fn('DeviceDone'),
      irp,
      null,
    )
    return 0xc000_0016
  },
  *DeviceDone(
    d: DriverApi,
    _device: number,
    _minor: number,
    _state: number,
    context: number,
  ): Code<void> {
    yield* d.ddi('IoCompleteRequest', context, 0)
  },
} as never

/** Power packets in their order, `Lamp SET S3`, `PnpManager SET D3`. */
function packets(m: TestMachine): string[] {
  const names: Record<number, string> = {}
  for (const event of m.of('irp.created')) if (event.major === IRP_MJ_POWER) names[event.irp] = ''
  return m
    .of('irp.sent')
    .filter(({ irp }) => irp in names)
    .map(({ to, minor }) => `${to} ${minorName(IRP_MJ_POWER, minor).replace('IRP_MN_', '')}`)
}

function tree(
  driver: Parameters<typeof pnpDriver>[2] = {},
  then: (k: Kernel, m: TestMachine) => KernelRoutine<unknown>,
  verifier: string[] = [],
): TestMachine {
  const m = new TestMachine({ verifier })
  busDriver(m, 'Bus', [{ id: 'BUS\\Lamp', instance: '1' }])
  pnpDriver(m, 'Lamp', driver)
  m.k.pnp.packages.add({ id: 'TOY\\Bus', service: 'Bus' })
  m.k.pnp.packages.add({ id: 'BUS\\Lamp', service: 'Lamp' })
  return scenario(m, function* (k) {
    yield* k.pnp.plug('TOY\\Bus', 'bus')
    yield* then(k, m)
  })
}

describe('system power', () => {
  test('children are asked and told before their parents, and woken after them', () => {
    const m = tree({}, function* (k) {
      expect(yield* k.power.change('sleep')).toBe(0)
      expect(k.power.systemState).toBe(4)
      expect(yield* k.power.change('wake')).toBe(0)
    })
    expect(m.bugCheck).toBeNull()
    expect(packets(m)).toEqual([
      ...['Lamp QUERY_POWER', 'Bus QUERY_POWER', 'Bus QUERY_POWER', 'PnpManager QUERY_POWER'],
      ...['Lamp SET_POWER', 'Bus SET_POWER', 'Bus SET_POWER', 'PnpManager SET_POWER'],
      ...['Bus SET_POWER', 'PnpManager SET_POWER', 'Lamp SET_POWER', 'Bus SET_POWER'],
    ])
    expect(m.of('power.system').map(({ from, to }) => from + to)).toEqual(['S0S3', 'S3S0'])
  })

  test('a refusal keeps the machine awake, and who was asked is told so', () => {
    const seen: Power[] = []
    const m = tree(
      {
        *power(d, device, irp) {
          const power = powerOf(d, irp!)
          seen.push(power)
          if (power.minor === QUERY) return yield* complete(d, irp!, 0x8000_0011)
          return yield* passDown(d, device!, irp!)
        },
      },
      function* (k) {
        expect(yield* k.power.change('sleep')).toBe(0x8000_0011)
      },
    )
    expect(seen).toEqual([
      { minor: QUERY, type: 0, state: 4 },
      { minor: SET, type: 0, state: 1 },
    ])
    expect(m.k.power.systemState).toBe(1)
    expect(m.of('power.system')).toEqual([])
  })

  test('a stack without DO_POWER_PAGABLE gets SET_POWER at DISPATCH_LEVEL, one with it at PASSIVE_LEVEL', () => {
    for (const [flags, level] of [
      [0, 2],
      [0x2000, 0],
    ] as const) {
      const levels: number[][] = []
      tree(
        {
          flags,
          *power(d, device, irp) {
            levels.push([minorOf(d, irp!), d.k.irql.level])
            return yield* passDown(d, device!, irp!)
          },
        },
        (k) => k.power.change('sleep'),
      )
      expect(levels).toEqual([
        [QUERY, 0],
        [SET, level],
      ])
    }
  })

  test('shut down tells devices that registered, then everybody S5, and ends the run', () => {
    const seen: string[] = []
    const m = tree(
      {
        *addDevice(d, device) {
          yield* d.ddi('IoRegisterShutdownNotification', device)
        },
        *power(d, device, irp) {
          seen.push(`power ${powerOf(d, irp!).state}`)
          return yield* passDown(d, device!, irp!)
        },
        majors: {
          *16(d, _device, irp) {
            seen.push(`shutdown at ${d.k.irql.level}`)
            return yield* complete(d, irp!, 0)
          },
        },
      },
      function* (k) {
        yield* k.power.shutDown()
        seen.push('never')
      },
    )
    expect(seen).toEqual(['shutdown at 0', 'power 6'])
    expect(m.k.ended).toBe('done')
  })
})

describe('device power', () => {
  test('the policy owner asks for the device packet after the system packet, and both are done in order', () => {
    const m = tree(
      { power: (d, device, irp) => policyOwner(d, device!, irp!), others: OWNER },
      function* (k) {
        yield* k.power.change('sleep')
        yield* k.power.change('wake')
      },
    )
    expect(m.bugCheck).toBeNull()
    expect(packets(m).filter((line) => line.startsWith('Lamp'))).toEqual([
      'Lamp QUERY_POWER',
      ...['Lamp SET_POWER', 'Lamp SET_POWER'],
      ...['Lamp SET_POWER', 'Lamp SET_POWER'],
    ])
    expect(m.of('power.device').map(({ from, to }) => [from, to])).toEqual([
      [null, 'D3'],
      ['D3', 'D0'],
    ])
    const asleep = m.of('power.system')[0]!.seq
    const state = foldAll(m.events, asleep)
    expect(state.power).toBe('S3')
    expect(state.devnodes.find(({ service }) => service === 'Lamp')?.power).toBe('D3')
    // No packet is left behind.
    expect([...m.k.irps.all()]).toEqual([])
  })

  test('one device packet at a time is under way in a stack', () => {
    const order: string[] = []
    const held: number[] = []
    tree(
      {
        *power(d, device, irp) {
          const { type, state } = powerOf(d, irp!)
          if (type !== 1) return yield* passDown(d, device!, irp!)
          order.push(`got D${state - 1}`)
          yield* d.ddi('IoMarkIrpPending', irp!)
          held.push(irp!)
          return 0x103
        },
        others: {
          *Done(_d, _device, _minor, state) {
            order.push(`done D${state! - 1}`)
          },
        },
        majors: {
          *14(d, device, irp) {
            const pdo = pdoOf(d, device!)
            yield* d.ddi('PoRequestPowerIrp', pdo, SET, D3, d.fn('Done'), 0, null)
            yield* d.ddi('PoRequestPowerIrp', pdo, SET, D0, d.fn('Done'), 0, null)
            return yield* complete(d, irp!, 0)
          },
        },
      },
      function* (k) {
        const node = k.pnp.find('BUS\\Lamp')!
        yield* sendOwnIrp(k, node.pdo, { major: 14 })
        while (held.length === 0) yield* k.dispatcher.delay(-10n)
        order.push('release')
        const first = held.shift()!
        k.memory.setU32(first + IRP['IoStatus.Status'], 0)
        yield* k.irps.complete(first)
        while (held.length === 0) yield* k.dispatcher.delay(-10n)
      },
    )
    expect(order).toEqual(['got D3', 'release', 'done D3', 'got D0'])
  })

  test('PoRequestPowerIrp refuses what is no power packet, and gives WAIT_WAKE to be cancelled', () => {
    const results: unknown[] = []
    const m = tree(
      {
        majors: {
          *14(d, device, irp) {
            const pdo = pdoOf(d, device!)
            results.push(yield* d.ddi('PoRequestPowerIrp', pdo, 9, D3, 0, 0, null))
            return yield* complete(d, irp!, 0)
          },
        },
      },
      function* (k) {
        yield* sendOwnIrp(k, k.pnp.find('BUS\\Lamp')!.pdo, { major: 14 })
      },
    )
    expect(results).toEqual([0xc000_00f0])
    expect(m.bugCheck).toBeNull()
  })
})

/** WAIT_WAKE on the machine's own bus. */
test('a WAIT_WAKE packet waits in the bus until the machine wakes, or is cancelled', () => {
  const done: string[] = []
  let packet = 0
  const m = new TestMachine()
  pnpDriver(m, 'Lamp', {
    others: {
      *Woken(d, _device, _minor, _state, _context, iosb) {
        done.push(d.k.memory.u32(iosb!).toString(16))
      },
    },
    majors: {
      *14(d, device, irp) {
        const waiting = d.out()
        const pdo = pdoOf(d, device!)
        const status = yield* d.ddi('PoRequestPowerIrp', pdo, 0, 4, d.fn('Woken'), 0, waiting)
        done.push(`${status.toString(16)} ${waiting.value !== 0}`)
        packet = Number(waiting.value)
        return yield* complete(d, irp!, 0)
      },
    },
  })
  m.k.pnp.packages.add({ id: 'TOY\\Lamp', service: 'Lamp' })
  scenario(m, function* (k) {
    yield* k.pnp.plug('TOY\\Lamp', 'lamp')
    const { pdo } = k.pnp.find('lamp')!
    yield* sendOwnIrp(k, pdo, { major: 14 })
    yield* k.dispatcher.delay(-1000n)
    yield* k.power.change('sleep')
    yield* k.power.change('wake')
    yield* sendOwnIrp(k, pdo, { major: 14 })
    yield* k.dispatcher.delay(-1000n)
    yield* k.irps.cancel(packet)
  })
  expect(m.bugCheck).toBeNull()
  expect(done).toEqual(['103 true', '0', '103 true', 'c0000120'])
})

describe('what the verifier says', () => {
  test('VR-PWR-COMPLETED: a power packet completed by a function driver', () => {
    const driver = { power: (d: DriverApi, _device?: number, irp?: number) => complete(d, irp!, 0) }
    const m = tree(driver as never, (k) => k.power.change('sleep'), ['io'])
    expect(m.bugCheck).toMatchObject({ rule: 'VR-PWR-COMPLETED', code: 0xc9 })
    expect(m.bugCheck?.parameters[0]).toBe(0x231n)
    // Failing a query is anybody's right.
    const failing = {
      power: (d: DriverApi, device?: number, irp?: number) =>
        minorOf(d, irp!) === QUERY ? complete(d, irp!, 0xc000_0001) : passDown(d, device!, irp!),
    }
    expect(tree(failing as never, (k) => k.power.change('sleep'), ['io']).bugCheck).toBeNull()
  })

  test('VR-PWR-STUCK: a power packet that is kept for more than ten minutes ends in 0x9F', () => {
    let pdo = 0n
    const m = tree(
      {
        *power(d, device, irp) {
          pdo = d.k.memory.address(pdoOf(d, device!))
          yield* d.ddi('IoMarkIrpPending', irp!)
          return 0x103
        },
      },
      (k) => k.power.change('sleep'),
    )
    expect(m.bugCheck).toMatchObject({ code: 0x9f, parameters: [3n, pdo, 0n, expect.any(BigInt)] })
    expect(m.k.tick).toBeGreaterThanOrEqual(600 * 10_000_000)
  })
})
