import { expect, test } from 'vitest'
import { TestMachine } from '../testing/machine'
import { pnpDriver, scenario, minors } from './testing'

test('a device that is plugged in is identified, gets its drivers and is started', () => {
  const m = new TestMachine()
  pnpDriver(m, 'Lamp')
  m.k.pnp.packages.add({ id: 'TOY\\Lamp', service: 'Lamp', description: 'A lamp' })
  scenario(m, function* (k) {
    yield* k.pnp.plug('TOY\\Lamp', 'lamp')
  })
  expect(m.bugCheck).toBeNull()
  console.log(
    minors(m),
    m.of('devnode.state').map((e) => [e.devnode, e.to]),
  )
})
