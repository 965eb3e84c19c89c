import { expect, test } from 'vitest'
import { createSandbox } from './engine'
import { FAKE_ROUTINES, FakeKernel } from './testing/fake-kernel'
import { NAMES, unitOf } from './testing/units'

test('loads a driver and runs DriverEntry', async () => {
  let t = performance.now()
  const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
  console.log('first', performance.now() - t)
  t = performance.now()
  const sandbox2 = await createSandbox({ routines: FAKE_ROUTINES })
  console.log('second', performance.now() - t)
  sandbox2.dispose()
  expect(sandbox.quick).toBe(true)
  const kernel = new FakeKernel(sandbox.backing)
  const unit = sandbox.load(
    unitOf(`${NAMES}
      $x.DriverEntry = $f(1, function* DriverEntry(DriverObject, RegistryPath) {
        DriverObject.Flags = 0x12345678
        return 0xC0000001
      })`),
  )
  const driver = kernel.allocate(0x150)
  let status = 0
  kernel.play(function* (k) {
    const loaded = yield k.load(unit)
    const report = yield k.start(loaded.value, 'DRIVER_INITIALIZE', [driver, 0])
    status = report.value
  })
  const result = sandbox.run(kernel)
  expect(kernel.failures).toEqual([])
  expect(result).toBe('end')
  expect(status >>> 0).toBe(0xc0000001)
  expect(kernel.memory.u32(driver + 0x10)).toBe(0x12345678)
})
