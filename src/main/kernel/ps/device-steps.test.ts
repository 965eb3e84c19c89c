import { expect, test } from 'vitest'
import { ScenarioStep } from '../../../shared/contract/model'
import type { Kernel } from '../kernel'
import { complete, minors, pnpDriver, scenario } from '../pnp/testing'
import { TestMachine } from '../testing/machine'

/** Run the steps of a scenario beside a lamp that can be plugged in. */
function steps(...list: unknown[]): TestMachine {
  const m = new TestMachine()
  pnpDriver(m, 'Lamp', {
    majors: Object.fromEntries(
      [0, 2, 18].map((major) => [major, (d, _device, irp) => complete(d, irp!, 0)]),
    ),
  })
  m.k.pnp.packages.add({ id: 'TOY\\Lamp', service: 'Lamp' })
  return scenario(m, function* (k: Kernel) {
    const parsed = list.map((step) => ScenarioStep.parse(step))
    const process = yield* k.programs.startSteps('scenario.exe', parsed)
    yield* k.programs.exited(process)
  })
}

const requests = (m: TestMachine): unknown[] =>
  m.k.io.requests.map(({ api, status }) => [api, status])

test('devices come, restart and go, and the report says what became of it', () => {
  const m = steps(
    { do: 'plug', device: 'TOY\\Lamp', as: 'lamp' },
    { do: 'restart', device: 'lamp' },
    { do: 'unplug', device: 'TOY\\Lamp' },
    { do: 'unplug', device: 'lamp' },
  )
  expect(requests(m)).toEqual([
    ['rebalance', 0],
    ['CM_Request_Device_Eject', 0],
    ['CM_Request_Device_Eject', 0xc000_000e],
  ])
  expect(m.of('devnode.removed')).toHaveLength(1)
})

test('a name stands for the device that was plugged in last', () => {
  const m = steps(
    { do: 'plug', device: 'TOY\\Lamp', as: 'lamp' },
    { do: 'plug', device: 'TOY\\Lamp', as: 'lamp' },
    { do: 'surpriseRemove', device: 'lamp' },
    { do: 'surpriseRemove', device: 'lamp' },
    { do: 'surpriseRemove', device: 'nothing' },
  )
  expect(m.of('devnode.removed').map(({ devnode }) => devnode)).toEqual([
    'TOY\\Lamp\\0001',
    'TOY\\Lamp\\0000',
  ])
})

test('the machine sleeps and wakes; a sleeping one does not fall asleep', () => {
  const m = steps(
    { do: 'plug', device: 'TOY\\Lamp' },
    { do: 'power', to: 'hibernate' },
    { do: 'power', to: 'sleep' },
    { do: 'power', to: 'wake' },
  )
  expect(requests(m)).toEqual([
    ['SetSuspendState', 0],
    ['SetSuspendState', 0xc000_000d],
    ['SetSuspendState', 0],
  ])
  expect(m.of('power.system').map(({ to }) => to)).toEqual(['S4', 'S0'])
  expect(minors(m, 22)).toHaveLength(6)
})

test('nothing follows a shutdown', () => {
  const m = steps(
    { do: 'plug', device: 'TOY\\Lamp' },
    { do: 'shutdown' },
    { do: 'plug', device: 'TOY\\Lamp' },
  )
  expect(m.k.ended).toBe('done')
  expect(m.of('power.system').map(({ to }) => to)).toEqual(['S5'])
  expect(m.of('devnode.arrived')).toHaveLength(2)
})

test('an interface that nobody has enabled leads nowhere', () => {
  const m = steps({ do: 'openInterface', interface: '{00000000-0000-0000-0000-000000000000}' })
  expect(requests(m)).toEqual([['CreateFile', 0xc000_0034]])
})

test.each([
  { do: 'plug', device: 'Lamp' },
  { do: 'plug', device: 'TOY\\La,mp' },
  { do: 'power', to: 'S3' },
  { do: 'unplug' },
])('%j is no step', (step) => {
  expect(ScenarioStep.safeParse(step).success).toBe(false)
})
