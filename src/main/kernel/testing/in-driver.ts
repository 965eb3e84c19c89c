import type { KernelOptions } from '../options'
import type { Ptr } from '../mm/memory'
import { TestMachine, type Code, type DriverApi } from './machine'

/** Run `code` as the DriverEntry of a driver `toy` and give the machine back, ended. */
export function inDriver(
  code: (d: DriverApi, driverObject: Ptr, registryPath: Ptr) => Code,
  options: Partial<KernelOptions> & { parameters?: Record<string, number | string> } = {},
): TestMachine {
  const { parameters = {}, ...rest } = options
  const machine = new TestMachine(rest)
  machine.driver(
    'toy',
    { DriverEntry: (d, driverObject, registryPath) => code(d, driverObject!, registryPath!) },
    parameters,
  )
  machine.main(function* (k) {
    yield* k.loader.load('toy')
  })
  return machine.run()
}

/** Zeroed memory of the kernel's own. */
export function scratch(d: DriverApi, bytes: number): Ptr {
  return d.k.pool.allocate(bytes, 'Test', { system: true })
}
